"""The region's side, which needs no node: verify files of reports, count each hit once, tell the figures."""
