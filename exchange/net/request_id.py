"""The number under which one request is followed through the logs of several nodes.

It travels in a header of its own, which no signature covers: it says which lines belong together and proves nothing.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from structlog.contextvars import get_contextvars

HEADER: Final = "X-Request-ID"
FIELD: Final = "request_id"
"""What logs call it."""
_FORM: Final = re.compile(r"[0-9a-f]{32}")


def new_request_id() -> str:
    return secrets.token_hex(16)


def taken(sent: str | None) -> str:
    """What the caller sent where it has the form of these numbers, else a new one: nothing else of a stranger's comes
    into the log."""
    return sent if sent is not None and _FORM.fullmatch(sent) else new_request_id()


def passed_on() -> dict[str, str]:
    """The header for a request to a peer; empty where nothing is being followed."""
    found = get_contextvars().get(FIELD)
    return {HEADER: found} if isinstance(found, str) else {}
