"""Releases side by side, each in processes of its own, through a day of the pilot: statements of a newer node that an
older node does not read yet wait, and are read, in their order, after its upgrade. No record is lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import matcher
from exchange.config import load_settings
from exchange.flows.node.node import store_of
from exchange.store.sync.peers import set_aside
from exchange.store.tables.mirror_tables import ReceivedPlaceRow as Place
from exchange.store.tables.peer_tables import LaneItemRow
from exchange.store.tables.record_tables import StatementRow
from matcher.synthetic import breech_face
from schemas.versions import NEWEST
from tests.chaos.archive import scans_of
from tests.chaos.nodes.releases import ReleasedNode
from tests.next_release import NEXT_CONTRACT, SAY_NOTICE, THIS, Release

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SCAN_BYTES = 20_000
WAIT_S = 90


@contextmanager
def two(folder: Path, rs: Release, mk: Release) -> Iterator[tuple[ReleasedNode, ReleasedNode]]:
    """Serbia and North Macedonia, enrolled with each other and running."""
    with ExitStack() as stack:
        nodes = ReleasedNode(folder / "rs", rs, "RS"), ReleasedNode(folder / "mk", mk, "MK")
        nodes[0].meet(nodes[1])
        nodes[1].meet(nodes[0])
        for node in nodes:
            stack.callback(node.kill)
            node.start()
        for node in nodes:
            node.wait_ready()
        yield nodes
        for node in nodes:
            node.stop()


def until(condition: Callable[[], object], node: ReleasedNode) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, node.log_end
        time.sleep(0.2)


def holds(node: ReleasedNode) -> set[str]:
    return {item["statement_id"] for item in node.get("/v1/records?limit=200")["items"]}


@dataclass(frozen=True)
class Day:
    """What people of one node did with the other's, beside entering exhibits: a lead, a question, a withdrawal."""

    searched: str
    lead: str
    withdrawn: str

    def is_over(self, node: ReleasedNode, other: ReleasedNode) -> bool:
        """Whether the question was answered and the withdrawn record is nowhere."""
        [query] = node.get("/v1/queries", by="investigator-1")["items"]
        [withdrawal] = node.get(f"/v1/records/{self.withdrawn}/withdrawal")
        erased = [holder["outcome"] for holder in withdrawal["holders"]] == ["erased"]
        return query["result"] == "candidate" and erased and self.withdrawn not in holds(node) | holds(other)


def a_day(folder: Path, own: dict[ReleasedNode, list[str]]) -> dict[ReleasedNode, Day]:
    """Of two nodes with the records that they entered; both days are over. A lead joins the first of one's own and the
    second of the other's; the last is withdrawn; a question is asked with what stays at home, of one firearm."""
    rs, mk = own
    searched = {}
    for shot, (node, other) in enumerate(((rs, mk), (mk, rs)), start=1):
        scan = folder / f"{shot}.x3p"
        matcher.write_topography(breech_face.draw(1, shot), scan, instrument="synthetic")
        searched[node] = node.enter(50, scan.read_bytes(), other, level="search", roi="breech_face")
    for node in own:
        until(lambda node=node: node.get("/v1/status")["jobs"] == {}, node)  # type: ignore[misc]
    days = {}
    for node, other in ((rs, mk), (mk, rs)):
        node.ask(searched[node])
        lead = node.find_lead(own[node][0], own[other][1])
        node.withdraw(own[node][-1])
        days[node] = Day(searched[node], lead, own[node][-1])
    for node, other in ((rs, mk), (mk, rs)):
        until(lambda node=node, other=other: days[node].is_over(node, other), node)  # type: ignore[misc]
    return days


def said_of(node: ReleasedNode, hit: str) -> set[str]:
    return {said["statement_id"] for said in node.get(f"/v1/statements?about={hit}&limit=200")}


def leads(node: ReleasedNode, issuer: ReleasedNode) -> list[str]:
    return [said["statement_id"] for said in node.get(f"/v1/statements?kind=hit&issuer={issuer.node_id}")]


@contextmanager
def reading(home: Path) -> Iterator[Session]:
    """The database of a node of either release."""
    with closing(store_of(load_settings(home))) as store, store.read() as session:
        yield session


def assert_in_order(owner: ReleasedNode, reader: ReleasedNode) -> None:
    """All of the owner's lane is at the reader, in its order; nothing of it is set aside."""
    with reading(owner.home) as session:
        items = (
            select(LaneItemRow.statement_id).where(LaneItemRow.peer == reader.node_id).order_by(LaneItemRow.position)
        )
        lane = list(session.scalars(items))
    with reading(reader.home) as session:
        places = select(Place.statement_id).where(Place.peer == owner.node_id).order_by(Place.position)
        read = list(session.scalars(places))
        here = set(session.scalars(select(StatementRow.statement_id).where(StatementRow.issuer == owner.node_id)))
        assert set_aside(session, owner.node_id) == []
    assert read == lane[: len(read)]
    assert set(read) <= here
    assert len(lane) - len(read) <= 2, "but for a receipt that was on its way when both stopped"


def test_the_next_release_beside_this_one(tmp_path: Path, next_release: Release) -> None:
    """A field, a word of a vocabulary and a kind of statement more: nothing is set aside, and the lane waits."""
    scan = scans_of(SCAN_BYTES)
    assert f"{NEWEST}, {NEXT_CONTRACT}" in next_release.ffp("--version")
    with two(tmp_path, next_release, THIS) as (rs, mk):
        first = [rs.enter(number, scan(number), mk) for number in range(3)]
        theirs = [mk.enter(number, scan(10 + number), rs) for number in range(3)]
        for node in (rs, mk):
            until(lambda node=node: holds(node) == {*first, *theirs}, node)  # type: ignore[misc]
        days = a_day(tmp_path, {rs: first, mk: theirs})
        until(lambda: (leads(mk, rs), leads(rs, mk)) == ([days[rs].lead], [days[mk].lead]), mk)
        first, theirs, kept = first[:-1], theirs[:-1], days[mk].searched
        held = [rs.enter(13, scan(3), mk, colour="grey")]
        next_release.run(SAY_NOTICE, home=rs.home, to=[mk.node_id])
        held += [rs.enter(14, scan(4), mk, case_material="polymer"), rs.enter(15, scan(5), mk)]
        theirs += [mk.enter(20 + number, scan(20 + number), rs) for number in range(3)]
        until(lambda: rs.seen_of(mk)["peer_older"] == 4, rs)
        until(lambda: mk.seen_of(rs)["node_older"] == 4, mk)
        until(lambda: set(theirs) <= holds(rs), rs)
        assert holds(mk) == {*first, *theirs, kept}
        assert (mk.seen_of(rs)["quarantined"], rs.seen_of(mk)["quarantined"]) == (0, 0)
        assert (rs.seen_of(mk)["reads"], mk.seen_of(rs)["reads"]) == (NEWEST, NEXT_CONTRACT)
        assert any("Peer older: upgrade. 4 of" in said for said in rs.get("/v1/status")["alarms"])
        assert any("This node is older: upgrade it. 4 statements" in said for said in mk.get("/v1/status")["alarms"])
        assert mk.http.get("/v1/node").headers["FFP-Contract"] == NEWEST
        assert "notice" in rs.http.get("/v1/node").headers["FFP-Kinds"]

        mk.upgrade(next_release)
        until(lambda: holds(mk) == {*first, *held, *theirs, kept}, mk)
        until(lambda: not rs.get("/v1/status")["alarms"], rs)
        assert mk.seen_of(rs)["node_older"] == 0
        assert mk.seen_of(rs)["quarantined"] == 0
    assert_in_order(rs, mk)
    assert_in_order(mk, rs)
