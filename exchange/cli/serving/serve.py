"""Serve a node: in this process, or in several under a supervisor."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from exchange.cli.opening import opened_here
from exchange.cli.serving.forking import empty_counts
from exchange.cli.serving.http_server import HttpServer
from exchange.cli.serving.listener import Listener, listener_of
from exchange.cli.serving.memory import keep_what_is_here
from exchange.cli.serving.service_manager import ServiceManager
from exchange.cli.serving.supervisor import SHOWN_S, ProcessSupervisor, ProcessTask, SupervisorLink
from exchange.config import Settings
from exchange.errors import ConfigurationError
from exchange.flows.log.leftovers import clear_leftovers
from exchange.flows.node.node import Node, open_node
from exchange.flows.operate.home_lock import served
from exchange.trust.keys import settle_keys
from exchange.web.app import create_app
from exchange.web.mail_text import letters_of
from exchange.web.metrics import metrics_served
from exchange.worker import Worker

log = structlog.get_logger(__name__)


def serve_alone(home: Path, *, works: bool) -> None:
    """In this process, until a signal ends it."""
    manager = ServiceManager()
    with (
        opened_here(home) as node,
        served(node),
        listener_of(node.settings) as listener,
        metrics_served(node),
    ):
        settle_keys(node.settings.keys, node.history.in_force, node.settings.passphrase)
        signal.signal(signal.SIGHUP, lambda *_: _nothing_to_replace(manager))
        server = HttpServer(node, create_app(node, works=works), manager, beat_s=manager.beat_s, may_leave=False)
        _run(node, server, listener)


def serve_by_several(home: Path, *, works: bool, processes: int) -> None:
    """In so many processes that answer, and one more for the node's own work, until a signal ends them all. Raises
    ConfigurationError where a node cannot be served so, and SystemExit when its processes could not go on."""
    manager = ServiceManager()
    with opened_here(home) as node, served(node) as generation, listener_of(node.settings) as listener:
        if generation is None:
            raise ConfigurationError(
                "A node on SQLite is served by one process: leave out --processes, or give the node a database of "
                "PostgreSQL (deploy/README.md, PostgreSQL)."
            )
        settle_keys(node.settings.keys, node.history.in_force, node.settings.passphrase)
        clear_leftovers(node)
        empty_counts()
        node.store.disconnect()  # a connection that two processes have is of no use to either
        sharing = partial(_opened_beside, home, node.settings, processes + 1)
        answer = partial(_answer, sharing, generation, listener, processes)
        tasks = [ProcessTask(f"answers {number + 1}", answer) for number in range(processes)]
        if works or node.settings.metrics_port is not None:
            work = partial(_work, sharing, generation, works, os.getpid())
            tasks.append(ProcessTask("works", work, serves=False))
        if not ProcessSupervisor(tasks, manager).run():
            raise SystemExit(1)


def _opened_beside(home: Path, held: Settings, processes: int) -> Node:
    """The node as its settings say by now, but for what the supervisor holds: the database, and the port of metrics,
    for which counts have been kept since the start. Raises ConfigurationError."""
    node = open_node(home, passphrase=held.key_passphrase, processes=processes)
    if node.settings.database_url != held.database_url:
        node.close()
        raise ConfigurationError(
            "The settings name another database than the one that is served. A reload takes no other one: restart the "
            "node (systemctl restart ffp), or set database_url as it was."
        )
    return replace(node, settings=node.settings.model_copy(update={"metrics_port": held.metrics_port}))


def _answer(
    sharing: Callable[[], Node], generation: int, listener: Listener, processes: int, link: SupervisorLink
) -> None:
    """One of the processes that answer."""
    node = sharing()
    try:
        node.store.serve_under(generation)
        app = create_app(node, works=False, processes=processes)
        server = HttpServer(node, app, link, beat_s=SHOWN_S, may_leave=True)
        server.end_with(link.parent)
        _run(node, server, listener)
    finally:
        node.close()


def _work(sharing: Callable[[], Node], generation: int, works: bool, supervisor: int, link: SupervisorLink) -> None:
    """The process that does the node's own work, where it ``works``, and tells its operator's instruments of all."""
    node = sharing()
    try:
        node.store.serve_under(generation)
        ending = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ending.set())
        os.chdir(node.settings.home)
        threading.Thread(target=_end_with, args=(link.parent, ending), name="supervisor-watch", daemon=True).start()
        worker = Worker(node, letters_of(node)) if works else None
        with metrics_served(node, supervisor=supervisor):
            if worker is not None:
                worker.start()
            try:
                link.ready()
                keep_what_is_here()
                while not ending.wait(SHOWN_S):
                    link.alive()
            finally:
                if worker is not None:
                    worker.stop()
    finally:
        node.close()


def _end_with(parent: int, ending: threading.Event) -> None:
    os.set_blocking(parent, True)
    os.read(parent, 1)  # nobody writes: it returns when the supervisor is gone
    ending.set()


def _run(node: Node, server: HttpServer, listener: Listener) -> None:
    # the server raises the signal again when it has stopped; by default that would end the process on the spot, with
    # the node's worker processes left behind
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    os.chdir(node.settings.home)  # workers start in the current folder, which need not be one they may enter
    server.run(sockets=[listener])


def _stop(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _nothing_to_replace(manager: ServiceManager) -> None:
    log.warning("nothing was replaced: one process serves this node. Settings are read anew by a restart")
    if manager.was_ready:
        manager.reloading()
        manager.ready()
