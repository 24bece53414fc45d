"""How far a focal point has come, by what its node can see."""
