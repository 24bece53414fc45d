"""Read a file that somebody else wrote: X3P and other formats, photographs, masks; into one canonical shape."""
