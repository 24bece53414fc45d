"""Backups: what one consists of, and which paths it may bring."""
