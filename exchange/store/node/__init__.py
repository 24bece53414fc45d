"""Who holds the node's home, and the work that was promised."""
