"""What a hit is: one function of the set of signed statements, the same on every node."""
