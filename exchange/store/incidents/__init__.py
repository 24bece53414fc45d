"""The counts of the incident annex, and the annexes that were approved."""
