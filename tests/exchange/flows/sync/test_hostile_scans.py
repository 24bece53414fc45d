"""Scans from a peer that cuts, alters, pads or withholds them: only what the record names is kept, and no byte is
fetched twice for nothing."""

from __future__ import annotations

import dataclasses
import gzip
import io
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from exchange.conformance.guest.owner import Published
from exchange.conformance.guest.peer_simulator import PeerSimulator, Reply, SimulatedRequest, blob_answer, respond
from exchange.errors import DigestDiffers, ExchangeError, NotFound, PeerMisbehaved, PeerUnreachable
from exchange.flows.sync.fetch import fetch_scan
from exchange.store.tables.work_tables import JobRow
from tests.exchange.flows.conftest import Reader, leftovers
from tests.schemas.examples import acquisition_fields

pytestmark = pytest.mark.slow

SIZE = 2_000_000
Lie = Callable[[PeerSimulator, SimulatedRequest], Iterator[bytes]]


@dataclasses.dataclass
class Meter:
    """Counts the bytes of scans that the peer put on the wire."""

    peer: PeerSimulator
    sent: int = 0

    def counted(self, answer: Reply) -> Reply:
        def pieces(asked: SimulatedRequest) -> Iterator[bytes]:
            for number, piece in enumerate(answer(asked)):
                yield piece
                self.sent += len(piece) if number else 0  # the first is the head

        return pieces


@pytest.fixture
def scan(reader: Reader, peer: PeerSimulator) -> Published:
    """A record that arrived, whose scan is on its way; 2 MB that are no scan at all."""
    peer.behave()
    published = peer.owner.publish(blob=random.Random(len(peer.owner.published)).randbytes(SIZE))
    reader.pull()
    return published


def fetch(reader: Reader, published: Published) -> None:
    fetch_scan(reader.node, reader.client, reader.acquisition(published.statement_id).acquisition_id)


def arrived(reader: Reader, published: Published) -> bool:
    """The bytes are here, whole, and nothing else is."""
    assert leftovers(reader.node) == []
    return reader.node.blobs.path(published.sha256).read_bytes() == published.blob


def test_a_line_that_breaks_costs_no_byte_twice(reader: Reader, peer: PeerSimulator, scan: Published) -> None:
    """Cut at random, with and without the length told: each attempt goes on where the last one broke off."""
    meter, dice = Meter(peer), random.Random(7)

    def cut(asked: SimulatedRequest) -> Iterator[bytes]:
        rest = scan.blob[asked.offset :]
        pieces = blob_answer(asked.offset, rest, scan.blob)
        head = next(pieces)
        yield head if dice.random() < 0.5 else head.replace(f"Content-Length: {len(rest)}\r\n".encode(), b"")
        for piece in pieces:
            if dice.random() < 0.05:
                return
            yield piece

    peer.blob = meter.counted(cut)
    attempts = 0
    while True:
        attempts += 1
        try:
            fetch(reader, scan)
            break
        except PeerUnreachable:
            assert attempts < 50
    assert attempts > 2, "it was cut at all"
    assert arrived(reader, scan)
    assert meter.sent <= 1.1 * SIZE
    offsets = [asked.offset for asked in peer.asked if "/blobs/" in asked.path]
    assert offsets == sorted(offsets)
    assert offsets[0] == 0 < offsets[1]


def test_what_came_whole_before_a_crash_is_not_asked_for_again(
    reader: Reader, peer: PeerSimulator, scan: Published
) -> None:
    """Killed between the last byte and the rename: a request for what follows could only be refused (416)."""
    _part(reader, scan).write_bytes(scan.blob)
    fetch(reader, scan)
    assert arrived(reader, scan)
    assert not [asked for asked in peer.asked if "/blobs/" in asked.path]


@pytest.mark.parametrize("part", [b"x" * 1000, b"x" * SIZE, b"x" * (SIZE + 1000)], ids=["begun", "whole", "too-long"])
def test_a_part_that_went_bad_is_thrown_away_once_it_is_whole(reader: Reader, scan: Published, part: bytes) -> None:
    """By a disk that lied, or by a peer that altered the first half and then behaved: all is asked for anew at once."""
    _part(reader, scan).write_bytes(part)
    fetch(reader, scan)
    assert leftovers(reader.node) == []
    assert arrived(reader, scan)


def _altered(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    whole = peer.blob_of(asked)
    yield from blob_answer(0, whole[:-1] + bytes([whole[-1] ^ 1]), whole)


def _longer(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    whole = peer.blob_of(asked)
    yield from blob_answer(0, whole + b"more", whole)


def _without_end(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 Told\r\n\r\n"
    for _ in range(1000):
        yield bytes(100_000)


def _shorter(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    whole = peer.blob_of(asked)
    yield from blob_answer(0, whole[:-1000], whole)


def _part_unasked(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    whole = peer.blob_of(asked)
    yield respond(206, whole[5:], {"Content-Range": f"bytes 5-{len(whole) - 1}/{len(whole)}"})


def _packed(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(200, gzip.compress(peer.blob_of(asked)), {"Content-Encoding": "gzip"})


def _elsewhere(_peer: PeerSimulator, _asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(302, b"", {"Location": "http://127.0.0.1:9/"})


def _gone(_peer: PeerSimulator, _asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(404, b'{"title":"Not found","detail":"The scan is not on this node."}')


LIES: dict[str, tuple[Lie, type[ExchangeError], str, int]] = {
    "altered": (_altered, DigestDiffers, "not .* as announced", 0),
    "longer": (_longer, PeerMisbehaved, "more of the scan than the record names", 0),
    "without-end": (_without_end, PeerMisbehaved, "more of the scan than the record names", 0),
    "shorter": (_shorter, PeerUnreachable, f"ended after {SIZE - 1000} of {SIZE} bytes", SIZE - 1000),
    "part-unasked": (_part_unasked, PeerMisbehaved, "another part of the scan", 0),
    "packed": (_packed, PeerMisbehaved, "encoding that was not asked for", 0),
    "redirect": (_elsewhere, PeerMisbehaved, "status 302", 0),
    "gone": (_gone, PeerMisbehaved, "refused with 404, Not found", 0),
}


@pytest.mark.parametrize(("lie", "error", "said", "kept"), LIES.values(), ids=LIES)
def test_a_scan_that_is_not_the_records_is_refused_and_fetched_when_it_is(
    reader: Reader,
    peer: PeerSimulator,
    scan: Published,
    lie: Lie,
    error: type[ExchangeError],
    said: str,
    kept: int,
) -> None:
    peer.blob = lambda asked: lie(peer, asked)
    with pytest.raises(error, match=said):
        fetch(reader, scan)
    with pytest.raises(NotFound):
        reader.node.blobs.path(scan.sha256)
    assert sum(part.stat().st_size for part in leftovers(reader.node)) == kept, "only what may still become the scan"
    peer.behave()
    fetch(reader, scan)
    assert arrived(reader, scan)


def _whole_after_all(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(200, peer.blob_of(asked))


def test_a_peer_that_cannot_resume_sends_it_anew(reader: Reader, peer: PeerSimulator, scan: Published) -> None:
    _part(reader, scan).write_bytes(scan.blob[:1000])
    peer.blob = lambda asked: _whole_after_all(peer, asked)
    fetch(reader, scan)
    assert arrived(reader, scan)
    assert [asked.offset for asked in peer.asked if "/blobs/" in asked.path] == [1000]


def _ranges(content_range: str, skipped: int) -> Lie:
    def answer(peer: PeerSimulator, asked: SimulatedRequest) -> Iterator[bytes]:
        yield respond(206, peer.blob_of(asked)[skipped:], {"Content-Range": content_range} if content_range else {})

    return answer


WRONG_RANGES: dict[str, Lie] = {
    "another-offset": _ranges(f"bytes 2000-{SIZE - 1}/{SIZE}", 2000),
    "from-the-start": _ranges(f"bytes 0-{SIZE - 1}/{SIZE}", 0),
    "longer-number": _ranges(f"bytes 10000-{SIZE - 1}/{SIZE}", 10_000),
    "no-content-range": _ranges("", 1000),
    "not-satisfiable": lambda _peer, _asked: iter([respond(416, b"")]),
}


@pytest.mark.parametrize("lie", WRONG_RANGES.values(), ids=WRONG_RANGES)
def test_a_wrong_answer_to_a_range_spoils_no_part(
    reader: Reader, peer: PeerSimulator, scan: Published, lie: Lie
) -> None:
    part = _part(reader, scan)
    part.write_bytes(scan.blob[:1000])
    peer.blob = lambda asked: lie(peer, asked)
    with pytest.raises(PeerMisbehaved):
        fetch(reader, scan)
    assert part.read_bytes() == scan.blob[:1000]
    meter = Meter(peer)
    peer.blob = meter.counted(peer.honest_blob)
    fetch(reader, scan)
    assert arrived(reader, scan)
    assert meter.sent == SIZE - 1000


def test_a_scan_that_drips_is_cut_and_what_came_is_kept(reader: Reader, peer: PeerSimulator, scan: Published) -> None:
    """An attempt ends, however the peer sends."""
    hasty = reader.node.settings.model_copy(update={"compute_timeout_s": 0.25})
    head = f"HTTP/1.1 200 Told\r\nContent-Length: {SIZE}\r\n\r\n".encode()
    peer.blob = lambda _asked: peer.dripping(head + scan.blob[:100_000], b"")
    began = time.monotonic()
    with pytest.raises(PeerUnreachable, match=r"took longer than 0\.5 s"):
        fetch(Reader(dataclasses.replace(reader.node, settings=hasty), reader.client), scan)
    assert time.monotonic() - began < 3
    assert [part.read_bytes() for part in leftovers(reader.node)] == [scan.blob[:100_000]]
    peer.behave()
    fetch(reader, scan)
    assert arrived(reader, scan)


def test_bytes_that_are_no_scan_are_kept_as_they_are_and_never_correlated(
    reader: Reader, peer: PeerSimulator, scan: Published
) -> None:
    fetch(reader, scan)
    found = reader.acquisition(scan.statement_id)
    assert (found.state, (found.detail or "").split(":")[0]) == ("not-usable", "not-an-image")
    assert not _jobs(reader, "correlate", found.acquisition_id)


def test_a_photograph_that_the_record_calls_a_topography_is_told(reader: Reader, peer: PeerSimulator) -> None:
    peer.behave()
    png = io.BytesIO()
    Image.new("L", (64, 64), 128).save(png, "PNG")
    published = peer.owner.publish(blob=png.getvalue())
    reader.pull()
    fetch(reader, published)
    found = reader.acquisition(published.statement_id)
    assert found.state == "not-usable"
    assert "names it as application/x-x3p, but it is image/png" in (found.detail or "")
    assert not _jobs(reader, "correlate", found.acquisition_id)


def test_a_whole_scan_is_promised_to_the_matcher(reader: Reader, peer: PeerSimulator, scans: dict[str, Path]) -> None:
    peer.behave()
    published = peer.owner.publish(blob=scans["1-1"].read_bytes())
    reader.pull()
    fetch(reader, published)
    found = reader.acquisition(published.statement_id)
    assert (found.state, found.detail) == ("queued", None)
    assert len(_jobs(reader, "correlate", found.acquisition_id)) == 1


def test_the_size_that_a_record_names_bounds_what_is_taken(reader: Reader, peer: PeerSimulator) -> None:
    """A record may lie about the size: not a byte more than it names is written."""
    peer.behave()
    blob = random.Random(1).randbytes(200_000)
    published = peer.owner.publish(blob=blob)
    small = acquisition_fields(blob={"sha256": published.sha256, "size": 1000, "media_type": "application/x-x3p"})
    lying = peer.owner.publish(blob=blob, acquisitions=[small])
    reader.pull()
    with pytest.raises(PeerMisbehaved, match="more of the scan than the record names"):
        fetch(reader, lying)
    assert leftovers(reader.node) == []


def _part(reader: Reader, published: Published) -> Path:
    acquisition = reader.acquisition(published.statement_id)
    path: Path = reader.node.settings.incoming / f"{published.sha256}.{acquisition.acquisition_id}.part"
    return path


def _jobs(reader: Reader, kind: str, acquisition_id: int) -> list[JobRow]:
    with reader.node.store.read() as session:
        jobs = session.query(JobRow).filter_by(kind=kind, subject=str(acquisition_id)).all()
    return list(jobs)
