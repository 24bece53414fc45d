"""So many requests of one peer at once on every route that lets peers in, held until the answer has left; and nobody
else can use them up."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import exchange
from exchange.errors import PeerBusy, TooMany
from exchange.flows.statement.peer import address_of
from exchange.net.client import PeerClient
from exchange.net.message_signatures import sign_request
from exchange.store.node import jobs
from exchange.store.sync.peers import lane_of
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.work_tables import JobRow
from exchange.trust.keys import raw_public, requester_id
from exchange.web.access.peer_concurrency import REQUESTS_AT_ONCE, RequestPurpose, peer_turn, purpose_of
from schemas.vocabulary import Jurisdiction
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.access.test_caller import DOORS, FILLED
from tests.exchange.web.conftest import problem
from tests.matcher.read.x3p.conftest import build

SOME = "ab" * 32
ANY_HEAD = f"start=0&head={'00' * 32}"
SIDE = 1400
"""A scan of noise, so many points a side, has more bytes than any socket keeps for who does not read."""


@dataclass
class Asking:
    """North Macedonia's key, asking Serbia's node; North Macedonia's own worker has ended."""

    node: RunningNode
    key: Ed25519PrivateKey

    def signed(
        self, target: str, method: str = "GET", key: Ed25519PrivateKey | None = None, **more: Any
    ) -> dict[str, str]:
        signer = key or self.key
        url, now = self.node.url + target, int(time.time())
        name = requester_id("ffp-mk", raw_public(self.key))
        return sign_request(signer, name, method=method, url=url, body=None, now=now, **more)

    def get(self, target: str) -> httpx.Response:
        return self.node.http.get(self.node.url + target, headers=self.signed(target))

    def send(self, target: str) -> httpx.Response:
        headers = self.signed(target, "POST", body_sha256=hashlib.sha256(b"?").digest())
        return self.node.http.post(self.node.url + target, content=b"?", headers=headers)

    def announced(self, target: str, key: Ed25519PrivateKey | None = None) -> AbstractContextManager[socket.socket]:
        """A request whose signed head is there, and whose body does not come."""
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        headers = self.signed(target, "POST", key, body_sha256=hashlib.sha256(b"?").digest(), fields=form)
        return self.begun("POST", target, {**headers, "Content-Length": "1"})

    @contextlib.contextmanager
    def full(self, target: str) -> Iterator[None]:
        """As many as there are turns of this purpose; one more is refused."""
        with contextlib.ExitStack() as stack:
            for _ in range(REQUESTS_AT_ONCE[purpose_of(target)] - 1):
                stack.enter_context(self.announced(target))
            until(lambda: stack.enter_context(self.announced(target)) and self.send(target), 429)
            yield

    @contextlib.contextmanager
    def begun(self, method: str, target: str, headers: dict[str, str], *, buffer: int = 0) -> Iterator[socket.socket]:
        place = urlsplit(self.node.url)
        with socket.socket() as line:
            if buffer:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            line.settimeout(20)
            line.connect((place.hostname, place.port))
            fields = {"Host": place.netloc, **headers}
            head = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
            line.sendall("\r\n".join([*head, "", ""]).encode())
            yield line


@pytest.fixture(scope="module")
def large_scan() -> bytes:
    return build(np.random.default_rng(1).normal(size=(SIDE, SIDE)) * 1e-6)


@pytest.fixture
def asking(start_node: Callable[..., RunningNode]) -> Asking:
    rs, mk = start_node(Jurisdiction.RS), start_node(Jurisdiction.MK, lane_wait_s=1)
    enrol_each_other(rs, mk)
    mk.stop()
    return Asking(rs, mk.node.keys.transport)


def until(answer: Callable[[], httpx.Response], status: int) -> httpx.Response:
    deadline = time.monotonic() + 20
    while (found := answer()).status_code != status:
        assert time.monotonic() < deadline, found.text
        time.sleep(0.05)
    return found


def refused(answer: httpx.Response) -> None:
    problem(answer, 429, "too-many")
    assert int(answer.headers["retry-after"]) > 0


def test_a_turn_is_given_back(asking: Asking) -> None:
    node = asking.node.node
    with contextlib.ExitStack() as held:
        for _ in range(REQUESTS_AT_ONCE[RequestPurpose.WORDS]):
            held.enter_context(peer_turn(node, "ffp-al", RequestPurpose.WORDS))
        with pytest.raises(TooMany, match="ffp-al"), peer_turn(node, "ffp-al", RequestPurpose.WORDS):
            pass
        for node_id, purpose in (
            ("ffp-ba", RequestPurpose.WORDS),
            ("ffp-al", RequestPurpose.NEWS),
            ("ffp-al", RequestPurpose.SCANS),
        ):
            with peer_turn(node, node_id, purpose):
                pass
    with peer_turn(node, "ffp-al", RequestPurpose.WORDS):
        pass


def test_one_function_lets_peers_in_and_takes_the_turn() -> None:
    """Whatever verifies a peer's request elsewhere in the web layer would let it in without a turn."""
    web = Path(exchange.__file__).parent / "web"
    callers = {
        (path.name, function.name)
        for path in web.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "").startswith("verify_request")
    }
    assert callers == {("caller.py", "_verified")}


@pytest.mark.slow
def test_every_route_of_peers_refuses_one_more_than_there_are_turns(asking: Asking) -> None:
    """Each in its own purpose, while requests of another purpose come through."""
    both = {"GET /v1/blobs/{sha256}", "GET /v1/scans/{sha256}/heights", "GET /v1/log/tile/{tile_path}"}
    routes = both | {route for route, door in DOORS.items() if door.is_for_peers}
    assert {purpose_of(route.split()[1]) for route in routes} == set(RequestPurpose)
    full = {RequestPurpose.WORDS: "/v1/witness", RequestPurpose.SCANS: "/v1/queries"}
    for purpose, target in full.items():
        with asking.full(target):
            for route in sorted(routes):
                method, path = route.split()
                asked = path.format(**FILLED) + (f"?{ANY_HEAD}" if path == "/v1/lane" else "")
                answer = asking.get(asked) if method == "GET" else asking.send(asked)
                if purpose_of(path) is purpose:
                    refused(answer)
                else:
                    assert answer.status_code != 429, answer.text
            assert asking.node.get("/v1/log/tile/0/000.p/1").status_code == 200, "people have no part in this"
    until(lambda: asking.get("/v1/mirror/leaves"), 200)


@pytest.mark.slow
def test_a_lane_that_waits_holds_its_turn(asking: Asking) -> None:
    with asking.node.node.store.read() as session:
        lane = lane_of(session, "ffp-mk")
    target = f"/v1/lane/news?start={lane.count}&head={lane.head.hex()}&wait=20"
    with contextlib.ExitStack() as stack:

        def wait() -> socket.socket:
            return stack.enter_context(asking.begun("GET", target, asking.signed(target)))

        refused(until(lambda: wait() and asking.get(f"/v1/lane?{ANY_HEAD}"), 429))
        assert asking.get("/v1/mirror/leaves").status_code == 200


@pytest.mark.slow
def test_a_scan_holds_its_turn_until_its_last_byte_has_left(asking: Asking, large_scan: bytes) -> None:
    assert asking.node.submit(large_scan, level="full", audience=["MK"]).status_code == 201
    target = f"/v1/blobs/{hashlib.sha256(large_scan).hexdigest()}"
    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(asking.begun("GET", target, asking.signed(target), buffer=4096))
            for _ in range(REQUESTS_AT_ONCE[RequestPurpose.SCANS])
        ]
        for line in lines:
            assert line.recv(15) == b"HTTP/1.1 200 OK"
        time.sleep(1)  # the answers are under way, and would have left by now if anybody read them
        refused(asking.get(target))
        while lines[0].recv(1 << 20):
            pass
    whole = until(lambda: asking.get(target), 200)
    assert whole.content == large_scan


@pytest.mark.slow
def test_nobody_else_uses_up_a_peers_turns(asking: Asking) -> None:
    """Whoever names the peer's key without having it is answered before a byte of the body is read."""
    with contextlib.ExitStack() as stack:
        for _ in range(3 * REQUESTS_AT_ONCE[RequestPurpose.WORDS]):
            stack.enter_context(asking.announced("/v1/witness", Ed25519PrivateKey.generate()))
        for _ in range(3):
            assert asking.get("/v1/mirror/leaves").status_code == 200


@pytest.mark.slow
def test_what_was_answered_before_takes_no_turn(asking: Asking) -> None:
    """Else whoever captured one request of the peer could use its turns up with it."""
    target = "/v1/mirror/leaves"
    captured = asking.signed(target)
    with asking.full("/v1/witness"):
        fresh = asking.node.http.get(asking.node.url + target, headers=captured)
        refused(fresh)
    until(lambda: asking.node.http.get(asking.node.url + target, headers=captured), 200)
    with asking.full("/v1/witness"):
        problem(asking.node.http.get(asking.node.url + target, headers=captured), 401, "request-replayed")


@pytest.mark.slow
def test_a_client_takes_a_refusal_for_what_it_is(asking: Asking, start_node: Callable[..., RunningNode]) -> None:
    """No alarm, no attempt counted: the scan comes as soon as there is a turn."""
    scan = build(np.random.default_rng(2).normal(size=(9, 12)) * 1e-6)
    assert asking.node.submit(scan, level="full", audience=["MK"]).status_code == 201
    with contextlib.ExitStack() as stack:
        for target in ("/v1/witness", "/v1/queries"):
            stack.enter_context(asking.full(target))
        mk = start_node(Jurisdiction.MK, max_attempts=1, lane_wait_s=0)
        with mk.node.store.read() as session:
            address = address_of(session.get_one(PeerRow, "ffp-rs"))
        client = PeerClient(mk.node.node_id, mk.node.keys.transport, guard=ANYWHERE, timeout_s=10)
        with pytest.raises(PeerBusy) as busy:
            client.fetch_mirror(address, "leaves", start=0)
        client.close()
        assert busy.value.retry_after_s > 0
        mk.wait_for(lambda _: "429" in _detail(mk), 20)
        with mk.node.store.read() as session:
            [job] = session.query(JobRow).filter_by(kind=jobs.JobKind.FETCH_SCAN)
            assert job.state != jobs.JobState.DEAD
            assert session.get_one(PeerRow, "ffp-rs").alarm is None
    mk.wait_for(lambda _: mk.node.blobs.holds(hashlib.sha256(scan).hexdigest()), 40)


def _detail(node: RunningNode) -> str:
    with node.node.store.read() as session:
        return " ".join(row.detail or "" for row in session.query(AcquisitionRow))
