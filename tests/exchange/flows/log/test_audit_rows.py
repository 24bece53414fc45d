"""The log vouches for who saw what: batches, their proofs, and whatever was altered, removed or added since."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from exchange.clock import stamp, stamp_in
from exchange.flows.integrity.audit_check import AuditCheck, verify_audit
from exchange.flows.integrity.log_check import check_log
from exchange.flows.log import audit_rows
from exchange.flows.log.audit_rows import erase_outlived_rows, seal_audit
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.statement.heads import open_head
from exchange.log import merkle
from exchange.log.audit_entry import Act, Actor, ActorKind, AuditEntry, Deed
from exchange.store.log.audit import add_deeds, audit_state, entries_from, open_rows
from exchange.store.log.statement_rows import latest_checkpoint, log_size, node_reader, statements_of_type
from schemas import AuditBatch, open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.owner import Owner, add_reader, make_owner
from tests.exchange.open_policy import allow_all
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.conftest import tiny_scan

pytestmark = pytest.mark.slow

ACTOR = Actor(ActorKind.PERSON, "examiner-1", Role.EXAMINER)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node without peers and without a worker, whose rows may be sealed at once."""
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    opened = open_node(tmp_path / "node")
    sign_head(opened)
    yield hasty(opened)
    opened.close()


def hasty(node: Node) -> Node:
    return replace(node, settings=node.settings.model_copy(update={"audit_interval_s": 0}))


def act(node: Node, count: int = 1) -> None:
    for number in range(count):
        node.audit.note(Deed(ACTOR, Act.READ_RECORD, number, (f"{number:064x}",)))


def sealed(node: Node, count: int = 1) -> None:
    """That many acts, their batch, and the head over it."""
    act(node, count)
    assert seal_audit(node)
    assert sign_head(node)


def entries(node: Node) -> list[AuditEntry]:
    with node.store.read() as session:
        return [kept.entry for kept in entries_from(session, 1)]


def batches_of(node: Node) -> list[AuditBatch]:
    with node.store.read() as session:
        rows = list(statements_of_type(session, node.node_id, "audit-batch"))
    return [parse_statement(open_envelope(row.envelope or b"").payload) for row in rows]  # type: ignore[misc]


def size(node: Node) -> int:
    with node.store.read() as session:
        return log_size(session)


def change(node: Node, *statements: str) -> None:
    """What somebody does who can write to the database; tests that say it in SQLite's own words are marked so."""
    with node.store.write() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(text("pragma defer_foreign_keys = on"))
        for statement in statements:
            session.execute(text(statement))


def test_a_batch_is_one_leaf_and_its_root_is_that_of_its_rows(node: Node) -> None:
    sealed(node, 5)
    [batch] = batches_of(node)
    assert (batch.first, batch.count, batch.made_by.role) == (1, 5, Role.NODE)
    leaves = [hashlib.sha256(b"\x00" + entry.canonical()).digest() for entry in entries(node)]
    inner = [hashlib.sha256(b"\x01" + leaves[at] + leaves[at + 1]).digest() for at in (0, 2)]
    left = hashlib.sha256(b"\x01" + inner[0] + inner[1]).digest()
    assert batch.root == hashlib.sha256(b"\x01" + left + leaves[4]).hexdigest()
    assert verify_audit(node) == AuditCheck(rows=5, batches=1, not_stated=5)


def test_a_batch_stands_in_the_log_with_a_proof(node: Node) -> None:
    sealed(node, 3)
    with node.store.read() as session:
        [row] = statements_of_type(session, node.node_id, "audit-batch")
        latest = latest_checkpoint(session)
        assert latest is not None
        head = open_head(latest.note, node.history)
        proof = merkle.inclusion_proof(row.log_index, head.size, node_reader(session))
    leaf = merkle.leaf_hash(open_envelope(row.envelope or b"").leaf_data)
    merkle.verify_inclusion(row.log_index, head.size, leaf, proof, head.root)


def test_without_rows_there_is_no_leaf_and_the_log_stands_still(node: Node) -> None:
    assert not seal_audit(node)
    sealed(node)
    before = size(node)
    for _ in range(3):
        assert not seal_audit(node)
        assert not sign_head(node)
    assert size(node) == before


def test_batches_follow_on_each_other_with_one_for_each_head(node: Node) -> None:
    act(node, 2)
    assert seal_audit(node)
    act(node, 3)
    assert not seal_audit(node), "the batch before has no head yet"
    sign_head(node)
    assert seal_audit(node)
    sign_head(node)
    assert [(batch.first, batch.count) for batch in batches_of(node)] == [(1, 2), (3, 3)]
    assert verify_audit(node).good


def test_rows_wait_as_long_as_the_setting_says(node: Node) -> None:
    patient = replace(node, settings=node.settings.model_copy(update={"audit_interval_s": 60}))
    act(node)
    assert not seal_audit(patient)
    change(node, f"update audit set at = '{stamp_in(-61)}'")  # noqa: S608
    assert seal_audit(patient)


@pytest.mark.sqlite
def test_a_node_that_may_not_sign_makes_no_batch(node: Node) -> None:
    act(node)
    columns = "(id, state, restored, sets_aside, began_at)"
    change(node, f"insert into log_start {columns} values (1, 'conflict', 0, 0, '{stamp()}')")  # noqa: S608
    assert not seal_audit(node)
    change(node, "delete from log_start")
    assert seal_audit(node)


def test_a_very_long_batch_is_cut(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_rows, "MAX_BATCH", 4)
    act(node, 9)
    for _ in range(3):
        assert seal_audit(node)
        sign_head(node)
    assert [(batch.first, batch.count) for batch in batches_of(node)] == [(1, 4), (5, 4), (9, 1)]
    assert verify_audit(node).good


def test_rows_that_wait_are_counted_as_such(node: Node) -> None:
    sealed(node, 2)
    act(node, 3)
    assert verify_audit(node) == AuditCheck(rows=5, batches=1, not_stated=5, unproven=3)
    assert seal_audit(node)
    assert verify_audit(node).unproven == 3, "there is no head over the batch yet"
    sign_head(node)
    assert verify_audit(node).unproven == 0


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "column",
    [
        "at = '2020-01-01T00:00:00.000Z'",
        "kind = 'peer'",
        "actor = 'examiner-2'",
        "role = 'nobody-known'",
        "act = 'something-else'",
        "asked = 'nothing'",
        "count = count + 1",
        "purpose = 'detection'",
        "legal_basis = 'Article 5'",
        "nonce = ''",
        "leaf = x'00'",
    ],
)
@pytest.mark.parametrize("number", [2, 5])
def test_an_altered_row_is_named(node: Node, column: str, number: int) -> None:
    """Under a batch (2), or still waiting for one (5)."""
    sealed(node, 4)
    act(node, 2)
    change(node, f"update audit set {column} where number = {number}")  # noqa: S608
    [(subject, what)] = verify_audit(node).findings
    assert subject == f"audit row {number}"
    assert "altered" in what
    assert [finding.subject for finding in check_log(node).findings] == [subject]


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_subject set subject = 'x' where number = 2",
        "delete from audit_subject where number = 2",
        "insert into audit_subject values (2, 1, 'x')",
    ],
)
def test_altered_subjects_are_found_in_their_row(node: Node, statement: str) -> None:
    sealed(node, 4)
    change(node, statement)
    [(subject, _)] = verify_audit(node).findings
    assert subject == "audit row 2"


@pytest.mark.parametrize("numbers", [(1,), (2, 3), (4,), (5,), (6,), (4, 5)])
def test_missing_rows_are_named(node: Node, numbers: tuple[int, ...]) -> None:
    """At the beginning, within, at the end of a batch, and among those that wait."""
    sealed(node, 4)
    act(node, 2)
    for number in numbers:
        change(node, f"delete from audit_subject where number = {number}")  # noqa: S608
        change(node, f"delete from audit where number = {number}")  # noqa: S608
    found = {subject for subject, _ in verify_audit(node).findings}
    if numbers == (4, 5):
        assert found == {"audit row 4", "audit row 5"}
    elif len(numbers) == 2:
        assert found == {f"audit rows {numbers[0]} to {numbers[1]}"}
    else:
        assert found == {f"audit row {numbers[0]}"}


def test_an_added_row_is_found(node: Node) -> None:
    sealed(node, 4)
    columns = "at, kind, actor, role, act, asked, count, purpose, legal_basis, nonce, leaf"
    for number in (0, 5):
        copy = f"insert into audit (number, {columns}) select {number}, {columns} from audit where number = 1"  # noqa: S608
        change(node, copy)
        [(subject, _)] = verify_audit(node).findings
        assert subject == f"audit row {number}"
        change(node, f"delete from audit where number = {number}")  # noqa: S608


@pytest.mark.sqlite
def test_a_row_that_was_altered_together_with_its_hash_is_found_in_its_batch(node: Node) -> None:
    sealed(node, 2)
    sealed(node, 2)
    forged = replace(entries(node)[2], actor="examiner-2")
    change(node, f"update audit set actor = 'examiner-2', leaf = x'{forged.leaf().hex()}' where number = 3")  # noqa: S608
    [(subject, what)] = verify_audit(node).findings
    assert subject == "audit rows 3 to 4"
    assert "not those that were signed" in what


@pytest.mark.sqlite
def test_rows_in_another_order_are_found(node: Node) -> None:
    sealed(node, 2)
    steps = [(table, old, new) for old, new in ((1, 3), (2, 1), (3, 2)) for table in ("audit", "audit_subject")]
    change(node, *(f"update {table} set number = {new} where number = {old}" for table, old, new in steps))  # noqa: S608
    assert {subject for subject, _ in verify_audit(node).findings} == {"audit row 1", "audit row 2"}


def test_a_batch_that_is_gone_is_found(node: Node) -> None:
    sealed(node)
    sealed(node)
    with node.store.read() as session:
        [first, _] = statements_of_type(session, node.node_id, "audit-batch")
    change(node, f"delete from audit_batch where statement_id = '{first.statement_id}'")  # noqa: S608
    assert [subject for subject, _ in verify_audit(node).findings] == ["audit rows 1 to 1"]
    change(node, f"delete from statement where statement_id = '{first.statement_id}'")  # noqa: S608
    assert not verify_audit(node).good


@pytest.mark.sqlite
def test_a_forged_batch_is_not_in_the_log(node: Node) -> None:
    """Whoever has the statement keys, and not those of the log, signs another root."""
    sealed(node, 2)
    with node.store.read() as session:
        [row] = statements_of_type(session, node.node_id, "audit-batch")
    payload = open_envelope(row.envelope or b"").payload.replace(batches_of(node)[0].root.encode(), b"0" * 64)
    envelope = node.keys.statement.sign(payload).raw
    change(node, f"update statement set envelope = x'{envelope.hex()}' where statement_id = '{row.statement_id}'")  # noqa: S608
    found = dict(verify_audit(node).findings)
    assert "not in the signed log" in found[row.statement_id]


def test_rows_are_erased_when_their_retention_is_over_and_that_is_a_row(node: Node) -> None:
    sealed(node, 3)
    sealed(node, 2)
    assert not erase_outlived_rows(node)
    long_ago = stamp_in(-3651 * 86_400)
    change(node, f"update audit_batch set sealed_at = '{long_ago}' where first = 1")  # noqa: S608
    change(node, f"update statement set received_at = '{long_ago}' where type = 'audit-batch' and log_index = 1")  # noqa: S608
    assert erase_outlived_rows(node)
    assert not erase_outlived_rows(node)
    left = entries(node)
    assert [entry.number for entry in left] == [4, 5, 6]
    assert (left[-1].act, left[-1].count, left[-1].kind) == ("erase-audit", 3, "node")
    check = verify_audit(node)
    assert (check.good, check.erased, check.rows) == (True, 3, 3)
    sealed(node)
    assert verify_audit(node).good


def test_rows_that_were_erased_too_early_are_found(node: Node) -> None:
    sealed(node, 3)
    change(node, "delete from audit_subject")
    change(node, "delete from audit")
    change(node, "update audit_state set kept_from = 4")
    [(subject, what)] = verify_audit(node).findings
    assert subject == "audit rows 1 to 3"
    assert "retention is not over" in what


def test_a_row_that_was_erased_does_not_come_back(node: Node) -> None:
    sealed(node, 3)
    change(node, "update audit_state set kept_from = 4")
    change(node, f"update statement set received_at = '{stamp_in(-3651 * 86_400)}' where type = 'audit-batch'")  # noqa: S608
    assert {subject for subject, _ in verify_audit(node).findings} == {f"audit row {number}" for number in (1, 2, 3)}


def test_a_transaction_that_fails_takes_its_row_along(node: Node) -> None:
    with pytest.raises(ZeroDivisionError), node.store.write() as session:
        _fails_after_a_row(session)
    assert entries(node) == []
    with node.store.read() as session:
        assert open_rows(session) is None


def _fails_after_a_row(session: object) -> None:
    add_deeds(session, [Deed(ACTOR, Act.READ_RECORD, 1)])  # type: ignore[arg-type]
    raise ZeroDivisionError


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    made = make_owner(tmp_path / "owner", with_reader=False)
    allow_all(made.node)
    add_reader(made.node)  # afterwards: the policy is not on its lane
    yield made
    made.node.close()


def test_a_page_with_envelopes_is_one_row_and_an_empty_page_none(owner: Owner) -> None:
    published = [owner.publish(audience=["MK"], level="full") for _ in range(3)]
    page = owner.honest_page()
    [row] = entries(owner.node)
    assert (row.kind, row.actor, row.role, row.act, row.count) == ("peer", "ffp-mk", "node", "give-page", 3)
    assert row.subjects == tuple(record.statement_id for record in published)
    assert (row.purpose, row.legal_basis) == ("correlation", "Test agreement, article 1")
    assert owner.honest_page(start=3, head=bytes.fromhex(page.head)).items == ()
    assert len(entries(owner.node)) == 1


def test_a_page_of_what_is_withheld_is_no_row(owner: Owner) -> None:
    withheld = owner.publish(audience=[], level="full")
    given = owner.publish(audience=["MK"], level="full")
    items = owner.honest_page().items
    assert [item.envelope is None for item in items] == [True, False]
    [row] = entries(owner.node)
    assert row.subjects == (given.statement_id,)
    assert withheld.statement_id not in row.subjects


def test_both_ends_write_down_what_passed_between_them(pair: tuple[RunningNode, RunningNode]) -> None:
    rs, mk = pair
    scan = tiny_scan()
    record = rs.submit(scan, level="full", audience=["MK"]).json()["statement_id"]
    mk.wait_for(lambda status: status["acquisitions"].get("not-usable") == 1)
    sha256 = hashlib.sha256(scan).hexdigest()
    gave = [row for row in entries(rs.node) if record in row.subjects and row.kind == "peer"]
    took = [row for row in entries(mk.node) if record in row.subjects]
    assert [row.act for row in gave] == ["give-page", "give-scan"]
    assert [row.act for row in took] == ["take-page", "take-scan"]
    assert gave[1].subjects == took[1].subjects == (sha256, record)
    assert {row.actor for row in gave} == {"ffp-mk"}
    assert {row.actor for row in took} == {"ffp-rs"}
    assert {row.legal_basis for row in gave + took} == {"Test agreement, article 1"}
    assert gave[1].count == took[1].count == len(scan)


def test_empty_pages_and_heads_leave_nothing_at_either_end(start_node: Callable[..., RunningNode]) -> None:
    """The two sign for what they read, once; then they only look for news."""
    rs, mk = (start_node(jurisdiction, lane_wait_s=1) for jurisdiction in (Jurisdiction.RS, Jurisdiction.MK))
    enrol_each_other(rs, mk)
    rs.submit(tiny_scan(), level="full", audience=["MK"])
    mk.wait_for(lambda status: status["acquisitions"].get("not-usable") == 1)
    deadline = time.monotonic() + 120
    while True:
        before, pulled = (len(entries(rs.node)), len(entries(mk.node))), (_pulled(rs), _pulled(mk))
        while _pulled(rs) == pulled[0] or _pulled(mk) == pulled[1]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        if (len(entries(rs.node)), len(entries(mk.node))) == before:
            break


def _pulled(node: RunningNode) -> str:
    found: str = node.get("/v1/peers", Role.OPERATOR).json()[0]["pulled_at"]
    return found


def test_a_node_that_serves_seals_its_rows_by_itself(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(Jurisdiction.RS, audit_interval_s=1)
    for _ in range(3):
        node.get("/v1/records")
    status = node.wait_for(lambda status: status["signed_size"] == 2, 30)
    assert status["log_size"] == 2, "one leaf"
    [batch] = batches_of(node.node)
    assert batch.count == 3
    time.sleep(2.5)
    assert size(node.node) == 2, "a batch alone brings no other"
    with node.node.store.read() as session:
        assert audit_state(session).last == 3
    assert verify_audit(node.node).good
