"""Give away a report on a pair with all that proves what it says, for somebody who verifies it far from any node.

Own statements come with the proof that this node's log holds them. A peer's come with the same proof out of the mirror
of its log, where this node witnesses that; otherwise with the peer's signatures alone. A record of the other side is
given only where its handling code restricts nothing (H0): else its owner gives its bundle.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy.orm import Session

from exchange.errors import Conflict, NotFound, ProofInvalid
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import open_head
from exchange.flows.statement.peer import peer_keys
from exchange.flows.statement.sharing import record_of
from exchange.flows.witness.bundle import make_bundle
from exchange.log import merkle
from exchange.log.tiles import TILE_WIDTH
from exchange.store.log.statement_rows import find_statement, latest_checkpoint, node_reader
from exchange.store.sync.peers import find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import StatementRow
from exchange.store.witness.mirror_rows import mirrored_leaves, mirrored_size, tile_tops
from exchange.trust.key_history import KeyHistory
from schemas import CONTRACT_VERSION
from schemas.bundle import Bundle
from schemas.pair_bundle import (
    CONTENTS,
    PROVEN,
    REPORT_FILE,
    SIGNED,
    BundledStatement,
    LeftOut,
    LeftOutReason,
    PairContents,
)
from schemas.vocabulary import HandlingCode

_TILE_LEVEL: Final = 8
_ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The same statements give the same bytes."""


@dataclass(frozen=True)
class _Head:
    """A signed head of a log, and how the tree under it is read."""

    size: int
    root: bytes
    note: bytes
    read: Callable[[int, int], bytes]


def make_pair_bundle(node: Node, records: tuple[str, str], statements: Sequence[str], report: bytes) -> bytes:
    """The ZIP. ``statements``: what the report tells of the pair, in its order.

    1. Of each record and statement: its bundle, or its signatures, or why it is left out.
    2. Name all of it in ``contents.json``, with the digest of the report.
    3. Put it together.

    Raises NotFound for what this node does not know. Raises Conflict, code "head-not-signed", while no signed head
    covers a statement of this node's own: ask again in a second.
    """
    # 1.
    files: dict[str, bytes] = {}
    given: list[str] = []
    left_out: list[LeftOut] = []
    for place, name in enumerate((*records, *statements)):
        found = _given(node, name)
        if isinstance(found, LeftOut):
            left_out.append(found)
            continue
        kind, proof = found
        folder = PROVEN if isinstance(proof, Bundle) else SIGNED
        files[f"{folder}{place:03}-{kind}.json"] = (proof.model_dump_json() + "\n").encode()
        given.append(name)

    # 2.
    contents = PairContents(
        contract=CONTRACT_VERSION,
        made_by=node.node_id,
        records=records,
        report=hashlib.sha256(report).hexdigest(),
        statements=tuple(given),
        left_out=tuple(left_out),
    )

    # 3.
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        listed = contents.model_dump_json(indent=1) + "\n"
        for name, content in {CONTENTS: listed.encode(), REPORT_FILE: report, **files}.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _given(node: Node, statement_id: str) -> LeftOut | tuple[str, Bundle | BundledStatement]:
    with node.store.read() as session:
        row = find_statement(session, statement_id)
        if row is None:
            raise NotFound(f"There is no statement {statement_id} on this node.")
        why = _withheld(session, node, row)
        if why is not None:
            return LeftOut(statement_id=statement_id, issuer=row.issuer, reason=why)
        if row.issuer != node.node_id or row.type != "record":
            return row.type, _proven(session, node, row)
    return row.type, make_bundle(node, statement_id)


def _withheld(session: Session, node: Node, row: StatementRow) -> LeftOutReason | None:
    """Why a statement is not given away, if it is not."""
    peer = None if row.issuer == node.node_id else find_peer(session, row.issuer)
    known = row.issuer == node.node_id or (peer is not None and peer.state != PeerState.ALTERED)
    if row.envelope is None or not known:
        return LeftOutReason.NOT_HELD
    if row.refused_by is not None:
        return LeftOutReason.NOT_BELIEVED
    if peer is not None and row.type == "record":
        free = record_of(session, row.statement_id).handling.code is HandlingCode.H0
        return None if free else LeftOutReason.HANDLING
    return None


def _proven(session: Session, node: Node, row: StatementRow) -> Bundle | BundledStatement:
    """With the proof, where the head that leads there is known; an own statement always has one."""
    own = row.issuer == node.node_id
    keys = node.history if own else peer_keys(_known(session, row.issuer))
    head = _own_head(session) if own else _mirrored_head(session, row.issuer, keys)
    if own and (head is None or head.size <= row.log_index):
        raise Conflict("The log's head over a statement is not signed yet; ask again.", code="head-not-signed")
    card, *events = keys.links
    envelope = base64.b64encode(row.envelope or b"").decode()
    first = base64.b64encode(card.envelope.raw).decode()
    if head is not None and (proof := _proof(head, row)) is not None:
        return Bundle(
            contract=CONTRACT_VERSION,
            envelope=envelope,
            card=first,
            key_events=_encoded(link.envelope.raw for link in events if link.index < head.size),
            log_index=row.log_index,
            inclusion=tuple(step.hex() for step in proof),
            checkpoint=base64.b64encode(head.note).decode(),
        )
    return BundledStatement(
        contract=CONTRACT_VERSION,
        envelope=envelope,
        card=first,
        key_events=_encoded(link.envelope.raw for link in events),
        log_index=row.log_index,
    )


def _proof(head: _Head, row: StatementRow) -> list[bytes] | None:
    """The way from a statement to a head; None where the head does not cover it, or what is mirrored does not lead
    there."""
    if row.log_index >= head.size:
        return None
    proof = merkle.inclusion_proof(row.log_index, head.size, head.read)
    try:
        merkle.verify_inclusion(row.log_index, head.size, row.leaf, proof, head.root)
    except ProofInvalid:
        return None
    return proof


def _own_head(session: Session) -> _Head | None:
    signed = latest_checkpoint(session)
    return None if signed is None else _Head(signed.size, signed.root, signed.note, node_reader(session))


def _mirrored_head(session: Session, issuer: str, keys: KeyHistory) -> _Head | None:
    """The last head of a peer's log that this node cosigned: the mirror reaches that far, unless tiles are missing."""
    peer = _known(session, issuer)
    if peer.cosigned is None:
        return None
    head = open_head(peer.cosigned, keys)
    if mirrored_size(session, issuer) < head.size:
        return None
    return _Head(head.size, head.root, peer.cosigned, _mirror_reader(session, issuer))


def _mirror_reader(session: Session, issuer: str) -> Callable[[int, int], bytes]:
    """How the Merkle functions read the mirror of a log: of most tiles their hash alone, of the others their leaves."""
    tops = tile_tops(session, issuer)

    @cache
    def tile(place: int) -> bytes:
        return mirrored_leaves(session, issuer, place * TILE_WIDTH, TILE_WIDTH)

    @cache
    def read(level: int, index: int) -> bytes:
        if level == _TILE_LEVEL and index < len(tops):
            return tops[index]
        if level == 0:
            begin = index % TILE_WIDTH * merkle.HASH_BYTES
            return tile(index // TILE_WIDTH)[begin : begin + merkle.HASH_BYTES]
        return merkle.node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    return read


def _known(session: Session, issuer: str) -> PeerRow:
    peer = find_peer(session, issuer)
    if peer is None:
        raise NotFound(f"There is no peer {issuer}.")
    return peer


def _encoded(raws: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(base64.b64encode(raw).decode() for raw in raws)
