"""The node's own log: statements, heads and their time stamps; and the audit rows."""
