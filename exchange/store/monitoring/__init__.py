"""What the half-yearly monitoring counts."""
