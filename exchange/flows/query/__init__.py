"""A query in two steps: ask and search, then ask for what was found and release it."""
