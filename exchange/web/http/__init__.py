"""What HTTP asks of every route: problems, bounds, ranges, signed answers, the access log."""
