"""How the figures of a half-year or year are counted, approved and published in two editions."""
