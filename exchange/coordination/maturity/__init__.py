"""How far a focal point has come: what its node proves, what an assessor answers, and which steps it took to join."""
