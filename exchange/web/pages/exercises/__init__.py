"""Exercises on made-up exhibits, on nodes to practise with; on every other node where these are."""
