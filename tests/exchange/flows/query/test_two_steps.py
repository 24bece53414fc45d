"""What must stay at home, between real nodes: candidate or no candidate first, the record only after approval."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.flows.node.node import Node
from exchange.flows.terms.terms import state_policy
from exchange.flows.terms.withdraw import withdraw
from exchange.store.log.statement_rows import find_statement
from exchange.store.query.queries import find_found
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import AudienceRow, RecordRow, StatementRow
from schemas import LegalBasis, Maker, open_envelope
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule, SignedInBy, WithdrawalReason
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.served import eventually

pytestmark = pytest.mark.slow

Pair = tuple[RunningNode, RunningNode]

QUESTION = {"purpose": "investigation", "legal_basis": "Criminal Procedure Code, article 286"}
SECRET_CASE = "MK-SECRET-4711"
HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


def submit(node: RunningNode, scan: Path, case: str, **more: Any) -> str:
    receipt = node.submit(scan, case_reference=case, **more)
    assert receipt.status_code == 201, receipt.text
    statement_id: str = receipt.json()["statement_id"]
    return statement_id


def at_home(node: RunningNode, scan: Path, case: str = SECRET_CASE, **more: Any) -> str:
    """A record that stays at home and may be searched by Serbia."""
    return submit(node, scan, case, **{"level": "search", "audience": ["RS"], **more})


def to_ask_with(node: RunningNode, scan: Path, **more: Any) -> str:
    """A record of which a scan may travel to North Macedonia to be compared."""
    return submit(node, scan, "RS-2026-0001", **{"level": "search", "audience": ["MK"], **more})


def asked(node: RunningNode, record: str, **more: Any) -> dict[str, Any]:
    response = node.post(f"/v1/records/{record}/queries", QUESTION | more, Role.INVESTIGATOR)
    assert response.status_code == 201, response.text
    [outcome] = response.json()
    return dict(outcome)


def query_of(node: RunningNode, received: bool = False) -> dict[str, Any]:
    """The newest."""
    listed = node.get("/v1/queries", Role.INVESTIGATOR, params={"received": received}).json()["items"]
    return dict(listed[0]) if listed else {"state": None}


def answered(node: RunningNode) -> dict[str, Any]:
    eventually(lambda: query_of(node)["state"] == "answered", 60)
    return query_of(node)


def everything(node: Node) -> bytes:
    """Each byte that lies in a node's home: database with its log, scans, whatever was made of them."""
    return b"".join(path.read_bytes() for path in sorted(node.settings.home.rglob("*")) if path.is_file())


def statements(node: Node, kind: str) -> list[dict[str, Any]]:
    with node.store.read() as session:
        rows = session.scalars(
            select(StatementRow).where(StatementRow.type == kind).order_by(StatementRow.received_at)
        ).all()
    return [json.loads(open_envelope(row.envelope or b"").payload) for row in rows]


def test_the_whole_way_in_two_steps(pair: Pair, scans: dict[str, Path]) -> None:
    """Found at home; nothing of it leaves before the head approves; then record and scan come, and correlate."""
    rs, mk = pair
    hidden = at_home(mk, scans["1-1"])
    other = at_home(mk, scans["2-1"], "MK-ANOTHER")
    mine = to_ask_with(rs, scans["1-2"])
    mk.wait_correlated(2)
    rs.wait_correlated(1)

    # step one
    outcome = asked(rs, mine)
    assert (outcome["peer"], outcome["state"], outcome["reason"]) == ("ffp-mk", "asked", None)
    query = answered(rs)
    assert (query["query"], query["result"], query["overdue"]) == (outcome["query"], "candidate", False)
    [found] = query["found"]
    assert (found["band"], found["state"], found["record"]) == ("high", "found", None)
    eventually(lambda: not list(mk.node.settings.queries.iterdir()))
    assert not list(mk.node.blobs.path(_scan(mk, hidden)).parent.glob(_digest_of(rs, mine))), "never among the scans"

    received = query_of(mk, received=True)
    assert [item["record"] for item in received["found"]] == [hidden], "the owner's examiners see what was found"
    assert (received["asker"], received["purpose"], received["legal_basis"]) == ("ffp-rs", *QUESTION.values())

    # nothing of the record has left, in any form
    before = everything(rs.node)
    for secret in (hidden, other):
        assert secret.encode() not in before
        assert bytes.fromhex(secret) not in before
        assert _scan(mk, secret).encode() not in before
    assert SECRET_CASE.encode() not in before
    assert base64.b64encode(SECRET_CASE.encode())[:-2] not in before
    assert scans["1-1"].read_bytes()[5000:5100] not in before
    assert b'"score"' not in json.dumps(statements(rs.node, "answer")).encode()
    assert rs.get(f"/v1/records/{hidden}").status_code == 404

    # step two
    wanted = rs.post(
        f"/v1/queries/{query['query']}/requests", {"handle": found["handle"], "because": "Prosecutor, 12/2026."}
    )
    assert wanted.status_code == 201, wanted.text
    eventually(lambda: bool(mk.get("/v1/approvals", Role.HEAD).json()))
    [waiting] = mk.get("/v1/approvals", Role.HEAD).json()
    assert (waiting["concern"], waiting["because"]) == ("found", "Prosecutor, 12/2026.")
    assert waiting["record"]["statement_id"] == hidden
    assert (waiting["peer"], waiting["purpose"], waiting["overdue"]) == ("ffp-rs", "investigation", False)
    assert hidden.encode() not in everything(rs.node)
    decided = mk.post(
        "/v1/approvals",
        {
            "concerns": waiting["concerns"],
            "jurisdiction": waiting["jurisdiction"]["code"],
            "decision": "approved",
            "because": "For the prosecutor.",
        },
        Role.HEAD,
    )
    assert decided.status_code == 201, decided.text
    eventually(lambda: rs.get(f"/v1/records/{hidden}").status_code == 200, 60)
    rs.wait_correlated(2)
    assert rs.get(f"/v1/records/{hidden}").json()["case_reference"] == SECRET_CASE
    candidates = rs.get(f"/v1/records/{mine}/candidates").json()["items"]
    assert [item["other"]["statement_id"] for item in candidates] == [hidden]
    [after] = query_of(rs)["found"]
    assert (after["state"], after["record"]) == ("granted", hidden)
    assert rs.get(f"/v1/records/{other}").status_code == 404, "what was not asked for stays"

    # case data, to who has the record
    data = {"type": "disclosure", "to": "ffp-rs", "legal_basis": "Article 9", "place": "A synthetic street 1"}
    assert mk.post("/v1/statements", data | {"record": other}, Role.HEAD).status_code == 409, "it was not released"
    assert mk.post("/v1/statements", data | {"record": hidden}, Role.HEAD).status_code == 201
    eventually(lambda: bool(rs.get("/v1/statements", params={"about": hidden, "kind": "disclosure"}).json()))

    # everything stands in both logs
    for node, kinds in ((rs, ["query", "release-request"]), (mk, ["answer", "approval", "grant"])):
        for kind in kinds:
            [said] = statements(node.node, kind)
            assert said["issuer"] == node.node.node_id
    assert statements(mk.node, "query") == statements(rs.node, "query")
    assert statements(rs.node, "answer") == statements(mk.node, "answer")

    # what the owner takes back goes, with what it disclosed
    withdraw(mk.node, HEAD, hidden, WithdrawalReason.ENTERED_IN_ERROR)
    eventually(lambda: rs.get(f"/v1/records/{hidden}").status_code == 404, 60)
    for node in (rs, mk):
        with node.node.store.read() as session:
            rows = session.scalars(select(StatementRow).where(StatementRow.type == "disclosure")).all()
        assert [row.envelope for row in rows] == [None]
    assert query_of(rs)["found"][0]["state"] == "withdrawn"


def test_a_refusal_travels_and_nothing_else(pair: Pair, scans: dict[str, Path]) -> None:
    """Of a record that is searched only once the head has read its restriction."""
    rs, mk = pair
    hidden = at_home(mk, scans["1-1"], handling={"code": "H3", "restriction": "Ask the prosecutor first."})
    mine = to_ask_with(rs, scans["1-2"])
    mk.wait_correlated(1)
    asked(rs, mine)
    assert answered(rs)["result"] == "no_candidate"
    [waiting] = mk.get("/v1/approvals", Role.HEAD).json()
    assert (waiting["concern"], waiting["restriction"]) == ("record", "Ask the prosecutor first.")
    decision = {"concerns": hidden, "jurisdiction": "RS", "decision": "approved", "because": "He agrees."}
    assert mk.post("/v1/approvals", decision, Role.HEAD).status_code == 201
    assert rs.get(f"/v1/records/{hidden}").status_code == 404, "to be searched, and no more"
    asked(rs, mine)
    eventually(lambda: query_of(rs)["result"] == "candidate", 60)
    query = query_of(rs)
    [found] = query["found"]
    body = {"handle": found["handle"], "because": "Please."}
    first = rs.post(f"/v1/queries/{query['query']}/requests", body)
    assert rs.post(f"/v1/queries/{query['query']}/requests", body).json() == first.json(), "asked once"
    eventually(lambda: bool(mk.get("/v1/approvals", Role.HEAD).json()))
    decision = {"concerns": found["handle"], "jurisdiction": "RS", "decision": "refused", "because": "Not under H3."}
    assert mk.post("/v1/approvals", decision, Role.HEAD).status_code == 201
    eventually(lambda: query_of(rs)["found"][0]["state"] == "refused")
    assert query_of(rs)["found"][0]["record"] is None
    [said] = statements(rs.node, "approval")
    assert (said["decision"], said["because"]) == ("refused", "Not under H3.")
    again = mk.post("/v1/approvals", decision | {"decision": "approved"}, Role.HEAD)
    assert again.status_code == 409, "nothing waits any more"
    assert hidden.encode() not in everything(rs.node)


def test_not_entitled_looks_exactly_like_no_candidate(pair: Pair, scans: dict[str, Path]) -> None:
    """Of the same firearm: for nobody, for others only, for no search at all. And one of another firearm, which may be
    searched: it is not taken instead."""
    rs, mk = pair
    at_home(mk, scans["1-1"], "MK-NOBODY", audience=[])
    at_home(mk, scans["1-2"], "MK-OTHERS", audience=["XK"])
    at_home(mk, scans["3-1"], "MK-NONE", level="none")
    mine = to_ask_with(rs, scans["1-2"])
    mk.wait_correlated(3)
    rs.wait_correlated(1)
    asked(rs, mine)
    first = answered(rs)
    at_home(mk, scans["2-1"], "MK-ANOTHER-FIREARM")
    mk.wait_correlated(4)
    asked(rs, mine)
    eventually(lambda: query_of(rs)["query"] != first["query"] and query_of(rs)["state"] == "answered", 60)
    not_entitled, no_candidate = statements(rs.node, "answer")
    for answer in (not_entitled, no_candidate):
        assert (answer["result"], answer["found"], answer["because"]) == ("no_candidate", [], None)
        del answer["nonce"], answer["query"]
    assert not_entitled == no_candidate
    assert query_of(mk, received=True)["found"] == []


def test_the_law_blocks_a_question(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    mine = to_ask_with(rs, scans["1-2"])
    rs.wait_correlated(1)
    state_policy(rs.node, HEAD, (), (_basis(SharingRule.BLOCKED),))
    refused = rs.post(f"/v1/records/{mine}/queries", QUESTION, Role.INVESTIGATOR)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:ffp:problem:blocked-by-law"
    assert statements(rs.node, "query") == []
    assert query_of(mk, received=True)["state"] is None


@pytest.mark.parametrize("decision", ["approved", "refused"])
def test_what_a_person_must_decide_waits_for_the_head(pair: Pair, scans: dict[str, Path], decision: str) -> None:
    rs, mk = pair
    mine = to_ask_with(rs, scans["1-2"], handling={"code": "H2"})
    rs.wait_correlated(1)
    outcome = asked(rs, mine, peers=["ffp-mk"])
    assert (outcome["state"], outcome["reason"]) == ("waiting-for-approval", "needs-approval")
    assert asked(rs, mine) == outcome, "asked once, however often"
    [waiting] = rs.get("/v1/approvals", Role.HEAD).json()
    assert (waiting["concern"], waiting["concerns"], waiting["handling"]) == ("query", outcome["query"], "H2")
    assert waiting["record"]["statement_id"] == mine
    assert query_of(mk, received=True)["state"] is None, "it has not left"
    body = {"concerns": outcome["query"], "jurisdiction": "MK", "decision": decision, "because": "Looked at."}
    assert rs.post("/v1/approvals", body, Role.HEAD).status_code == 201
    if decision == "approved":
        assert answered(rs)["result"] == "no_candidate"
    else:
        assert (query_of(rs)["state"], query_of(rs)["detail"]) == ("withheld", "approval-refused")
        assert query_of(mk, received=True)["state"] is None
    assert rs.get("/v1/approvals", Role.HEAD).json() == []
    assert len(statements(rs.node, "approval")) == 1


def test_a_peer_that_is_away_is_asked_when_it_is_back(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    at_home(mk, scans["1-1"])
    mk.wait_correlated(1)
    mine = to_ask_with(rs, scans["1-2"])
    rs.wait_for(lambda status: status["signed_size"] == status["log_size"])
    mk.stop()
    asked(rs, mine)
    eventually(lambda: query_of(rs)["detail"] is not None)
    assert query_of(rs)["state"] == "asked"
    start_node(Jurisdiction.MK)
    assert answered(rs)["result"] == "candidate"


def test_a_withdrawn_record_is_not_found_and_not_released(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    hidden = at_home(mk, scans["1-1"])
    mine = to_ask_with(rs, scans["1-2"])
    mk.wait_correlated(1)
    asked(rs, mine)
    query = answered(rs)
    [found] = query["found"]
    rs.post(f"/v1/queries/{query['query']}/requests", {"handle": found["handle"], "because": "Please."})
    eventually(lambda: bool(mk.get("/v1/approvals", Role.HEAD).json()))
    withdraw(mk.node, HEAD, hidden, WithdrawalReason.ENTERED_IN_ERROR)
    assert mk.get("/v1/approvals", Role.HEAD).json() == []
    decision = {"concerns": found["handle"], "jurisdiction": "RS", "decision": "approved", "because": "Late."}
    assert mk.post("/v1/approvals", decision, Role.HEAD).status_code == 409
    with mk.node.store.read() as session:
        row = find_found(session, found["handle"])
    assert row is not None
    assert (row.state, row.record) == ("withdrawn", None)
    asked(rs, mine)
    eventually(lambda: query_of(rs)["result"] == "no_candidate", 60)


def test_nothing_is_asked_with_what_is_not_ones_own(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    theirs = submit(mk, scans["1-1"], "MK-1", level="full", audience=["RS"])
    eventually(lambda: rs.get(f"/v1/records/{theirs}").status_code == 200, 60)
    assert rs.post(f"/v1/records/{theirs}/queries", QUESTION, Role.INVESTIGATOR).status_code == 404
    mine = to_ask_with(rs, scans["1-2"])
    for change, status in (({"position": 1}, 422), ({"peers": ["ffp-xk"]}, 404), ({"purpose": "curiosity"}, 422)):
        response = rs.post(f"/v1/records/{mine}/queries", QUESTION | change, Role.INVESTIGATOR)
        assert response.status_code == status, response.text
    with rs.node.store.read() as session:
        assert session.scalars(select(QueryRow)).all() == []
        assert find_statement(session, mine) is not None


def _basis(rule: SharingRule) -> LegalBasis:
    return LegalBasis(
        jurisdiction=Jurisdiction.MK,
        kinds=(ExhibitKind.CRIME_SCENE,),
        rule=rule,
        article="Agreement, article 7",
        review_by=date(2036, 1, 1),
    )


def _scan(node: RunningNode, record: str) -> str:
    digest: str = node.get(f"/v1/records/{record}").json()["acquisitions"][0]["sha256"]
    return digest


_digest_of = _scan


def test_a_record_whose_row_was_altered_is_not_found(pair: Pair, scans: dict[str, Path]) -> None:
    """Somebody who can write the database opens a record to searches that was signed for none."""
    rs, mk = pair
    hidden = at_home(mk, scans["1-1"], level="none", audience=[])
    mine = to_ask_with(rs, scans["1-2"])
    mk.wait_correlated(1)
    rs.wait_correlated(1)
    with mk.node.store.write() as session:
        session.get_one(RecordRow, hidden).level = "full"
        session.add(AudienceRow(statement_id=hidden, name="RS"))
    asked(rs, mine)
    assert answered(rs)["result"] == "no_candidate"


def test_a_pair_of_calibres_that_the_owner_knows_counts_in_its_answers(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    """The owner's pair, not the asker's: each laboratory answers by what it knows."""
    pair = {"one": "7.62x39", "other": "5.45x39", "reason": "rebarrelled rifles of one workshop"}
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK, calibre_pairs=json.dumps([pair]))
    enrol_each_other(rs, mk)
    at_home(mk, scans["1-1"], exhibit={"kind": "seized", "calibre": "5.45x39"})
    mk.wait_correlated(1)
    asked(rs, to_ask_with(rs, scans["1-2"], exhibit={"kind": "crime_scene", "calibre": "7.62x39"}))
    assert answered(rs)["result"] == "candidate"
