"""The report on a pair, what it is gathered from, and the views that were saved for it."""
