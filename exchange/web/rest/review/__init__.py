"""Candidates, verifications and hits over REST."""
