"""Coordination of the region: what meetings agreed on, and who attended them."""
