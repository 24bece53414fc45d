"""``ffp log``, ``ffp audit``, ``ffp verify``: hold what is here against what was signed."""
