"""``ffp top``: what the node does at this moment, again and again."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from exchange.cli.node_commands import Home
from exchange.cli.tables import AsJson, TableColumn, console, on_terminal, print_json, print_table, rich_table
from exchange.errors import StoreUnavailable
from exchange.home import resolve_home

if TYPE_CHECKING:
    from rich.console import RenderableType

    from exchange.flows.operate.activity import Activity

_IDLE: Final = 9
"""However short the interval, for each second of looking so many are waited: at most a tenth of one core is taken."""
_QUEUE = [
    TableColumn("queue"),
    *(TableColumn(name, number=True) for name in ("waiting", "running", "dead", "oldest due")),
]
_WORKERS = [TableColumn("worker"), TableColumn("leads"), TableColumn("seen", number=True), TableColumn("does")]
_PEERS = [
    TableColumn("peer"),
    TableColumn("state"),
    *(TableColumn(name, number=True) for name in ("answered", "behind by", "received", "clock")),
    TableColumn("alarm"),
]
_RATES = [TableColumn("in the last minute"), TableColumn("count", number=True)]


def top(
    interval: Annotated[float, typer.Option(min=0.5, max=3600, help="Seconds from one look to the next.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Watch the node, whether it runs or not: its queue with the age of the oldest job, its workers and what they do,
    its peers, what was done in the last minute, free disk. `q` or Ctrl-C ends it. Only reads, and needs no key.

    With --json one object a line for each look. Requests are counted where the setting metrics_port is set."""
    from exchange.config import load_settings
    from exchange.flows.node.node import store_of
    from exchange.flows.operate.activity import Watch

    settings = load_settings(resolve_home(home))
    store = store_of(settings)
    try:
        store.check()
        watch = Watch(settings, store)
        if once or not on_terminal():
            _print_looks(watch.look, interval, once=once, as_json=as_json)
        elif as_json:
            _print_looks(watch.look, interval, once=False, as_json=True)
        else:
            _show_live(watch.look, interval)
    except KeyboardInterrupt:
        pass  # that is how it is ended
    finally:
        store.close()


def _print_looks(look: Callable[[], Activity], interval: float, *, once: bool, as_json: bool) -> None:
    while True:
        found = look()
        if as_json:
            print_json(found, indent=2 if once else None)
        else:
            for columns, rows in _tables(found):
                named = rows if on_terminal() else [[columns[0].heading, *row] for row in rows]
                print_table(columns, named)
        sys.stdout.flush()
        if once:
            return
        time.sleep(_pause_s(found, interval))


def _show_live(look: Callable[[], Activity], interval: float) -> None:
    """On the whole terminal, which is as before afterwards. A database that is away is told, and asked again."""
    from rich.live import Live

    found = look()
    with _keys() as is_ended, Live(_screen(found), console=console(), screen=True, auto_refresh=False) as live:
        while not is_ended(_pause_s(found, interval)):
            try:
                found = look()
                live.update(_screen(found), refresh=True)
            except StoreUnavailable as error:
                live.update(str(error), refresh=True)


def _pause_s(found: Activity, interval: float) -> float:
    return max(interval, _IDLE * found.cost_ms / 1e3)


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """Gives what waits for so many seconds, and says whether `q` was pressed meanwhile."""
    import select
    import termios
    import tty

    if not sys.stdin.isatty():
        yield _wait
        return
    before = termios.tcgetattr(sys.stdin)

    def is_ended(seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([sys.stdin], [], [], left)[0]:
                typed = os.read(sys.stdin.fileno(), 1)
                if typed in (b"q", b"Q", b""):  # the last: nobody is at the other end
                    return True
        return False

    try:
        tty.setcbreak(sys.stdin)
        yield is_ended
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _screen(found: Activity) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    head = f"{found.node_id}  {found.at}  {'runs' if found.answers else 'does not answer'}"
    shown = [rich_table(columns, rows) for columns, rows in _tables(found) if rows]
    return Group(Text(head, style="bold"), *shown, Text(f"q ends; this look took {found.cost_ms:.0f} ms", style="dim"))


def _tables(found: Activity) -> list[tuple[Sequence[TableColumn], list[list[object]]]]:
    requests = "not counted" if found.requests is None else f"{found.requests:.0f}"
    disk = f"{found.disk_free_bytes / 2**30:.1f} GiB free, {found.disk_reserve_bytes / 2**30:.1f} kept"
    return [
        (
            _QUEUE,
            [[line.kind, line.waiting, line.running, line.dead, _age(line.oldest_s)] for line in found.queue],
        ),
        (
            _WORKERS,
            [
                [line.place, "leads" if line.leads else "", _age(line.seen_s), _doing(line.doing)]
                for line in found.workers
            ],
        ),
        (
            _PEERS,
            [
                [
                    line.node_id,
                    line.state,
                    _age(line.answered_s) or "never",
                    line.behind,
                    line.received,
                    "" if line.clock_ahead_s is None else f"{line.clock_ahead_s:+.0f} s{' off' * line.clock_off}",
                    "alarm" if line.alarm else "",
                ]
                for line in found.peers
            ],
        ),
        (
            _RATES,
            [
                ["records", found.records],
                ["correlations", found.correlations],
                ["queries", found.queries],
                ["requests", requests],
                ["disk", disk],
            ],
        ),
    ]


def _doing(doing: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in doing.items()) or "waits"


def _age(seconds: float | None) -> str:
    """In two figures or so: 4 s, 12 min, 3 h, 2 days."""
    if seconds is None:
        return ""
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
