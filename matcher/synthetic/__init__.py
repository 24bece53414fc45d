"""Drawn marks of known firearms, for demonstrations, tests and benchmarks. Never evidence of accuracy."""
