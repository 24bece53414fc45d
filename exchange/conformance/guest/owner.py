"""An owner of records without a server: a real node's keys, log and lanes, to make true pages of and then lie."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node
from exchange.flows.sync.serve_lane import read_lane
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.log.statement_rows import append_own, log_size, node_reader, statements_of
from exchange.store.sync.peers import find_peer, lane_head_at, lane_items, lane_of, put_on_lane
from schemas import ContractError, Envelope, Record, parse_statement
from schemas.lane import EMPTY_HEAD, MAX_PAGE_ITEMS, LaneItem, LanePage


@dataclass(frozen=True)
class Published:
    """A statement of the owner's, where it stands in the log, and the bytes of its scan."""

    statement_id: str
    envelope: Envelope
    log_index: int
    blob: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.blob).hexdigest()


class Owner:
    """``publish`` puts a record into the log and on the lane of the peer ``reader``; ``page`` shows it all.

    ``sample`` are the fields of a record, of which each published one is a variant.
    """

    def __init__(self, node: Node, *, reader: str, sample: Mapping[str, Any]) -> None:
        self.node = node
        self.reader = reader
        self.sample = sample
        self.published: list[Published] = []

    def publish(self, *, blob: bytes = b"no scan", **changes: Any) -> Published:
        """A record signed with the owner's statement key, whatever its fields say."""
        return self.publish_payload(encoded({**self.fields(blob), **changes}), blob=blob)

    def fields(self, blob: bytes) -> dict[str, Any]:
        """Those of the next record, with one scan."""
        number = len(self.published)
        jurisdiction = self.node.settings.jurisdiction
        scan = {"sha256": hashlib.sha256(blob).hexdigest(), "size": len(blob), "media_type": "application/x-x3p"}
        return {
            **self.sample,
            "nonce": hashlib.sha256(f"{self.node.node_id} record {number}".encode()).hexdigest(),
            "issuer": self.node.node_id,
            "jurisdiction": jurisdiction,
            "case_reference": f"{jurisdiction}-{number}",
            "handling": {"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
            "acquisitions": [{**self.sample["acquisitions"][0], "blob": scan}],
        }

    def publish_payload(
        self, payload: bytes, *, blob: bytes = b"", envelope: Envelope | None = None, name: str | None = None
    ) -> Published:
        """Any bytes at all, on the lane under any ``name``; the store needs some statement beside them, which the
        envelope need not hold."""
        sealed = envelope or self.node.keys.statement.sign(payload)
        name = name or hashlib.sha256(sealed.payload).hexdigest()
        beside = _record(sealed) or parse_statement(encoded({**self.sample, "issuer": self.node.node_id}))
        if not isinstance(beside, Record):
            raise TypeError("the sample is no record")
        with self.node.store.write() as session:
            index = append_own(session, name, beside, "record", sealed)
            add_record(
                session, name, beside, submitted_by=beside.made_by.pseudonym, state=AcquisitionState.AWAITING_SCAN
            )
            if find_peer(session, self.reader) is not None:
                put_on_lane(session, self.reader, name)
        sign_head(self.node)
        self.published.append(Published(name, sealed, index, blob))
        return self.published[-1]

    def honest_page(self, *, start: int = 0, head: bytes = EMPTY_HEAD, known_size: int = 0) -> LanePage:
        """What a node answers."""
        with self.node.store.read() as session:
            reader = find_peer(session, self.reader)
        if reader is None:
            raise LookupError(f"{self.reader} is not enrolled")
        return read_lane(self.node, reader, start=start, head=head, known_size=known_size)

    def page(self, *, start: int = 0, head: bytes = EMPTY_HEAD, known_size: int = 0) -> LanePage:
        """All that is on the lane, with true proofs, whatever it is and whomever it is for."""
        with self.node.store.read() as session:
            size, count = log_size(session), lane_of(session, self.reader).count
            found = lane_items(session, self.reader, start=start, below_log_index=size, limit=MAX_PAGE_ITEMS)
            consistency = merkle.consistency_proof(known_size, size, node_reader(session)) if known_size else []
            items = tuple(
                LaneItem(
                    position=item.position,
                    statement_id=statement.statement_id,
                    log_index=statement.log_index,
                    envelope=base64.b64encode(statement.envelope or b"").decode(),
                    inclusion=self.inclusion(statement.log_index, size),
                )
                for item, statement in found
                if statement is not None
            )
        return LanePage(
            contract="1.0",
            lane=self.reader,
            start=start,
            count=count,
            head=(found[-1][0].head if found else head).hex(),
            checkpoint=self.signed(size, self.head(size).root),
            consistency=tuple(step.hex() for step in consistency),
            items=items,
        )

    def end(self) -> tuple[int, bytes]:
        """How long the lane is, and its running head."""
        with self.node.store.read() as session:
            lane = lane_of(session, self.reader)
            return lane.count, lane.head

    def head_after(self, count: int) -> bytes | None:
        """The running head of the lane after so many items; None when it is not that long."""
        with self.node.store.read() as session:
            return lane_head_at(session, self.reader, count)

    def places(self, limit: int) -> tuple[list[tuple[str, int]], bytes]:
        """The first statements of the lane, each with its index in the log, and the running head after the last."""
        with self.node.store.read() as session:
            items = lane_items(session, self.reader, start=0, below_log_index=log_size(session), limit=limit)
        places = [(item.statement_id, held.log_index) for item, held in items if held is not None]
        return places, items[-1][0].head if items else b""

    def statements(self) -> dict[int, str]:
        """The envelopes of the log in base64, by their index in the log."""
        with self.node.store.read() as session:
            return {
                row.log_index: base64.b64encode(row.envelope or b"").decode()
                for row in statements_of(session, self.node.node_id)
            }

    def leaves(self, count: int) -> list[bytes]:
        """The first leaf hashes of the log, at most so many."""
        with self.node.store.read() as session:
            read = node_reader(session)
            return [read(0, index) for index in range(min(count, log_size(session)))]

    def size(self) -> int:
        """How long the log is."""
        with self.node.store.read() as session:
            return log_size(session)

    def signed(self, size: int, root: bytes, *, origin: str | None = None) -> str:
        """Any head at all, signed with the log's true keys, as a page shows it."""
        keys = self.node.keys.log
        head = Checkpoint(origin or self.node.card.log_origin, size, root)
        return base64.b64encode(sign_checkpoint(head, keys.ed25519, keys.ml_dsa, int(time.time()))).decode()

    def head(self, size: int) -> Checkpoint:
        """The true head of the log at this size."""
        with self.node.store.read() as session:
            return Checkpoint(self.node.card.log_origin, size, merkle.root(size, node_reader(session)))

    def inclusion(self, log_index: int, size: int) -> tuple[str, ...]:
        with self.node.store.read() as session:
            proof = merkle.inclusion_proof(log_index, size, node_reader(session))
        return tuple(step.hex() for step in proof)


def encoded(fields: object) -> bytes:
    """A statement's bytes as they are signed; nobody writes them anew."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _record(envelope: Envelope) -> Record | None:
    try:
        statement = parse_statement(envelope.payload)
    except ContractError:
        return None
    return statement if isinstance(statement, Record) else None
