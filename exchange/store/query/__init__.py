"""Queries, own and received, and what they found."""
