"""One act of approval: who may, of which bytes, kept or not at all; and what somebody else believes of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from exchange.coordination.approved_document import (
    approval_proof,
    approve_document,
    approved_file,
    check_approval,
    digest_of,
    find_approval,
    open_approved_file,
)
from exchange.coordination.approved_rows import ApprovedKind, Editions
from exchange.errors import Conflict, Forbidden, StatementInvalid
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.statement.proven import verify_proven
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.tables.record_tables import StatementRow
from exchange.trust.card import fingerprint
from schemas import Approval, ContractError, Maker
from schemas.vocabulary import Decision, Jurisdiction, Role, SignedInBy

DOCUMENT = b'{"made up": 1}\n'
BECAUSE = "To the coordinator, under the Roadmap."


def maker(role: Role) -> Maker:
    return Maker(pseudonym=f"{role}-1", role=role, signed_in=SignedInBy.TOKEN)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    home: Path = tmp_path_factory.mktemp("approved") / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    made = open_node(home)
    yield made
    made.close()


PERIOD = "2026H2"
INPUTS = ApprovedKind.INPUTS


def statements(node: Node) -> int:
    with node.store.read() as session:
        return session.scalar(select(func.count()).select_from(StatementRow)) or 0


def signed_by(node: Node, role: Role, **changes: object) -> bytes:
    """The proof of an approval that the node's keys signed, whatever its own rules say."""
    fields = {"concerns": digest_of(DOCUMENT), "jurisdiction": Jurisdiction.RS, "decision": Decision.APPROVED}
    said = say(node, Approval, maker(role), because=BECAUSE, **{**fields, **changes})
    with node.store.write() as session:
        enter(session, said, to=[])
    sign_head(node)
    return approval_proof(node, said.statement_id)


def test_what_the_head_approves_is_found_given_away_and_verified(node: Node) -> None:
    new = approve_document(node, maker(Role.HEAD), INPUTS, PERIOD, Editions(DOCUMENT), BECAUSE)
    assert (new.sha256, new.approved_by) == (digest_of(DOCUMENT), "head-1")
    with node.store.read() as session:
        found = find_approval(session, INPUTS, PERIOD)
        assert find_approval(session, ApprovedKind.REPORT, PERIOD) is None
    assert found is not None
    assert found.editions == Editions(DOCUMENT)
    assert (found.approval, found.because, found.approved_at) == (new.approval, BECAUSE, new.approved_at)
    with pytest.raises(Conflict) as early:
        approved_file(node, new.approval, DOCUMENT)
    assert early.value.code == "head-not-signed"
    sign_head(node)
    file = approved_file(node, new.approval, DOCUMENT)
    digits = fingerprint(node.history.card.identity)
    opened = open_approved_file(file, max_bytes=2**20, confirmed=digits)
    assert (opened.document, opened.said.because, opened.proven.fingerprint) == (DOCUMENT, BECAUSE, digits)
    assert opened.proven.verified.envelope.raw == found.envelope

    other = {**json.loads(file), "document": base64.b64encode(b"other").decode()}
    with pytest.raises(StatementInvalid) as error:
        open_approved_file(json.dumps(other).encode(), max_bytes=2**20)
    assert error.value.code == "wrong-digest"
    with pytest.raises(StatementInvalid, match="not the one that you know"):
        open_approved_file(file, max_bytes=2**20, confirmed="0" * 40)
    for broken in (b"{}", b"[]", json.dumps({**json.loads(file), "more": 1}).encode(), file + b" " * 2**20):
        with pytest.raises(ContractError):
            open_approved_file(broken, max_bytes=2**20)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.HEAD])
def test_nobody_but_the_head_approves(node: Node, role: Role) -> None:
    before = statements(node)
    with pytest.raises(Forbidden, match="is for the role head"):
        approve_document(node, maker(role), ApprovedKind.REPORT, PERIOD, Editions(DOCUMENT), BECAUSE)
    assert statements(node) == before
    proven = verify_proven(signed_by(node, role))
    with pytest.raises(StatementInvalid, match=f"{role}-1 in the role {role}, and not in the role head") as error:
        check_approval(proven, DOCUMENT)
    assert error.value.code == "wrong-role"
    assert check_approval(proven, DOCUMENT, by=(Role.HEAD, role)).made_by.role is role


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"decision": Decision.REFUSED}, "unexpected-type"),
        ({"jurisdiction": Jurisdiction.MK}, "wrong-jurisdiction"),
        ({"concerns": "0" * 64}, "wrong-digest"),
    ],
)
def test_an_approval_of_something_else_approves_nothing(node: Node, changes: dict[str, object], code: str) -> None:
    proven = verify_proven(signed_by(node, Role.HEAD, **changes))
    with pytest.raises(StatementInvalid) as error:
        check_approval(proven, DOCUMENT)
    assert error.value.code == code


def test_what_is_not_kept_is_not_signed_for(node: Node) -> None:
    kind, other = ApprovedKind.SNAPSHOT, Editions(b"other")
    approve_document(node, maker(Role.HEAD), kind, PERIOD, Editions(DOCUMENT), BECAUSE)
    before = statements(node)
    with pytest.raises(Conflict, match="already") as refused:
        approve_document(node, maker(Role.HEAD), kind, PERIOD, other, BECAUSE)
    assert (refused.value.code, statements(node)) == ("decided", before)
    approve_document(node, maker(Role.HEAD), kind, PERIOD, other, BECAUSE, again=True)
    with node.store.read() as session:
        found = find_approval(session, kind, PERIOD)
    assert found is not None
    assert found.editions == other
