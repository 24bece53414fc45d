"""Bring a node's database to another schema version, up or back, after stating what that takes and what is lost."""
