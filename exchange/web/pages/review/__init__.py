"""Candidates, the comparison of a pair, conclusions, hits and reports."""
