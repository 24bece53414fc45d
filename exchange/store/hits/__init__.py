"""Pairs that hits join, and how far each is."""
