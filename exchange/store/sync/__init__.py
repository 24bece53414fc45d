"""Peers and their lanes, what each takes of this node, and what was set aside."""
