"""A region to practise in: six nodes in one folder that stay, with people to be and exhibits that come in slowly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path

import httpx
from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from exchange.demo.deal import DealtScan, deal_synthetic, jurisdiction_name
from exchange.demo.processes import LEGAL_BASIS, DemoNode, make_node
from exchange.demo.run import stoppable
from exchange.errors import ConfigurationError, ExchangeError
from exchange.flows.access.sign_in import invite_user
from exchange.flows.access.users import add_users, all_users
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import opened
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction, Role

REGION = (
    Jurisdiction.AL,
    Jurisdiction.BA,
    Jurisdiction.XK,
    Jurisdiction.ME,
    Jurisdiction.MK,
    Jurisdiction.RS,
)
PEOPLE = (
    ("examiner-1", Role.EXAMINER),
    ("examiner-2", Role.EXAMINER),
    ("investigator-1", Role.INVESTIGATOR),
    ("head-1", Role.HEAD),
    ("operator-1", Role.OPERATOR),
    ("auditor-1", Role.AUDITOR),
)
FIREARMS = 20
SEED = 1
_LOOK_S = 1.0
_WHOLE = "region.json"
ABOUT_PEOPLE = (
    "Everybody here is made up. Each line is one person's invitation: open it, choose a password, and scan the code",
    "with an authenticator. It works once, for three days; then `ffp user invite NAME --home FOLDER/ffp-xx` gives",
    "another.",
    "",
)


def run_training(folder: Path, *, first_port: int, every_s: float) -> int:
    """Make the region in ``folder`` when it is empty, start it, and feed it until Ctrl-C; the next time it goes on.

    Raises ConfigurationError where the folder holds something else.
    """
    console = Console()
    console.rule("Six Firearms Focal Points to practise with")
    console.print(
        "[bold]SYNTHETIC DATA[/bold]: drawn breech faces of made-up firearms, made-up cases, nobody's evidence.",
        highlight=False,
    )
    with stoppable() as go_on:
        nodes: list[DemoNode] = []
        try:
            nodes, waiting = _made(folder, first_port, console)
            with console.status("Starting six nodes"):
                for node in nodes:
                    node.start()
                for node in nodes:
                    go_on()
                    node.wait_ready()
            console.print(f"Who you can be, and how each signs in: {folder / 'people.txt'}", highlight=False)
            console.print("Ctrl-C ends the nodes and keeps all; `rm -r` of the folder removes it.", highlight=False)
            console.print(KOSOVO_FOOTNOTE, style="dim", highlight=False)
            _feed(nodes, waiting, every_s, console, go_on)
        except KeyboardInterrupt:
            console.print("\nStopping the nodes.")
        finally:
            with ThreadPoolExecutor() as pool:
                list(pool.map(DemoNode.stop, nodes))
    return 0


def _made(folder: Path, first_port: int, console: Console) -> tuple[list[DemoNode], list[DealtScan]]:
    """The nodes as they are in the folder, and the exhibits in the order in which they come."""
    whole = folder / _WHOLE
    if not whole.is_file():
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise ConfigurationError(
                f"{folder} holds something else, or a region that was not made to its end. Name an empty folder."
            )
        with console.status("Making six nodes and drawing sixty exhibits: once, about a minute"):
            _make(folder, first_port)
    made = json.loads(whole.read_text(encoding="utf-8"))
    nodes = [
        DemoNode(
            jurisdiction=Jurisdiction(name),
            home=folder / f"ffp-{name.lower()}",
            url=kept["url"],
            fingerprint=kept["fingerprint"],
            tokens={Role(role): token for role, token in kept["tokens"].items()},
        )
        for name, kept in made["nodes"].items()
    ]
    exhibits = [
        DealtScan(folder / "scans" / scan, Jurisdiction(name), case_reference, firearm)
        for scan, name, case_reference, firearm in made["exhibits"]
    ]
    return nodes, exhibits


def _make(folder: Path, first_port: int) -> None:
    scans = folder / "scans"
    scans.mkdir(parents=True)
    folder.chmod(0o700)
    nodes = [make_node(jurisdiction, folder, port=first_port + number) for number, jurisdiction in enumerate(REGION)]
    (folder / "people.txt").touch(mode=0o600)
    (folder / "people.txt").write_text("\n".join([*ABOUT_PEOPLE, *map(_people_of, nodes), KOSOVO_FOOTNOTE, ""]))
    _enrol(nodes)
    dealt = deal_synthetic(scans, SEED, firearms=FIREARMS, jurisdictions=REGION)
    made = {
        "nodes": {
            node.jurisdiction: {"url": node.url, "fingerprint": node.fingerprint, "tokens": node.tokens}
            for node in nodes
        },
        "exhibits": [(scan.path.name, scan.jurisdiction, scan.case_reference, scan.firearm) for scan in dealt],
    }
    part = folder / "region.part"
    part.touch(mode=0o600)
    part.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    part.replace(folder / _WHOLE)  # last: with it the region is whole


def _people_of(made: DemoNode) -> str:
    """A page's lines: where each of its people is invited to choose a password."""
    lines = [f"{jurisdiction_name(made.jurisdiction)}: {made.url}/app/"]
    with opened(made.home) as node:
        there = {user.pseudonym for user in all_users(node)}
        add_users(node, {pseudonym: role for pseudonym, role in PEOPLE if pseudonym not in there})
        lines += [f"    {pseudonym:<16}{invite_user(node, pseudonym)}" for pseudonym, _ in PEOPLE]
    return "\n".join([*lines, ""])


def _enrol(nodes: list[DemoNode]) -> None:
    """Each with each, from cards in files: nothing runs yet."""
    with ExitStack() as stack:
        both = [(made, stack.enter_context(opened(made.home))) for made in nodes]
        for (_, reader), (made, other) in permutations(both, 2):
            introduction = read_introduction(reader, other.card_envelope.raw)
            enrol(reader, introduction, confirmed=made.fingerprint, legal_basis=LEGAL_BASIS)


def _feed(
    nodes: list[DemoNode], exhibits: list[DealtScan], every_s: float, console: Console, go_on: Callable[[], None]
) -> None:
    """An exhibit now and then, from whichever jurisdiction's turn it is, and what each node makes of all; until
    somebody ends it."""
    by_jurisdiction = {node.jurisdiction: node for node in nodes}
    coming, next_at = list(exhibits), time.monotonic()
    with Live(_table(nodes), console=console, auto_refresh=False) as shown:
        while True:
            go_on()
            if coming and time.monotonic() >= next_at:
                scan = coming.pop(0)
                try:
                    again = by_jurisdiction[scan.jurisdiction].submit(scan, audience=REGION).again
                except (ExchangeError, httpx.TransportError) as error:  # somebody practises with that node, too
                    console.print(f"{scan.case_reference} was not taken: {error}", highlight=False)
                else:
                    if again:
                        continue
                    left = f"{len(coming)} of {len(exhibits)} exhibits are still to come"
                    console.print(f"{scan.case_reference} came; {left}.", highlight=False)
                next_at = time.monotonic() + every_s
            shown.update(_table(nodes), refresh=True)
            time.sleep(_LOOK_S)


def _table(nodes: list[DemoNode]) -> Table:
    table = Table(box=box.SIMPLE)
    for heading in ("Firearms Focal Point", "pages"):
        table.add_column(heading, no_wrap=True)
    for heading in ("records", "correlated", "waiting"):
        table.add_column(heading, justify="right", min_width=len(heading))
    for node in nodes:
        pages = f"{node.url.removeprefix('http://')}/app/"
        try:
            status = node.get("/v1/status", Role.OPERATOR)
        except httpx.HTTPError:
            table.add_row(jurisdiction_name(node.jurisdiction), pages, "silent", "", "")
            continue
        states = status["acquisitions"]
        done = states.get("correlated", 0)
        table.add_row(
            jurisdiction_name(node.jurisdiction),
            pages,
            str(status["records"]),
            str(done),
            str(sum(states.values()) - done),
        )
    return table
