"""A node's report as one signed file: written, sealed for a recipient, read and verified."""
