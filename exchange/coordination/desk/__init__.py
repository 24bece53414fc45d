"""The coordinator's commands and pages for the region's files. They need no node."""
