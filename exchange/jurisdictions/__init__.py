"""Which jurisdictions there are: their names, footnotes, languages and clocks, as data."""
