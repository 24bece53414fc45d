"""Exhibits and their records, and drafts of those that an examiner is still entering."""
