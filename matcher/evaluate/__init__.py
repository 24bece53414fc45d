"""How well the matcher does: pairs, conditions, figures, validation, and the dossier of a laboratory."""
