"""Checks of instruments on reference specimens: made, kept as series, drawn, and named by records."""
