"""A region to practise in: six nodes in one folder that stay, with people to be and exhibits that come in slowly; and
further ones, from the start or later."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from exchange.coordination.exercises.draw_set import draw_set
from exchange.coordination.exercises.exercise_folder import list_sets, make_folder, put_set
from exchange.coordination.exercises.exercise_vocabulary import ExerciseAudience
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.training.make_past import ROOT_FOLDER, TRUTH_FILE, halves_to_simulate, make_past
from exchange.demo.deal import DealtScan, deal_synthetic, jurisdiction_name
from exchange.demo.demo_processes import SILENT, DemoNode, enrol_and_share, make_node
from exchange.demo.run import stoppable
from exchange.errors import ConfigurationError, ExchangeError
from exchange.flows.access.sign_in import invite_user
from exchange.flows.access.users import add_users, all_users
from exchange.flows.keys.enrol import read_introduction
from exchange.flows.node.node import Node, opened
from exchange.flows.terms.terms import policy_of
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
EXERCISES = "exercises"
PRACTICE_SEED = "practice"
_WHOLE = "region.json"
_SCANS = "scans"
_JOINING = "joining"
_CAME = "idempotency-key-reused"
"""It came when fewer jurisdictions were there to have it."""
ABOUT_PEOPLE = (
    "Everybody here is made up. Each line is one person's invitation: open it, choose a password, and scan the code",
    "with an authenticator. It works once, for three days; then `ffp user invite NAME --home FOLDER/ffp-xx` gives",
    "another.",
    "",
)


def run_training(
    folder: Path, *, first_port: int, every_s: float, further: Sequence[Jurisdiction] = (), half_years: int = 0
) -> int:
    """Make the region in ``folder`` when it is empty, start it, and feed it until Ctrl-C; the next time it goes on.
    ``further`` jurisdictions have a node too; where the region is there already they join it, without exhibits.
    ``half_years``: so many that are over the six nodes have behind them, when the region is made.

    Raises ConfigurationError where the folder holds something else; InvalidInput.
    """
    halves = halves_to_simulate(half_years) if half_years else []
    console = Console()
    console.rule("Firearms Focal Points to practise with")
    console.print(
        "[bold]SYNTHETIC DATA[/bold]: drawn breech faces of made-up firearms, made-up cases, nobody's evidence.",
        highlight=False,
    )
    with stoppable() as go_on:
        nodes: list[DemoNode] = []
        try:
            nodes, waiting = _made(folder, first_port, further, halves, console)
            with console.status(f"Starting {len(nodes)} nodes"):
                for node in nodes:
                    node.start()
                for node in nodes:
                    go_on()
                    node.wait_ready()
            console.print(f"Who you can be, and how each signs in: {folder / 'people.txt'}", highlight=False)
            if (folder / TRUTH_FILE).is_file():
                console.print(
                    f"Half-years that are over await their reports; what is true of them: {folder / TRUTH_FILE}, and "
                    f"the trust root: {folder / ROOT_FOLDER}",
                    highlight=False,
                )
            console.print("Ctrl-C ends the nodes and keeps all; `rm -r` of the folder removes it.", highlight=False)
            console.print(KOSOVO_FOOTNOTE, style="dim", highlight=False)
            _feed(nodes, waiting, every_s, console, go_on)
        except KeyboardInterrupt:
            console.print("\nStopping the nodes.")
        finally:
            with ThreadPoolExecutor() as pool:
                list(pool.map(DemoNode.stop, nodes))
    return 0


def _made(
    folder: Path, first_port: int, further: Sequence[Jurisdiction], halves: Sequence[Half], console: Console
) -> tuple[list[DemoNode], list[DealtScan]]:
    """The nodes as they are in the folder, and the exhibits in the order in which they come."""
    whole = folder / _WHOLE
    if not whole.is_file():
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            if (folder / _SCANS).is_dir():
                raise ConfigurationError(
                    f"The region in {folder} was not made to its end, and nobody has practised in it. Remove it, "
                    f"and run the same command again: rm -r {folder}"
                )
            raise ConfigurationError(f"{folder} holds something else. Name an empty folder.")
        members = [*REGION, *(name for name in dict.fromkeys(further) if name not in REGION)]
        past = f", and simulating {len(halves)} half-years: two minutes more" if halves else ""
        with console.status(f"Making {len(members)} nodes and drawing sixty exhibits: once, about a minute{past}"):
            _make(folder, first_port, members, halves)
    elif halves and not (folder / TRUTH_FILE).is_file():
        raise ConfigurationError(f"The region in {folder} was made without a past. Name an empty folder.")
    made = json.loads(whole.read_text(encoding="utf-8"))
    joining = [name for name in dict.fromkeys([*made.get(_JOINING, ()), *further]) if name not in made["nodes"]]
    if joining:
        with console.status(f"Making {len(joining)} nodes more, and enrolling them"):
            made = _join(folder, made, joining)
    nodes = _nodes_of(folder, made)
    _add_exercises(folder, nodes, console)
    exhibits = [
        DealtScan(folder / _SCANS / scan, Jurisdiction(name), case_reference, firearm)
        for scan, name, case_reference, firearm in made["exhibits"]
    ]
    return nodes, exhibits


def _add_exercises(folder: Path, nodes: Sequence[DemoNode], console: Console) -> None:
    """One folder for all nodes, with a set to practise with for examiners and one for investigators; and the setting
    that leads each node's pages to it."""
    exercises = folder / EXERCISES
    make_folder(exercises)
    there = {kept.document.audience for kept in list_sets(exercises)}
    for audience in ExerciseAudience:
        if audience not in there:
            with console.status(f"Drawing the exercises for the {audience}: once, half a minute"):
                made = draw_set(PRACTICE_SEED, audience)
            put_set(exercises, made.handed_out, made.answers)
    for node in nodes:
        config = node.home / "config.toml"
        kept = config.read_text(encoding="utf-8")
        if "\nexercises = " not in f"\n{kept}":
            config.write_text(f'exercises = "../{EXERCISES}"\n{kept}', encoding="utf-8")


def _nodes_of(folder: Path, made: dict[str, Any]) -> list[DemoNode]:
    return [
        DemoNode(
            jurisdiction=Jurisdiction(name),
            home=folder / f"ffp-{name.lower()}",
            url=kept["url"],
            fingerprint=kept["fingerprint"],
            tokens={Role(role): token for role, token in kept["tokens"].items()},
        )
        for name, kept in made["nodes"].items()
    ]


def _make(folder: Path, first_port: int, members: Sequence[Jurisdiction], halves: Sequence[Half]) -> None:
    scans = folder / _SCANS
    scans.mkdir(parents=True)
    folder.chmod(0o700)

    def make() -> list[DemoNode]:
        return [make_node(name, folder, port=first_port + number) for number, name in enumerate(members)]

    def enrol_each(nodes: Sequence[DemoNode]) -> None:
        for node in nodes:
            _add_people(node)
        _enrol(permutations(nodes, 2))

    if halves:
        nodes = make_past(folder, halves, SEED, make, enrol_each)
    else:
        nodes = make()
        enrol_each(nodes)
    (folder / "people.txt").touch(mode=0o600)
    (folder / "people.txt").write_text("\n".join([*ABOUT_PEOPLE, *map(_people_of, nodes), KOSOVO_FOOTNOTE, ""]))
    dealt = deal_synthetic(scans, SEED, firearms=FIREARMS, jurisdictions=members)
    made = {
        "nodes": {node.jurisdiction: _kept(node) for node in nodes},
        "exhibits": [(scan.path.name, scan.jurisdiction, scan.case_reference, scan.firearm) for scan in dealt],
    }
    _write(folder, made)  # last: with it the region is whole


def _join(folder: Path, made: dict[str, Any], joining: Sequence[Jurisdiction]) -> dict[str, Any]:
    """Further nodes next to those that are there, enrolled with all. A run that was interrupted is continued: each node
    is noted as soon as it is made, and a node that is not noted is made again, since no other node knows it."""
    there = _nodes_of(folder, made)
    last = max(urlsplit(node.url).port or 0 for node in there)
    begun = dict(made.get(_JOINING, {}))
    for number, name in enumerate(joining, start=1):
        if name not in begun:
            shutil.rmtree(folder / f"ffp-{name.lower()}", ignore_errors=True)
            begun[name] = _kept(make_node(name, folder, port=last + number))
            _write(folder, made | {_JOINING: begun})
    new = _nodes_of(folder, {"nodes": begun})
    for node in new:
        _add_people(node)
    _enrol(pair for pair in permutations([*there, *new], 2) if pair[0] in new or pair[1] in new)
    with (folder / "people.txt").open("a", encoding="utf-8") as people:
        people.write("\n".join(["", *map(_people_of, new), ""]))
    grown = made | {"nodes": made["nodes"] | begun, _JOINING: {}}
    _write(folder, grown)
    return grown


def _kept(node: DemoNode) -> dict[str, Any]:
    return {"url": node.url, "fingerprint": node.fingerprint, "tokens": node.tokens}


def _write(folder: Path, made: dict[str, Any]) -> None:
    part = folder / "region.part"
    part.touch(mode=0o600)
    part.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    part.replace(folder / _WHOLE)


def _add_people(made: DemoNode) -> None:
    with opened(made.home) as node:
        there = {user.pseudonym for user in all_users(node)}
        add_users(node, {pseudonym: role for pseudonym, role in PEOPLE if pseudonym not in there})


def _people_of(made: DemoNode) -> str:
    """A page's lines: where each of its people is invited to choose a password."""
    lines = [f"{jurisdiction_name(made.jurisdiction)}: {made.url}/app/"]
    with opened(made.home) as node:
        lines += [f"    {pseudonym:<16}{invite_user(node, pseudonym)}" for pseudonym, _ in PEOPLE]
    return "\n".join([*lines, ""])


def _enrol(pairs: Iterable[tuple[DemoNode, DemoNode]]) -> None:
    """The first enrols the second, from its card in a file, and shares with it: nothing runs yet."""
    with ExitStack() as stack:
        nodes: dict[Path, Node] = {}
        for one, other in pairs:
            for made in (one, other):
                if made.home not in nodes:
                    nodes[made.home] = stack.enter_context(opened(made.home))
            if _shares_with(nodes[one.home], other.jurisdiction):
                continue
            introduction = read_introduction(nodes[one.home], nodes[other.home].card_envelope.raw)
            enrol_and_share(nodes[one.home], introduction, other.fingerprint)


def _shares_with(node: Node, jurisdiction: Jurisdiction) -> bool:
    found = policy_of(node)
    return found is not None and any(line.jurisdiction == jurisdiction for line in found[1].bases)


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
                    again = by_jurisdiction[scan.jurisdiction].submit(scan, audience=list(by_jurisdiction)).again
                except (ExchangeError, SILENT) as error:  # somebody practises with that node, too
                    if getattr(error, "code", None) == _CAME:
                        continue
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
        except SILENT:
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
