"""Compared pairs, verification tasks, saved views, and whom to tell what is new."""
