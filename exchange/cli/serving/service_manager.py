"""What the service manager is told while a node is served: that it is ready, that it lives, that it stops.

systemd names a Unix socket in ``$NOTIFY_SOCKET`` and reads one datagram for each message (sd_notify(3)). Where nobody
named one, nothing is sent.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Final

import structlog

log = structlog.get_logger(__name__)

_PARTS: Final = 3
"""So many times within the patience of a watchdog it is told that the node lives."""


class ServiceManager:
    """Takes the variables of systemd out of the environment: what this process starts has nothing to tell."""

    def __init__(self) -> None:
        address, patience = os.environ.pop("NOTIFY_SOCKET", ""), os.environ.pop("WATCHDOG_USEC", "")
        watched = os.environ.pop("WATCHDOG_PID", str(os.getpid()))
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.was_ready = False
        self.beat_s: float | None = None
        """How often a watchdog wants to hear from this process; None where there is none."""
        if self._address and patience.isdecimal() and watched == str(os.getpid()):
            self.beat_s = int(patience) / 1e6 / _PARTS

    def ready(self) -> None:
        self.was_ready = True
        self._tell("READY=1", "STATUS=The node is ready.")

    def not_ready(self, why: str) -> None:
        """Still starting, and what for."""
        self._tell(f"STATUS={' '.join(why.split())}")

    def alive(self) -> None:
        if self.beat_s is not None:
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1", "STATUS=The node stops.")

    def reloading(self) -> None:
        """``ready`` tells when that is done."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as telling:
                telling.connect(self._address)
                telling.sendall("\n".join(lines).encode())
        except OSError as error:  # the node serves all the same
            log.warning("the service manager does not hear what this node tells it", detail=str(error))
