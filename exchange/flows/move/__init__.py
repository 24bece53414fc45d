"""Move a node that stands still from SQLite to PostgreSQL, or back."""
