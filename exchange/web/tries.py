"""How often one address may try to get in within a minute."""

from __future__ import annotations

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from exchange.errors import TooMany

TRIES_A_MINUTE = 20


class Tries:
    """An account's own lock does not stop who tries many accounts, and no lock at all who tries tokens."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def take(self, request: Request) -> None:
        """Raises TooMany."""
        if not self._limiter.hit(
            RateLimitItemPerMinute(TRIES_A_MINUTE), request.client.host if request.client else "nobody"
        ):
            raise TooMany("Too many tries from here within a minute. Wait a minute.")
