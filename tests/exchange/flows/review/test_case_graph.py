"""The graph of a case: how far it reaches, that it is drawn alike each time, what it never shows."""

from __future__ import annotations

import itertools
import random
from collections.abc import Container
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from exchange.errors import NotFound
from exchange.flows.blind import visibility
from exchange.flows.hits.stage import Stage
from exchange.flows.review import case_graph as graphs
from exchange.flows.review.case_graph import Case, CaseGraph, case_graph
from exchange.store.tables.record_tables import RecordRow
from exchange.web.pages.review.cases import BOX_SIZE, drawing
from schemas import Pair, Side
from schemas.vocabulary import Jurisdiction, Role


def row(name: str) -> RecordRow:
    jurisdiction, _, _ = name.partition("-")
    return RecordRow(statement_id=name, jurisdiction=jurisdiction, case_reference=name)


@dataclass
class World:
    links: list[Any]
    tasks: list[Any]

    def shown(self, hidden: Container[Any]) -> list[Any]:
        return [item for item in self.links if item.pair not in hidden]

    def drawn(self, name: str, role: Role = Role.INVESTIGATOR, pseudonym: str = "one") -> CaseGraph:
        jurisdiction, _, _ = name.partition("-")
        return case_graph(cast(Any, None), role, pseudonym, Case(Jurisdiction(jurisdiction), name))


def side(name: str | None) -> Side:
    return Side.model_construct(issuer="ffp", record=name, first_version=name, scan=f"s{name}")


def link(one: str | None, other: str | None, stage: Stage = Stage.LEAD) -> Any:
    pair = Pair.model_construct(a=side(one), b=side(other))
    records = tuple(row(name) if name else None for name in (one, other))
    progress = SimpleNamespace(stage=stage)
    name = f"{one}~{other}"
    told = {"link_id": f"{name}~{stage}", "pair_id": name, "scans": (f"s{one}", f"s{other}")}
    return SimpleNamespace(pair=pair, records=records, progress=progress, **told)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World([], [])
    monkeypatch.setattr(graphs, "all_links", lambda _session, hidden: made.shown(hidden))
    monkeypatch.setattr(visibility, "open_tasks", lambda _session: made.tasks)
    known = {"RS-1"}
    monkeypatch.setattr(
        graphs,
        "records_of_case",
        lambda _session, _jurisdiction, reference, **_: [row(reference)] if reference in known else [],
    )
    return made


def test_two_steps_and_no_further(world: World) -> None:
    world.links = [link("RS-1", "MK-1"), link("MK-1", "XK-1"), link("XK-1", "AL-1"), link("ME-1", "BA-1")]
    placed = {item.case.reference: item.step for item in world.drawn("RS-1").placed}
    assert placed == {"RS-1": 0, "MK-1": 1, "XK-1": 2}


def test_the_furthest_hit_stands_for_the_edge(world: World) -> None:
    world.links = [link("RS-1", "MK-1", Stage.ELIMINATED), link("MK-1", "RS-1", Stage.CONFIRMED), link("RS-1", "MK-1")]
    (tie,) = world.drawn("RS-1").ties
    assert tie.stage is Stage.CONFIRMED
    assert len(tie.links) == 3


def test_each_case_is_pictured_by_an_exhibit_of_its_furthest_hit(world: World) -> None:
    world.links = [link("RS-1", "MK-1", Stage.ELIMINATED), link("MK-1", "XK-1", Stage.CONFIRMED)]
    graph = world.drawn("RS-1")
    assert {case.reference: row.statement_id for case, row in graph.stands_for.items()} == {
        "RS-1": "RS-1",
        "MK-1": "MK-1",
        "XK-1": "XK-1",
    }
    assert graph.scans == {"sRS-1", "sMK-1", "sXK-1"}
    world.links = []
    assert [row.statement_id for row in world.drawn("RS-1").stands_for.values()] == ["RS-1"], "its own, without a hit"


def test_drawn_alike_in_whatever_order_the_hits_came(world: World) -> None:
    names = [f"MK-{n}" for n in range(9)]
    world.links = [link("RS-1", name) for name in names] + [link(name, f"XK-{name}") for name in names[:5]]
    first = drawing(world.drawn("RS-1"))[0]
    for seed in range(5):
        random.Random(seed).shuffle(world.links)
        assert drawing(world.drawn("RS-1"))[0] == first
    corners = {(box.x, box.y) for box in first.values()}
    assert len(corners) == 15
    ends = sorted(box.y for box in first.values() if box.x == first[Case(Jurisdiction.MK, "MK-0")].x)
    assert all(lower - upper > BOX_SIZE[1] for upper, lower in itertools.pairwise(ends)), "no box covers another"


def test_what_waits_for_a_blind_verification_is_not_shown_to_who_may_be_asked(world: World) -> None:
    world.links = [link("RS-1", "MK-1")]
    exhibits = {"exhibit_low": "ffp/MK-1", "exhibit_high": "ffp/RS-1"}  # other scans of them than those of the hit
    world.tasks = [SimpleNamespace(scan_low="x", scan_high="y", concluded_by="two", asked_by=None, **exhibits)]
    assert not world.drawn("RS-1", Role.EXAMINER, "one").ties
    assert world.drawn("RS-1", Role.EXAMINER, "two").ties, "whoever concluded knows"
    assert world.drawn("RS-1", Role.INVESTIGATOR).ties


def test_withdrawn_records_and_hits_within_a_case_draw_nothing(world: World) -> None:
    world.links = [link("RS-1", None), link("RS-1", "RS-1")]
    assert [item.case.reference for item in world.drawn("RS-1").placed] == ["RS-1"]


def test_no_more_than_can_be_looked_at(world: World) -> None:
    world.links = [link("RS-1", f"MK-{n}") for n in range(200)]
    graph = world.drawn("RS-1")
    assert (len(graph.placed), graph.more) == (graphs.MOST_CASES, True)
    assert len(graph.told) == 200, "of those left out too it is told that there are some"


def test_of_what_is_out_of_reach_nothing_is_told(world: World) -> None:
    world.links = [link("RS-1", "MK-1"), link("RS-2", "MK-2")]
    assert world.drawn("RS-1").told == {"RS-1~MK-1"}


def test_a_case_that_is_not_here(world: World) -> None:
    with pytest.raises(NotFound):
        world.drawn("RS-2")
