"""People, their sign-ins and sessions, and the tokens of programs."""
