"""Witnesses over real sockets: cosignatures come by themselves, and a report is taken from a peer alone, whole."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.flows.statement.heads import open_cosigned
from exchange.log import note
from exchange.net.message_signatures import sign_request
from exchange.trust.keys import raw_public, requester_id
from schemas.vocabulary import Jurisdiction
from schemas.witness import MAX_REPORT_BYTES, parse_witnessed_log
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.conftest import problem, tiny_scan

EMPTY: dict[str, Any] = {
    "contract": "1.0",
    "cosigned": None,
    "shown": None,
    "seen": [],
    "forked": [],
    "size": None,
    "asks": [],
}
Pair = tuple[RunningNode, RunningNode]
CARD_AND_POLICY = 2
"""The size of the log of a node that enrolled its first peer."""


def send(
    sender: RunningNode, node: RunningNode, body: bytes, *, signed: bytes | None = None, **changes: Any
) -> httpx.Response:
    key = changes.pop("key", sender.node.keys.transport)
    url = f"{node.url}/v1/witness"
    values = {"method": "POST", "url": url, "body": signed if signed is not None else body, "now": int(time.time())}
    values["fields"] = {"Content-Type": "application/json"}
    headers = sign_request(key, requester_id(sender.node.node_id, raw_public(key)), **{**values, **changes})
    return node.http.post(url, content=body, headers=headers)


@pytest.mark.slow
def test_each_head_gets_the_cosignature_of_the_peer_that_pulls_it(pair: Pair) -> None:
    rs, mk = pair
    for _ in range(2):
        receipt = rs.submit(tiny_scan(), level="full", audience=["MK"]).json()
        rs.wait_for(lambda status, size=receipt["log_index"] + 1: status["witnesses"] == {"ffp-mk": size}, 20)
        served = rs.get("/v1/log/checkpoint").content
        head, _ = open_cosigned(served, rs.node.history, mk.node.history)
        assert head.size == receipt["log_index"] + 1
        assert len(note.parse_note(served).signatures) == 4
    mk.wait_for(lambda status: status["witnesses"] == {"ffp-rs": CARD_AND_POLICY}, 20)
    assert rs.get("/v1/status").json()["alarms"] == []


@pytest.mark.slow
def test_a_started_node_signs_nothing_before_its_peer_answers(start_node: Callable[..., RunningNode]) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    rs.wait_for(lambda status: status["witnesses"] == {"ffp-mk": CARD_AND_POLICY}, 20)
    mk.stop()
    rs.stop()
    rs = start_node(Jurisdiction.RS)
    assert rs.submit(tiny_scan()).status_code == 201, "it takes records all the while"
    time.sleep(1.5)
    status = rs.get("/v1/status").json()
    assert (status["log_size"], status["signed_size"]) == (CARD_AND_POLICY + 1, CARD_AND_POLICY)
    assert "ffp-mk" in status["alarms"][0]
    start_node(Jurisdiction.MK)
    status = rs.wait_for(lambda status: status["signed_size"] == CARD_AND_POLICY + 1, 20)
    assert status["alarms"] == []


@pytest.mark.slow
def test_a_restored_node_says_what_it_lost(start_node: Callable[..., RunningNode]) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    rs.stop()
    database = rs.node.settings.database
    backup = database.read_bytes()
    rs = start_node(Jurisdiction.RS)
    rs.submit(tiny_scan())
    rs.wait_for(lambda status: status["witnesses"] == {"ffp-mk": CARD_AND_POLICY + 1}, 20)
    rs.stop()
    for leftover in database.parent.glob("node.db-*"):
        leftover.unlink()
    database.write_bytes(backup)
    rs = start_node(Jurisdiction.RS)
    rs.submit(tiny_scan())
    status = rs.wait_for(lambda status: "Lost since" in " ".join(status["alarms"]), 60)
    assert any(f"at the log indices {CARD_AND_POLICY}" in alarm for alarm in status["alarms"]), status["alarms"]


@pytest.mark.slow
def test_reports_that_must_not_be_taken_are_refused_for_their_reason(pair: Pair) -> None:
    rs, mk = pair
    good = json.dumps(EMPTY).encode()
    answer = send(mk, rs, good)
    assert answer.status_code == 200
    assert answer.json().keys() == {"contract", "cosigned", "shown", "seen", "forked", "yours", "proofs"}
    assert {"signature", "content-digest"} <= set(answer.headers)

    def report(**changes: Any) -> bytes:
        return json.dumps({**EMPTY, **changes}).encode()

    problem(send(mk, rs, report(size=1), signed=good), 422, "digest-differs")
    problem(send(mk, rs, good, key=Ed25519PrivateKey.generate()), 401, "key-unknown")
    problem(send(mk, rs, good, now=int(time.time()) - 600), 401, "request-expired")
    problem(send(mk, rs, good, method="PUT"), 401, "signature-invalid")
    problem(rs.http.post(f"{rs.url}/v1/witness", content=good), 401, "signature-invalid")
    problem(send(mk, rs, b" " * (MAX_REPORT_BYTES + 1)), 413, "too-large")
    problem(send(mk, rs, b""), 401, "signature-invalid")
    for body, code in (
        (b"\xff", "not-json"),
        (b"[" * 1000, "too-deep"),
        (b'{"asks":[' + b"1," * 10_000 + b"1]}", "too-large"),
        (b'{"size":1,"size":2}', "duplicate-key"),
        (report(contract="2.0"), "unknown-contract"),
        (report(more=1), "unknown-field"),
        (report(asks=[0]), "invalid-field"),
        (report(asks=[2**63]), "invalid-field"),
        (report(asks=[1] * 17), "invalid-field"),
        (report(cosigned="AB=="), "invalid-field"),
        (report(cosigned="A" * 40_000), "invalid-field"),
        (report(seen=[{"log": "FFP", "note": "AAAA"}]), "invalid-field"),
        (report(cosigned="AAAA"), "cosignature-refused"),
    ):
        problem(send(mk, rs, body), 422, code)
    problem(send(mk, rs, report(size=1000, asks=[1])), 409, "size-not-signed")
    assert send(mk, rs, good).status_code == 200, "the node goes on"


def question(asker: RunningNode, node: RunningNode, query: str, *, path: str = "/v1/log/witnessed") -> httpx.Response:
    key, url = asker.node.keys.transport, f"{node.url}{path}{query}"
    signed = sign_request(key, asker.node.requester_id, method="GET", url=url, body=None, now=int(time.time()))
    return node.http.get(url, headers=signed)


@pytest.mark.slow
def test_how_far_its_log_is_witnessed_a_node_tells_peers_alone(pair: Pair) -> None:
    """Without a registry every peer is a witness: no witness is named, and the proofs are given all the same."""
    rs, mk = pair
    rs.submit(tiny_scan())
    rs.wait_for(lambda status: status["signed_size"] >= 2, 20)
    answer = question(mk, rs, "?size=2&asks=1,2")
    assert answer.status_code == 200
    assert {"signature", "content-digest"} <= set(answer.headers)
    told = parse_witnessed_log(answer.content)
    assert (told.log, told.size, told.round, told.heads) == ("ffp-rs", 2, None, ())
    assert [len(proof) for proof in told.proofs] == [1, 0]
    problem(rs.http.get(f"{rs.url}/v1/log/witnessed?size=1"), 401, "signature-invalid")
    problem(rs.get("/v1/log/witnessed?size=1"), 401, "signature-invalid")
    for query in ("", "?size=0", "?size=1&asks=0", "?size=1&asks=1,", f"?size={2**63}", "?size=1&asks=1" + ",1" * 16):
        problem(question(mk, rs, query), 422, "invalid-parameter")
    problem(question(mk, rs, "?size=1000"), 409, "size-not-signed")
    problem(question(mk, rs, "?size=1&asks=2"), 409, "size-not-signed")
