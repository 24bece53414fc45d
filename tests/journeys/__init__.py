"""Whole days of casework on two nodes: one script of facts, lived by pages and again by REST."""
