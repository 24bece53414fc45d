"""A half-year has one signed snapshot, taken after its end; what is kept stays, and is verified far from the node."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from exchange.coordination.approved_document import approval_proof
from exchange.coordination.approved_rows import ApprovedRow
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.keep_snapshot import (
    KEPT_AFTER_DAYS,
    keep_snapshot,
    keep_when_due,
    kept_snapshots,
    last_half,
    maturity_path,
    signed_snapshot,
)
from exchange.coordination.maturity.maturity_snapshot import read_snapshot, verify_signed_snapshot, write_snapshot
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS, State
from exchange.coordination.maturity.practices_here import maturity_of
from exchange.errors import Conflict, Forbidden, InvalidInput, NotFound, StatementInvalid
from exchange.flows.integrity.log_check import check_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import create_node, open_node
from exchange.flows.statement.sign_statement import THE_NODE, enter, say
from exchange.flows.terms.terms import state_policy
from exchange.store.log.statement_rows import find_statement
from exchange.trust.card import fingerprint
from schemas import Approval, Maker, open_envelope, parse_statement
from schemas.vocabulary import Decision, Jurisdiction, Role, SignedInBy
from tests.exchange.coordination.half_year.monitoring_world import MK, Clock, World
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, databases: Databases) -> Iterator[World]:
    """Serbia's node since March 2026; its clock is the test's."""
    clock = Clock(datetime(2026, 3, 1, tzinfo=UTC))
    monkeypatch.setattr("exchange.clock.now", clock)
    create_node(
        tmp_path / "node",
        jurisdiction=Jurisdiction.RS,
        url="https://ffp-rs.example",
        port=9,
        database_url=databases.new(),
    )
    node = open_node(tmp_path / "node")
    yield World(node, clock)
    node.close()


def given_away(world: World, half: str = "2026H1") -> dict[str, Any]:
    sign_head(world.node)
    found: dict[str, Any] = json.loads(signed_snapshot(world.node, Half.parse(half)))
    return found


def test_the_head_keeps_one_for_the_half_year_that_is_over(world: World) -> None:
    with pytest.raises(NotFound, match="no data of the half-year 2025H2"):
        keep_snapshot(world.node, HEAD)
    with pytest.raises(Conflict, match="is not over before 2026-07-01") as early:
        keep_snapshot(world.node, HEAD, Half(2026, 1))
    assert early.value.code == "half-not-over"

    world.at("2026-07-04")
    kept = keep_snapshot(world.node, HEAD)
    assert (str(kept.snapshot.half), kept.kept_by, kept.kept_at) == ("2026H1", "head-1", "2026-07-04T00:00:00.000Z")
    states = {item.name: item.proof.state for rung in maturity_of(world.node).rungs for item in rung.seen}
    assert {name: item.state for name, item in kept.snapshot.practices.items()} == states
    assert kept.snapshot.reached == maturity_of(world.node).reached

    with pytest.raises(Conflict, match="was kept by head-1") as twice:
        keep_snapshot(world.node, HEAD)
    assert twice.value.code == "decided"
    assert [item.sha256 for item in kept_snapshots(world.node)] == [kept.sha256]

    world.at("2027-02-01")
    with pytest.raises(Conflict) as late:
        keep_snapshot(world.node, HEAD, Half(2026, 1))
    assert late.value.code == "half-gone-by"


def test_what_is_kept_stays_when_the_node_changes(world: World) -> None:
    world.at("2026-07-04")
    before = keep_snapshot(world.node, HEAD)
    world.enrol(MK)
    state_policy(world.node, HEAD, (), ())
    assert kept_snapshots(world.node) == [before]
    assert read_snapshot(write_snapshot(Half(2026, 1), maturity_of(world.node))) != before.snapshot


def test_the_node_keeps_it_by_itself_when_nobody_did(world: World) -> None:
    world.at("2026-07-30 23:59")
    assert not keep_when_due(world.node)
    assert kept_snapshots(world.node) == [], f"the head has {KEPT_AFTER_DAYS} days"
    world.at("2026-07-31")
    keep_when_due(world.node)
    keep_when_due(world.node)
    [kept] = kept_snapshots(world.node)
    assert (kept.kept_by, str(kept.snapshot.half)) == ("node", "2026H1")
    with world.node.store.read() as session:
        row = find_statement(session, kept.approval)
    assert row is not None
    assert row.envelope is not None
    said = parse_statement(open_envelope(row.envelope).payload)
    assert (said.made_by, said.type) == (THE_NODE, "approval")
    assert "nobody had kept it within 30 days of the end of 2026H1" in said.because  # type: ignore[union-attr]  # it is an approval

    world.at("2026-08-05")
    with pytest.raises(Conflict, match="was kept by node"):
        keep_snapshot(world.node, HEAD)


def test_a_node_that_began_later_keeps_none_of_before(world: World) -> None:
    world.at("2026-03-02")
    assert str(last_half()) == "2025H2"
    keep_when_due(world.node)
    assert kept_snapshots(world.node) == []


def test_the_path_tells_what_fell_back(world: World) -> None:
    assert maturity_path(world.node).halves == ()
    world.enrol(MK)
    world.at("2026-07-04")
    keep_snapshot(world.node, HEAD)
    world.at("2027-07-03")  # a year later, none between
    with world.node.store.write() as session:
        session.connection().exec_driver_sql("UPDATE peer SET state = 'revoked'")
    keep_snapshot(world.node, HEAD)
    found = maturity_path(world.node)
    assert {str(half): level for half, level in found.levels.items()} == {"2026H1": 0, "2026H2": None, "2027H1": 0}
    assert [item.name for item in found.fell_back] == ["peer_enrolled"]
    practices = {item.name: item for item in found.practices}
    assert str(practices["reached_over_tls"].since) == "2026H1"
    assert practices["peer_enrolled"].since is None
    assert practices["peer_enrolled"].states == {Half(2026, 1): State.HOLDS, Half(2027, 1): State.DOES_NOT_HOLD}


def test_it_is_verified_without_the_node(world: World) -> None:
    world.at("2026-07-04")
    kept = keep_snapshot(world.node, HEAD)
    with pytest.raises(Conflict) as unsigned:
        signed_snapshot(world.node, Half(2026, 1))
    assert unsigned.value.code == "head-not-signed"
    data = json.dumps(given_away(world)).encode()
    digits = fingerprint(world.node.history.card.identity)
    found = verify_signed_snapshot(data, confirmed=digits)
    assert (found.snapshot, found.sha256, found.kept_by) == (kept.snapshot, kept.sha256, Role.HEAD)
    assert (found.fingerprint, found.confirmed, found.statement_id) == (digits, True, kept.approval)
    assert not verify_signed_snapshot(data).confirmed
    with pytest.raises(StatementInvalid, match="not the one that you know"):
        verify_signed_snapshot(data, confirmed="0" * 40)
    with pytest.raises(NotFound, match=r"No snapshot of 2026H2 is kept here\. It can be kept once"):
        signed_snapshot(world.node, Half(2026, 2))


def test_a_file_that_was_altered_is_not_believed(world: World) -> None:
    world.at("2026-07-04")
    keep_snapshot(world.node, HEAD)
    good = given_away(world)
    document = json.loads(base64.b64decode(good["document"]))
    for level in document["levels"]:
        for practice in level["practices"]:
            practice["state"] = "holds"
    document["reached"] = len(MATURITY_LEVELS)
    better = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    altered = good | {"document": base64.b64encode(better).decode()}
    with pytest.raises(StatementInvalid, match="concerns another file"):
        verify_signed_snapshot(json.dumps(altered).encode())

    bundle = json.loads(base64.b64decode(good["proof"]))
    envelope = json.loads(base64.b64decode(bundle["envelope"]))
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["concerns"] = hashlib.sha256(better).hexdigest()
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    bundle["envelope"] = base64.b64encode(json.dumps(envelope).encode()).decode()
    forged = altered | {"proof": base64.b64encode(json.dumps(bundle).encode()).decode()}
    with pytest.raises(StatementInvalid):
        verify_signed_snapshot(json.dumps(forged).encode())
    for broken in (b"", b"{}", b"[" * 100_000, json.dumps(good | {"more": 1}).encode(), b"\xff"):
        with pytest.raises(InvalidInput, match="no file of a signed snapshot"):
            verify_signed_snapshot(broken)


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.HEAD, Role.NODE)])
def test_nobody_but_the_head_or_the_node_keeps_one(world: World, role: Role) -> None:
    world.at("2026-07-04")
    somebody = Maker(pseudonym="somebody", role=role, signed_in=SignedInBy.TOKEN)
    with pytest.raises(Forbidden, match="is for the role head or node"):
        keep_snapshot(world.node, somebody)
    kept = keep_snapshot(world.node, HEAD)
    fields = {"concerns": kept.sha256, "jurisdiction": Jurisdiction.RS, "decision": Decision.APPROVED}
    said = say(world.node, Approval, somebody, because="Made up.", **fields)
    with world.node.store.write() as session:
        enter(session, said, to=[])
    good = given_away(world)
    forged = good | {"proof": base64.b64encode(approval_proof(world.node, said.statement_id)).decode()}
    with pytest.raises(
        StatementInvalid, match=f"somebody in the role {role}, and not in the role head or node"
    ) as error:
        verify_signed_snapshot(json.dumps(forged).encode())
    assert error.value.code == "wrong-role"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: it.update(reached=4), "another level"),
        (lambda it: it.update(half="2026H3"), "is written 2026H1"),
        (lambda it: it["levels"][0]["practices"].append(dict(it["levels"][0]["practices"][0])), "stands twice"),
        (lambda it: it["levels"][0]["practices"][0].update(figure={"told": "exact", "value": "9"}), "figure"),
        (lambda it: it["levels"][0]["practices"][0].update(state="fine"), "state"),
        (lambda it: it.update(names=["somebody"]), "names"),
        (lambda it: it.update(levels=[]), "levels"),
    ],
)
def test_bytes_that_are_no_snapshot_are_refused(world: World, change: Any, said: str) -> None:
    fields = json.loads(write_snapshot(Half(2026, 1), maturity_of(world.node)))
    read_snapshot(json.dumps(fields).encode())
    change(fields)
    with pytest.raises(InvalidInput, match=said):
        read_snapshot(json.dumps(fields).encode())


def test_a_snapshot_tells_no_name(world: World) -> None:
    world.enrol(MK)
    data = write_snapshot(Half(2026, 1), maturity_of(world.node))
    assert MK.encode() not in data
    assert b"ffp-rs.example" not in data
    assert data == write_snapshot(Half(2026, 1), maturity_of(world.node)), "the same maturity gives the same bytes"


@pytest.mark.slow
def test_the_check_at_rest_finds_a_snapshot_that_was_changed(world: World) -> None:
    world.at("2026-07-04")
    keep_snapshot(world.node, HEAD)
    sign_head(world.node)
    assert check_log(world.node).good
    with world.node.store.write() as session:
        session.execute(update(ApprovedRow).values(manifest=b"{}"))
    found = check_log(world.node)
    assert not found.good
    assert "approved_document snapshot 2026H1" in str(found)
