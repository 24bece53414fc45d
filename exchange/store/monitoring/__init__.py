"""What the half-yearly monitoring counts, and what the levels of maturity are read from."""
