"""Nodes that believe too much of what a peer shows them, or do too little about it: exactly those checks fail."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import exchange.flows.sync.pull
import exchange.flows.sync.verify_lane_page
import exchange.net.client
import exchange.worker.job_runner
import exchange.worker.peer_rounds
from exchange.conformance.check import Check, Verdict, run_checks
from exchange.conformance.checks import deceiving, mirroring, owning, reading, witnessing
from exchange.errors import PeerMisbehaved
from exchange.flows.statement.heads import open_head
from exchange.flows.sync.verify_lane_page import Expected, verify_page
from schemas.lane import LanePage, next_head
from tests.exchange.conformance.conftest import IMPATIENCE_S, Answer, Asked, House, Spoil, enrolled, house
from tests.exchange.conformance.test_keeps import resigned

pytestmark = pytest.mark.slow

QUICK_LIES = tuple(check for check in deceiving.CHECKS if check.name not in {"silence", "without-end"})
SIGNATURES = {
    "unsigned-answer",
    "answer-of-another-key",
    "answer-of-long-ago",
    "altered-answer",
    "answer-to-another-request",
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A node that has read some of the guest's lane, and stays enrolled."""
    with house(tmp_path_factory.mktemp("reader")) as home, enrolled(home):
        started = (*owning.CHECKS[:1], *(check for check in owning.CHECKS if check.name == "poison-set-aside"))
        assert home.failing(started) == set()
        yield home


MIRROR = (*mirroring.TILES, *mirroring.LATER)


def test_a_reader_gives_back_what_it_read(reader: House) -> None:
    assert reader.failing(MIRROR) == set()


def _each(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    return lambda page: {**page, "items": [change(item) for item in page["items"]]}


def _last_left_out(page: Any) -> Any:
    return {**page, "items": page["items"][:-1]}


def _one_more(page: Any) -> Any:
    return {**page, "items": [*page["items"], {**page["items"][-1], "log_index": 2**40}]}


def _other_hashes(page: Any) -> Any:
    return {**page, "hashes": base64.b64encode(bytes(len(base64.b64decode(page["hashes"])))).decode()}


GIVEN_BACK: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "other-hashes": ("leaves", _other_hashes, "log-mirrored"),
    "no-hashes": ("leaves", lambda page: {**page, "hashes": ""}, "log-mirrored"),
    "half-a-hash": ("leaves", lambda page: {**page, "hashes": "AAAA"}, "log-mirrored"),
    "from-elsewhere": ("leaves", lambda page: {**page, "start": 1}, "log-mirrored"),
    "place-left-out": ("lane", _last_left_out, "lane-given-back"),
    "places-elsewhere": ("lane", _each(lambda item: {**item, "log_index": item["log_index"] + 1}), "lane-given-back"),
    "places-withheld": ("lane", _each(lambda item: {**item, "withheld": True}), "lane-given-back"),
    "another-head": ("lane", lambda page: {**page, "head": "0" * 64}, "lane-given-back"),
    "another-reader": ("lane", lambda page: {**page, "reader": "ffp-xk"}, "lane-given-back"),
    "statement-left-out": ("statements", _last_left_out, "statements-given-back"),
    "statement-of-another": ("statements", _one_more, "statements-given-back"),
    "next-contract": ("statements", lambda page: {**page, "contract": "2.0"}, "statements-given-back"),
}


@pytest.mark.parametrize(("what", "change", "failing"), GIVEN_BACK.values(), ids=GIVEN_BACK)
def test_a_node_that_gives_something_else_back_is_found(
    reader: House, monkeypatch: pytest.MonkeyPatch, what: str, change: Callable[[Any], Any], failing: str
) -> None:
    monkeypatch.setattr(reader.visit.guest, "patience_s", 1)
    with reader.broken(resigned(reader.node, change, f"/v1/mirror/{what}")):
        assert reader.failing(MIRROR) == {failing}


def _bytes(path: str, change: Callable[[bytes], bytes]) -> Spoil:
    def spoil(asked: Asked, answer: Answer) -> Answer:
        good = asked.path.startswith(path) and answer.status == 200
        return Answer(200, answer.headers, change(answer.body)) if good else answer

    return spoil


@pytest.mark.parametrize(
    ("spoil", "failing"),
    [
        (_bytes("/v1/log/tile/", lambda hashes: bytes(len(hashes))), "log-tiles"),
        (_bytes("/v1/log/tile/", lambda hashes: hashes[:-1]), "log-tiles"),
        (_bytes("/v1/blobs/", lambda scan: scan[::-1]), "scans-given-back"),
    ],
)
def test_other_bytes_are_found(reader: House, monkeypatch: pytest.MonkeyPatch, spoil: Spoil, failing: str) -> None:
    monkeypatch.setattr(reader.visit.guest, "patience_s", 1)
    with reader.broken(spoil):
        assert reader.failing(MIRROR) == {failing}


def _no_gaps(page: LanePage, expected: Expected) -> Any:
    items = [item.model_copy(update={"position": page.start + place}) for place, item in enumerate(page.items)]
    return verify_page(page.model_copy(update={"items": tuple(items)}), expected)


def _own_head(page: LanePage, expected: Expected) -> Any:
    head = expected.head
    for item in page.items:
        head = next_head(head, item.statement_id)
    return verify_page(page.model_copy(update={"head": head.hex()}), expected)


def _any_lane(page: LanePage, expected: Expected) -> Any:
    return verify_page(page.model_copy(update={"lane": expected.lane}), expected)


def _any_history(_page: LanePage, note: bytes | None, expected: Expected) -> Any:
    if note is None:
        raise PeerMisbehaved("no head")
    return open_head(note, expected.keys)


LENIENT: dict[str, tuple[Any, str, Any, set[str]]] = {
    "signatures": (exchange.net.client, "verify_response", lambda *_, **__: None, SIGNATURES),
    "gaps": (exchange.flows.sync.pull, "verify_page", _no_gaps, {"gap"}),
    "running-heads": (exchange.flows.sync.pull, "verify_page", _own_head, {"head-differs"}),
    "lanes": (exchange.flows.sync.pull, "verify_page", _any_lane, {"another-lane"}),
    "histories": (exchange.flows.sync.verify_lane_page, "_consistent_head", _any_history, {"rolled-back"}),
}


@pytest.mark.parametrize(("where", "name", "lenient", "failing"), LENIENT.values(), ids=LENIENT)
def test_a_node_that_believes_a_lie_is_found(
    reader: House, monkeypatch: pytest.MonkeyPatch, where: Any, name: str, lenient: Any, failing: set[str]
) -> None:
    monkeypatch.setattr(where, name, lenient)
    assert reader.failing(QUICK_LIES) == failing


@pytest.mark.parametrize("said", [b"", b"POST /v1/witness HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"])
def test_who_hangs_up_before_the_end_asked_nothing_that_it_should_not(reader: House, said: bytes) -> None:
    peer, before = reader.visit.guest.peer, len(reader.visit.guest.peer.refused)
    with socket.create_connection(("127.0.0.1", reader.visit.guest.node.settings.port)) as hurried:
        hurried.sendall(said)
        hurried.shutdown(socket.SHUT_WR)
        assert hurried.recv(1) == b""
    assert peer.refused[before:] == []


def test_a_node_that_follows_a_forked_log_is_found(reader: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange.flows.sync.verify_lane_page, "_consistent_head", _any_history)
    assert reader.failing(deceiving.FORK) == {"fork"}


def _poisoned_page_refused(page: LanePage, expected: Expected) -> Any:
    verified = verify_page(page, expected)
    if verified.poisoned:
        raise PeerMisbehaved("The page holds what cannot be believed.")
    return verified


SCANS = {"scans-fetched", "other-scan-refused"}
OWNER = (*owning.CHECKS, *witnessing.LATER, *owning.WITHDRAWAL, *reading.LATER)


def found(home: House, checks: tuple[Check, ...]) -> dict[str, tuple[Verdict, str]]:
    return {item.check.name: (item.verdict, item.evidence) for item in run_checks(home.visit, checks)}


def test_a_node_whose_lane_stops_at_poison_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange.flows.sync.pull, "verify_page", _poisoned_page_refused)
    with house(tmp_path) as home, enrolled(home, patience_s=IMPATIENCE_S) as guest:
        said = found(home, tuple(check for check in owning.CHECKS if check.name not in SCANS))
    assert said["asks-signed"][0] is Verdict.KEPT
    assert said["poison-set-aside"][0] is Verdict.NOT_KEPT
    place = re.search(r"It stands at (\d+) of", said["poison-set-aside"][1])
    assert place
    assert int(place[1]) < min(guest.poison)
    assert said["receipt-adds-up"][0] is Verdict.NOT_TRIED


def test_a_node_that_does_too_little_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It checks no inclusion, keeps scans of other bytes, cosigns nothing, and erases nothing that was withdrawn."""
    from exchange.store.scan.blobs import Arrival

    monkeypatch.setattr(exchange.flows.sync.verify_lane_page, "_verify_inclusion", lambda *_: None)
    monkeypatch.setattr(Arrival, "verify", lambda *_: None)
    monkeypatch.setattr(exchange.worker.peer_rounds, "cosign_head", lambda *_: False)
    monkeypatch.setattr(exchange.worker.job_runner, "erase", lambda *_: None)
    with house(tmp_path) as home, enrolled(home) as guest:
        said = found(home, OWNER[:2])  # kept, however busy the machine is
        guest.patience_s = IMPATIENCE_S
        said |= found(home, OWNER[2:])
    assert {name for name, (verdict, _) in said.items() if verdict is Verdict.NOT_KEPT} == {
        "receipt-adds-up",
        "other-scan-refused",
        "reports-to-peers",
        "cosignature-returned",
        "withdrawal-acknowledged",
    }
    whole = len(guest.poison)
    assert f"{whole - 1} items were set aside in place of {whole}" in said["receipt-adds-up"][1]


def test_a_node_that_never_asks_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange.worker.peer_rounds, "pull", lambda *_: False)
    with house(tmp_path) as home, enrolled(home, patience_s=IMPATIENCE_S):
        said = found(home, (*owning.CHECKS[:1], *deceiving.CHECKS[:1]))
    assert said["asks-signed"][0] is Verdict.NOT_KEPT
    assert said["unsigned-answer"][0] is Verdict.NOT_TRIED
