"""The socket at which a node listens: bound here, or handed over by the service manager, which then holds the port
while the node is started anew."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final, Self

from exchange.errors import ConfigurationError
from exchange.net.keep_alive import KEPT_ALIVE

if TYPE_CHECKING:
    from exchange.config import Settings

BACKLOG: Final = 2048
"""So many connections may wait for the node to take them."""
_FIRST_HANDED_OVER: Final = 3  # sd_listen_fds(3)


class Listener(socket.socket):
    """asyncio takes as many connections at once as it says to ``listen`` that may wait. Of several processes at one
    socket the first to wake would take them all: the server says one, and the kernel is told another number."""

    def listen(self, backlog: int = BACKLOG, /) -> None:
        super().listen(max(backlog, BACKLOG))

    @classmethod
    def of(cls, bound: socket.socket) -> Self:
        """Takes the place of a socket."""
        return cls(fileno=bound.detach())


def listener_of(settings: Settings) -> Listener:
    """The one that the service manager handed over, else one that is bound here: before anything of the node is
    touched, so that a taken port is a sentence and nothing else. Raises ConfigurationError."""
    handed_over = _handed_over()
    listener = Listener.of(handed_over if handed_over is not None else _bound(settings))
    # an answer leaves as head and body: the body must not wait for the other side's acknowledgement of the head, which
    # comes 40 ms later on a connection that is asked again and again; accepted connections inherit this
    if listener.family != socket.AF_UNIX:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option in KEPT_ALIVE:  # who waits for news says nothing for hours, and may be gone
            listener.setsockopt(*option)
    return listener


def _handed_over() -> socket.socket | None:
    """Raises ConfigurationError for what no node can listen at."""

    count, meant_for = os.environ.pop("LISTEN_FDS", ""), os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if meant_for != str(os.getpid()) or not count.isdecimal() or int(count) == 0:
        return None
    if int(count) != 1:
        raise ConfigurationError(
            f"The service manager hands over {count} sockets; a node listens at one. Leave one line ListenStream= in "
            "its socket unit."
        )
    os.set_inheritable(_FIRST_HANDED_OVER, False)
    return socket.socket(fileno=_FIRST_HANDED_OVER)


def _bound(settings: Settings) -> socket.socket:
    from exchange.processes import listener_on, named

    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        holder = listener_on(settings.port)
        who = f": {named(holder)} has it" if holder is not None else ""
        raise ConfigurationError(
            f"Port {settings.port} on {settings.host} cannot be had ({error.strerror}{who}); set FFP_NODE_PORT to "
            "another. More says: ffp doctor"
        ) from error
