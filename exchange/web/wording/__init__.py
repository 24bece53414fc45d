"""Codes and figures in sentences, for pages and reports alike; and the catalogues that collect all texts."""
