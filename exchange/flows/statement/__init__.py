"""Sign one statement, put it on the lanes of those concerned, and read the signed heads and cards of others."""
