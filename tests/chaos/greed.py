"""A peer that takes more than its share, in five ways: with good keys, and as much as it can."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from itertools import count

from exchange.conformance.guest.peer_simulator import PeerSimulator, SimulatedRequest, blob_answer, respond
from exchange.flows.log.signed_checkpoint import sign_head
from schemas.lane import parse_lane_page
from tests.chaos.archive import fill, scans_of
from tests.chaos.sizes import sized
from tests.schemas.examples import acquisition_fields

Greed = Callable[[PeerSimulator], None]
DRIP_S = 2.0
LARGE = 400 * 10**6
SCANS_A_RECORD = 16
CORRELATED = "breech_face"


def many(greedy: PeerSimulator) -> None:
    """Thousands of small records, each with a good scan that is to be fetched, read and prepared."""
    fill(greedy.owner.node, sized(600, 5000), scans=scans_of(4000), roi=CORRELATED)
    sign_head(greedy.owner.node)
    greedy.blob = lambda asked: _kept(greedy, asked)


def large(greedy: PeerSimulator) -> None:
    """Thirty records that name 480 scans of 400 MB, and bytes without end as fast as they are taken."""
    _claim(greedy, 30)
    greedy.blob = lambda _asked: _endless(greedy, bytes(1 << 20))


def slow(greedy: PeerSimulator) -> None:
    """The same, and a byte every two seconds: of scans, and of every second page of its lane."""
    _claim(greedy, 30)
    pages = count()
    greedy.blob = lambda _asked: _dripped(greedy)
    greedy.lane = lambda asked: greedy.honest_lane(asked) if next(pages) % 2 == 0 else _dripped(greedy)


def poisoned(greedy: PeerSimulator) -> None:
    """Items without a good proof, page after page; pages that are not signed; and large scans that are costly to read,
    each of which cannot be used."""
    fill(greedy.owner.node, sized(300, 3000))
    fill(greedy.owner.node, 12, scans=scans_of(40_000_000), roi=CORRELATED)
    sign_head(greedy.owner.node)
    pages = count()
    greedy.blob = lambda asked: _kept(greedy, asked)
    greedy.lane = lambda asked: (_poisoned if next(pages) % 3 else _unsigned)(greedy, asked)


def never_ending(greedy: PeerSimulator) -> None:
    """A page without end, one that leads elsewhere for ever, a lane that always has more to come, and scans that never
    end although they come fast enough."""
    _claim(greedy, 30)
    answers = (_goes_on, lambda g, _: _endless(g, b"[" * 65_536), lambda g, _: _elsewhere(g))
    pages = count()
    greedy.lane = lambda asked: answers[next(pages) % len(answers)](greedy, asked)
    greedy.blob = lambda _asked: _endless(greedy, bytes(1000), every_s=0.05)


KINDS: dict[str, Greed] = {
    "many": many,
    "large": large,
    "slow": slow,
    "poisoned": poisoned,
    "never-ending": never_ending,
}


def _claim(greedy: PeerSimulator, records: int) -> None:
    """Records that name scans which nobody has."""
    for record in range(records):
        names = [hashlib.sha256(f"{record} {scan}".encode()).hexdigest() for scan in range(SCANS_A_RECORD)]
        blobs = [{"sha256": name, "size": LARGE, "media_type": "application/x-x3p"} for name in names]
        greedy.owner.publish(acquisitions=[acquisition_fields(blob=blob) for blob in blobs])


def _kept(greedy: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    path = greedy.owner.node.blobs.path(asked.path.rpartition("/")[2])
    whole = path.read_bytes()
    yield from blob_answer(asked.offset, whole[asked.offset :], whole)


def _endless(greedy: PeerSimulator, piece: bytes, *, every_s: float = 0) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 Told\r\nConnection: close\r\n\r\n"
    while not greedy.closing.wait(every_s):
        yield piece


def _dripped(greedy: PeerSimulator) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 Told\r\nConnection: close\r\n\r\n"
    while not greedy.closing.wait(DRIP_S):
        yield b"x"


def _elsewhere(greedy: PeerSimulator) -> Iterator[bytes]:
    yield respond(302, b"", {"Location": f"{greedy.owner.node.settings.url}/v1/lane?{time.monotonic_ns()}"})


def _poisoned(greedy: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    page = parse_lane_page(greedy.page(asked))
    items = tuple(
        item if position % 32 == 0 else item.model_copy(update={"inclusion": ()})
        for position, item in enumerate(page.items)
    )
    body = page.model_copy(update={"items": items}).model_dump_json().encode()
    yield respond(200, body, greedy.signed(asked, body))


def _unsigned(greedy: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(200, greedy.page(asked))


def _goes_on(greedy: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    """A true page of one item at a time, of a lane that says that it is a million long."""
    page = parse_lane_page(greedy.page(asked))
    body = page.model_copy(update={"count": max(page.count, 10**6)}).model_dump_json().encode()
    yield respond(200, body, greedy.signed(asked, body))
