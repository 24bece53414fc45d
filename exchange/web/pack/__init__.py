"""The meeting pack in words, tables and drawings: one PDF, and a table for each section."""
