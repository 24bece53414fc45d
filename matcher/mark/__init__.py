"""Find the mark on a scan, free it of form and roughness, and judge its quality."""
