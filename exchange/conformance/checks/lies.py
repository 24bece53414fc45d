"""Answers to the question for a lane that a reader must refuse, and after which its cursor stands where it stood."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from exchange.conformance.guest.guest import Guest
from exchange.conformance.guest.peer_simulator import SimulatedRequest, respond
from exchange.log import note
from exchange.log.checkpoint import sign_checkpoint
from exchange.net.message_signatures import sign_response
from schemas.lane import MAX_PAGE_BYTES, LanePage

_SILENT_S = 45
"""Longer than a node waits for a peer that says nothing: 30 s."""
_PIECE_BYTES = 1 << 16
LyingReply = Callable[[Guest, SimulatedRequest], Iterator[bytes]]
Edit = Callable[[Guest, LanePage, int], LanePage]
"""A page made wrong; the number is the size of the log that the reader knows."""


@dataclass(frozen=True)
class Lie:
    """``asks`` is what the contract asks of a reader, ``how`` the lie in a few words."""

    name: str
    asks: str
    source: str
    how: str
    answer: LyingReply


def true_page(guest: Guest, asked: SimulatedRequest) -> LanePage:
    """All that follows the reader's cursor, as an honest owner would show it."""
    head = bytes.fromhex(asked.text("head"))
    return guest.owner.page(start=asked.number("start"), head=head, known_size=asked.number("known_size"))


def signed_page(guest: Guest, asked: SimulatedRequest, page: LanePage) -> Iterator[bytes]:
    body = page.model_dump_json(warnings=False).encode()
    yield respond(200, body, guest.peer.signed(asked, body))


def quiet_answer(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    """An honest answer that brings nothing: whatever follows is not told yet."""
    page = true_page(guest, asked)
    yield from signed_page(guest, asked, _without_items(page, asked.text("head")))


def forked(guest: Guest, page: LanePage, known: int) -> LanePage:
    """Another history of the length that the reader knows, signed with the log's true keys."""
    return page.model_copy(update={"checkpoint": guest.owner.signed(known, bytes(32)), "consistency": ()})


def edited(edit: Edit) -> LyingReply:
    """A page made wrong, and signed as it should be."""

    def answer(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
        yield from signed_page(guest, asked, edit(guest, true_page(guest, asked), asked.number("known_size")))

    return answer


def _without_items(page: LanePage, head: str) -> LanePage:
    return page.model_copy(update={"items": (), "count": page.start, "head": head})


def _body(guest: Guest, asked: SimulatedRequest) -> bytes:
    return true_page(guest, asked).model_dump_json().encode()


def _unsigned(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    yield respond(200, _body(guest, asked))


def _another_key(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    body = _body(guest, asked)
    yield respond(200, body, guest.peer.signed(asked, body, key=Ed25519PrivateKey.generate()))


def _long_ago(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    body = _body(guest, asked)
    yield respond(200, body, guest.peer.signed(asked, body, age_s=600))


def _altered(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    body = _body(guest, asked)
    yield respond(200, body + b" ", guest.peer.signed(asked, body))


def _answer_to_another(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    body, key = _body(guest, asked), guest.node.keys.transport
    other = replace(guest.peer.verified(asked).request, signature=bytes(64))
    name = guest.node.requester_id
    yield respond(200, body, sign_response(key, name, status=200, body=body, request=other, now=int(time.time())))


def _cut(guest: Guest, asked: SimulatedRequest) -> Iterator[bytes]:
    body = _body(guest, asked)
    whole = respond(200, body, guest.peer.signed(asked, body))
    yield whole[: len(whole) - len(body) // 2]


def _silent(guest: Guest, _asked: SimulatedRequest) -> Iterator[bytes]:
    guest.peer.closing.wait(_SILENT_S)
    yield from ()


def _without_end(_guest: Guest, _asked: SimulatedRequest) -> Iterator[bytes]:
    """Half as much again as a page may have, in chunks, so that no length gives it away."""
    yield b"HTTP/1.1 200 Told\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _ in range(MAX_PAGE_BYTES * 3 // 2 // _PIECE_BYTES):
        yield b"%x\r\n%s\r\n" % (_PIECE_BYTES, b" " * _PIECE_BYTES)


def _next_contract(_guest: Guest, page: LanePage, _known: int) -> LanePage:
    return page.model_copy(update={"contract": "2.0"})


def _another_lane(guest: Guest, page: LanePage, _known: int) -> LanePage:
    return page.model_copy(update={"lane": guest.node.node_id})


def _gap(_guest: Guest, page: LanePage, _known: int) -> LanePage:
    items = tuple(item.model_copy(update={"position": item.position + 1}) for item in page.items)
    return page.model_copy(update={"items": items, "count": page.count + 1})


def _head_differs(_guest: Guest, page: LanePage, _known: int) -> LanePage:
    return page.model_copy(update={"head": "f" * 64})


def _no_checkpoint(_guest: Guest, page: LanePage, _known: int) -> LanePage:
    return page.model_copy(update={"checkpoint": None, "consistency": ()})


def _another_checkpoint(guest: Guest, page: LanePage, _known: int) -> LanePage:
    keys = Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate()
    head = sign_checkpoint(guest.owner.head(guest.owner.size()), *keys, int(time.time()))
    return page.model_copy(update={"checkpoint": b64encode(head).decode()})


def _half_signed(place: int) -> Edit:
    def edit(_guest: Guest, page: LanePage, _known: int) -> LanePage:
        head = note.parse_note(b64decode(page.checkpoint or ""))
        alone = note.Note(head.text, (head.signatures[place],)).encoded()
        return page.model_copy(update={"checkpoint": b64encode(alone).decode()})

    return edit


def _rolled_back(guest: Guest, page: LanePage, known: int) -> LanePage:
    size = max(known - 1, 1)
    head = guest.owner.signed(size, guest.owner.head(size).root)
    return page.model_copy(update={"checkpoint": head, "consistency": ()})


_ANSWER = "An answer is believed only when the asked peer signed it, for this request, just now."
_PAGE = "A page is taken whole or not at all: its place, its order and its running head must be those asked for."
_HEAD = "A page is taken only with a head that both log keys signed, and that goes on from the last one seen."
_LINE = "An answer that breaks off, never comes or never ends is left, in bounded time and bytes."
_SIGNATURES, _LANES, _LOGS = (
    "RFC 9421, 2.4 and 3.2",
    "docs/architecture.md, the lanes",
    "C2SP tlog-checkpoint; RFC 9162",
)
_HTTP = "RFC 9112, 8; schemas/vectors, step 1"

LIES = (
    Lie("unsigned-answer", _ANSWER, _SIGNATURES, "A true page without a signature", _unsigned),
    Lie("answer-of-another-key", _ANSWER, _SIGNATURES, "A true page signed with another key", _another_key),
    Lie("answer-of-long-ago", _ANSWER, _SIGNATURES, "A true page signed ten minutes ago", _long_ago),
    Lie("altered-answer", _ANSWER, _SIGNATURES, "A true page with one byte more than was signed", _altered),
    Lie("answer-to-another-request", _ANSWER, _SIGNATURES, "A true page bound to another request", _answer_to_another),
    Lie("next-contract", _PAGE, "schemas/vectors, bad/lane-*", "A page of contract 2.0", edited(_next_contract)),
    Lie("another-lane", _PAGE, _LANES, "The lane of somebody else", edited(_another_lane)),
    Lie("gap", _PAGE, _LANES, "A lane that leaves one place out", edited(_gap)),
    Lie("head-differs", _PAGE, _LANES, "A running head that is not that of the items", edited(_head_differs)),
    Lie("no-checkpoint", _HEAD, _LOGS, "Items without a signed head", edited(_no_checkpoint)),
    Lie("another-checkpoint", _HEAD, _LOGS, "A head signed with other keys", edited(_another_checkpoint)),
    Lie("head-without-ml-dsa", _HEAD, _LOGS, "A head signed with Ed25519 alone", edited(_half_signed(0))),
    Lie("head-without-ed25519", _HEAD, _LOGS, "A head signed with ML-DSA-44 alone", edited(_half_signed(1))),
    Lie("rolled-back", _HEAD, _LOGS, "A true head, older than the last one shown", edited(_rolled_back)),
    Lie("truncated", _LINE, _HTTP, "A page that breaks off in the middle", _cut),
    Lie("without-end", _LINE, _HTTP, "More bytes than a page may have, without a stated length", _without_end),
    Lie("silence", _LINE, _HTTP, "A connection on which nothing comes", _silent),
)
