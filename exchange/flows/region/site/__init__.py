"""What a public site of the region is made of: signed public files, and the folder that it is written to."""
