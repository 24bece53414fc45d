"""Who holds a node's home: one process that serves it, any number of workers, or one command that needs it at rest."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from exchange.flows.node.node import Node
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
