"""The first page of each role: what it is to do, and what it watches."""
