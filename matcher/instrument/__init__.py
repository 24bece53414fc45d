"""Whether an instrument still measures as it did: a reference specimen's scan is compared with its first one.

A room of its own: nothing here is part of a score, and no score is part of it.
"""
