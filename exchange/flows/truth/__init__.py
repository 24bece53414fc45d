"""Test fires of one firearm are true pairs: scored, shown, written out, and made into a model."""
