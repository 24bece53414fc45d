"""Exhibits that an examiner is still entering, and their files."""
