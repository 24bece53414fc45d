"""Who holds the node's home, its workers, and the jobs that were promised."""
