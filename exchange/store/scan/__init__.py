"""Scans on the disk and in the object store, by whose records they are here, and the pairs that were compared."""
