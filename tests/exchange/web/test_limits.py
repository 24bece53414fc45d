"""Uploads that are too large, or come at a bad time: the sender sees the answer, and nothing of them stays."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from exchange.web.http import upload
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode, metadata
from tests.exchange.web.conftest import multipart, part, post, problem, stored, tiny_scan

MIB = 1 << 20
LARGE = 40 * MIB
PIECE = 256 * 1024


@pytest.fixture(scope="module")
def narrow(start_shared: Callable[..., RunningNode]) -> RunningNode:
    """A node that takes scans up to 1 MiB, and submissions up to 3 MiB."""
    return start_shared(Jurisdiction.RS, max_scan_bytes=MIB, max_submission_bytes=3 * MIB)


@pytest.fixture
def unharmed_narrow(narrow: RunningNode) -> Iterator[None]:
    # what the last test broke off may still be on its way out
    narrow.wait_for(lambda _: not stored(narrow).incoming, 10)
    before = stored(narrow)
    yield
    narrow.wait_for(lambda _: not stored(narrow).incoming, 10)
    assert stored(narrow) == before


DESCRIBED = (part("metadata"), json.dumps(metadata()).encode())


def form(scan: bytes) -> bytes:
    return multipart(DESCRIBED, (part("scan"), scan))


def pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


@pytest.mark.usefixtures("unharmed_narrow")
@pytest.mark.parametrize("send", [lambda body: body, pieces], ids=["stated length", "chunked"])
@pytest.mark.parametrize(("size", "named"), [(MIB + 1, "scan"), (LARGE, "submission")])
def test_too_large(narrow: RunningNode, send: Callable[[bytes], object], size: int, named: str) -> None:
    found = problem(post(narrow, send(form(bytes(size)))), 413, "too-large")
    if send is not pieces:  # a stated length is refused before anything is read; else the scan's limit is met first
        assert named in found["detail"]


@pytest.mark.usefixtures("unharmed_narrow")
def test_several_scans_that_are_too_large_together(narrow: RunningNode) -> None:
    files = [(part(f"scan{number}"), bytes(MIB - 500)) for number in range(4)]
    found = problem(post(narrow, pieces(multipart(DESCRIBED, *files))), 413, "too-large")
    assert str(3 * MIB) in found["detail"]


@pytest.mark.slow
@pytest.mark.usefixtures("unharmed_narrow")
def test_the_largest_that_is_taken_is_read(narrow: RunningNode) -> None:
    problem(post(narrow, form(bytes(MIB))), 415, "unsupported-media")


@pytest.mark.usefixtures("unharmed_narrow")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer ffp_unknown"}, 401),
        ({"Content-Type": "application/json"}, 415),
        ({"Idempotency-Key": "?"}, 422),
        ({}, 413),
    ],
)
def test_whoever_writes_on_sees_the_answer(narrow: RunningNode, headers: dict[str, str], status: int) -> None:
    """A plain sender: writes everything, reads after. A reset connection would be an exception here."""
    usual = {"Content-Type": "multipart/form-data; boundary=x", "Connection": "close"}
    everything = {**narrow.bearer(Role.EXAMINER), **usual, **headers}
    with connection(narrow) as sender:
        sender.sendall(head(narrow, {**everything, "Content-Length": str(LARGE)}))
        sender.sendall(bytes(LARGE))
        assert status_of(sender) == status


@pytest.mark.usefixtures("unharmed_narrow")
def test_whoever_asks_first_need_not_write(narrow: RunningNode) -> None:
    """Expect: 100-continue (RFC 9110, 10.1.1): a refusal comes instead of the leave to go on."""
    asking = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(LARGE), "Expect": "100-continue"}
    with connection(narrow) as sender:
        sender.sendall(head(narrow, asking))
        assert status_of(sender) == 401
    with connection(narrow) as sender:
        sender.sendall(head(narrow, {**asking, **narrow.bearer(Role.EXAMINER), "Content-Length": "1000"}))
        assert status_of(sender) == 100


@pytest.mark.usefixtures("unharmed_narrow")
def test_a_sender_that_breaks_off(narrow: RunningNode) -> None:
    body = form(bytes(MIB))
    for sent in (10, 300, MIB // 2):
        with connection(narrow) as sender:
            sender.sendall(head(narrow, length(narrow, body)) + body[:sent])
    narrow.wait_for(lambda _: not stored(narrow).incoming, 10)


@pytest.mark.slow
@pytest.mark.usefixtures("unharmed_narrow")
def test_a_sender_that_stands_still(narrow: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "STALL_S", 0.3)
    monkeypatch.setattr("exchange.web.app.DRAIN_S", 0.3)
    body = form(bytes(MIB))
    with connection(narrow) as sender:
        sender.sendall(head(narrow, length(narrow, body)) + body[: MIB // 2])
        assert status_of(sender) == 422


@pytest.mark.slow
def test_a_slow_sender_is_waited_for_after_all_of_this(narrow: RunningNode) -> None:
    body = form(tiny_scan())
    with connection(narrow) as sender:
        sender.sendall(head(narrow, length(narrow, body)))
        for place in range(0, len(body), 400):
            sender.sendall(body[place : place + 400])
        assert status_of(sender) == 201


@pytest.mark.slow
def test_the_disks_reserve_is_never_touched(start_node: Callable[..., RunningNode]) -> None:
    full = start_node(Jurisdiction.MK, min_free_bytes=2**40)
    before = stored(full)
    found = problem(full.submit(tiny_scan()), 507, "store-full")
    assert "Free space" in found["detail"]
    assert stored(full) == before
    assert full.http.get(f"{full.url}/readyz").status_code == 503
    full.stop()

    again = start_node(Jurisdiction.MK)
    assert again.http.get(f"{again.url}/readyz").status_code == 200


def connection(running: RunningNode) -> socket.socket:
    address = urlsplit(running.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def head(running: RunningNode, headers: dict[str, str]) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in {"Host": "node", **headers}.items()]
    return f"POST /v1/records HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def length(running: RunningNode, body: bytes) -> dict[str, str]:
    form_type = {"Content-Type": "multipart/form-data; boundary=the-boundary"}
    return {**running.bearer(Role.EXAMINER), **form_type, "Content-Length": str(len(body))}


def status_of(sender: socket.socket) -> int:
    with sender.makefile("rb") as answer:
        return int(answer.readline().split()[1])
