"""``ffp watch``: a folder into which an acquisition station drops scans."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.acting import Acting, maker_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import opened_here
from exchange.cli.tables import AsJson, print_json
from exchange.errors import ExchangeError, InfrastructureAway
from exchange.home import resolve_home

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from exchange.flows.entry.watch.file_outcome import Dropped
    from exchange.flows.entry.watch.folder_standing import StandingFile
    from exchange.flows.entry.watch.take_round import FolderWatch

AWAY_AGAIN_S = 15.0
"""How soon a folder, a database or an object store that is away is tried again."""
COUNTED_S = 600.0
"""How often it is counted what lies in refused/."""


def watch(
    folder: Annotated[Path, typer.Argument(help="Where the station drops its scans; a share, too.")],
    acting: Acting,
    mapping: Annotated[
        str | None, typer.Option("--map", help="Their columns and values: a TOML file, or the built-in nbtrd.")
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(help="What the name of a file states, as {case_reference}_{exhibit?}_{roi}_{number}.")
    ] = None,
    retain_until: Annotated[
        str | None, typer.Option(help="Where nothing says until when a record is kept: YYYY-MM-DD.")
    ] = None,
    settle: Annotated[float, typer.Option(min=0, max=3600, help="Seconds for which a file must be unchanged.")] = 10,
    exhibit_wait: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds after the last scan of an exhibit that several make.")
    ] = 60,
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks.")] = 5,
    once: Annotated[bool, typer.Option("--once", help="Take what is there, and end.")] = False,
    journal: Annotated[
        Path | None, typer.Option(help="Leave the files where they are; write here what became of each.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Submit what is dropped into a folder: each scan is taken once, or refused in words. Scans are moved to taken/ or
    refused/ in it. Ends cleanly on Ctrl-C or SIGTERM; after SIGTERM `ffp status` expects that it is started again. With
    --once exit code 1: some were refused."""
    import signal
    import threading

    from exchange.cli.logs import configure_logs
    from exchange.config import load_settings
    from exchange.flows.entry.import_table import read_mapping
    from exchange.flows.entry.watch.file_outcome import DropOutcome
    from exchange.flows.entry.watch.folder_standing import StandingFile
    from exchange.flows.entry.watch.name_pattern import NamePattern
    from exchange.flows.entry.watch.places import Journal, MovedAside
    from exchange.flows.entry.watch.stated_in_file import Stating
    from exchange.flows.entry.watch.take_round import FolderWatch, Waits
    from exchange.flows.entry.watch.watched_folder import watched

    node_home, place = resolve_home(home), folder.expanduser().resolve()
    configure_logs(load_settings(node_home).log_format)
    columns = read_mapping(mapping)
    template = None if pattern is None else NamePattern.of(pattern, columns)
    if template is not None and not as_json:
        left_out = [part.name for part in template.places if part.column is None]
        typer.echo("pattern: " + ", ".join(f"{part.name} is {part.column}" for part in template.places if part.column))
        typer.echo(f"left out: {', '.join(left_out) or 'nothing'}")
    ending, counted = threading.Event(), Counter[str]()

    def tell(told: Dropped) -> None:
        counted[told.outcome] += 1
        _tell(told, as_json=as_json)

    def end(number: int, _frame: object) -> None:
        ended_by.append(number)
        ending.set()

    ended_by: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    defaults = {} if retain_until is None else {"retention_until": retain_until}

    def begin(stopping: Callable[[], bool]) -> FolderWatch:
        """Not before it is known that somebody may submit: nothing is made in a folder that nobody watches."""
        return FolderWatch(
            place,
            Stating(columns, defaults, template),
            Waits(settle, exhibit_wait, once),
            Journal(journal) if journal is not None else MovedAside(place),
            tell=tell,
            stopping=stopping,
        )

    with watched(node_home, place):
        if once:
            waiting = _once(node_home, lambda: begin(ending.is_set), acting, settle)
            if not as_json:
                counts = [f"{counted[outcome]} {outcome}" for outcome in DropOutcome if counted[outcome]]
                typer.echo("; ".join([*counts, *([f"{waiting} waiting"] if waiting else [])]) or "no scan")
            raise typer.Exit(1 if counted[DropOutcome.REFUSED] else 0)
        standing = StandingFile(node_home, place)

        def stopping() -> bool:
            standing.alive()
            return ending.is_set()

        _go_on(node_home, lambda: begin(stopping), standing, acting, every, ending)
        if ended_by == [signal.SIGINT]:
            standing.forget()


def _once(home: Path, begin: Callable[[], FolderWatch], acting: str, settle: float) -> int:
    from exchange.flows.node.node import opened
    from schemas.vocabulary import Role

    with opened(home) as node:
        maker_of(node, acting, Role.EXAMINER)
        looking = begin()
        if looking.look():
            time.sleep(settle)
        return looking.round(node, partial(maker_of, node, acting, Role.EXAMINER))


def _go_on(
    home: Path,
    begin: Callable[[], FolderWatch],
    standing: StandingFile,
    acting: str,
    every: float,
    ending: threading.Event,
) -> None:
    """Round after round. What is away is told once and tried again, with the node opened anew: its keys may have been
    replaced meanwhile. How it stands is written down for whoever looks after the node, what ends it too."""
    from schemas.vocabulary import Role

    told, looking = _once_each(), None
    refused, count_at = (0, ""), 0.0
    while not ending.is_set():
        try:
            with opened_here(home) as node:
                maker_of(node, acting, Role.EXAMINER)
                looking = looking or begin()
                while not ending.is_set():
                    looking.round(node, partial(maker_of, node, acting, Role.EXAMINER))
                    if time.monotonic() >= count_at:
                        refused, count_at = looking.refused(), time.monotonic() + COUNTED_S
                    told("")
                    standing.good(looking.fault, *refused)
                    ending.wait(every)
        except (InfrastructureAway, OSError) as error:
            told(f"ffp: {error}. Nothing is lost; tried again.")
            standing.failed(str(error))
            ending.wait(min(every, AWAY_AGAIN_S) if isinstance(error, OSError) else AWAY_AGAIN_S)
        except ExchangeError as error:
            standing.failed(str(error))
            raise


def _once_each() -> Callable[[str], None]:
    """A fault is told when it begins, not each time it is met."""
    last = ""

    def tell(fault: str) -> None:
        nonlocal last
        if fault and fault != last:
            typer.echo(fault, err=True)
        last = fault

    return tell


def _tell(told: Dropped, *, as_json: bool) -> None:
    if as_json:
        print_json(told, indent=None)
        return
    record = f"  record {told.statement_id}" if told.statement_id else ""
    typer.echo(f"{told.outcome}: {told.shown}{record}")
    for line in told.why:
        typer.echo(f"  {line}")
    if told.doubts:
        typer.echo(f"  may tell of a person: {told.doubts}")
