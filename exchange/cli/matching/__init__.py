"""Commands that need no node: compare, inspect, calibrate, evaluate."""
