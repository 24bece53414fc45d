"""Backups (contents, paths, dumps of PostgreSQL), and the rows that the check of content at rest reads."""
