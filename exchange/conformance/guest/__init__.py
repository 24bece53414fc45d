"""The guest of one run: a peer that can lie, with keys, records and poison of its own."""
