"""Who is signed in, by passwords and codes, OIDC or tokens, and how what a person reads is written down."""
