"""How far a focal point has come by what its node shows; the signed snapshot of each half-year."""
