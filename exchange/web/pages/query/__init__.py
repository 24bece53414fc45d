"""Pages of two-step queries: what was asked, and what this node is asked for."""
