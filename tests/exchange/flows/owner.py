"""An owner of records without a server: a real node's keys, log and lanes, to make true pages of and then lie."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exchange.flows.checkpoint import sign_head
from exchange.flows.lane import read_lane
from exchange.flows.node import Node, create_node, open_node
from exchange.log import merkle
from exchange.log.checkpoint import Checkpoint, sign_checkpoint
from exchange.store.peers import EMPTY_HEAD, add_peer, find_peer, lane_items, lane_of, new_peer, put_on_lane
from exchange.store.statements import append_own, log_size, node_reader
from schemas import Envelope, parse_statement
from schemas.lane import MAX_PAGE_ITEMS, LaneItem, LanePage
from schemas.vocabulary import Jurisdiction
from tests.schemas.examples import acquisition_fields, encoded, record_fields

READER = "ffp-mk"
HEAD_TIME = 1_793_000_000


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
    """``publish`` puts a record into the log and on the reader's lane; ``page`` shows it all."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.published: list[Published] = []

    def publish(self, *, blob: bytes = b"no scan", **changes: Any) -> Published:
        """A record signed with the owner's statement key, whatever its fields say."""
        number = len(self.published)
        scan = {"sha256": hashlib.sha256(blob).hexdigest(), "size": len(blob), "media_type": "application/x-x3p"}
        fields = record_fields(
            nonce=hashlib.sha256(f"record {number}".encode()).hexdigest(),
            issuer=self.node.node_id,
            jurisdiction=self.node.settings.jurisdiction,
            case_reference=f"{self.node.settings.jurisdiction}-{number}",
            handling={"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
            acquisitions=[acquisition_fields(blob=scan)],
        )
        return self.publish_payload(encoded({**fields, **changes}), blob=blob)

    def publish_payload(self, payload: bytes, *, blob: bytes = b"", envelope: Envelope | None = None) -> Published:
        """Any bytes at all; the store needs some statement beside them, which the envelope need not hold."""
        sealed = envelope or self.node.keys.statement.sign(payload)
        name = hashlib.sha256(sealed.payload).hexdigest()
        beside = parse_statement(encoded(record_fields(issuer=self.node.node_id)))
        with self.node.store.write() as session:
            index = append_own(session, name, beside, "record", sealed)
            if find_peer(session, READER) is not None:
                put_on_lane(session, READER, name)
        sign_head(self.node)
        self.published.append(Published(name, sealed, index, blob))
        return self.published[-1]

    def honest_page(self, *, start: int = 0, head: bytes = EMPTY_HEAD, known_size: int = 0) -> LanePage:
        """What a node answers."""
        with self.node.store.read() as session:
            reader = find_peer(session, READER)
        assert reader is not None
        return read_lane(self.node, reader, start=start, head=head, known_size=known_size)

    def page(self, *, start: int = 0, head: bytes = EMPTY_HEAD, known_size: int = 0) -> LanePage:
        """All that is on the lane, with true proofs, whatever it is and whomever it is for."""
        with self.node.store.read() as session:
            size, count = log_size(session), lane_of(session, READER).count
            found = lane_items(session, READER, start=start, below_log_index=size, limit=MAX_PAGE_ITEMS)
            consistency = merkle.consistency_proof(known_size, size, node_reader(session)) if known_size else []
            items = tuple(
                LaneItem(
                    position=item.position,
                    statement_id=statement.statement_id,
                    log_index=statement.log_index,
                    envelope=base64.b64encode(statement.envelope).decode(),
                    inclusion=self.inclusion(statement.log_index, size),
                )
                for item, statement in found
            )
        return LanePage(
            contract="1.0",
            lane=READER,
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
            lane = lane_of(session, READER)
            return lane.count, lane.head

    def signed(self, size: int, root: bytes, *, origin: str | None = None) -> str:
        """Any head at all, signed with the log's true keys, as a page shows it."""
        keys = self.node.keys.log
        head = Checkpoint(origin or self.node.settings.log_origin, size, root)
        return base64.b64encode(sign_checkpoint(head, keys.ed25519, keys.ml_dsa, HEAD_TIME)).decode()

    def head(self, size: int) -> Checkpoint:
        """The true head of the log at this size."""
        with self.node.store.read() as session:
            return Checkpoint(self.node.settings.log_origin, size, merkle.root(size, node_reader(session)))

    def inclusion(self, log_index: int, size: int) -> tuple[str, ...]:
        with self.node.store.read() as session:
            proof = merkle.inclusion_proof(log_index, size, node_reader(session))
        return tuple(step.hex() for step in proof)


def make_owner(
    home: Path,
    *,
    jurisdiction: Jurisdiction = Jurisdiction.RS,
    url: str = "http://127.0.0.1:9",
    port: int = 9,
    with_reader: bool = True,
) -> Owner:
    """A node, Serbia's if nothing is said; with a reader in North Macedonia on its list, or to be enrolled."""
    create_node(home, jurisdiction=jurisdiction, url=url, port=port)
    node = open_node(home)
    if with_reader:
        with node.store.write() as session:
            reader = new_peer(
                node_id=READER,
                jurisdiction="MK",
                url="http://127.0.0.1:9",
                card=b"",
                transport_key_id="ed25519:" + "0" * 32,
                legal_basis="Test agreement, article 1",
            )
            add_peer(session, reader)
    sign_head(node)
    return Owner(node)
