"""Releases side by side, each in processes of its own, through a day of the pilot: what a newer node says and an older
one does not read yet waits or is set aside, and is read, in its order, after the upgrade. No record is lost either way.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

import matcher
from exchange.flows.hits.vocabulary import LOCAL
from exchange.flows.node.node import opened
from exchange.store.sync.peers import set_aside
from exchange.store.tables.mirror import ReceivedPlaceRow as Place
from exchange.store.tables.peers import LaneItemRow
from exchange.store.tables.records import StatementRow
from matcher.synthetic import breech_face
from tests.chaos.archive import scans_of
from tests.chaos.nodes.releases import (
    LANDED,
    NOTICE,
    OF_CONTRACT_1_1,
    THIS,
    Release,
    ReleasedNode,
    landed_release,
    release_to_come,
)

pytestmark = [pytest.mark.slow, pytest.mark.alone]

SCAN_BYTES = 20_000
WAIT_S = 90
TODAY = str(datetime.now(LOCAL).date())


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


def assert_in_order(owner: ReleasedNode, reader: ReleasedNode) -> None:
    """All of the owner's lane is at the reader, in its order; nothing of it is set aside."""
    with opened(owner.home) as node, node.store.read() as session:
        items = (
            select(LaneItemRow.statement_id).where(LaneItemRow.peer == reader.node_id).order_by(LaneItemRow.position)
        )
        lane = list(session.scalars(items))
    with opened(reader.home) as node, node.store.read() as session:
        places = select(Place.statement_id).where(Place.peer == owner.node_id).order_by(Place.position)
        read = list(session.scalars(places))
        here = set(session.scalars(select(StatementRow.statement_id).where(StatementRow.issuer == owner.node_id)))
        assert set_aside(session, owner.node_id) == []
    assert read == lane[: len(read)]
    assert set(read) <= here
    assert len(lane) - len(read) <= 2, "but for a receipt that was on its way when both stopped"


def landed_or_told(folder: Path, commit: str) -> Release | None:
    """None where it cannot be had, which is said loudly."""
    landed = landed_release(folder, commit)
    if landed is None:
        print(
            f"\nNOT TRIED: the history here has no {commit}, so this release was not run beside it.",
            file=sys.__stderr__,
        )
    return landed


def test_a_release_to_come_beside_this_one(tmp_path: Path) -> None:
    """A field, a word of a vocabulary and a kind of statement more: nothing is set aside, and the lane waits."""
    scan, newer = scans_of(SCAN_BYTES), release_to_come(tmp_path / "newer")
    assert "1.0, 1.1, 1.2, 1.3, 1.4" in newer.ffp("--version")
    with two(tmp_path, newer, THIS) as (rs, mk):
        first = [rs.enter(number, scan(number), mk) for number in range(3)]
        theirs = [mk.enter(number, scan(10 + number), rs) for number in range(3)]
        for node in (rs, mk):
            until(lambda node=node: holds(node) == {*first, *theirs}, node)  # type: ignore[misc]
        days = a_day(tmp_path, {rs: first, mk: theirs})
        until(lambda: (leads(mk, rs), leads(rs, mk)) == ([days[rs].lead], [days[mk].lead]), mk)
        first, theirs, kept = first[:-1], theirs[:-1], days[mk].searched
        held = [rs.enter(13, scan(3), mk, colour="grey")]
        newer.run(NOTICE, home=rs.home, to=mk.node_id)
        held += [rs.enter(14, scan(4), mk, case_material="polymer"), rs.enter(15, scan(5), mk)]
        theirs += [mk.enter(20 + number, scan(20 + number), rs) for number in range(3)]
        until(lambda: rs.seen_of(mk)["peer_older"] == 4, rs)
        until(lambda: mk.seen_of(rs)["node_older"] == 4, mk)
        until(lambda: set(theirs) <= holds(rs), rs)
        assert holds(mk) == {*first, *theirs, kept}
        assert (mk.seen_of(rs)["quarantined"], rs.seen_of(mk)["quarantined"]) == (0, 0)
        assert (rs.seen_of(mk)["reads"], mk.seen_of(rs)["reads"]) == ("1.3", "1.4")
        assert any("Peer older: upgrade. 4 of" in said for said in rs.get("/v1/status")["alarms"])
        assert any("This node is older: upgrade it. 4 statements" in said for said in mk.get("/v1/status")["alarms"])
        assert mk.http.get("/v1/node").headers["FFP-Contract"] == "1.0, 1.1, 1.2, 1.3"
        assert "notice" in rs.http.get("/v1/node").headers["FFP-Kinds"]

        mk.upgrade(newer)
        until(lambda: holds(mk) == {*first, *held, *theirs, kept}, mk)
        until(lambda: not rs.get("/v1/status")["alarms"], rs)
        assert mk.seen_of(rs)["node_older"] == 0
        assert mk.seen_of(rs)["quarantined"] == 0
    assert_in_order(rs, mk)
    assert_in_order(mk, rs)


def test_the_landed_release_beside_this_one(tmp_path: Path) -> None:
    """It says nothing of what it reads: it has all records at once, sets aside what has a newer field, as before, and
    reads that after its upgrade."""
    landed = landed_or_told(tmp_path / "landed", LANDED)
    if landed is None:
        return
    scan = scans_of(SCAN_BYTES)
    with two(tmp_path, THIS, landed) as (rs, mk):
        ours, theirs = [], []
        for number in range(3):
            ours.append(rs.enter(number, scan(number), mk))
            theirs.append(mk.enter(number, scan(10 + number), rs))
            rs.say(type="message", to=mk.node_id, text=f"Exhibit {number} is in the post.")
            mk.say(type="message", to=rs.node_id, text=f"So is exhibit {number}.")
        for node in (rs, mk):
            until(lambda node=node: holds(node) == {*ours, *theirs}, node)  # type: ignore[misc]
            until(lambda node=node: node.get("/v1/status")["jobs"] == {}, node)  # type: ignore[misc]
        days = a_day(tmp_path, {rs: ours, mk: theirs})
        until(lambda: leads(rs, mk) == [days[mk].lead], rs)
        until(lambda: mk.seen_of(rs)["quarantined"] >= 6, mk)
        assert "unknown-field" in mk.seen_of(rs)["alarm"]
        assert (rs.seen_of(mk)["quarantined"], rs.seen_of(mk)["reads"], rs.seen_of(mk)["peer_older"]) == (0, None, 0)
        assert len(rs.get(f"/v1/statements?kind=message&issuer={mk.node_id}")) == 3

        mk.upgrade(THIS)
        until(lambda: mk.seen_of(rs)["quarantined"] == 0, mk)
        until(lambda: rs.seen_of(mk)["reads"] == "1.3", rs)
        assert len(mk.get(f"/v1/statements?kind=message&issuer={rs.node_id}")) == 3
        assert (leads(mk, rs), leads(rs, mk)) == ([days[rs].lead], [days[mk].lead])
        for node, other in ((rs, mk), (mk, rs)):
            assert holds(node) == {*ours, *theirs, days[node].searched} - {day.withdrawn for day in days.values()}
            other.say(type="feedback", hit=days[node].lead, outcome="no_use")
            asked = f"/v1/statements?kind=feedback&issuer={other.node_id}"
            until(lambda node=node, asked=asked: node.get(asked), node)  # type: ignore[misc]
    assert_in_order(rs, mk)
    assert_in_order(mk, rs)


def test_the_release_before_beside_this_one(tmp_path: Path) -> None:
    """All that both know is exchanged; an item and a firearm wait on the lane, and with them what was said after;
    nothing is set aside on either side, before the upgrade or after it. Exhibits travel once both can sign for them."""
    before = landed_or_told(tmp_path / "before", OF_CONTRACT_1_1)
    if before is None:
        return
    scan = scans_of(SCAN_BYTES)
    with two(tmp_path, THIS, before) as (rs, mk):
        ours = [rs.enter(number, scan(number), mk) for number in range(3)]
        theirs = [mk.enter(number, scan(10 + number), rs) for number in range(3)]
        for node in (rs, mk):
            until(lambda node=node: holds(node) == {*ours, *theirs}, node)  # type: ignore[misc]
        days = a_day(tmp_path, {rs: ours, mk: theirs})
        until(lambda: (leads(mk, rs), leads(rs, mk)) == ([days[rs].lead], [days[mk].lead]), mk)
        asked = {"type": "physical-comparison", "hit": days[rs].lead, "on": TODAY}
        place = {"place": "Skopje"}
        first = rs.say("investigator-1", step="asked", **asked, **place)
        until(lambda: first in said_of(mk, days[rs].lead), mk)
        agreed = mk.say("investigator-1", step="agreed", **asked, **place)
        until(lambda: agreed in said_of(rs, days[rs].lead), rs)
        known = {*ours[:-1], *theirs[:-1], days[rs].searched, days[mk].searched}
        until(lambda: known == holds(mk) | holds(rs), mk)

        held = [rs.enter(20, scan(20), mk, item="1", seal="RS 2001", incident="1")]
        firearm = {
            "firearm_id": "F-1",
            "kind": "pistol",
            "calibre": "9 mm Luger",
            "converted": "no",
            "origin": "seized",
        }
        held += [rs.enter(21, scan(21), mk, kind="test_fire", firearm=firearm), rs.enter(22, scan(22), mk)]
        sent = asked | {"step": "sent", "record": ours[0], "seal": "RS 7001"}
        refused = rs.http.post("/v1/statements", headers=rs.people["investigator-1"], json=sent)
        assert refused.json()["type"] == "urn:ffp:problem:peer-too-old", "an exhibit is carried, as before"
        theirs_later = [mk.enter(30 + number, scan(30 + number), rs) for number in range(2)]
        until(lambda: rs.seen_of(mk)["peer_older"] == len(held), rs)
        until(lambda: set(theirs_later) <= holds(rs), rs)
        assert not set(held) & holds(mk)
        assert (mk.seen_of(rs)["quarantined"], rs.seen_of(mk)["quarantined"]) == (0, 0)
        assert rs.seen_of(mk)["reads"] == "1.1"

        mk.upgrade(THIS)
        until(lambda: set(held) <= holds(mk), mk)
        left = rs.say("investigator-1", **sent)
        until(lambda: left in said_of(mk, days[rs].lead), mk)
        until(lambda: not rs.get("/v1/status")["alarms"], rs)
        assert (mk.seen_of(rs)["quarantined"], rs.seen_of(mk)["quarantined"]) == (0, 0)
        assert mk.get(f"/v1/records/{held[0]}")["statement"]["exhibit"]["item"] == "1"
    assert_in_order(rs, mk)
    assert_in_order(mk, rs)
