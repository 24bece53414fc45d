"""One report of the region from the files of its nodes."""
