"""Public names that several modules define: one name has one meaning, or stands below in a table with its reason.

    python tests/architecture/names.py

lists what is doubled. A public name is a function, a class or a constant at the top of a module, without a leading
underscore.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("exchange", "matcher", "schemas")


@dataclass(frozen=True)
class Place:
    """Where a name is defined; ``module`` as it is imported."""

    module: str
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line}"

    def is_in(self, folder: str) -> bool:
        return f"{self.module}.".startswith(f"{folder}.")


@dataclass(frozen=True)
class Shared:
    """Names that several modules define, each in one of ``folders``, for one ``reason``. ``once``: at most one module
    of each folder."""

    reason: str
    folders: tuple[str, ...]
    names: tuple[str, ...]
    once: bool = False


CONVENTIONS = (
    Shared("A module's own logger.", ("exchange",), ("log",)),
    Shared(
        "The commands of one group, as the command line takes them.",
        ("exchange.cli", "exchange.coordination"),
        ("app",),
    ),
    Shared(
        "The routes of one module, as the web application takes them.",
        ("exchange.coordination", "exchange.web"),
        ("router",),
    ),
    Shared("The checks of one module, as the suite takes them.", ("exchange.conformance.checks",), ("CHECKS", "LATER")),
    Shared(
        "A migration, by the names that Alembic calls; the package brings all of them about.",
        ("exchange.store.migrations",),
        ("upgrade",),
    ),
    Shared(
        "A command bears the word that people type, in each group of commands.",
        ("exchange.cli", "exchange.coordination"),
        ("add", "check", "init", "publish", "revoke", "show", "status", "verify"),
    ),
    Shared(
        "A command bears the name of the one act that it runs.",
        ("exchange.cli", "exchange.flows", "matcher"),
        ("calibrate", "compare", "evaluate", "expel", "grant", "restore", "withdraw"),
        once=True,
    ),
    Shared(
        "A REST route's name is its operation id in the contract, and that of the act below it, or of the command.",
        ("exchange.web.rest", "exchange.flows", "exchange.store", "exchange.cli"),
        (
            *("ask_peers", "change_firearm", "decide_approval", "enter_firearm", "list_approvals", "list_peers"),
            *("list_queries", "read_envelope", "read_firearm", "read_record", "search_records", "send_query"),
        ),
        once=True,
    ),
    Shared(
        "A flow opens the transaction for the query or the change of the same name in the store.",
        ("exchange.flows", "exchange.store"),
        (
            *("all_users", "change_role", "check_nonce", "end_session", "find_candidate", "find_record"),
            *("list_queries", "list_tokens", "remember_nonce", "revoke_token", "revoke_user", "search_records"),
            "state_purpose",
        ),
        once=True,
    ),
)

REMAINING = (
    Shared("Both are in the contract: what a node answers to a query, and yes or no.", ("schemas",), ("Answer",)),
    Shared(
        "How a mark was lit: the contract's word for it, and with its angle what the matcher computes with.",
        ("matcher.read", "schemas"),
        ("Lighting",),
        once=True,
    ),
    Shared(
        "The same call while something runs; neither room of the matcher enters the other.",
        ("matcher.evaluate", "matcher.gallery"),
        ("Progress",),
        once=True,
    ),
)
"""Names that no convention explains. Not more than a handful: the test counts them."""


@cache
def definitions() -> Mapping[str, Sequence[Place]]:
    """The places of each public name, in the order of the modules."""
    found: dict[str, list[Place]] = {}
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        lines: dict[str, int] = {}
        for name, line in _defined(ast.parse(path.read_text(encoding="utf-8")).body):
            lines.setdefault(name, line)
        for name, line in lines.items():
            if not name.startswith("_"):
                found.setdefault(name, []).append(Place(module, line))
    return found


def doubled() -> Mapping[str, Sequence[Place]]:
    """The names of several modules, with all of their places."""
    return {name: places for name, places in definitions().items() if len(places) > 1}


def unexplained() -> Iterator[str]:
    """A sentence for each doubled name that no table explains, with the places to look at."""
    for name, places in sorted(doubled().items()):
        left = [place for place in places if not any(explains(shared, name, place) for shared in _tables())]
        twice = [place for shared in _tables() if name in shared.names for place in _twice(shared, places)]
        if left or twice:
            yield f"{name} is defined in {' and '.join(map(str, places))}"


def stale() -> Iterator[str]:
    """Entries of the tables that explain nothing any more."""
    now = doubled()
    for shared in _tables():
        for name in shared.names:
            if not any(explains(shared, name, place) for place in now.get(name, ())):
                yield f"{name}: {shared.reason}"


def explains(shared: Shared, name: str, place: Place) -> bool:
    return name in shared.names and any(place.is_in(folder) for folder in shared.folders)


def _tables() -> tuple[Shared, ...]:
    return (*CONVENTIONS, *REMAINING)


def _twice(shared: Shared, places: Sequence[Place]) -> list[Place]:
    """Of an entry for one module of each folder: the places in a folder that has several."""
    if not shared.once:
        return []
    folders = [next((folder for folder in shared.folders if place.is_in(folder)), "") for place in places]
    counts = Counter(folders)
    return [place for place, folder in zip(places, folders, strict=True) if folder and counts[folder] > 1]


def _defined(body: Sequence[ast.stmt]) -> Iterator[tuple[str, int]]:
    """The names that these statements define, imports left out."""
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, statement.lineno
            case ast.Assign(targets=targets):
                yield from ((name, statement.lineno) for target in targets for name in _stored(target))
            case ast.AnnAssign(target=target):
                yield from ((name, statement.lineno) for name in _stored(target))
            case ast.If(body=then, orelse=otherwise):
                yield from _defined([*then, *otherwise])
            case ast.Try(body=tried):
                yield from _defined(tried)


def _stored(target: ast.expr) -> Iterator[str]:
    yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def main() -> None:
    found, twice = definitions(), doubled()
    by_convention = sum(any(name in shared.names for shared in CONVENTIONS) for name in twice)
    print(f"{len(found)} public names, {len(twice)} of them in several modules, {by_convention} of these by convention")
    for sentence in unexplained():
        print(sentence)


if __name__ == "__main__":
    main()
