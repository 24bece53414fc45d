"""Nodes as each other's witnesses: cosign heads, keep hashes, and give a node back what it lost."""
