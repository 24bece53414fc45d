"""The database itself, on SQLite or on PostgreSQL: sessions, column types, its schema version."""
