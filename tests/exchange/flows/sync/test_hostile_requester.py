"""A peer, or somebody who would like to be one, that asks a real node for what it must not get."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.sync.acknowledge import receipt_evidence
from exchange.net.content_digest import byte_sequence
from exchange.net.message_signatures import LIFETIME_S, TAG, sign_request, signature_base
from schemas.lane import EMPTY_HEAD, next_head, parse_lane_page
from schemas.vocabulary import Jurisdiction
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.exchange.running_nodes import RunningNode, node_starter

pytestmark = pytest.mark.slow

EMPTY = EMPTY_HEAD.hex()
LANE = f"/v1/lane?start=0&head={EMPTY}&known_size=0"
ON_LANE = 2
"""Items on the lane of each peer: the policy line of its jurisdiction, and a record."""
IN_LOG = 5
"""The card, the policy and three records."""
AT_ONCE = 100  # more than twice the threads that the server has


@dataclass(frozen=True)
class Told:
    """An answer, read to its end."""

    status: int
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["type"]).removeprefix("urn:ffp:problem:")


@dataclass(frozen=True)
class Requester:
    """A peer's transport key, and what can be done with it."""

    node: Node
    asked: RunningNode

    @property
    def key(self) -> Ed25519PrivateKey:
        return self.node.keys.transport

    @property
    def key_id(self) -> str:
        return self.node.requester_id

    def signed(self, target: str, **changes: Any) -> dict[str, str]:
        values: dict[str, Any] = {
            "method": "GET",
            "url": self.asked.url + target,
            "now": int(time.time()),
            "body": None,
        }
        return sign_request(changes.pop("key", self.key), changes.pop("key_id", self.key_id), **{**values, **changes})

    def get(self, target: str, **changes: Any) -> Told:
        return send(self.asked, "GET", target, self.signed(target, **changes))

    def freely(
        self, *, without: str = "", parameters: str | None = None, label: str = "ffp", **components: str
    ) -> dict[str, str]:
        """A good signature over whatever is wanted, with whatever parameters."""
        now = int(time.time())
        values = {
            '"@method"': "GET",
            '"@authority"': urlsplit(self.asked.url).netloc,
            '"@path"': "/v1/lane",
            '"@query"': f"?{LANE.partition('?')[2]}",
        }
        values |= {f'"{name.replace("_", "-")}"': value for name, value in components.items()}
        values.pop(f'"{without}"', None)
        if parameters is None:
            parameters = 'created={now};expires={then};nonce="{nonce}";keyid="{key}";tag="{tag}"'
        told = parameters.format(
            now=now, then=now + LIFETIME_S, nonce=f"{time.time_ns():022d}", key=self.key_id, tag=TAG
        )
        parts = f"({' '.join(values)});{told}"
        signature = byte_sequence(self.key.sign(signature_base(values, values, parts)))
        return {"Signature-Input": f"{label}={parts}", "Signature": f"{label}={signature}"}


def send(
    node: RunningNode, method: str, target: str, headers: dict[str, str] | list[tuple[str, str]], body: bytes = b""
) -> Told:
    """Exactly these bytes: no client tidies up the target."""
    address = urlsplit(node.url)
    listed = list(headers.items()) if isinstance(headers, dict) else headers
    if not any(name == "Host" for name, _ in listed):
        listed = [("Host", address.netloc), *listed]
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in listed), "Connection: close"]
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        raw = b""
        while piece := connection.recv(1 << 16):
            raw += piece
    answer = http.client.HTTPResponse(_Raw(raw), method=method)  # type: ignore[arg-type]  # all it needs of a socket
    answer.begin()
    return Told(answer.status, answer.read())


class _Raw:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._raw)


@dataclass(frozen=True)
class House:
    """Serbia's node with a record for each of two peers and one for nobody."""

    rs: RunningNode
    mk: Requester
    xk: Requester
    digests: dict[str, str]
    records: dict[str, str]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, scans: dict[str, Path]) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch, node_starter(folder, patch) as start:
        rs = start(Jurisdiction.RS)
        allow_all(rs.node)
        requesters = {name: _enrolled(rs, name, folder) for name in (Jurisdiction.MK, Jurisdiction.XK)}
        digests, records = {}, {}
        for name, scan, audience in (("MK", "1-1", ["MK"]), ("XK", "2-1", ["XK"]), ("nobody", "3-1", [])):
            sent = rs.submit(scans[scan], case_reference=f"RS-{name}", level="full", audience=audience)
            records[name] = sent.json()["statement_id"]
            digests[name] = rs.get(f"/v1/records/{records[name]}").json()["acquisitions"][0]["sha256"]
        rs.wait_for(lambda status: status["signed_size"] == status["log_size"] == IN_LOG)
        yield House(rs, requesters[Jurisdiction.MK], requesters[Jurisdiction.XK], digests, records)
        for requester in requesters.values():
            requester.node.close()


def _enrolled(rs: RunningNode, jurisdiction: Jurisdiction, folder: Path) -> Requester:
    home = folder / f"requester-{jurisdiction}"
    create_node(home, jurisdiction=jurisdiction, url=f"http://{jurisdiction.lower()}.test", port=9)
    node = open_node(home)
    introduction = read_introduction(rs.node, node.card_envelope.raw)
    enrol(rs.node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    return Requester(node, rs)


def test_an_honest_request_is_answered_with_the_askers_own_lane(house: House) -> None:
    for requester, name in ((house.mk, "MK"), (house.xk, "XK")):
        page = parse_lane_page(requester.get(LANE).body)
        assert page.lane == f"ffp-{name.lower()}"
        assert len(page.items) == ON_LANE
        assert {item.statement_id for item in page.items} & set(house.records.values()) == {house.records[name]}
    assert send(house.rs, "GET", LANE, house.mk.freely()).status == 200, "the free hand below signs well"


PARAMETERS: dict[str, str] = {
    "no-nonce": 'created={now};expires={then};keyid="{key}";tag="{tag}"',
    "empty-nonce": 'created={now};expires={then};nonce="";keyid="{key}";tag="{tag}"',
    "short-nonce": 'created={now};expires={then};nonce="1";keyid="{key}";tag="{tag}"',
    "two-nonces": 'created={now};expires={then};nonce="{nonce}";nonce="{nonce}";keyid="{key}";tag="{tag}"',
    "no-created": 'expires={then};nonce="{nonce}";keyid="{key}";tag="{tag}"',
    "no-expires": 'created={now};nonce="{nonce}";keyid="{key}";tag="{tag}"',
    "no-key-id": 'created={now};expires={then};nonce="{nonce}";tag="{tag}"',
    "no-tag": 'created={now};expires={then};nonce="{nonce}";keyid="{key}"',
    "another-tag": 'created={now};expires={then};nonce="{nonce}";keyid="{key}";tag="other"',
    "another-algorithm": 'created={now};expires={then};nonce="{nonce}";keyid="{key}";tag="{tag}";alg="hmac-sha256"',
    "unknown-parameter": 'created={now};expires={then};nonce="{nonce}";keyid="{key}";tag="{tag}";req',
    "for-ever": 'created={now};expires=9999999999;nonce="{nonce}";keyid="{key}";tag="{tag}"',
    "from-the-start-of-time": 'created=1;expires={then};nonce="{nonce}";keyid="{key}";tag="{tag}"',
    "expires-before-it-was-made": 'created={then};expires={now};nonce="{nonce}";keyid="{key}";tag="{tag}"',
    "negative": 'created=-1;expires={then};nonce="{nonce}";keyid="{key}";tag="{tag}"',
    "not-a-time": 'created={now}.5;expires={then};nonce="{nonce}";keyid="{key}";tag="{tag}"',
}


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_a_well_signed_request_with_wrong_parameters_is_refused(house: House, parameters: str) -> None:
    told = send(house.rs, "GET", LANE, house.mk.freely(parameters=parameters))
    assert (told.status, told.code) == (401, "signature-invalid")


@pytest.mark.parametrize("component", ["@method", "@authority", "@path", "@query"])
def test_a_signature_that_leaves_something_out_is_refused(house: House, component: str) -> None:
    told = send(house.rs, "GET", LANE, house.mk.freely(without=component))
    assert (told.status, told.code) == (401, "signature-invalid")


def test_times_far_from_the_clock_here_are_refused(house: House) -> None:
    now = int(time.time())
    for moment in (now - 600, now - LIFETIME_S - 31, now + 35, now + 86_400, 1):
        told = house.mk.get(LANE, now=moment)
        assert (told.status, told.code) == (401, "request-expired"), moment


def test_one_signature_and_no_other_way_to_bring_it(house: House) -> None:
    good = house.mk.signed(LANE)
    other = house.xk.signed(LANE)
    both = {name: f"{good[name]}, {other[name]}" for name in good}
    tries: list[dict[str, str] | list[tuple[str, str]]] = [
        {},
        {"Signature": good["Signature"]},
        {"Signature-Input": good["Signature-Input"]},
        both,
        [*good.items(), *other.items()],
        [*good.items(), ("signature-input", good["Signature-Input"])],
        {**good, "Signature": other["Signature"]},
        {**good, "Signature": good["Signature"].replace("ffp=", "other=")},
        {**good, "Signature": good["Signature"][:-5] + ":"},
        {**good, "Signature": good["Signature"] + "A" * 2000},
        {**good, "Signature-Input": good["Signature-Input"] + ";x" * 600},
        house.mk.freely(label="sig1"),
        house.mk.freely(content_type="text/plain"),
        house.mk.signed(LANE, key=house.xk.key),
        house.mk.signed(LANE, key_id=house.xk.key_id),
        {"Authorization": f"Bearer {next(iter(house.rs.tokens.values()))}"},
    ]
    for headers in tries:
        told = send(house.rs, "GET", LANE, headers)
        assert (told.status, told.code) == (401, "signature-invalid"), headers
    nobody = house.mk.signed(LANE, key=Ed25519PrivateKey.generate(), key_id="ed25519:" + "0" * 32)
    assert send(house.rs, "GET", LANE, nobody).code == "key-unknown"
    assert send(house.rs, "GET", LANE, good).status == 200, "what was tried before did not use it up"


def test_a_request_signed_for_another_node_opens_nothing_here(house: House) -> None:
    address = urlsplit(house.rs.url)
    for url in ("http://ffp-al.example:8440", f"http://localhost:{address.port}", f"http://{address.hostname}"):
        headers = house.mk.signed(LANE, url=url + LANE)
        for host in (urlsplit(url).netloc, address.netloc):
            told = send(house.rs, "GET", LANE, {"Host": host, **headers})
            assert (told.status, told.code) == (401, "signature-invalid")
    told = send(house.rs, "GET", LANE, {"Host": "evil.example", **house.mk.signed(LANE)})
    assert told.status == 200, "what stands in Host means nothing"


def _after(old: str, new: str) -> str:
    assert old in LANE
    return LANE.replace(old, new)


TARGETS = {
    "encoded-letter": _after("/lane", "/%6cane"),
    "encoded-slash": _after("/v1/lane", "/v1%2flane"),
    "encoded-dot": _after("/v1/", "/v1/%2e/"),
    "dot": _after("/v1/", "/v1/./"),
    "up-and-down": _after("/v1/", "/v1/x/../"),
    "encoded-up": _after("/v1/", "/v1/x/%2e%2e/"),
    "two-slashes": _after("/v1/", "//v1/"),
    "slash-inside": _after("/v1/", "/v1//"),
    "slash-at-the-end": _after("/lane", "/lane/"),
    "capitals": _after("/v1/lane", "/V1/LANE"),
    "parameter-of-the-path": _after("/lane", "/lane;x"),
    "zero-byte": _after("/lane", "/lane%00"),
    "query-reordered": f"/v1/lane?head={EMPTY}&start=0&known_size=0",
    "query-encoded": _after("start=0", "start=%30"),
    "query-name-encoded": _after("start=", "st%61rt="),
    "another-start": _after("start=0", "start=1"),
    "start-twice": LANE + "&start=1",
    "one-more": LANE + "&x=1",
    "trailing-and": LANE + "&",
    "no-query": "/v1/lane",
    "empty-query": "/v1/lane?",
    "another-route": "/v1/blobs/" + "0" * 64,
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_written_otherwise_than_it_was_signed_is_refused(house: House, target: str) -> None:
    told = send(house.rs, "GET", target, house.mk.signed(LANE))
    assert told.status in (401, 404, 422, 307)
    if told.status == 401:
        assert told.code == "signature-invalid"
    assert house.records["MK"].encode() not in told.body


OTHER_SPELLINGS = {
    "encoded-letter",
    "encoded-slash",
    "encoded-dot",
    "dot",
    "up-and-down",
    "encoded-up",
    "two-slashes",
    "slash-inside",
    "slash-at-the-end",
    "parameter-of-the-path",
    "query-encoded",
    "query-name-encoded",
    "start-twice",
    "trailing-and",
}


@pytest.mark.parametrize("name", sorted(OTHER_SPELLINGS))
def test_another_spelling_is_refused_also_when_it_is_signed_as_it_is_sent(house: House, name: str) -> None:
    path, _, query = TARGETS[name].partition("?")
    told = send(house.rs, "GET", TARGETS[name], house.mk.freely(**{"@path": path, "@query": f"?{query}"}))
    assert told.status in (401, 404, 307, 422)
    assert told.status != 401 or told.code == "signature-invalid"


def test_the_whole_address_in_place_of_the_path_is_refused(house: House) -> None:
    told = send(house.rs, "GET", house.rs.url + LANE, house.mk.signed(LANE))
    assert told.status in (400, 401, 404)


def test_the_method_is_the_one_that_is_signed_and_served(house: House) -> None:
    override = {"X-HTTP-Method-Override": "GET", "X-HTTP-Method": "GET", "X-Method-Override": "GET"}
    for method in ("POST", "HEAD", "PUT", "OPTIONS", "get"):
        for headers in (house.mk.signed(LANE), {**house.mk.signed(LANE), **override, "Content-Length": "0"}):
            told = send(house.rs, method, LANE, headers)
            assert told.status in (400, 401, 405), method
    told = send(house.rs, "GET", LANE, {**house.mk.signed(LANE, method="POST"), **override})
    assert (told.status, told.code) == (401, "signature-invalid")


def test_a_body_changes_nothing(house: House) -> None:
    body = b'{"start": 9}'
    told = send(house.rs, "GET", LANE, {**house.mk.signed(LANE), "Content-Length": str(len(body))}, body)
    assert parse_lane_page(told.body).start == 0


def test_a_captured_request_is_answered_once_however_it_is_repeated(house: House) -> None:
    captured = house.mk.signed(LANE)
    with ThreadPoolExecutor(20) as pool:
        told = list(pool.map(lambda _: send(house.rs, "GET", LANE, captured), range(20)))
    assert [item.status for item in told].count(200) == 1
    assert {item.status for item in told} <= {200, 401, 429}, "429 while those before it are being looked at"
    assert {item.code for item in told if item.status == 401} == {"request-replayed"}


def test_a_captured_request_stays_used_when_the_node_starts_anew(
    start_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    rs = start_node(Jurisdiction.RS)
    mk = _enrolled(rs, Jurisdiction.MK, tmp_path)
    captured, unused = mk.signed(LANE), mk.signed(LANE)
    assert send(rs, "GET", LANE, captured).status == 200
    rs.stop()
    again = start_node(Jurisdiction.RS)
    assert send(again, "GET", LANE, captured).code == "request-replayed"
    assert send(again, "GET", LANE, unused).status == 200
    mk.node.close()


def test_a_peer_reads_no_lane_but_its_own(house: House) -> None:
    theirs = parse_lane_page(house.xk.get(LANE).body)
    for target, code in (
        (f"/v1/lane?start=1&head={theirs.head}&known_size=0", "lane-differs"),
        (f"/v1/lane?start=0&head={theirs.head}&known_size=0", "lane-differs"),
        (LANE + "&lane=ffp-xk", None),
        (LANE + "&peer=ffp-xk", None),
    ):
        told = house.mk.get(target)
        assert house.records["XK"].encode() not in told.body
        if code:
            assert (told.status, told.code) == (409, code)


def test_a_digest_is_no_key(house: House) -> None:
    """Known by guess or by gossip: what is not on the peer's own lane is as unknown as what does not exist."""
    assert house.mk.get(f"/v1/blobs/{house.digests['MK']}").status == 200
    refused = {
        name: house.mk.get(f"/v1/blobs/{digest}") for name, digest in {**house.digests, "none": "0" * 64}.items()
    }
    del refused["MK"]
    told = {item.body.replace(house.digests.get(name, "0" * 64).encode(), b"") for name, item in refused.items()}
    assert {item.status for item in refused.values()} == {404}
    assert len(told) == 1, "the answers differ in nothing but the digest"
    fields = {"If-None-Match": "*", "Range": "bytes=0-0"}
    headers = house.mk.signed(f"/v1/blobs/{house.digests['XK']}", fields=fields)
    assert send(house.rs, "GET", f"/v1/blobs/{house.digests['XK']}", headers).status == 404
    for name in (house.digests["MK"].upper(), house.digests["MK"][:63]):
        assert house.mk.get(f"/v1/blobs/{name}").status in (404, 422)
    for name in ("../../node.db", "%2e%2e%2fnode.db"):
        signed = house.mk.freely(**{"@path": f"/v1/blobs/{name}", "@query": "?"})
        assert send(house.rs, "GET", f"/v1/blobs/{name}", signed).status in (401, 404)


def test_heights_are_refused_as_the_scan_is(house: House) -> None:
    """Whatever is asked of them: a form that there is not would tell that there is a scan."""

    def heights(digest: str, form: str = "form=raw") -> Told:
        return house.mk.get(f"/v1/scans/{digest}/heights?{form}")

    assert heights(house.digests["MK"]).status == 200
    for digest in (house.digests["XK"], "0" * 64):
        blob = house.mk.get(f"/v1/blobs/{digest}")
        for form in ("form=raw", "form=filtered", "mirrored=true"):
            told = heights(digest, form)
            assert (told.status, told.body) == (blob.status, blob.body) == (404, blob.body)


def test_a_part_of_a_scan_is_what_was_asked_for(house: House, scans: dict[str, Path]) -> None:
    whole = scans["1-1"].read_bytes()
    target = f"/v1/blobs/{house.digests['MK']}"
    tries = {
        "bytes=100-": (206, whole[100:]),
        "bytes=0-0": (206, whole[:1]),
        "bytes=-10": (206, whole[-10:]),
        f"bytes={len(whole)}-": (416, None),
        "bytes=5-1": (200, whole),
        "bytes=99999999999999999999-": (None, None),
        "lines=1-": (None, None),
        f"bytes={','.join(['0-0'] * 200)}": (None, None),
    }
    for asked, (status, body) in tries.items():
        told = send(house.rs, "GET", target, house.mk.signed(target, fields={"Range": asked}))
        assert status is None or told.status == status, asked
        assert told.status < 500
        assert body is None or told.body == body
        assert len(told.body) < len(whole) + 100_000
    stale = house.mk.signed(target, fields={"Range": "bytes=100-", "If-Range": '"another"'})
    assert send(house.rs, "GET", target, stale).body == whole


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (f"start=0&head={EMPTY}&known_size=1", (200, None)),
        (f"start=0&head={EMPTY}&known_size={IN_LOG}", (200, None)),
        (f"start=0&head={EMPTY}&known_size={IN_LOG + 1}", (200, None)),
        (f"start=0&head={EMPTY}&known_size={2**62}", (200, None)),
        (f"start=0&head={EMPTY}", (200, None)),
        (f"start={ON_LANE + 1}&head={EMPTY}", (409, "cursor-from-the-future")),
        (f"start={2**62}&head={EMPTY}", (409, "cursor-from-the-future")),
        (f"start=0&head={'f' * 64}", (409, "lane-differs")),
        (f"start=1&head={EMPTY}", (409, "lane-differs")),
        (f"start={2**62 + 1}&head={EMPTY}", (422, "invalid-parameter")),
        (f"start={10**30}&head={EMPTY}", (422, "invalid-parameter")),
        (f"start={'9' * 5000}&head={EMPTY}", (422, "invalid-parameter")),
        (f"start=-1&head={EMPTY}", (422, "invalid-parameter")),
        (f"start=1e1&head={EMPTY}", (422, "invalid-parameter")),
        (f"start=0&head={EMPTY}&known_size={2**63}", (422, "invalid-parameter")),
        (f"start=0&head={EMPTY}&known_size=-1", (422, "invalid-parameter")),
        ("start=0&head=0", (422, "invalid-parameter")),
        (f"start=0&head={'F' * 64}", (422, "invalid-parameter")),
        (f"head={EMPTY}", (422, "invalid-parameter")),
        ("", (422, "invalid-parameter")),
    ],
)
def test_numbers_at_the_edge_get_a_clear_answer(house: House, query: str, told: tuple[int, str | None]) -> None:
    answer = house.mk.get(f"/v1/lane?{query}")
    assert (answer.status, None if told[1] is None else answer.code) == told


def test_a_reader_that_claims_to_know_a_longer_log_is_shown_the_head_and_nothing_else(house: House) -> None:
    """It will see that this log is shorter than what it knew, which is what it must see."""
    page = parse_lane_page(house.mk.get(f"/v1/lane?start=0&head={EMPTY}&known_size={2**62}").body)
    assert (page.items, page.consistency, page.head) == ((), (), EMPTY)
    assert page.checkpoint is not None


def test_what_a_peer_claims_to_have_is_no_more_than_what_it_was_given(house: House) -> None:
    """A receipt is a signed request for what follows; nobody signs for more than the lane has."""
    house.mk.get(f"/v1/lane?start={ON_LANE + 1}&head={EMPTY}")
    house.mk.get(f"/v1/lane?start=1&head={'1' * 64}")
    listed = {item["node_id"]: item for item in house.rs.get("/v1/peers", list(house.rs.tokens)[2]).json()}
    assert (listed["ffp-mk"]["on_lane"], listed["ffp-mk"]["acknowledged"]) == (ON_LANE, 0)


def test_the_log_is_for_those_who_are_signed_in(house: House) -> None:
    for target in ("/v1/log/checkpoint", "/v1/log/tile/0/000", "/v1/log/tile/0/000.p/4"):
        assert send(house.rs, "GET", target, {}).status == 401
        assert send(house.rs, "GET", target, {"Authorization": "Bearer guess"}).status == 401
    assert house.rs.get("/v1/log/checkpoint").status_code == 200
    assert len(house.rs.get("/v1/log/tile/0/000.p/4").content) == 4 * 32


def test_a_hundred_requests_of_one_peer_at_once_keep_nobody_else_waiting(house: House) -> None:
    """Some are answered, the others told to come again; the node answers its own people meanwhile."""
    signed = [house.mk.signed(LANE) for _ in range(AT_ONCE)]
    told: list[int] = []
    ready = threading.Barrier(AT_ONCE + 1)

    def ask(headers: dict[str, str]) -> None:
        ready.wait()
        told.append(send(house.rs, "GET", LANE, headers).status)

    threads = [threading.Thread(target=ask, args=(headers,)) for headers in signed]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    ready.wait()
    assert house.rs.get("/v1/status").status_code == 200
    for thread in threads:
        thread.join(timeout=60)
    assert len(told) == AT_ONCE
    assert set(told) <= {200, 429}
    assert 200 in told
    assert time.monotonic() - began < 30


def test_what_is_kept_of_an_acknowledgement_proves_it_to_others(house: House) -> None:
    item = parse_lane_page(house.mk.get(LANE).body).items[0]
    head = next_head(EMPTY_HEAD, item.statement_id).hex()
    query = f"start=1&head={head}&known_size=0"

    def kept() -> dict[str, Any] | None:
        return receipt_evidence(house.rs.node, house.mk.node.node_id)

    assert kept() is None, "nothing was acknowledged, in any spelling"
    signed = house.mk.freely(**{"@path": "/v1/%6Cane", "@query": f"?{query}"})
    assert send(house.rs, "GET", f"/v1/%6Cane?{query}", signed).status == 401
    assert kept() is None
    assert house.mk.get(f"/v1/lane?{query}").status == 200
    found = kept()
    assert found is not None
    assert (found["count"], found["head"], found["request"]["key_id"]) == (1, head, house.mk.key_id)
    base, signature = found["request"]["signature_base"].encode(), b64decode(found["request"]["signature"])
    house.mk.key.public_key().verify(signature, base)
    assert f'"@path": /v1/lane\n"@query": ?{query}\n'.encode() in base
