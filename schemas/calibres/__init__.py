"""The calibres that a record may name, as data: one table for each kind, and the pairs that one firearm may fire."""
