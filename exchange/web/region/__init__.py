"""The regional report in words, tables and drawings, and the desk of a coordinator who has no node."""
