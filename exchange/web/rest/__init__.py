"""The REST routes, each over one flow, and what they answer."""
