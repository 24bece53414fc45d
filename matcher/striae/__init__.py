"""Striated marks: the profile, its comparison, its congruent segments, its ranking."""
