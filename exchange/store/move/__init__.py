"""A node's rows from one database to another, and the marks that keep two databases from serving one log."""
