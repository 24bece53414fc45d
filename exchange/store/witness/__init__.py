"""Cosignatures, what peers were shown, and what is kept to be given back."""
