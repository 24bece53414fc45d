"""Examine a node, whether it runs or not: what is wrong with it, of which cause, and the next step."""
