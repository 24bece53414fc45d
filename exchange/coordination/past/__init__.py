"""Half-years that are over, simulated for training."""
