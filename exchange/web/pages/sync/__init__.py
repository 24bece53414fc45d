"""Pages of partners: who they are, and how far each has read."""
