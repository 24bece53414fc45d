"""One public name has one meaning: what several modules define stands in a table, with its reason."""

from __future__ import annotations

import ast

import pytest

from tests.architecture import names
from tests.architecture.names import Place, Shared

MOST_REMAINING = 5


def test_there_are_names_to_check() -> None:
    assert len(names.definitions()) > 3000


def test_each_doubled_name_has_a_reason() -> None:
    assert list(names.unexplained()) == [], "rename the less central one, define it once, or say why in names.py"


def test_each_reason_is_of_a_doubled_name() -> None:
    assert list(names.stale()) == []


def test_few_names_are_doubled_without_a_convention() -> None:
    assert sum(len(shared.names) for shared in names.REMAINING) <= MOST_REMAINING


def test_a_doubled_name_is_told_with_its_places(monkeypatch: pytest.MonkeyPatch) -> None:
    places = [Place("exchange.flows.scan.inspect", 3), Place("matcher.striae.profile", 4)]
    monkeypatch.setattr(names, "doubled", lambda: {"Finding": places})
    assert list(names.unexplained()) == [
        "Finding is defined in exchange.flows.scan.inspect:3 and matcher.striae.profile:4"
    ]


def test_a_convention_holds_in_its_folders_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    flow, store = Place("exchange.flows.a", 1), Place("exchange.store.b", 2)
    monkeypatch.setattr(
        names, "CONVENTIONS", (Shared("Why.", ("exchange.flows", "exchange.store"), ("x",), once=True),)
    )
    for places, told in (
        ([flow, store], 0),
        ([flow, store, Place("exchange.storehouse.c", 3)], 1),
        ([flow, store, Place("exchange.flows.c", 3)], 1),
    ):
        monkeypatch.setattr(names, "doubled", lambda places=places: {"x": places})
        assert len(list(names.unexplained())) == told


def test_what_counts_as_a_public_name() -> None:
    body = ast.parse(
        "import a\nfrom b import c\nd, e = 1, 2\nf: int = 3\nclass G: h = 1\nif d:\n    async def i(): j = 1\n"
    )
    assert [name for name, _ in names._defined(body.body)] == ["d", "e", "f", "G", "i"]
