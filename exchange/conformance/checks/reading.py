"""The guest reads its lane: signed answers, a lane without a gap, proofs that lead to signed heads."""

from __future__ import annotations

import hashlib
import time
from base64 import b64decode
from dataclasses import dataclass
from http import HTTPStatus

from exchange.conformance.check import Check, Part
from exchange.conformance.targets import LANE
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from exchange.conformance.wire import WireAnswer
from exchange.errors import CheckpointInvalid, ProofInvalid, RequestRefused, StatementInvalid
from exchange.flows.statement.heads import open_head
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint
from exchange.net.message_signatures import verify_response
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import verify_statement
from schemas import ContractError
from schemas.lane import EMPTY_HEAD, LaneItem, LanePage, next_head, parse_lane_news, parse_lane_page

MAX_PAGES = 20
"""Enough to see that pages follow each other; a lane of thousands is not read whole for a test."""


@dataclass(frozen=True)
class LaneReading:
    """The lane as it was read, from its beginning."""

    pages: tuple[LanePage, ...]

    @property
    def items(self) -> list[LaneItem]:
        return [item for page in self.pages for item in page.items]


def lane_target(start: int, head: bytes, known_size: int) -> str:
    return f"/v1/lane?start={start}&head={head.hex()}&known_size={known_size}"


def read_page(visit: Visit, start: int = 0, head: bytes = EMPTY_HEAD, known_size: int = 0) -> LanePage:
    """A page as the node answers it; whether it is to be believed is for the checks. Raises NotKept."""
    told = visit.guest.get(lane_target(start, head, known_size)).expect(200)
    try:
        return parse_lane_page(told.body)
    except ContractError as error:
        raise NotKept(f"{told.asked}: the page breaks the contract: {error} ({error.reason})") from error


def read_whole_lane(visit: Visit) -> LaneReading:
    """The whole lane, or its first pages. Each page is asked for by the head that the one before it states."""
    pages = [read_page(visit)]
    while pages[-1].items and len(pages) < MAX_PAGES:
        count = pages[-1].start + len(pages[-1].items)
        if count >= pages[-1].count:
            break
        pages.append(read_page(visit, count, bytes.fromhex(pages[-1].head)))
    return LaneReading(tuple(pages))


def read_or_untried(visit: Visit) -> LaneReading:
    """For checks of what is in the pages: that there are any is another's affair. Raises NotTried."""
    try:
        return read_whole_lane(visit)
    except NotKept as error:
        raise NotTried(f"No page could be read; see lane-form. {error}") from error


def signed_head(visit: Visit, page: LanePage) -> Checkpoint:
    """The head that a page shows. Raises NotTried when it is none; see heads-signed."""
    try:
        if page.checkpoint is not None:
            return open_head(b64decode(page.checkpoint), visit.guest.keys)
    except CheckpointInvalid as error:
        raise NotTried(f"The head of the log is not signed as it must be; see heads-signed. {error}") from error
    raise NotTried("The log has no signed head yet.")


def answered(visit: Visit, target: str) -> WireAnswer:
    """What the node answers. Raises NotKept unless it is signed with its transport key and bound to the request."""
    guest = visit.guest
    headers = guest.signed(target)
    told = guest.wire.ask("GET", target, headers).expect(200)
    try:
        verify_response(
            guest.answers_with,
            status=told.status,
            headers=told.headers,
            body=told.body,
            request_method="GET",
            request_url=guest.url(target),
            request_headers=headers,
            now=int(time.time()),
        )
    except RequestRefused as error:
        raise NotKept(f"{told.asked}: {error} ({error.code})") from error
    return told


def _answer_signed(visit: Visit) -> str:
    for _ in range(2):
        answered(visit, LANE)
    return "Two answers, each bound to its own request."


def _news(visit: Visit) -> str:
    reading = read_or_untried(visit)
    page, end, head = reading.pages[-1], len(reading.items), EMPTY_HEAD
    for item in reading.items:
        head = next_head(head, item.statement_id)
    if head.hex() != page.head:
        raise NotTried("The lane contradicts itself, so what follows its end cannot be asked for: see lane-form.")
    if visit.guest.get(_news_target(end, head)).status == HTTPStatus.NOT_FOUND:
        raise NotTried("This node is of a release that cannot be asked whether there is news.")
    begun = time.monotonic()
    if end == page.count and _is_news(visit, end, head):
        raise NotKept(f"Asked what follows the {end} items of the lane, the node said that something does.")
    waited_s = time.monotonic() - begun
    if end == page.count and waited_s < 1:
        raise NotKept(f"Asked to wait a second for news, the node said after {waited_s:.1f} s that there is none.")
    if page.count and not _is_news(visit, 0, EMPTY_HEAD):
        raise NotKept(f"The lane has {page.count} items, and the node says that nothing follows its begin.")
    return f"{page.count} items are news to who has none of them, and after {waited_s:.1f} s none to who has all."


def _news_target(start: int, head: bytes) -> str:
    return f"/v1/lane/news?start={start}&head={head.hex()}&wait=1"


def _is_news(visit: Visit, start: int, head: bytes) -> bool:
    told = answered(visit, _news_target(start, head))
    try:
        return parse_lane_news(told.body).news
    except ContractError as error:
        raise NotKept(f"{told.asked}: the answer breaks the contract: {error} ({error.reason})") from error


def _form(visit: Visit) -> str:
    guest, head, count = visit.guest, EMPTY_HEAD, 0
    pages = read_whole_lane(visit).pages
    for page in pages:
        if page.lane != guest.node.node_id or page.start != count:
            raise NotKept(f"Asked for {guest.node.node_id} from {count}, got {page.lane} from {page.start}.")
        if [item.position for item in page.items] != list(range(count, count + len(page.items))):
            raise NotKept(f"The lane has a gap after {count} items.")
        count += len(page.items)
        for item in page.items:
            head = next_head(head, item.statement_id)
        if page.head != head.hex():
            raise NotKept(f"After {count} items the running head is not that of the items.")
        if page.count < count:
            raise NotKept(f"The lane shows {count} items and says that it has {page.count}.")
    return f"{count} items of {pages[-1].count}, in {len(pages)} pages."


def _heads(visit: Visit) -> str:
    page = read_or_untried(visit).pages[-1]
    if page.checkpoint is None:
        raise NotKept("The page shows no signed head; the log has the card at least.")
    try:
        head = open_head(b64decode(page.checkpoint), visit.guest.keys)
    except CheckpointInvalid as error:
        raise NotKept(f"{error}.") from error
    return f"Size {head.size}, signed with Ed25519 (0x01) and ML-DSA-44 (0x06) by {head.origin}."


def _inclusion(visit: Visit) -> str:
    reading, shown = read_or_untried(visit), 0
    for page in reading.pages:
        head = signed_head(visit, page)
        for item in page.items:
            if item.envelope is None:
                continue
            leaf = merkle.leaf_hash(hashlib.sha256(b64decode(item.envelope)).digest())
            proof = [bytes.fromhex(step) for step in item.inclusion]
            try:
                merkle.verify_inclusion(item.log_index, head.size, leaf, proof, head.root)
            except ProofInvalid as error:
                raise NotKept(f"Item {item.position}, log index {item.log_index}: {error}.") from error
            shown += 1
    if not shown:
        raise NotTried("The lane has no item with its content yet.")
    return f"{shown} items lead to the signed head."


def _statements(visit: Visit) -> str:
    keys, kinds = visit.guest.keys, []
    for item in read_or_untried(visit).items:
        if item.envelope is None:
            continue
        name, kind = _believed(item, b64decode(item.envelope), keys)
        if name != item.statement_id:
            raise NotKept(f"Item {item.position}: the lane names another statement than it brings.")
        kinds.append(kind)
    if not kinds:
        raise NotTried("The lane has no item with its content yet.")
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds))) + "."


def _believed(item: LaneItem, raw: bytes, keys: KeyHistory) -> tuple[str, str]:
    """The id and the type of the statement in it. The identity signs key-events, the statement key all else."""
    for link in keys.links:
        if link.envelope.raw == raw and link.index == item.log_index:
            return link.statement_id, link.event.type
    try:
        found = verify_statement(raw, issuer=keys.card.issuer, key=keys.statement_key(item.log_index))
    except StatementInvalid as error:
        raise NotKept(f"Item {item.position}: {error} ({error.code})") from error
    return found.statement_id, found.statement.type


def _consistency(visit: Visit) -> str:
    try:
        first = read_page(visit)
    except NotKept as error:
        raise NotTried(f"No page could be read; see lane-form. {error}") from error
    known = [*_card_alone(visit), *_before(visit), signed_head(visit, first)]
    for before in known:
        page = read_page(visit, known_size=before.size)
        head = signed_head(visit, page)
        proof = [bytes.fromhex(step) for step in page.consistency]
        try:
            merkle.verify_consistency(before.size, head.size, before.root, head.root, proof)
        except ProofInvalid as error:
            raise NotKept(f"From size {before.size} to {head.size}: {error}.") from error
    visit.heads.append(known[-1])
    sizes = ", ".join(str(size) for size in sorted({before.size for before in known[:-1]}))
    return f"From size {sizes or head.size} on, to size {head.size}."


def _before(visit: Visit) -> list[Checkpoint]:
    """Heads that this run saw earlier, each size once."""
    return list({head.size: head for head in visit.heads}.values())


def _card_alone(visit: Visit) -> list[Checkpoint]:
    """The head of a log of the first card alone, which everybody knows who has that card."""
    tested = visit.guest.tested
    if tested.delegation.from_index:
        return []
    return [Checkpoint(tested.log_origin, 1, merkle.leaf_hash(hashlib.sha256(visit.card_bytes).digest()))]


def _consistency_later(visit: Visit) -> str:
    said = _consistency(visit)
    if len({head.size for head in visit.heads}) < 2:
        raise NotTried(f"The log did not grow during this run. {said}")
    return said


CHECKS = (
    Check(
        "answers-signed",
        Part.READER,
        "Each answer to a peer is signed by the node's transport key and bound to its request.",
        "RFC 9421, 2.4; RFC 9530, 2",
        "The lane asked for twice, both signatures verified",
        _answer_signed,
    ),
    Check(
        "news-waited-for",
        Part.READER,
        "Who waits for news is told when something follows on the lane, and after the time that nothing does.",
        "schemas/json/lane-news.json; docs/adr/0001",
        "Asked with a second to wait, from the begin and from the end of the lane",
        _news,
    ),
    Check(
        "heads-signed",
        Part.READER,
        "The log's head is a checkpoint signed with both log keys in force at its size, Ed25519 and ML-DSA-44.",
        "C2SP tlog-checkpoint, signed-note 0x01 and 0x06",
        "The note of the last page verified",
        _heads,
    ),
    Check(
        "consistency",
        Part.READER,
        "The log begins with the card and only grows: each head is proved to go on from those before.",
        "RFC 9162, 2.1.4.2",
        "A proof asked for from size 1, and followed",
        _consistency,
    ),
)
LATER = (
    Check(
        "lane-form",
        Part.READER,
        "A lane is read in pages without a gap, and its running head adds up: head' = SHA-256(head || statement id).",
        "docs/architecture.md, the lanes; schemas/json/lane-page.json",
        "The lane read from its beginning, positions and heads followed",
        _form,
    ),
    Check(
        "inclusion",
        Part.READER,
        "Each item comes with the proof that the signed log holds it.",
        "RFC 9162, 2.1.3.2",
        "The proof of each item followed to the root",
        _inclusion,
    ),
    Check(
        "statements",
        Part.READER,
        "Each item is a statement of the contract, signed with both statement keys in force there, under its own id.",
        "schemas/vectors, steps 1 to 7",
        "Each envelope verified",
        _statements,
    ),
    Check(
        "consistency-later",
        Part.READER,
        "Every later head extends each head seen before.",
        "RFC 9162, 2.1.4.2",
        "At the end, a proof from each head seen in this run, once the log has grown",
        _consistency_later,
    ),
)
"""For when the node has put receipts and acknowledgements on the lane."""
