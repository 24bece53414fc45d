"""What a witness must be able to give back: the guest asks for its own log, lane, statements and scans, as a node does
that lost the end of its database."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable

from exchange.conformance.check import Check, Part
from exchange.conformance.checks.reading import MAX_PAGES, answered, read_or_untried, signed_head
from exchange.conformance.guest.guest import Guest
from exchange.conformance.targets import blob
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from exchange.flows.witness.mirror import tree_reader
from exchange.log import merkle
from exchange.log.tiles import TILE_WIDTH, Tile
from schemas import ContractError
from schemas.mirror import M, MirroredLane, MirroredLeaves, MirroredStatements, parse_mirror

MAX_TILES = 64
"""Level-1 tiles, of 65,536 statements each; a log of millions is not read whole for a test."""


def _tiles(visit: Visit) -> str:
    head = signed_head(visit, read_or_untried(visit).pages[-1])
    full, width = divmod(head.size, TILE_WIDTH)
    if full > MAX_TILES * TILE_WIDTH:
        raise NotTried(f"The log has {head.size} statements, too many to be read for a test.")
    tops = b"".join(
        _tile(visit, Tile(1, place, min(TILE_WIDTH, full - place * TILE_WIDTH)))
        for place in range(-(-full // TILE_WIDTH))
    )
    last = _tile(visit, Tile(0, full, width)) if width else b""
    if merkle.root(head.size, tree_reader(_split(tops), last)) != head.root:
        raise NotKept(f"The hashes do not lead to the head of size {head.size} that the log signed.")
    return f"{full} hashes over full tiles and the last {width} leaves lead to the head of size {head.size}."


def _tile(visit: Visit, tile: Tile) -> bytes:
    told = visit.guest.get(f"/v1/log/{tile.path}").expect(200)
    if len(told.body) != tile.width * merkle.HASH_BYTES:
        raise NotKept(f"{told.asked}: {len(told.body)} bytes for {tile.width} hashes.")
    return told.body


def _leaves(visit: Visit) -> str:
    guest = visit.guest

    def mirrored() -> list[bytes] | None:
        found = b""
        for _ in range(MAX_PAGES):
            page = _page(visit, MirroredLeaves, "leaves", len(found) // merkle.HASH_BYTES)
            found += b64decode(page.hashes)
            if not page.hashes or len(found) >= page.size * merkle.HASH_BYTES:
                break
        return _split(found) or None

    leaves = guest.wait_for(mirrored, "the node mirrored nothing of this peer's log")
    if leaves != guest.owner.leaves(len(leaves)):
        raise NotKept(f"Among the {len(leaves)} hashes are some that this peer's log does not have.")
    return f"The first {len(leaves)} leaf hashes, as this peer's log has them."


def _lane(visit: Visit) -> str:
    guest = visit.guest
    if guest.lane_end is None:
        raise NotTried("The node did not come to the end of the lane; see poison-set-aside.")
    page = _page(visit, MirroredLane, "lane", 0)
    places, head = guest.owner.places(len(page.items))
    if page.reader != guest.tested.issuer or page.count != len(page.items) or page.count < guest.lane_end[0]:
        raise NotKept(f"{page.reader} gives {len(page.items)} of {page.count} places; the lane has more.")
    if [(place.statement_id, place.log_index) for place in page.items] != places or page.head != head.hex():
        raise NotKept("The places, or the running head, are not those of the lane that was read.")
    if any(place.withheld for place in page.items):
        raise NotKept("A place is said to have come without its envelope; all came with theirs.")
    return f"All {page.count} places, in their order, with the lane's running head."


def _statements(visit: Visit) -> str:
    guest = visit.guest
    _must_have_read(guest)
    given: dict[int, str] = {}
    start: int | None = 0
    for _ in range(MAX_PAGES):
        if start is None:
            break
        page = _page(visit, MirroredStatements, "statements", start)
        given.update({item.log_index: item.envelope for item in page.items})
        start = page.next
    own = {item.log_index: b64encode(item.envelope.raw).decode() for item in guest.honest}
    missing = [index for index, envelope in own.items() if given.get(index) != envelope]
    if missing:
        raise NotKept(f"This peer's records at the log indices {missing} do not come back as they were sent.")
    if given.items() - guest.owner.statements().items():
        raise NotKept("What comes back is not all of it this peer's own.")
    return f"{len(given)} statements, byte for byte, and nothing of others."


def _scans(visit: Visit) -> str:
    guest = visit.guest
    _must_have_read(guest)

    def given() -> int | None:
        answers = [guest.get(blob(item.sha256)) for item in guest.honest]
        if not all(told.status == 200 for told in answers):
            return None
        if any(told.body != item.blob for told, item in zip(answers, guest.honest, strict=True)):
            raise NotKept("A scan comes back with other bytes.")
        return len(answers)

    return f"{guest.wait_for(given, 'the scans did not come back to their owner')} scans, byte for byte."


def _must_have_read(guest: Guest) -> None:
    if guest.lane_end is None:
        raise NotTried("The node did not come to the end of the lane; see poison-set-aside.")
    if guest.withdrawn:
        raise NotTried("The records were withdrawn; there is nothing to give back.")


def _page(visit: Visit, kind: type[M], what: str, start: int) -> M:
    """Raises NotKept unless the answer is signed, bound to its request, and in its form."""
    told = answered(visit, f"/v1/mirror/{what}?start={start}")
    try:
        page = parse_mirror(kind, told.body)
    except ContractError as error:
        raise NotKept(f"{told.asked}: the answer breaks the contract: {error} ({error.reason})") from error
    if page.start != start:
        raise NotKept(f"{told.asked}: the answer begins at {page.start}.")
    return page


def _split(hashes: bytes) -> list[bytes]:
    if len(hashes) % merkle.HASH_BYTES:
        raise NotKept(f"{len(hashes)} bytes are no whole number of hashes.")
    return [hashes[at : at + merkle.HASH_BYTES] for at in range(0, len(hashes), merkle.HASH_BYTES)]


def _check(name: str, asks: str, source: str, how: str, attempt: Callable[[Visit], str]) -> Check:
    return Check(name, Part.READER, asks, source, how, attempt)


_SOURCE = "docs/adr/0004; schemas/json/mirrored-"
TILES = (
    _check(
        "log-tiles",
        "A peer may mirror the log: its tiles are served, and lead to the signed head.",
        "C2SP tlog-tiles; RFC 9162, 2.1.1",
        "The hashes over full tiles and the last tile, the root computed from them",
        _tiles,
    ),
)
LATER = (
    _check(
        "log-mirrored",
        "A witness holds the leaf hashes of the log that it witnesses, and gives them back to the log's owner.",
        f"{_SOURCE}leaves.json",
        "All leaves asked for, and compared with this peer's log",
        _leaves,
    ),
    _check(
        "lane-given-back",
        "A reader tells the owner what stood where on the lane that it read, refused items too.",
        f"{_SOURCE}lane.json",
        "All places asked for, and compared with the lane that the node read",
        _lane,
    ),
    _check(
        "statements-given-back",
        "A reader gives the owner its own statements back, byte for byte, and nobody else's.",
        f"{_SOURCE}statements.json",
        "All statements asked for, and compared with what was published",
        _statements,
    ),
    _check(
        "scans-given-back",
        "A reader gives the owner the scans of its own records back.",
        "docs/adr/0004",
        "The scans of the good records asked for by their digests",
        _scans,
    ),
)
"""For when the node has read the guest's lane, and before its records are withdrawn."""
