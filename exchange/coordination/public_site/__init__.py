"""The region's public pages, written from signed files."""
