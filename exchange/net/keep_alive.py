"""TCP keep-alive: how a line on which nobody says anything for hours is known to stand."""

from __future__ import annotations

import socket
from typing import Final

QUIET_LINE_S: Final = 240
"""After so long without a word the machine itself asks whether the other one is there; one without power, or a router
that forgot the line, is noticed two minutes later."""
KEPT_ALIVE: Final = tuple(
    (level, getattr(socket, name), value)
    for level, name, value in (
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", QUIET_LINE_S),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 30),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 4),
    )
    if hasattr(socket, name)  # not every system lets a program say how often
)
"""Options of a socket: level, name, value. Accepted connections inherit those of the socket that listens."""
