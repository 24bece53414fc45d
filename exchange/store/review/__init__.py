"""Verification tasks, saved views, and whom to tell what is new."""
