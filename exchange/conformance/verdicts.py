"""What a check ends with when the rule is not kept, or could not be tried."""

from __future__ import annotations


class NotKept(Exception):
    """The node was seen to do otherwise than the contract asks; the message is the evidence."""


class NotTried(Exception):
    """The check could not be tried; the message says why, and what would let it."""
