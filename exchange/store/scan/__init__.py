"""Scans on the disk and in the object store, and by whose records they are here."""
