"""``ffp init``, ``ffp serve``, ``ffp worker``, ``ffp status``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from exchange.cli.opening import node_at, opened_here
from exchange.cli.serving.memory import GIVE_BACK_S, give_back_memory, keep_what_is_here
from exchange.cli.tables import AsJson, print_facts, print_json
from exchange.errors import ConfigurationError
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.operate.recovery import Recovery

Home = Annotated[Path | None, typer.Option(help="The node's folder. Default: $FFP_NODE_HOME, else /var/lib/ffp.")]


def init(
    jurisdiction: Annotated[
        str,
        typer.Option(
            help="AL, BA, ME, MD, MK, RS, UA or XK, or one that the trust root or jurisdictions.json in the home names."
        ),
    ],
    url: Annotated[str, typer.Option(help="Where peers will reach this node, e.g. https://ffp.example:8440")],
    home: Home = None,
    node_id: Annotated[str | None, typer.Option(help="Default: ffp- and the jurisdiction, e.g. ffp-rs.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on. Default: the port of the URL, else 8440.")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            help="An empty database of PostgreSQL: postgresql+psycopg://user@host/database. Default: SQLite in the "
            "folder. Others on this machine can read a command line: with a password in it, set FFP_NODE_DATABASE_URL."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a new node: folders, settings, keys, database and log."""
    from exchange.flows.node.jurisdictions import checked_jurisdictions
    from exchange.flows.node.node import create_node, unknown_here
    from exchange.trust.card import fingerprint
    from exchange.trust.key_files import is_encrypted

    folder = resolve_home(home)
    directory = checked_jurisdictions(folder)
    if jurisdiction.upper() not in directory:
        raise ConfigurationError(unknown_here(jurisdiction, directory, folder))
    known = directory.asked(jurisdiction)
    try:
        named = urlsplit(url).port
    except ValueError as error:
        raise ConfigurationError(f"{url} is no address: {error}.") from error
    card = create_node(
        folder,
        jurisdiction=known,
        url=url,
        node_id=node_id,
        port=port or named or 8440,
        database_url=database_url,
    )
    encrypted = is_encrypted(folder / "keys")
    if as_json:
        made = {"node_id": card.issuer, "jurisdiction": known, "home": folder, "keys_encrypted": encrypted}
        print_json({**made, "fingerprint": fingerprint(card.identity)})
        return
    typer.echo(f"Node {card.issuer} of {directory.name(known)} is ready in {folder}.")
    kept = (
        "encrypted with the passphrase that the settings give; without it they are lost"
        if encrypted
        else "NOT encrypted, since no passphrase was given: ffp key encrypt does so"
    )
    typer.echo(f"Its private keys are {kept}.")
    typer.echo(f"Its fingerprint, to read out by telephone:\n\n    {fingerprint(card.identity)}\n")
    typer.echo("Next: ffp user add NAME --role examiner, then ffp serve.")
    for footnote in directory.footnotes([known]):
        typer.echo(footnote)


def serve(
    home: Home = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Answer only; the node's work is done by `ffp worker`.")
    ] = False,
    processes: Annotated[
        int,
        typer.Option(min=1, max=8, help="How many processes answer, beside one that works. On PostgreSQL alone."),
    ] = 1,
) -> None:
    """Serve the node: REST for its users and peers, and the worker inside. Ends cleanly on Ctrl-C or SIGTERM. Asks for
    the passphrase of encrypted keys when no setting gives it. On SIGHUP several processes are replaced one after the
    other, with the settings as they are then."""
    from exchange.cli.logs import configure_logs
    from exchange.cli.serving.forking import prepare_to_fork
    from exchange.config import load_settings

    folder = resolve_home(home)
    settings = load_settings(folder)
    configure_logs(settings.log_format)
    if processes > 1:
        prepare_to_fork(settings)
    from exchange.cli.serving.serve import serve_alone, serve_by_several

    if processes > 1:
        serve_by_several(folder, works=not no_worker, processes=processes)
    else:
        serve_alone(folder, works=not no_worker)


_LOOK_S = 1.0
"""So often the main thread looks whether it is to end: a signal that another thread took does not wake it."""


def worker(home: Home = None) -> None:
    """Do the node's work: sign heads, pull from peers, fetch scans, correlate, erase. Any number of these run beside
    `ffp serve`, in the same folder; one of them leads. Ends cleanly on Ctrl-C or SIGTERM, and what it had not done is
    done by another."""
    import signal
    import threading

    from exchange.cli.logs import configure_logs
    from exchange.cli.serving.service_manager import ServiceManager
    from exchange.config import load_settings
    from exchange.flows.operate.home_lock import worked
    from exchange.web.mail_text import letters_of
    from exchange.worker import Worker

    folder = resolve_home(home)
    configure_logs(load_settings(folder).log_format)
    manager = ServiceManager()
    with opened_here(folder) as node, worked(node):
        ending = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ending.set())
        os.chdir(node.settings.home)
        work = Worker(node, letters_of(node))
        work.start()
        manager.ready()
        keep_what_is_here()
        try:
            given_back_at = time.monotonic()
            while not ending.wait(_LOOK_S):
                if time.monotonic() - given_back_at >= GIVE_BACK_S:
                    give_back_memory()
                    given_back_at = time.monotonic()
        finally:
            manager.stopping()
            work.stop()


def status(home: Home = None, as_json: AsJson = False) -> None:
    """What this node holds, and what still waits. Exit code 1 while this node signs nothing."""
    from exchange.flows.operate.status import held_alarms, node_status

    with node_at(home) as node:
        found, stamps_wanted = node_status(node), node.authority is not None
        alarms = [*found.alarms, *held_alarms(node)]
    if as_json:
        print_json({**vars(found), "alarms": alarms})
        raise typer.Exit(0 if found.signs else 1)
    stamps = "none yet" if stamps_wanted else "none wanted (setting timestamp_url)"
    kept = "all is what was signed" if not found.altered else f"{len(found.altered)} not what was signed: ffp log check"
    facts = {
        "records": str(found.records),
        "scans": _by_state(found.acquisitions),
        "candidates": str(found.candidates),
        "galleries": "; ".join(gallery.in_words for gallery in found.galleries) or "none is made yet",
        "waiting work": _by_state(found.jobs),
        "log": f"{found.log_size} statements, head signed at {found.signed_size}",
        "time stamp": f"of the head at {found.stamped_size}, {found.stamped_at}" if found.stamped_at else stamps,
        "content at rest": f"{kept} ({found.checked_at})" if found.checked_at else "not read again yet",
        "last backup": _backup(found.recovery),
        "last verified restore": _restore(found.recovery),
        "cosigned by": ", ".join(f"{peer} at {size}" for peer, size in found.witnesses.items()) or "nobody",
    }
    print_facts([*facts.items(), *(("alarm", alarm) for alarm in alarms)], title=f"Node {found.node_id}")
    raise typer.Exit(0 if found.signs else 1)


def _backup(found: Recovery) -> str:
    if found.backup is None:
        return "none is known"
    size = "" if found.backup.bytes is None else f", {found.backup.bytes / 2**20:.1f} MiB"
    return f"{found.backup.made_at}{size}"


def _restore(found: Recovery) -> str:
    return "none" if found.verified is None else f"{found.verified.at}, of {found.verified.backup}"


def _by_state(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
