"""A sender who means harm: tricks in headers and part names, floods, slow and broken bodies, many at once."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from exchange.web.http.upload import MAX_HEADER_BYTES
from schemas.record import MAX_ACQUISITIONS
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode, metadata
from tests.exchange.web.conftest import multipart, part, post, problem, stored, tiny_scan

DESCRIBED = (part("metadata"), json.dumps(metadata()).encode())
AT_ONCE = 20


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "name",
    [
        "../../keys/nonce-secret",
        "/etc/passwd",
        "..\\..\\node.db",
        "scan\x00.x3p",
        "скан",
        "\u202escan",
        "scan" * 900,
        "'; DROP TABLE record; --",
        "<script>alert(1)</script>",
        "%2e%2e%2f",
        "{0.__class__}",
        'scan"\nX-More: "1',
    ],
)
def test_the_name_of_a_part_is_only_a_name(node: RunningNode, name: str) -> None:
    """Files are named by the node, never by the sender; the name is shown, bounded, and nothing else."""
    sent = b'Content-Disposition: form-data; name="' + name.encode() + b'"; filename="../../../x"'
    found = problem(post(node, multipart(DESCRIBED, (sent, tiny_scan()))), 422, "files-differ")
    assert found["detail"].isprintable()
    assert len(found["detail"]) < 1000


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Disposition",
        b": form-data",
        b'Content-\x00Disposition: form-data; name="scan"',
        b"X: " + b"a" * MAX_HEADER_BYTES,
        b"\r\n".join([b"X: " + b"a" * (MAX_HEADER_BYTES // 4)] * 4) + b"\r\n" + part("scan"),
        b"\r\n".join(b"X%d: 1" % number for number in range(3000)),
        b"X" * MAX_HEADER_BYTES + b": 1",
    ],
)
def test_headers_of_a_part_that_are_none(node: RunningNode, headers: bytes) -> None:
    problem(post(node, multipart(DESCRIBED, (headers, tiny_scan()))), 422, "not-multipart")


@pytest.mark.usefixtures("unharmed")
def test_the_last_word_on_a_name_is_one(node: RunningNode) -> None:
    """Two dispositions in one part, or a name in two spellings: one of them counts, and never both."""
    twice = part("metadata") + b"\r\n" + part("scan")
    problem(post(node, multipart(DESCRIBED, (twice, b"{}"))), 415, "unsupported-media")
    spelled = b"Content-Disposition: form-data; name=\"other\"; name*=utf-8''scan"
    problem(post(node, multipart(DESCRIBED, (spelled, tiny_scan()))), 422, "files-differ")


@pytest.mark.usefixtures("unharmed")
def test_thousands_of_parts(node: RunningNode) -> None:
    parts = [(part(f"scan{number}"), b"x") for number in range(5000)]
    found = problem(post(node, multipart(DESCRIBED, *parts)), 422, "files-differ")
    assert str(MAX_ACQUISITIONS) in found["detail"]


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "filler",
    [b"\r\n", b"\r\n--the-boundar", b"\r\n--the-boundaryX", b"--", b"\r", b"a: b\r\n"],
)
def test_megabytes_that_are_almost_a_boundary(node: RunningNode, filler: bytes) -> None:
    """Each is read in time that grows with its length alone."""
    body = filler * (4_000_000 // len(filler))
    begun = time.monotonic()
    before, within = post(node, body), post(node, multipart(DESCRIBED, (part("scan"), body)))
    assert time.monotonic() - begun < 10
    assert {before.status_code, within.status_code} <= {415, 422}


@pytest.mark.usefixtures("unharmed")
def test_a_body_in_single_bytes(node: RunningNode) -> None:
    body = multipart(DESCRIBED, (part("scan"), b"no scan"))

    def single() -> Iterator[bytes]:
        for byte in body:
            yield bytes([byte])

    problem(post(node, single()), 415, "unsupported-media")


def raw(node: RunningNode, request: bytes) -> bytes:
    """Send exact bytes, and read what comes back until the node closes, or waits for more."""
    address = urlsplit(node.url)
    answer = b""
    with socket.create_connection((address.hostname, address.port), timeout=0.3) as sender:
        sender.sendall(request)
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while piece := sender.recv(65536):
                answer += piece
    return answer


UNFINISHED = (b"\r\n" * 1000, b"", b"POST /v1/records HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n")


@pytest.mark.slow
@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v1/status HTTP/1.1\r\n\r\n",
        b"GET /v1/status HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"POST /v1/records HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/records HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/records HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET /v1/records\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://elsewhere.example/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        *UNFINISHED,
    ],
)
def test_what_is_no_request_of_ours(node: RunningNode, request_bytes: bytes) -> None:
    """Refused or nothing, never a success and never an internal error."""
    answer = raw(node, request_bytes)
    status = answer.split(b" ")[1] if answer else b"none"
    assert status in {b"none", b"400", b"401", b"404", b"405", b"501"}, answer[:200]
    assert status != b"none" or request_bytes in UNFINISHED


def test_thousands_of_query_parameters(node: RunningNode) -> None:
    """Refused in time that grows with their number alone, and before anybody signs in."""
    begun = time.monotonic()
    for query in ("&".join(["a=1"] * 12_000), "&".join(f"a{number}=" for number in range(8_000))):
        problem(node.http.get(f"{node.url}/v1/records?{query}"), 422, "unknown-parameter")
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("host", ["elsewhere.example", "", "a" * 4000, "x\t"])
def test_the_host_header_changes_nothing(node: RunningNode, host: str) -> None:
    answer = raw(node, f"GET /v1/records/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert b"elsewhere.example" not in answer
    assert answer.split(b" ")[1] in {b"400", b"404"}


@pytest.mark.slow
def test_many_senders_at_once(node: RunningNode) -> None:
    """All are served, each once, while others read; the node answers readers in between. Where it is too slow for all
    in time, it says when to come again, and who does is served too."""
    scans, before = [tiny_scan() for _ in range(AT_ONCE)], stored(node)
    read = 0
    done = threading.Event()

    def read_meanwhile() -> None:
        nonlocal read
        while not done.is_set():
            assert node.get("/v1/records", Role.INVESTIGATOR, params={"limit": 1}).status_code == 200
            read += 1

    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        reading = pool.submit(read_meanwhile)
        answers = list(pool.map(lambda scan: submit_patiently(node, scan), scans))
        done.set()
        reading.result()
    assert [answer.status_code for answer in answers] == [201] * AT_ONCE
    after = stored(node)
    assert after.rows[0] == before.rows[0] + AT_ONCE
    indices = sorted(answer.json()["log_index"] for answer in answers)
    assert indices == list(range(before.rows[0], before.rows[0] + AT_ONCE))
    assert not after.incoming
    assert read >= 1


def test_many_readers_of_one_list(node: RunningNode) -> None:
    for _ in range(2):
        node.submit(tiny_scan())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = list(pool.map(lambda _: node.get("/v1/records", params={"limit": 1}).json()["next"], range(40)))
    assert None not in pages


@pytest.mark.slow
def test_heavy_requests_do_not_stop_the_light_ones(node: RunningNode) -> None:
    """More submissions than the server has threads wait for one process that is held up, or are told to come again;
    readers are answered."""
    holding = threading.Thread(target=node.node.compute.run, args=(time.sleep, 6))
    with ThreadPoolExecutor(48) as pool:
        holding.start()
        waiting = [pool.submit(httpx_submit, node, tiny_scan()) for _ in range(48)]
        time.sleep(0.5)
        begun = time.monotonic()
        assert node.http.get(f"{node.url}/healthz").status_code == 200
        assert node.get("/v1/status").status_code == 200
        assert time.monotonic() - begun < 1
        assert not all(answer.done() for answer in waiting)
        told = {answer.result().status_code for answer in waiting}
        assert 201 in told
        assert told <= {201, 429}
    holding.join()


def httpx_submit(node: RunningNode, scan: bytes) -> httpx.Response:
    """As ``RunningNode.submit``, with a connection of its own."""
    files = {"metadata": (None, json.dumps(metadata()), "application/json"), "scan": ("scan.x3p", scan)}
    return httpx.post(
        f"{node.url}/v1/records", headers=node.bearer(Role.EXAMINER), files=files, timeout=60, trust_env=False
    )


def submit_patiently(node: RunningNode, scan: bytes) -> httpx.Response:
    """Come again whenever the node says so, for a minute at most."""
    answer, until = httpx_submit(node, scan), time.monotonic() + 60
    while answer.status_code == 429 and time.monotonic() < until:
        time.sleep(int(answer.headers["Retry-After"]))
        answer = httpx_submit(node, scan)
    return answer


def test_after_all_of_this_the_node_takes_what_is_good(node: RunningNode) -> None:
    assert node.submit(tiny_scan()).status_code == 201
