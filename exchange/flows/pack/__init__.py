"""The meeting pack: what the local and the regional meetings of a half-year read, made at a node or from files."""
