"""Whatever of a signed statement stands in the database once more is compared with it: each column of each table."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Integer, LargeBinary, text

from exchange.flows.integrity.log_check import check_log
from exchange.flows.integrity.report import Discrepancy
from exchange.flows.node.node import Node
from exchange.store.tables.columns import Base
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.exchange.flows.integrity.at_rest_world import altered, deleted, live, rows_of
from tests.exchange.flows.network import RS, Network

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)

OWN_WORK = "It is this node's own work: made again at will, or known to it alone; no statement says it."
THE_PERSONS = "It is of a person who uses this node: no statement says it."
MEMORY = "It is what this node remembers of a talk with a peer; what it must not forget is kept with its signature."
CLOCK = "It is a time by this node's own clock, which nobody else knows."

NOT_SIGNED_TABLES = {
    "schema_version": OWN_WORK,
    "serving": OWN_WORK,
    "worker": OWN_WORK,
    "job": OWN_WORK,
    "stored_object": "Which scans the object store has: their bytes are compared with their digests.",
    "submission": "Under which key a client sent what: it sees to it that nothing is entered twice.",
    "watched_scan": "By which file a scan came: asked only whether the same comes again.",
    "webhook": OWN_WORK,
    "webhook_message": OWN_WORK,
    "candidate": OWN_WORK,
    "known_pair": OWN_WORK,
    "compared_calibre_pair": OWN_WORK,
    "started_search": OWN_WORK,
    "firearm": "The laboratory's own data; what test fires say of it is signed with each.",
    "held_decision": "What was decided stands in the audit log; what is taken back is a withdrawal.",
    "scan_instrument": OWN_WORK,
    "candidate_delay": OWN_WORK,
    "remains": OWN_WORK,
    "log_check": "What the check itself found.",
    "log_start": MEMORY,
    "lost": "Leaves whose statements are lost: the tree is compared with them.",
    "stamp_failure": OWN_WORK,
    "told_head": MEMORY,
    "witnessed_log": MEMORY,
    "disagreement": "Evidence, shown as the signed notes that it is made of: whoever is shown it verifies it.",
    "returned_head": MEMORY,
    "rebuild_source": MEMORY,
    "nonce": MEMORY,
    "quarantine": "What is not believed: nothing follows from it.",
    "quarantine_count": "What is not believed: nothing follows from it.",
    "peer_day": OWN_WORK,
    "peer_quota": "The operator's own setting.",
    "node_hours": OWN_WORK,
    "score_seen": THE_PERSONS,
    "exhibits_seen": THE_PERSONS,
    "saved_view": THE_PERSONS,
    "taken_work": THE_PERSONS,
    "pair_set_aside": THE_PERSONS,
    "kept_search": THE_PERSONS,
    "alerts_read": THE_PERSONS,
    "draft": THE_PERSONS,
    "draft_file": THE_PERSONS,
    "mail_address": THE_PERSONS,
    "sign_in": THE_PERSONS,
    "sign_in_begun": THE_PERSONS,
    "sign_in_device": THE_PERSONS,
    "sign_in_failure": THE_PERSONS,
    "sign_in_session": THE_PERSONS,
    "withdrawal_proposal": "What was proposed and decided stands in the audit log; a withdrawal is signed.",
    "requester": MEMORY,
    "opened_list": THE_PERSONS,
    "stamp": "Compared where an authority is named: tests of time stamps.",
    "audit": "Compared with the batches: tests of the audit.",
    "audit_subject": "Compared with the batches: tests of the audit.",
    "audit_state": "Compared with the batches: tests of the audit.",
}
WORKED_OUT = "Worked out of the pair's statements at each start; a page that shows a hit reads these."
STEP = "How far this node's own work is; what is released is what the statements say."

NOT_SIGNED = {
    "statement.received_at": CLOCK,
    "record.sequence": "The order of arrival here.",
    "record.received_at": CLOCK,
    "record.widened": "It only keeps a record from others; where it should and does not, the check of records says so.",
    "acquisition.acquisition_id": OWN_WORK,
    **dict.fromkeys(
        (
            f"acquisition.{name}"
            for name in (
                "state",
                "detail",
                "parameters",
                "spacing_y_um",
                "spacing_x_um",
                "mark_mm2",
                "mark_one_sidedness",
                "mark_directedness",
                "correlated_at",
                "first_correlated_at",
            )
        ),
        OWN_WORK,
    ),
    "log_state.id": OWN_WORK,
    "checkpoint.signed_at": CLOCK,
    "cosignature.received_at": CLOCK,
    "approval.asked_at": CLOCK,
    "approval.due_at": CLOCK,
    "approval.decided_at": CLOCK,
    "hold.placed_at": CLOCK,
    "tombstone.tombstone_id": OWN_WORK,
    "tombstone.at": CLOCK,
    "tombstone.number": "Of an erased record nothing that is signed states it; it only keeps a record from others.",
    "tombstone.kept": "Which scans stay: each is held against the records that keep it before it is told.",
    **dict.fromkeys(
        (
            f"hit_pair.{name}"
            for name in ("stage", "since", "due_at", "waits_for", "provisional", "changed", "stale", "tasks")
        ),
        WORKED_OUT,
    ),
    "hit_pair.link_id": WORKED_OUT,
    **dict.fromkeys((f"query.{name}" for name in ("number", "at", "due_at", "answered_at")), CLOCK),
    "query.triggers": OWN_WORK,
    "query_found.due_at": CLOCK,
    "audit_batch.sealed_at": CLOCK,
    "instrument_check.check_id": "Which number audit rows show; what the check says is sealed under its digest.",
    "instrument_reference.check_id": "Of which check it is: that one's document has the digest of the heights.",
    "token.token_id": "Which number audit rows show; what the token may is sealed under its digest.",
    "token.used_at": CLOCK,
    **dict.fromkeys(
        (
            f"peer.{name}"
            for name in (
                "withheld",
                "receipt_count",
                "receipt_at",
                "returned_at",
                "pulled_at",
                "needs",
                "waiting",
                "alarm",
                "clock_ahead_s",
            )
        ),
        MEMORY,
    ),
    **dict.fromkeys(
        (f"verification_task.{name}" for name in ("task_id", "not_for", "created_at", "due_at", "taken_by", "done_at")),
        "Who is asked, and when: what was said of it is signed.",
    ),
    "lane_item.log_index": "Of a place whose statement was lost; shown, and not believed by the peer.",
    "lane_item.withheld": "Whether the peer was given it: policy is asked again at each reading.",
    "lane.acknowledged_at": CLOCK,
    "lane.acknowledged_by": "The peer's own signature over its request; whoever is shown it verifies it.",
    "lane.read_again_at": CLOCK,
    "lane.reads": "What the peer last said of itself, and says again with each request.",
    "received_place.withheld": MEMORY,
}


def signed_columns(package: str, besides: Collection[str]) -> list[tuple[str, str]]:
    """Return table and column of all that the tables of a package have, without these tables and columns."""
    classes = [mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__module__.startswith(package)]
    return sorted(
        (table.name, column.name)
        for table in (one.__table__ for one in classes)
        if table.name not in besides
        for column in table.columns
        if f"{table.name}.{column.name}" not in besides
    )


COLUMNS = signed_columns("exchange.store.tables", {*NOT_SIGNED_TABLES, *NOT_SIGNED})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    made = live(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


def findings(node: Node) -> list[Discrepancy]:
    return check_log(node).findings


ALTERATIONS = {
    "record": "update record set level = 'none' where level = 'full'",
    "record_audience": "update record_audience set name = 'UA' where name = 'MK'",
    "tombstone": "update tombstone set lifted = true",
    "user": "update \"user\" set role = 'operator'",
    "lane_item": "delete from lane_item where position = 1",
}


def test_on_either_engine_what_was_altered_is_named_and_nothing_else(tmp_path: Path, databases: Databases) -> None:
    made = live(tmp_path, databases)
    try:
        node = made.nodes[RS]
        assert findings(node) == []
        for table, alteration in ALTERATIONS.items():
            with node.store.write() as session:
                assert session.connection().execute(text(alteration)).rowcount > 0
            assert table in {finding.subject.split()[0] for finding in findings(node)}
    finally:
        made.close()


@pytest.mark.sqlite
def test_nothing_is_named_where_nothing_was_altered(world: Network) -> None:
    assert {name: findings(node) for name, node in world.nodes.items()} == {"ffp-rs": [], "ffp-mk": []}


@pytest.mark.sqlite
@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[".".join(names) for names in COLUMNS])
def test_an_altered_column_is_named(world: Network, table: str, column: str) -> None:
    alter_and_find(world, table, column)


def alter_and_find(world: Network, table: str, column: str) -> None:
    tried = 0
    for node in world.nodes.values():
        for row, value in rows_of(node, table, column):
            with altered(node, table, column, row, other_than(table, column, value)):
                named = findings(node)
            assert any(names(finding, table) for finding in named), (node.node_id, row, value, named)
            tried += 1
    assert tried, f"the two nodes hold nothing in {table}.{column}"


SUBJECTS = {
    "statement": "",
    "log_state": "",
    "log_node": "tree",
    "checkpoint": "head of size ",
    "audit_batch": "audit rows ",
    "peer": "",
}
"""How findings name the rows of tables that people do not know by name; an empty one names the statement or the peer
itself."""


def names(finding: Discrepancy, table: str) -> bool:
    return SUBJECTS.get(table, f"{table} ") in finding.subject


def test_the_list_of_what_is_not_signed_names_what_there_is() -> None:
    tables = Base.metadata.tables
    known = {f"{table.name}.{column.name}" for table in tables.values() for column in table.columns}
    assert NOT_SIGNED.keys() <= known
    assert NOT_SIGNED_TABLES.keys() <= tables.keys()
    assert all((NOT_SIGNED | NOT_SIGNED_TABLES).values())


@pytest.mark.sqlite
def test_an_instrument_check_that_was_taken_out_is_missed(world: Network) -> None:
    node = world.nodes[RS]
    for table, row in (("instrument_check", 2), ("instrument_check", 1), ("instrument_reference", 1)):
        with deleted(node, table, row):
            assert any(finding.subject.startswith("instrument_check ") for finding in findings(node)), (table, row)
    assert findings(node) == []


PLAUSIBLE = {"level": ("full", "none"), "decision": ("approved", "refused"), "rule": ("allowed", "blocked")}


def other_than(table: str, column: str, value: object) -> object:
    """Another value of the same kind, in words that the column may hold where it holds certain ones alone."""
    kind = Base.metadata.tables[table].columns[column].type
    if isinstance(kind, Boolean):
        return not value
    if isinstance(kind, LargeBinary):
        return bytes([value[0] ^ 1]) + value[1:] if isinstance(value, bytes) and value else b"another"
    if isinstance(kind, Integer):
        return int(value) + 1000 if isinstance(value, int) else 7
    if column in PLAUSIBLE:
        return next(word for word in PLAUSIBLE[column] if word != value)
    if isinstance(value, float):
        return value + 1
    word = str(value or "")
    return word[:-1] + ("0" if word[-1:] != "0" else "1")
