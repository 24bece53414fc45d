"""Hold what lies here against what was signed: the log, the rows made of it, and the scans."""
