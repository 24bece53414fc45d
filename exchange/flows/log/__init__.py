"""The node's own log: its start, its heads, their time stamps and publication, and what peers were shown of it."""
