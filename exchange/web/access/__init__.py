"""Who asks: a person with a token, or a peer whose request is signed; how often, and how many at once."""
