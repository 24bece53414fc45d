"""Who holds a node's home: one process that serves it, any number of workers, or one command that needs it at rest."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from exchange.errors import ConfigurationError
from exchange.flows.node.node import Node
from exchange.home import user_named
from exchange.store.node import lock
from exchange.trust.keys import settle_keys


@contextmanager
def served(node: Node) -> Iterator[int | None]:
    """Hold home and database for the process that serves the node, while the block runs; workers work beside it. Gives
    the generation under which others may serve with it (``Store.serve_under``); None where no others may.

    Raises ConfigurationError when another process holds either.
    """
    home = node.settings.home
    with lock.serving(home), node.store.served(f"{socket.gethostname()}:{home}") as generation:
        yield generation


def worked(node: Node) -> AbstractContextManager[None]:
    """Hold the home for one worker, beside others, while the block runs. Raises ConfigurationError when a command needs
    the node at rest."""
    return lock.working(node.settings.home)


@contextmanager
def at_rest(node: Node) -> Iterator[None]:
    """Hold the home alone while the block runs, and finish first what a change of keys left half done.

    Raises ConfigurationError when another process serves the node or works on it.
    """
    with lock.sole_server(node.settings.home):
        settle_keys(node.settings.keys, node.history.in_force, node.settings.passphrase)
        yield


def check_user(home: Path, again: str) -> None:
    """What a command writes belongs to whoever runs it: as root, and the node's user could not read it. ``again`` is
    what to type. Raises ConfigurationError."""
    owner = home.stat().st_uid
    if os.geteuid() != owner:
        user = user_named(owner)
        raise ConfigurationError(
            f"{home} belongs to {user}, and the node could not read what somebody else writes there. Run this as its "
            f"user: runuser -u {user} -- {again}"
        )
