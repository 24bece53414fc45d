"""One scan, or two: inspect it, prepare it, correlate it, draw it."""
