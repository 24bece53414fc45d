"""Who is signed in: passwords and codes, OIDC, tokens."""
