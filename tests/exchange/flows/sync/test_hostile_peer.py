"""A peer that lies over HTTP: each lie refused in words, nothing of it kept, and the lane goes on when it stops."""

from __future__ import annotations

import base64
import contextlib
import gzip
import ipaddress
import json
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import func, select

from exchange.conformance.guest.owner import encoded
from exchange.conformance.guest.peer_simulator import PeerSimulator, SimulatedRequest, respond
from exchange.errors import (
    Conflict,
    ExchangeError,
    InvalidInput,
    PeerError,
    PeerMisbehaved,
    PeerUnreachable,
    StoreFull,
)
from exchange.flows.keys.enrol import enrol, fetch_introduction, revoke_peer
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node
from exchange.flows.statement.peer import note_alarm
from exchange.flows.sync.available_hours import AvailableHours
from exchange.flows.sync.peer_quota import quotas, reset_quota, set_quota
from exchange.flows.witness import mirror
from exchange.flows.witness.cosign import cosign_head, meet
from exchange.flows.witness.mirror import mirror_log
from exchange.log.cosignature import cosign, witness_name
from exchange.log.merkle import HASH_BYTES
from exchange.log.tiles import TILE_WIDTH
from exchange.net.client import PeerAddress, PeerClient
from exchange.net.connection import MOST_HEAD_BYTES
from exchange.store.log.statement_rows import append_own, latest_checkpoint
from exchange.store.tables.mirror_tables import MirrorTileRow
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.witness.cosignatures import cosigned_size
from exchange.trust.card import fingerprint, make_card
from exchange.trust.keys import create_keys, load_identity, load_keys
from exchange.worker.peer_rounds import PeerRounds
from schemas import parse_statement
from schemas.lane import EMPTY_HEAD, MAX_PAGE_BYTES, parse_lane_page
from schemas.statements import statement_id
from schemas.vocabulary import Jurisdiction
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.flows.conftest import OWNER, Reader, leftovers
from tests.exchange.flows.owner import READER
from tests.exchange.open_policy import LEGAL_BASIS

IMPATIENT_S = 0.15
CUT_S = 4 * IMPATIENT_S
SLACK_S = 3  # for a machine that is busy with other things
Lie = Callable[[PeerSimulator, SimulatedRequest], Iterator[bytes]]


def _unsigned(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(200, peer.page(asked))


def _another_key(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    body = peer.page(asked)
    yield respond(200, body, peer.signed(asked, body, key=Ed25519PrivateKey.generate()))


def _signed_long_ago(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    body = peer.page(asked)
    yield respond(200, body, peer.signed(asked, body, age_s=600))


def _signed_as_another_status(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    body = peer.page(asked)
    yield respond(200, body, peer.signed(asked, body, status=206))


def _signed_twice(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    body = peer.page(asked)
    signed = peer.signed(asked, body)
    twice = respond(200, body, {**signed, "signature": signed["Signature"]})
    yield twice


def _altered_body(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    body = peer.page(asked)
    yield respond(200, body.replace(b'"start"', b'"Start"'), peer.signed(asked, body))


def _altered_body_and_digest(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    body = peer.page(asked)
    other = body.replace(b'"start"', b'"Start"')
    digest = {"Content-Digest": peer.signed(asked, other)["Content-Digest"]}
    yield respond(200, other, {**peer.signed(asked, body), **digest})


def _no_digest(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    body = peer.page(asked)
    signed = {name: value for name, value in peer.signed(asked, body).items() if name != "Content-Digest"}
    yield respond(200, body, signed)


def _says(status: int, body: bytes = b"", **headers: str) -> Lie:
    return lambda _peer, _asked: iter([respond(status, body, {k.replace("_", "-"): v for k, v in headers.items()})])


def _sends(*pieces: bytes) -> Lie:
    return lambda _peer, _asked: iter(pieces)


def _signs(body: bytes) -> Lie:
    return lambda peer, asked: iter([respond(200, body, peer.signed(asked, body))])


def _packed(times: int) -> Lie:
    def answer(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
        body = bytes(20_000_000)
        for _ in range(times):
            body = gzip.compress(body)
        encoding = {"Content-Encoding": ", ".join(["gzip"] * times)}
        yield respond(200, body, {**peer.signed(asked, body), **encoding})

    return answer


def _without_end(status: int) -> Lie:
    """More than may be, in chunks, so that no length gives it away."""

    def answer(_peer: PeerSimulator, _asked: SimulatedRequest) -> Iterator[bytes]:
        yield f"HTTP/1.1 {status} Told\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        for _ in range(MAX_PAGE_BYTES // 65_536 + 100):
            yield b"10000\r\n" + bytes(65_536) + b"\r\n"

    return answer


def _cut(share: float) -> Lie:
    def answer(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
        body = peer.page(asked)
        whole = respond(200, body, peer.signed(asked, body))
        yield whole[: int(len(whole) * share)]

    return answer


def _problem(detail: str) -> bytes:
    return json.dumps({"title": "Bad", "detail": detail}).encode()


UNSIGNED = "did not sign its answer"
LIES: dict[str, tuple[Lie, type[PeerError], str]] = {
    "unsigned": (_unsigned, PeerMisbehaved, UNSIGNED),
    "another-key": (_another_key, PeerMisbehaved, UNSIGNED),
    "signed-long-ago": (_signed_long_ago, PeerMisbehaved, "compare both clocks"),
    "signed-as-another-status": (_signed_as_another_status, PeerMisbehaved, UNSIGNED),
    "signed-twice": (_signed_twice, PeerMisbehaved, UNSIGNED),
    "altered-body": (_altered_body, PeerMisbehaved, "not the one that was signed"),
    "altered-body-and-digest": (_altered_body_and_digest, PeerMisbehaved, UNSIGNED),
    "no-digest": (_no_digest, PeerMisbehaved, UNSIGNED),
    "packed": (_packed(1), PeerMisbehaved, "encoding that was not asked for"),
    "packed-twice": (_packed(2), PeerMisbehaved, "encoding that was not asked for"),
    "without-end": (_without_end(200), PeerMisbehaved, "more than 8388608 bytes"),
    "error-without-end": (_without_end(500), PeerUnreachable, "refused with 500"),
    "redirect": (_says(307, Location="http://127.0.0.1:9/v1/lane"), PeerMisbehaved, "status 307"),
    "no-content": (_says(204), PeerMisbehaved, "status 204"),
    "not-modified": (_says(304), PeerMisbehaved, "status 304"),
    "conflict": (_says(409, _problem("Something")), PeerMisbehaved, "refused with 409, Bad: Something"),
    "busy": (_says(429, _problem("Later"), Retry_After="1"), PeerUnreachable, "refused with 429, Bad: Later"),
    "broken": (_says(500, b"oops"), PeerUnreachable, "refused with 500, without an explanation"),
    "proxy-page": (_says(502, b"<html>" + b" " * 50_000), PeerUnreachable, "refused with 502, without an explanation"),
    "nested-problem": (_says(500, b"[" * 16_000), PeerUnreachable, "without an explanation"),
    "problem-of-another-form": (_says(500, b'["title"]'), PeerUnreachable, "without an explanation"),
    "half-a-surrogate": (_says(500, b'{"title":"\\ud800","detail":"x"}'), PeerUnreachable, "\ufffd: x"),
    "hidden-text": (_says(400, _problem("\x1b[2J\u202egpj.exe")), PeerMisbehaved, "Bad: \ufffd\\[2J\ufffdgpj.exe"),
    "html": (_says(200, b"<html></html>"), PeerMisbehaved, UNSIGNED),
    "not-http": (_sends(b"\x00\xff" * 100), PeerUnreachable, "broke off"),
    "head-without-end": (_sends(b"HTTP/1.1 200 Told\r\n", b"X-Y: z\r\n" * 100_000), PeerUnreachable, "broke off"),
    "two-lengths": (
        _sends(b"HTTP/1.1 200 Told\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        PeerUnreachable,
        "broke off",
    ),
    "nothing": (_sends(), PeerUnreachable, "broke off"),
    "cut-in-the-head": (_cut(0.01), PeerUnreachable, "broke off"),
    "cut-in-the-body": (_cut(0.5), PeerUnreachable, "broke off"),
    "cut-before-the-last-byte": (_cut(0.9999), PeerUnreachable, "broke off"),
    "signed-garbage": (_signs(b"\xff"), PeerMisbehaved, "breaks the contract: This is not JSON"),
    "signed-nothing": (_signs(b""), PeerMisbehaved, "breaks the contract"),
    "signed-list": (_signs(b"[]"), PeerMisbehaved, "breaks the contract"),
    "signed-nesting": (_signs(b"[" * 1_000_000), PeerMisbehaved, "nests deeper"),
    "a-million-items": (_signs(b'{"items":[' + b"{}," * 1_000_000 + b"{}]}"), PeerMisbehaved, "more than 8192 values"),
}


@pytest.mark.parametrize(("lie", "error", "said"), LIES.values(), ids=LIES)
def test_a_lie_on_the_wire_is_refused_and_leaves_nothing_behind(
    reader: Reader, peer: PeerSimulator, lie: Lie, error: type[PeerError], said: str
) -> None:
    published = peer.owner.publish()
    before = reader.holds
    peer.lane = lambda asked: lie(peer, asked)
    with pytest.raises(error, match=said) as refused:
        reader.pull()
    note_alarm(reader.node, OWNER, str(refused.value))
    assert reader.holds == before, "not even the place on the lane"
    assert (reader.peer.alarm or "").isprintable()
    _goes_on(reader, peer, published.statement_id)


def _goes_on(reader: Reader, peer: PeerSimulator, statement_id: str) -> None:
    """The peer behaves again: what waited arrives, once, and the alarm is over."""
    peer.behave()
    reader.pull()
    assert reader.acquisition(statement_id).state == "awaiting-scan"
    assert reader.peer.alarm is None
    assert reader.holds[0] == peer.owner.end()[0]


@pytest.fixture
def impatient(reader: Reader) -> Iterator[Reader]:
    client = PeerClient(
        reader.node.node_id, reader.node.keys.transport, guard=reader.node.egress, timeout_s=IMPATIENT_S
    )
    yield Reader(reader.node, client)
    client.close()


DRIPS = {
    "body-without-length": (b"HTTP/1.1 200 Told\r\n\r\n", b"x"),
    "one-header": (b"HTTP/1.1 200 Told\r\nX-Y: ", b"x"),
    "wait-a-moment": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "error": (b"HTTP/1.1 503 Told\r\n\r\n", b"x"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("beginning", "drop"), DRIPS.values(), ids=DRIPS)
def test_an_answer_that_drips_is_cut(impatient: Reader, peer: PeerSimulator, beginning: bytes, drop: bytes) -> None:
    """Each byte comes in time, the whole never does."""
    before = impatient.holds
    peer.lane = lambda _asked: peer.dripping(beginning, drop)
    began = time.monotonic()
    with pytest.raises(PeerUnreachable, match=f"took longer than {CUT_S:g} s"):
        impatient.pull()
    assert CUT_S - 0.1 < time.monotonic() - began < CUT_S + SLACK_S
    assert impatient.holds == before
    peer.behave()


def test_a_peer_that_says_nothing_is_left(impatient: Reader, peer: PeerSimulator) -> None:
    peer.lane = lambda _asked: peer.dripping(b"", b"")
    began = time.monotonic()
    with pytest.raises(PeerUnreachable, match="ReadTimeout"):
        impatient.pull()
    assert time.monotonic() - began < IMPATIENT_S + SLACK_S
    peer.behave()


def test_an_answer_to_an_earlier_request_is_refused(reader: Reader, peer: PeerSimulator) -> None:
    kept: list[bytes] = []

    def recorded(asked: SimulatedRequest) -> Iterator[bytes]:
        kept.extend(peer.honest_lane(asked))
        yield from kept

    peer.lane = recorded
    reader.pull()
    published = peer.owner.publish()
    peer.lane = lambda _asked: iter(kept)
    with pytest.raises(PeerMisbehaved, match=UNSIGNED):
        reader.pull()
    _goes_on(reader, peer, published.statement_id)


def test_a_rolled_back_log_is_refused_and_the_true_one_taken_again(reader: Reader, peer: PeerSimulator) -> None:
    peer.owner.publish()
    reader.pull()
    size = peer.owner.published[-1].log_index

    def rolled_back(asked: SimulatedRequest) -> Iterator[bytes]:
        page = parse_lane_page(peer.page(asked))
        head = peer.owner.signed(size, peer.owner.head(size).root)
        body = page.model_copy(update={"checkpoint": head, "consistency": ()}).model_dump_json().encode()
        yield respond(200, body, peer.signed(asked, body))

    before = reader.holds
    peer.lane = rolled_back
    with pytest.raises(PeerMisbehaved, match="does not go on from the head that was seen before"):
        reader.pull()
    assert reader.holds == before
    _goes_on(reader, peer, peer.owner.publish().statement_id)


def test_poison_is_shown_to_the_operator_as_long_as_it_lies_there(reader: Reader, peer: PeerSimulator) -> None:
    reader.pull()  # what an earlier test has left
    published = peer.owner.publish()

    def poisoned(asked: SimulatedRequest) -> Iterator[bytes]:
        page = parse_lane_page(peer.page(asked))
        items = tuple(item.model_copy(update={"inclusion": ()}) for item in page.items)
        body = page.model_copy(update={"items": items}).model_dump_json().encode()
        yield respond(200, body, peer.signed(asked, body))

    peer.lane = poisoned
    reader.pull()
    peer.behave()
    for _ in range(2):
        reader.pull()
        alarm = reader.peer.alarm or ""
        assert "1 of its items are set aside" in alarm
        assert f"at place {peer.owner.end()[0] - 1}, proof-invalid" in alarm
    assert reader.holds[0] == peer.owner.end()[0], "the lane went on"
    assert published.statement_id.encode() not in alarm.encode()
    with reader.node.store.write() as session:  # as an operator will, when it was looked into
        session.connection().exec_driver_sql("DELETE FROM quarantine")


def _reports(**changes: object) -> Lie:
    """A well-signed answer as a witness, with something else in it."""

    def answer(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
        said = {
            "contract": "1.0",
            "cosigned": None,
            "shown": None,
            "seen": [],
            "forked": [],
            "yours": [],
            "proofs": [],
            **changes,
        }
        body = json.dumps(said).encode()
        yield respond(200, body, peer.signed(asked, body))

    return answer


def _returns_its_own_head(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    """A head that its witness keys cosigned, of its own log in place of the asker's."""
    owner = peer.owner.node
    with owner.store.read() as session:
        head = latest_checkpoint(session)
    assert head is not None
    keys = owner.keys.witness
    cosigned = cosign(head.note, witness_name(OWNER), keys.ed25519, keys.ml_dsa, int(time.time()))
    yield from _reports(cosigned=base64.b64encode(cosigned).decode())(peer, asked)


def _witness_with_another_key(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(200, b"{}", peer.signed(asked, b"{}", key=Ed25519PrivateKey.generate()))


WITNESS_LIES: dict[str, tuple[Lie, type[PeerError], str]] = {
    "unsigned": (_says(200, b"{}"), PeerMisbehaved, UNSIGNED),
    "another-key": (_witness_with_another_key, PeerMisbehaved, UNSIGNED),
    "without-end": (_without_end(200), PeerMisbehaved, "more than 917504 bytes"),
    "signed-garbage": (_signs(b"\xff"), PeerMisbehaved, "breaks the contract"),
    "signed-nesting": (_signs(b"[" * 300_000), PeerMisbehaved, "nests deeper"),
    "too-many-values": (_signs(b"[" + b"1," * 100_000 + b"1]"), PeerMisbehaved, "more than 2048 values"),
    "unknown-field": (_reports(more=1), PeerMisbehaved, "breaks the contract"),
    "no-note": (_reports(cosigned="AAAA"), PeerMisbehaved, "is not believed"),
    "another-log": (_returns_its_own_head, PeerMisbehaved, "is not believed"),
    "proofs-nobody-asked-for": (_reports(proofs=[[]]), PeerMisbehaved, "1 proofs in place of 0"),
    "busy": (_says(503, _problem("Later")), PeerUnreachable, "refused with 503"),
    "refused": (_says(409, _problem("No")), PeerMisbehaved, "refused with 409"),
    "nothing": (_sends(), PeerUnreachable, "broke off"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("lie", "error", "said"), WITNESS_LIES.values(), ids=WITNESS_LIES)
def test_a_lie_of_a_witness_is_refused_and_leaves_nothing_behind(
    reader: Reader, peer: PeerSimulator, lie: Lie, error: type[PeerError], said: str
) -> None:
    peer.owner.publish()
    reader.pull()
    mirror_log(reader.node, reader.client, OWNER)
    cosign_head(reader.node, OWNER)
    before = reader.holds
    peer.witness = lambda asked: lie(peer, asked)
    with pytest.raises(error, match=said):
        meet(reader.node, reader.client, OWNER)
    assert reader.holds == before
    with reader.node.store.read() as session:
        assert cosigned_size(session, OWNER) is None
    peer.behave()
    meet(reader.node, reader.client, OWNER)
    with peer.owner.node.store.read() as session:
        assert cosigned_size(session, READER) == reader.peer.cosigned_size > 0


def test_a_peer_that_was_revoked_while_it_answered_brings_nothing(reader: Reader, peer: PeerSimulator) -> None:
    peer.owner.publish()
    before = reader.holds

    def slow(asked: SimulatedRequest) -> Iterator[bytes]:
        revoke_peer(reader.node, OWNER)
        yield from peer.honest_lane(asked)

    peer.lane = slow
    assert reader.pull() is False
    assert reader.holds == before
    with reader.node.store.write() as session:
        session.get_one(PeerRow, OWNER).state = PeerState.ENROLLED
    peer.behave()
    reader.pull()


def test_nothing_is_read_while_space_is_short(reader: Reader, peer: PeerSimulator) -> None:
    peer.behave()
    short = reader.node.settings.model_copy(update={"min_free_bytes": 2**62})
    node = Node(**{**vars(reader.node), "settings": short})
    with pytest.raises(StoreFull, match="Too little space"):
        Reader(node, reader.client).pull()
    assert peer.asked == []


def test_a_card_that_changes_changes_nothing(
    reader: Reader, peer: PeerSimulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever takes over the address cannot take over the name, even if both operators are on the telephone."""
    keys = tmp_path_factory.mktemp("keys") / "other"
    create_keys(keys)
    true = peer.owner.node
    other = make_card(
        load_identity(keys),
        load_keys(keys),
        node_id=OWNER,
        jurisdiction=Jurisdiction.RS,
        url=true.settings.url,
    )
    pinned = reader.peer.card
    peer.card = lambda _asked: iter([respond(200, other.raw)])
    introduction = fetch_introduction(reader.node, true.settings.url)
    assert introduction.fingerprint != fingerprint(true.card.identity)
    with pytest.raises(Conflict, match="never replaced silently"):
        enrol(reader.node, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)
    assert reader.peer.card == pinned
    _goes_on(reader, peer, peer.owner.publish().statement_id)


CARD_LIES: dict[str, tuple[Lie, type[ExchangeError], str]] = {
    "garbage": (_says(200, b"\xff"), InvalidInput, "no node's card"),
    "envelope-of-a-record": (
        lambda peer, _asked: iter([respond(200, peer.owner.published[0].envelope.raw)]),
        InvalidInput,
        "not a node's card|no node's card",
    ),
    "without-end": (_without_end(200), PeerMisbehaved, "more than 65536 bytes"),
    "packed": (_says(200, gzip.compress(bytes(20_000_000)), Content_Encoding="gzip"), PeerMisbehaved, "encoding"),
    "redirect": (_says(301, Location="http://127.0.0.1:9/v1/node"), PeerMisbehaved, "status 301"),
    "nested-problem": (_says(404, b"[" * 16_000), PeerMisbehaved, "without an explanation"),
}


@pytest.mark.parametrize(("lie", "error", "said"), CARD_LIES.values(), ids=CARD_LIES)
def test_what_is_no_card_introduces_nobody(
    reader: Reader, peer: PeerSimulator, lie: Lie, error: type[ExchangeError], said: str
) -> None:
    peer.owner.publish()
    peer.card = lambda asked: lie(peer, asked)
    with pytest.raises(error, match=said):
        fetch_introduction(reader.node, peer.owner.node.settings.url)
    peer.behave()


@pytest.mark.slow
def test_an_answer_that_drips_over_tls_is_cut_too(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS takes the connection over; the line still has it in its hand."""
    ended = threading.Event()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(_certificate(tmp_path))

    class Drip(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), tls.wrap_socket(self.request, server_side=True) as connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 Told\r\nX-Y: ")
                while not ended.wait(0.03):
                    connection.sendall(b"x")

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))
    client = PeerClient(reader.node.node_id, reader.node.keys.transport, guard=ANYWHERE, timeout_s=IMPATIENT_S)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"https://127.0.0.1:{server.server_address[1]}"
        address = PeerAddress(OWNER, url, reader.node.card.delegation.transport)
        with pytest.raises(PeerUnreachable, match=f"took longer than {CUT_S:g} s"):
            client.fetch_lane(address, start=0, head=EMPTY_HEAD, known_size=0)
        ended.set()
        server.shutdown()
    client.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_interim_answers_without_end_are_not_listened_to(
    scheme: str, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is read and thrown away: for as long as a page may take, that would keep a processor busy."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(_certificate(tmp_path))

    class Flood(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.ExitStack() as stack:
                stack.enter_context(contextlib.suppress(OSError))
                line = self.request
                if scheme == "https":
                    line = stack.enter_context(tls.wrap_socket(line, server_side=True))
                line.recv(4096)
                while True:
                    line.sendall(b"HTTP/1.1 103 Early\r\n\r\n" * 1000)

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.pem"))
    client = PeerClient(
        reader.node.node_id, reader.node.keys.transport, guard=ANYWHERE, timeout_s=10
    )  # bytes end it, not the time
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Flood) as server:
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        address = PeerAddress(OWNER, url, reader.node.card.delegation.transport)
        with pytest.raises(PeerUnreachable, match=f"more than {MOST_HEAD_BYTES} bytes came"):
            client.fetch_lane(address, start=0, head=EMPTY_HEAD, known_size=0)
        server.shutdown()
    client.close()


def test_a_busy_peer_is_left_alone_and_takes_no_place_of_a_round_meanwhile(reader: Reader, peer: PeerSimulator) -> None:
    """Two dozen of them would keep all others waiting for a minute."""
    rounds = PeerRounds(reader.node, reader.client, AvailableHours(reader.node), threading.Event())
    peer.lane = lambda _asked: iter([respond(429, b"", {"Retry-After": "60"})])
    began = time.monotonic()
    for _ in range(2):
        assert rounds.pull(OWNER) is False
    assert time.monotonic() - began < 10
    assert [asked.path for asked in peer.asked].count("/v1/lane") == 1
    assert rounds.is_up_to_date(OWNER) is False


@pytest.mark.slow
def test_hashes_of_a_log_that_grows_fast_take_of_the_peers_share(
    reader: Reader, peer: PeerSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To append leaves costs a peer little, and its witness keeps a hash of each."""
    monkeypatch.setattr(mirror, "TILES_A_TIME", 1)
    rounds = PeerRounds(reader.node, reader.client, AvailableHours(reader.node), threading.Event())
    owner = peer.owner.node
    peer.owner.publish()
    rounds.pull(OWNER)
    with owner.store.write() as session:
        for number in range(3 * TILE_WIDTH):
            payload = encoded({**peer.owner.fields(b"no scan"), "nonce": f"{number:064x}"})
            sealed = owner.keys.statement.sign(payload)
            append_own(session, statement_id(payload), parse_statement(payload), "record", sealed)
    sign_head(owner)

    def mirrored() -> int:
        with reader.node.store.read() as session:
            full = MirrorTileRow.top.is_not(None) & MirrorTileRow.hashes.is_not(None)
            return session.scalar(select(func.count()).select_from(MirrorTileRow).where(full)) or 0

    reader.pull()
    used, days = quotas(reader.node, OWNER).bytes.used_today, reader.node.settings.peer_quota_days
    set_quota(reader.node, OWNER, statements=None, size=used // days + 1)
    rounds.pull(OWNER)
    assert mirrored() == 1, "the first one was too much"
    assert quotas(reader.node, OWNER).bytes.used_today == used + TILE_WIDTH * HASH_BYTES
    rounds.pull(OWNER)
    assert mirrored() == 1
    assert "used up its share" in (reader.peer.alarm or "")
    reset_quota(reader.node, OWNER)
    rounds.pull(OWNER)
    assert mirrored() == 3


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, with its key."""
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, None)
    )
    path = folder / "tls.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
    return path


def test_hanging_up_ends_every_request_at_once(reader: Reader, peer: PeerSimulator) -> None:
    """A node that stops waits for no peer, silent or not."""
    client = PeerClient(reader.node.node_id, reader.node.keys.transport, guard=reader.node.egress, timeout_s=30)
    ended: list[str] = []

    def ask() -> None:
        try:
            Reader(reader.node, client).pull()
        except PeerUnreachable as error:
            ended.append(str(error))

    peer.asked.clear()
    peer.lane = lambda _asked: peer.dripping(b"HTTP/1.1 200 Told\r\n", b"")
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(peer.asked) < 3:
        time.sleep(0.01)
    began = time.monotonic()
    client.hang_up()
    for thread in threads:
        thread.join(timeout=20)
    assert time.monotonic() - began < SLACK_S
    assert [text.endswith("this node is stopping.") for text in ended] == [True] * 3
    with pytest.raises(PeerUnreachable, match="this node is stopping"):
        Reader(reader.node, client).pull()
    client.close()
    peer.behave()


def test_no_lie_left_anything_on_its_way_in(reader: Reader) -> None:
    assert leftovers(reader.node) == []
