"""The database itself, on SQLite or on PostgreSQL: sessions, column types, the form it has."""
