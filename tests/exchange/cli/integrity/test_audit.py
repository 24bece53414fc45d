"""``ffp audit``: what a supervisor reads on the node's own machine, and computes again by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from exchange.flows.log.audit_rows import seal_audit
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import create_node, opened
from exchange.log.audit_entry import Act, Actor, ActorKind, Deed
from exchange.store.log.statement_rows import latest_of
from exchange.store.tables.record_tables import StatementRow
from schemas import AuditBatch, open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.flows.owner import make_owner

RECORD = "ab" * 32


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A node of which one examiner read a record twice, once saying why; sealed, and its head signed."""
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    examiner = Actor(ActorKind.PERSON, "examiner-1", Role.EXAMINER)
    read = Deed(examiner, Act.READ_RECORD, 1, (RECORD,))
    with opened(home) as node:
        node.audit.note(read)
        node.audit.note(replace(read, purpose="detection", legal_basis="Član 5"))
        assert seal_audit(replace(node, settings=node.settings.model_copy(update={"audit_interval_s": 0})))
        sign_head(node)
    return home


def batch(home: Path) -> tuple[str, AuditBatch]:
    with opened(home) as node, node.store.read() as session:
        row = latest_of(session, node.node_id, "audit-batch")
        assert row is not None
        said = parse_statement(open_envelope(row.envelope or b"").payload)
    assert isinstance(said, AuditBatch)
    return row.statement_id, said


def execute(home: Path, statement: str) -> None:
    with opened(home) as node, node.store.write() as session:
        changed = session.connection().execute(text(statement))
        assert changed.rowcount == 1


def test_rows_are_shown_in_order_and_that_is_a_row(home: Path, ffp: Ffp) -> None:
    said = ffp("audit", "show", "--home", home)
    first, second, footer = said.out.splitlines()
    assert first.split("\t")[0] == "1"
    assert "examiner-1 (examiner)\tread-record\t1\tabababababababab" in first
    assert first.endswith("purpose not stated, legal basis not stated")
    assert second.endswith("detection, Član 5")
    assert footer.startswith("1 acts of people without a stated purpose")
    again = ffp("audit", "show", "--actor", "console", "--home", home).out.splitlines()
    assert again[0].split("\t")[3] == "read-audit"
    assert "supervision" in again[0]


def test_rows_by_what_they_are_about(home: Path, ffp: Ffp) -> None:
    assert len(ffp("audit", "show", "--subject", RECORD, "--json", "--home", home).out.splitlines()) == 2
    assert ffp("audit", "show", "--day", "2020-01-01", "--json", "--home", home).out == ""
    assert ffp("audit", "show", "--act", "read-scan", "--json", "--home", home).out == ""
    assert "none of search-records" in refusal(ffp("audit", "show", "--act", "gossip", "--home", home))


def test_a_batch_is_computed_again_by_hand(home: Path, ffp: Ffp) -> None:
    statement_id, said = batch(home)
    lines = ffp("audit", "show", "--batch", statement_id, "--json", "--home", home).out.splitlines()
    leaves = [hashlib.sha256(b"\x00" + line.encode()).digest() for line in lines]
    assert len(leaves) == said.count == 2
    assert hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).hexdigest() == said.root
    assert ffp("audit", "show", "--batch", "cd" * 32, "--json", "--home", home).out == ""


def test_verify_says_what_was_altered(home: Path, ffp: Ffp) -> None:
    good = ffp("audit", "verify", "--home", home)
    assert (good.code, "All rows are those that were written." in good.out) == (0, True)
    assert "1 batches" in good.out
    execute(home, "update audit set actor = 'examiner-2' where number = 2")
    bad = ffp("audit", "verify", "--home", home)
    assert bad.code == 1
    assert "audit row 2: It is not what was written down" in bad.out
    assert "supervisor" in bad.out
    told = ffp("audit", "verify", "--json", "--home", home)
    assert (told.code, json.loads(told.out)["findings"][0][0]) == (1, "audit row 2")


def test_the_check_of_the_log_names_it_too(home: Path, ffp: Ffp) -> None:
    good = ffp("log", "check", "--home", home)
    assert (good.code, "2 audit rows" in good.out) == (0, True)
    execute(home, "update audit set purpose = 'detection' where number = 1")
    bad = ffp("log", "check", "--home", home)
    assert bad.code == 1
    assert "audit row 1" in bad.out


def test_an_altered_batch_is_one_finding_of_the_log(home: Path, ffp: Ffp) -> None:
    statement_id, _ = batch(home)
    with opened(home) as node, node.store.write() as session:
        row = session.scalars(select(StatementRow).where(StatementRow.statement_id == statement_id)).one()
        row.envelope = (row.envelope or b"").replace(b"a", b"b")
    found = json.loads(ffp("log", "check", "--json", "--home", home).out)["findings"]
    assert [finding["subject"] for finding in found].count(statement_id) == 1


def test_a_record_that_is_given_away_is_a_row(tmp_path: Path, ffp: Ffp) -> None:
    owner = make_owner(tmp_path / "node")
    record = owner.publish().statement_id
    owner.node.close()
    said = ffp("export", record, "--out", tmp_path / "bundle.json", "--home", tmp_path / "node")
    assert (said.code, (tmp_path / "bundle.json").is_file()) == (0, True)
    [row] = ffp("audit", "show", "--json", "--home", tmp_path / "node").out.splitlines()
    read = json.loads(row)
    assert (read["act"], read["actor"], read["role"], read["subjects"]) == (
        "read-bundle",
        "console",
        "operator",
        [record],
    )


@pytest.mark.slow
@pytest.mark.parametrize("role", ["examiner", "investigator", "operator", "head", "auditor"])
def test_each_role_of_people_can_be_given(home: Path, ffp: Ffp, role: str) -> None:
    assert ffp("user", "add", f"{role}-1", "--role", role, "--home", home).code == 0
    assert f"{role}-1\t{role}\tactive" in ffp("user", "list", "--home", home).out


@pytest.mark.parametrize("role", ["node", "king", ""])
def test_no_other_role_can_be_given(home: Path, ffp: Ffp, role: str) -> None:
    sentence = refusal(ffp("user", "add", "somebody", "--role", role, "--home", home))
    assert "examiner, investigator, operator, head, auditor" in sentence
