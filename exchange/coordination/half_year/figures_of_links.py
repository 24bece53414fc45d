"""Link ids: by them whoever reads the restricted editions of both sides of a hit counts it once, and learns no case.

An id is a code (HMAC-SHA256) of the two cases under a key that the two nodes have in common and no third node has:
it is made of the nonces of the first receipt that each of them signed for the other's lane. A receipt stands on one
lane alone, and witnesses of a log know its digests and none of its statements. Each side has both receipts from the
first exchange on, they are never erased, and nobody can guess their nonces of 256 bits: so both sides find the same id
for the same two cases, in whatever order things arrived, and the same one in every later half-year.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Session

from exchange.clock import LAST
from exchange.coordination.half_year.counted import first_receipts
from exchange.coordination.half_year.figures_of_hits import Cases, Joined
from exchange.coordination.half_year.half_year_rows import HalfYearRows
from exchange.coordination.half_year.half_years import Half
from schemas import Receipt, open_envelope, parse_statement

_PURPOSE = b"ffp-link-id/1"


@dataclass(frozen=True)
class LinkedCases:
    """Two cases that a hit joins across a border and that stood joined at the moment. ``link``: None while the two
    nodes have signed no receipts for each other's lanes yet. ``lead`` and ``confirmed``: the half-years of the first
    hit and of the first confirmed one; ``by``: the jurisdiction whose node signed that first hit."""

    partner: str
    link: str | None
    by: str
    lead: Half
    confirmed: Half | None


def linked_cases_of(session: Session, rows: HalfYearRows, joined: Sequence[Joined]) -> tuple[LinkedCases, ...]:
    """Those across a border, in the order of their ids: the order in which they came to be tells nothing then."""
    keys: dict[str, bytes | None] = {}
    found = []
    for item in joined:
        if item.partner is None:
            continue
        if item.partner not in keys:
            keys[item.partner] = link_key(session, rows.node_id, item.partner)
        key = keys[item.partner]
        found.append(
            LinkedCases(
                partner=item.column,
                link=link_id(key, item.cases) if key is not None else None,
                by=rows.column(item.hits[0].statement.issuer) or item.column,
                lead=_half_of(item.first_at),
                confirmed=_half_of(item.confirmed_at) if item.confirmed_at is not None else None,
            )
        )
    return tuple(sorted(found, key=lambda link: (link.partner, link.link or "", link.lead, str(link.confirmed))))


def link_key(session: Session, node_id: str, partner: str) -> bytes | None:
    """The key of two nodes, 32 bytes; None while one of them has signed no receipt for the other."""
    nonces: Mapping[str, str | None] = {
        node_id: _first_nonce(session, node_id, owner=partner),
        partner: _first_nonce(session, partner, owner=node_id),
    }
    names = sorted(nonces)
    parts = [nonces[name] for name in names]
    if None in parts:
        return None
    secret = b"".join(bytes.fromhex(part) for part in parts if part is not None)
    info = b"\0".join([_PURPOSE, *(name.encode() for name in names)])
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def link_id(key: bytes, cases: Cases) -> str:
    """64 hexadecimal digits. ``cases``: each as its owner and reference."""
    said = json.dumps(sorted(cases), ensure_ascii=False, separators=(",", ":")).encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def _first_nonce(session: Session, issuer: str, *, owner: str) -> str | None:
    """Of the first receipt, by its issuer's log, for the lane of this owner."""
    for envelope in first_receipts(session, issuer):
        said = parse_statement(open_envelope(envelope).payload)
        if isinstance(said, Receipt) and said.owner == owner:
            return said.nonce
    return None


def _half_of(at: str) -> Half:
    at = min(at, LAST)
    return Half(int(at[:4]), 1 if int(at[5:7]) <= 6 else 2)
