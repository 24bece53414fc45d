"""A watched folder: what an acquisition station drops is taken once, or refused in words."""
