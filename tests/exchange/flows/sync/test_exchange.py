"""Between nodes, over real sockets: what one shares the other verifies, stores and correlates, and what it refuses."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.keys.enrol import enrol, fetch_introduction, revoke_peer
from exchange.flows.sync.progress import sync_status
from exchange.net.message_signatures import sign_request
from exchange.store.sync.peers import put_on_lane
from exchange.trust.card import fingerprint
from exchange.trust.keys import raw_public, requester_id
from schemas.lane import EMPTY_HEAD
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.databases import SLOW_ON_POSTGRESQL, Databases, databases_fixture
from tests.exchange.open_policy import LEGAL_BASIS
from tests.exchange.running_nodes import RunningNode, enrol_each_other

pytestmark = pytest.mark.slow

databases = databases_fixture("sqlite", SLOW_ON_POSTGRESQL)

Pair = tuple[RunningNode, RunningNode]
SHARED_WITH_MK = {"level": "full", "audience": ["MK"]}


def test_candidates_appear_on_both_sides(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    own = rs.submit(scans["1-1"], **SHARED_WITH_MK).json()
    other = mk.submit(scans["1-2"], level="full", audience=["RS"], case_reference="MK-1").json()
    decoy = mk.submit(scans["2-1"], level="full", audience=["RS"], case_reference="MK-2").json()
    assert own.get("sharing", [own])[0] == {
        "jurisdiction": {"code": "MK", "name": "North Macedonia", "footnote": None},
        "state": "on-lane",
        "peer": "ffp-mk",
        "reason": None,
    }
    for node in pair:
        node.wait_correlated(3)
        found = node.get("/v1/candidates", Role.INVESTIGATOR).json()["items"]
        assert {found[0][side]["statement_id"] for side in ("record", "other")} == {
            own["statement_id"],
            other["statement_id"],
        }
        assert [item["cross_border"] for item in found] == [True, True]
        assert found[0]["score"] > found[1]["score"]
    address = f"/v1/records/{own['statement_id']}/candidates"
    lists = [node.get(address, Role.INVESTIGATOR).json()["items"] for node in pair]
    assert [item["other"]["statement_id"] for item in lists[0]] == [other["statement_id"], decoy["statement_id"]]
    assert [item["score"] for item in lists[0]] == [item["score"] for item in lists[1]]


def test_a_received_record_is_the_issuers_own_bytes(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    receipt = rs.submit(scans["1-1"], **SHARED_WITH_MK).json()
    mk.wait_correlated(1)
    paths = [f"/v1/records/{receipt['statement_id']}/envelope", f"/v1/blobs/{_digest(rs, receipt['statement_id'])}"]
    for path in paths:
        assert mk.get(path).content == rs.get(path).content
    assert mk.get(paths[1]).content == scans["1-1"].read_bytes()


NOT_FOR_MK: tuple[dict[str, Any], ...] = (
    {"level": "full", "audience": []},
    {"level": "full", "audience": ["XK"]},
    {"level": "search", "audience": ["MK"]},
    {"level": "none", "audience": ["MK"]},
    {"level": "full", "audience": ["MK"], "handling": {"code": "H3", "restriction": "Ask the prosecutor first"}},
)


def test_what_is_not_for_a_peer_never_reaches_it(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    kept = [
        rs.submit(scans["1-1"], **sharing, case_reference=f"RS-{number}").json()
        for number, sharing in enumerate(NOT_FOR_MK)
    ]
    shared = rs.submit(scans["2-1"], **SHARED_WITH_MK, case_reference="RS-9").json()
    mk.wait_correlated(1)
    listed = [item["statement_id"] for item in mk.get("/v1/records").json()["items"]]
    assert listed == [shared["statement_id"]]
    assert _peer(rs, "ffp-mk")["on_lane"] == 2, "the policy and one record"
    for record in kept:
        assert mk.get(f"/v1/records/{record['statement_id']}").status_code == 404
    stolen = _signed_get(rs, mk, f"/v1/blobs/{_digest(rs, kept[0]['statement_id'])}")
    unknown = _signed_get(rs, mk, f"/v1/blobs/{'0' * 64}")
    assert stolen.status_code == unknown.status_code == 404
    assert stolen.json()["type"] == unknown.json()["type"]


def test_an_item_that_slipped_onto_a_lane_is_withheld_at_reading(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    kept = rs.submit(scans["1-1"], level="full", audience=["XK"]).json()
    with rs.node.store.write() as session:
        put_on_lane(session, "ffp-mk", kept["statement_id"])
    shared = rs.submit(scans["2-1"], **SHARED_WITH_MK, case_reference="RS-2").json()
    mk.wait_correlated(1)
    assert [item["statement_id"] for item in mk.get("/v1/records").json()["items"]] == [shared["statement_id"]]
    assert _peer(mk, "ffp-rs")["received"] == 3
    assert _signed_get(rs, mk, f"/v1/blobs/{_digest(rs, kept['statement_id'])}").status_code == 404


def test_an_altered_scan_is_refused_and_fetched_again_when_it_is_whole(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    digest = _sha256(scans["1-1"])
    rs.submit(scans["1-1"])  # at home only: the bytes are on disk before anybody fetches them
    rs.wait_correlated(1)
    blob = rs.node.blobs.path(digest)
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    receipt = rs.submit(scans["1-1"].read_bytes(), **SHARED_WITH_MK, case_reference="RS-2")
    assert receipt.status_code == 201, "the same scan may belong to another record"
    blob.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # the submission mended it
    mk.wait_for(lambda status: status["records"] == 1)
    detail = _eventually(lambda: _acquisition(mk, receipt.json()["statement_id"])["detail"])
    assert "digest-differs" in detail
    with pytest.raises(NotFound):
        mk.node.blobs.path(digest)
    blob.write_bytes(whole)
    mk.wait_correlated(1)
    assert mk.node.blobs.path(digest).read_bytes() == whole


def test_requests_between_nodes_are_refused_for_their_reason(pair: Pair) -> None:
    rs, mk = pair
    path = f"/v1/lane?start=0&head={EMPTY_HEAD.hex()}&known_size=0"
    headers = _sign(mk, rs.url + path)
    assert _raw_get(rs, path, headers).status_code == 200
    refusals = {
        "request-replayed": _raw_get(rs, path, headers),
        "signature-invalid": _raw_get(rs, path.replace("start=0", "start=1"), _sign(mk, rs.url + path)),
        "key-unknown": _raw_get(rs, path, _sign(mk, rs.url + path, key=Ed25519PrivateKey.generate())),
        "request-expired": _raw_get(rs, path, _sign(mk, rs.url + path, now=int(time.time()) - 600)),
        "cursor-from-the-future": _signed_get(rs, mk, path.replace("start=0", "start=9")),
        "lane-differs": _signed_get(rs, mk, path.replace(EMPTY_HEAD.hex(), "1" * 64)),
    }
    assert {answer.json()["type"].removeprefix("urn:ffp:problem:") for answer in refusals.values()} == set(refusals)
    assert {answer.status_code for answer in refusals.values()} == {401, 409}
    assert _raw_get(rs, path, rs.bearer(Role.EXAMINER)).status_code == 401, "a person's token opens no lane"
    assert _signed_get(rs, mk, path).status_code == 200, "the node goes on"


def test_enrolment_needs_the_fingerprint_and_a_legal_basis(start_node: Callable[..., RunningNode]) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    introduction = fetch_introduction(rs.node, mk.url)
    right = fingerprint(mk.node.card.identity)
    wrong = fingerprint(rs.node.card.identity)
    with pytest.raises(InvalidInput, match="fingerprints differ"):
        enrol(rs.node, introduction, confirmed=wrong, legal_basis=LEGAL_BASIS)
    with pytest.raises(InvalidInput, match="legal basis"):
        enrol(rs.node, introduction, confirmed=right, legal_basis="  ")
    assert sync_status(rs.node) == []
    enrol(rs.node, introduction, confirmed=right.replace(" ", "-"), legal_basis=LEGAL_BASIS)
    assert enrol(rs.node, introduction, confirmed=right, legal_basis=LEGAL_BASIS).node_id == "ffp-mk", "idempotent"
    with pytest.raises(InvalidInput, match="this node itself"):
        fetch_introduction(rs.node, rs.url)


def test_a_peer_enrolled_late_gets_what_it_may_see_from_before(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS)
    early = rs.submit(scans["1-1"], **SHARED_WITH_MK).json()
    assert early["sharing"][0]["state"] == "no-peer"
    rs.submit(scans["2-1"], case_reference="RS-2")
    mk = start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    mk.wait_correlated(1)
    assert [item["statement_id"] for item in mk.get("/v1/records").json()["items"]] == [early["statement_id"]]


def test_a_revoked_peer_gets_nothing_more_and_keeps_its_key_blocked(pair: Pair, scans: dict[str, Path]) -> None:
    rs, mk = pair
    rs.submit(scans["1-1"], **SHARED_WITH_MK)
    mk.wait_correlated(1)
    revoke_peer(rs.node, "ffp-mk")
    late = rs.submit(scans["2-1"], **SHARED_WITH_MK, case_reference="RS-2").json()
    assert late["sharing"][0]["reason"] == "not-enrolled"
    alarm = _eventually(lambda: _peer(mk, "ffp-rs")["alarm"])
    assert "key-unknown" in alarm.casefold().replace(" ", "-")
    assert mk.get("/v1/status").json()["records"] == 1
    with pytest.raises(Conflict, match="never replaced silently"):
        enrol(
            rs.node,
            fetch_introduction(rs.node, mk.url),
            confirmed=fingerprint(mk.node.card.identity),
            legal_basis=LEGAL_BASIS,
        )


def test_a_peer_that_was_away_catches_up(start_node: Callable[..., RunningNode], scans: dict[str, Path]) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    mk.stop()
    for number, name in enumerate(("1-1", "2-1", "3-1")):
        rs.submit(scans[name], **SHARED_WITH_MK, case_reference=f"RS-{number}")
    back = start_node(Jurisdiction.MK)
    back.wait_correlated(3)
    lane = _eventually(lambda: _peer(rs, "ffp-mk") if _peer(rs, "ffp-mk")["acknowledged"] == 4 else None)
    assert (lane["on_lane"], lane["acknowledged"]) == (4, 4), "the policy and three records"
    assert _peer(back, "ffp-rs")["quarantined"] == 0


def test_a_node_restored_from_an_old_backup_gets_its_record_back(
    start_node: Callable[..., RunningNode], scans: dict[str, Path], databases: Databases
) -> None:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    rs.submit(scans["1-1"], **SHARED_WITH_MK)
    mk.wait_correlated(1)
    rs.wait_correlated(1)
    rs.stop()
    home = rs.node.settings.home
    backup = databases.backup(home)
    rs = start_node(Jurisdiction.RS)
    rs.submit(scans["2-1"], **SHARED_WITH_MK, case_reference="RS-2")
    mk.wait_correlated(2)
    rs.stop()
    databases.restore(home, backup)
    rs = start_node(Jurisdiction.RS)
    _eventually(lambda: rs.get("/v1/status").json()["records"] == 2, 60)
    assert mk.get("/v1/status").json()["records"] == 2


def _peer(node: RunningNode, name: str) -> dict[str, Any]:
    peers: list[dict[str, Any]] = node.get("/v1/peers", Role.OPERATOR).json()
    return next(peer for peer in peers if peer["node_id"] == name)


def _acquisition(node: RunningNode, statement_id: str) -> dict[str, Any]:
    found: dict[str, Any] = node.get(f"/v1/records/{statement_id}").json()["acquisitions"][0]
    return found


def _digest(node: RunningNode, statement_id: str) -> str:
    return str(_acquisition(node, statement_id)["sha256"])


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _eventually(ask: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, f"still {found!r} after {seconds} s"
        time.sleep(0.05)
    return found


def test_to_name_a_scan_gives_no_byte_of_it_over_http(pair: Pair, scans: dict[str, Path]) -> None:
    """North Macedonia signs a record that names what Serbia keeps at home: neither the scan nor its heights follow."""
    rs, mk = pair
    scan = scans["1-1"]
    sha256 = hashlib.sha256(scan.read_bytes()).hexdigest()
    assert rs.submit(scan, level="none", audience=[]).status_code == 201
    paths = (f"/v1/blobs/{sha256}", f"/v1/scans/{sha256}/heights?most=64")
    unknown = [path.replace(sha256, "0" * 64) for path in paths]

    naming = mk.submit(scan, level="full", audience=[], case_reference="MK-1").json()["statement_id"]
    mk.wait_correlated(1)
    mk.node.blobs.remove(sha256)
    granted = {"jurisdiction": "RS", "legal_basis": LEGAL_BASIS}
    assert mk.post(f"/v1/records/{naming}/grants", granted, Role.HEAD).status_code == 201
    rs.wait_for(lambda _: rs.get(f"/v1/records/{naming}").status_code == 200)
    rs.wait_correlated(1)  # its own, and never the other
    (state,) = (one["state"] for one in rs.get(f"/v1/records/{naming}").json()["acquisitions"])
    assert state in {"awaiting-scan", "failed"}
    for path, other in zip(paths, unknown, strict=True):
        answers = [_signed_get(rs, mk, one) for one in (path, other)]
        assert [answer.status_code for answer in answers] == [404, 404]
        told = [answer.json()["detail"].replace(sha256, "").replace("0" * 64, "") for answer in answers]
        assert told[0] == told[1]
    assert rs.get(paths[0]).content == scan.read_bytes(), "who reads here reads Serbia's own"


def _sign(
    sender: RunningNode, url: str, *, key: Ed25519PrivateKey | None = None, now: int | None = None
) -> dict[str, str]:
    signer = key or sender.node.keys.transport
    identifier = requester_id(sender.node.node_id, raw_public(signer))
    return sign_request(signer, identifier, method="GET", url=url, body=None, now=now or int(time.time()))


def _raw_get(node: RunningNode, path: str, headers: dict[str, str]) -> httpx.Response:
    return node.http.get(node.url + path, headers=headers)


def _signed_get(owner: RunningNode, reader: RunningNode, path: str) -> httpx.Response:
    return _raw_get(owner, path, _sign(reader, owner.url + path))
