"""Scores of test fires whose firearms are known, as rows."""
