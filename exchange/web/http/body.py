"""Read the body of a request into memory, bounded in size and time."""

from __future__ import annotations

import anyio
from starlette.requests import ClientDisconnect, Request

from exchange.errors import InvalidInput, TooLarge


async def read_body(request: Request, most: int, *, within_s: float | None = None) -> bytes:
    """Raises TooLarge as soon as there are more than ``most`` bytes; InvalidInput, code "broken-off", where the sender
    disconnects or takes longer than ``within_s``."""
    body = bytearray()
    try:
        with anyio.fail_after(within_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most:
                    raise TooLarge(f"At most {most} bytes are taken here.")
    except ClientDisconnect as error:
        raise InvalidInput("The sender broke off; send this again.", code="broken-off") from error
    except TimeoutError as error:
        raise InvalidInput(f"The body did not arrive in {within_s} s; send this again.", code="broken-off") from error
    return bytes(body)
