"""How an exhibit gets in: by the registration page, by REST, or from another system's files."""
