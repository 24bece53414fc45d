"""Audit rows, and the time stamps of the own log's heads."""
