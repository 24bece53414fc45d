"""The coordinator's commands and pages for the files of the region, without a node."""
