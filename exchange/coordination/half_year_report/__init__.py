"""The report of a half-year on the page, on paper, as CSV and from the command line."""
