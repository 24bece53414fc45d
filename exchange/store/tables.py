"""The tables of one node. Times are UTC, as ISO 8601 text with a fixed width, so that they sort as they read."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.form_tables import SCHEMA_VERSION as SCHEMA_VERSION
from exchange.store.form_tables import SchemaRow as SchemaRow
from exchange.store.form_tables import ServingRow as ServingRow
from exchange.store.object_tables import ObjectRow as ObjectRow
from exchange.store.query_tables import FoundRow as FoundRow
from exchange.store.query_tables import QueryRow as QueryRow
from exchange.store.types import Base as Base
from exchange.store.types import Packed
from exchange.store.work_tables import JobRow as JobRow


class StatementRow(Base):
    """A signed statement, own or received, as the exact envelope bytes. ``log_index`` is that of its issuer's log."""

    __tablename__ = "statement"
    statement_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    issuer: Mapped[str]
    about: Mapped[str | None]
    """The statement that it speaks of, or the record."""
    envelope: Mapped[bytes | None]
    """None once it was erased: leaf and tombstone stay."""
    leaf: Mapped[bytes]
    """The hash of its leaf in its issuer's log (RFC 6962, 2.1)."""
    log_index: Mapped[int]
    received_at: Mapped[str]
    refused_by: Mapped[str | None]
    """The key-event that says that its key was in wrong hands by then: it is kept as evidence, and used no more."""
    __table_args__ = (
        UniqueConstraint("issuer", "log_index"),
        Index("statement_about", "about", "type"),
        Index("statement_by_type", "issuer", "type", "log_index"),
        Index("statement_by_arrival", "type", "received_at"),
    )


class RecordRow(Base):
    """What search needs of a record. The envelope stays the only source; this row can be made again from it."""

    __tablename__ = "record"
    statement_id: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(unique=True)
    issuer: Mapped[str]
    jurisdiction: Mapped[str]
    case_reference: Mapped[str]
    kind: Mapped[str]
    calibre: Mapped[str]
    firing_pin_class: Mapped[str]
    firing_pin_aperture: Mapped[str]
    ejector_hour: Mapped[int | None]
    extractor_hour: Mapped[int | None]
    place: Mapped[str | None]
    """The municipality, folded: to be found by, not to be shown."""
    earliest: Mapped[str | None]
    latest: Mapped[str | None]
    retention_until: Mapped[str]
    level: Mapped[str]
    handling: Mapped[str]
    restricted: Mapped[bool] = mapped_column(default=False)
    """Withdrawn, but held by a court: shown to nobody, compared with nothing."""
    exhibit: Mapped[str]
    """The same for all versions of a record (``store/exhibits.py``)."""
    superseded_by: Mapped[str | None]
    submitted_by: Mapped[str | None]
    received_at: Mapped[str]
    __table_args__ = (
        Index("record_by_calibre", "calibre", "sequence"),
        Index("record_by_case", "issuer", "case_reference"),
        Index("record_by_retention", "retention_until"),
        Index("record_by_examiner", "submitted_by"),
        Index("record_by_exhibit", "exhibit"),
    )


class AudienceRow(Base):
    """Whom a record names: a jurisdiction, or a group of its owner's."""

    __tablename__ = "record_audience"
    statement_id: Mapped[str] = mapped_column(ForeignKey("record.statement_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class BreechFaceClassRow(Base):
    __tablename__ = "record_breech_face_class"
    statement_id: Mapped[str] = mapped_column(ForeignKey("record.statement_id"), primary_key=True)
    breech_face_class: Mapped[str] = mapped_column(primary_key=True)


class AcquisitionRow(Base):
    """One scan of one record, and how far it is on its way to the candidate list."""

    __tablename__ = "acquisition"
    acquisition_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    statement_id: Mapped[str] = mapped_column(ForeignKey("record.statement_id"))
    position: Mapped[int]
    roi: Mapped[str]
    modality: Mapped[str]
    calibre: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    delivered_at: Mapped[str | None]
    """When its bytes came here from the issuer of its record (``deliveries``); None while they did not, also where the
    same bytes are here by another record."""
    lateral_resolution_um: Mapped[float | None]
    lighting: Mapped[str]
    light_hour: Mapped[int | None]
    region_mask: Mapped[str | None]
    """The region that an examiner marked by hand, as JSON (``RegionMask``); None where the matcher is to find it."""
    state: Mapped[str]
    detail: Mapped[str | None]
    parameters: Mapped[str | None]
    """Digest of the matcher parameters that it was prepared with, of several the first; None until then."""
    spacing_y_um: Mapped[float | None]
    spacing_x_um: Mapped[float | None]
    """Distances between its points, as its file says; None until prepared."""
    correlated_at: Mapped[str | None]
    first_correlated_at: Mapped[str | None]
    """The same before a release whose matcher differs had it correlated anew."""
    seal: Mapped[bytes | None]
    """Over which bytes its issuer delivered, if it did (``store/seals.py``)."""
    __table_args__ = (
        UniqueConstraint("statement_id", "position"),
        Index("acquisition_by_region", "roi", "parameters", "calibre"),
        Index("acquisition_by_digest", "sha256"),
        Index("acquisition_by_state", "state"),
        {"sqlite_autoincrement": True},  # an id of what was erased never names anything else
    )

    @property
    def region_mended(self) -> bool:
        return self.region_mask is not None


class CandidateRow(Base):
    """One compared pair, stored once: a is the query, b the reference. Local, unsigned, made again at will."""

    __tablename__ = "candidate"
    candidate_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    pair: Mapped[str]
    """Both acquisitions' ids, the smaller first: whichever came as the query, the pair is the same."""
    acquisition_a: Mapped[int] = mapped_column(ForeignKey("acquisition.acquisition_id"))
    acquisition_b: Mapped[int] = mapped_column(ForeignKey("acquisition.acquisition_id"))
    statement_a: Mapped[str]
    statement_b: Mapped[str]
    cross_border: Mapped[bool]
    same_case: Mapped[bool]
    score: Mapped[float]
    congruent_cells: Mapped[int]
    cells: Mapped[int]
    rotation_deg: Mapped[float | None]
    matcher_version: Mapped[str]
    comparison: Mapped[str] = mapped_column(Packed)
    """The matcher's explanation as JSON, in the direction a -> b, with its version and parameters. What a list shows
    of it stands in columns of its own."""
    parameters: Mapped[str]
    created_at: Mapped[str]
    __table_args__ = (
        UniqueConstraint("pair", "parameters"),
        Index("candidate_by_score", "cross_border", "score"),
        Index("candidate_by_statement_a", "statement_a", "cross_border"),
        Index("candidate_by_statement_b", "statement_b", "cross_border"),
    )


class SubmissionRow(Base):
    """What a client sent under which idempotency key, so that sending it again gives the same statement."""

    __tablename__ = "submission"
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    content_sha256: Mapped[str]
    statement_id: Mapped[str]


class LogNodeRow(Base):
    """The hash of one complete subtree of the node's own log (RFC 9162, 2.1), addressed by level and index."""

    __tablename__ = "log_node"
    level: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes]


class LogStateRow(Base):
    """One row: the size of the own log, and the index of the key-event whose keys sign now. Locked by whoever appends,
    so that indices have no gap and nothing is signed by a key that was replaced."""

    __tablename__ = "log_state"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    keys_since: Mapped[int] = mapped_column(default=0)


class CheckpointRow(Base):
    """Each signed head of the own log, kept for ever."""

    __tablename__ = "checkpoint"
    size: Mapped[int] = mapped_column(primary_key=True)
    root: Mapped[bytes]
    note: Mapped[bytes]
    signed_at: Mapped[str]


class LogCheckRow(Base):
    """One row: when content at rest was last compared with what was signed, and what was found, as JSON."""

    __tablename__ = "log_check"
    id: Mapped[int] = mapped_column(primary_key=True)
    checked_at: Mapped[str]
    good: Mapped[bool]
    report: Mapped[str]


class CosignatureRow(Base):
    """A peer's verified cosignature of a signed head of the own log, kept with it: the two lines as they came."""

    __tablename__ = "cosignature"
    size: Mapped[int] = mapped_column(ForeignKey("checkpoint.size"), primary_key=True)
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    note: Mapped[bytes]
    """The head's text with the peer's two lines under it."""
    timestamp: Mapped[int]
    received_at: Mapped[str]
    __table_args__ = (Index("cosignature_by_peer", "peer", "size"),)


class StampRow(Base):
    """A verified time stamp (RFC 3161) of a signed head of the own log: the authority's reply as it came."""

    __tablename__ = "stamp"
    size: Mapped[int] = mapped_column(ForeignKey("checkpoint.size"), primary_key=True)
    token: Mapped[bytes]
    at: Mapped[str]
    """The time that the authority states."""
    authority: Mapped[str]
    """The name in the certificate of whoever signed it."""
    received_at: Mapped[str]


class StampFailureRow(Base):
    """One row, while no stamps come: since when, and what last went wrong."""

    __tablename__ = "stamp_failure"
    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[str]
    last: Mapped[str]
    detail: Mapped[str]


class LogStartRow(Base):
    """One row: whether the own log may be signed since the node's last start, and if not, why."""

    __tablename__ = "log_start"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    restored: Mapped[bool]
    began_at: Mapped[str]
    detail: Mapped[str | None]


class ToldHeadRow(Base):
    """The last head of another log that a peer cosigned and told of. ``checked`` once it is known to be consistent with
    the head that was seen here."""

    __tablename__ = "told_head"
    teller: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    log: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    size: Mapped[int]
    root: Mapped[bytes]
    note: Mapped[bytes]
    checked: Mapped[bool]
    told_at: Mapped[str]
    __table_args__ = (Index("told_head_by_log", "log", "size"),)


class DisagreementRow(Base):
    """Two heads, both signed by one log, that do not agree: the evidence. ``proven`` when they are of one size, which
    no honest log ever signs; else the log failed to prove the one from the other."""

    __tablename__ = "disagreement"
    digest: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 over the texts of both heads, so that a pair is kept once."""
    log: Mapped[str] = mapped_column(index=True)
    first: Mapped[bytes]
    second: Mapped[bytes]
    proven: Mapped[bool]
    detail: Mapped[str]
    found_at: Mapped[str]


class GroupMemberRow(Base):
    """A jurisdiction in a group, by the newest policy statement of the group's owner."""

    __tablename__ = "group_member"
    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)


class GrantRow(Base):
    """A jurisdiction that may have a record beside its audience, own or received."""

    __tablename__ = "grant"
    record: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)
    statement_id: Mapped[str]


class ApprovalRow(Base):
    """What waits for a person, or was decided by one: may this jurisdiction have this record?"""

    __tablename__ = "approval"
    concerns: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str | None]
    asked_at: Mapped[str]
    due_at: Mapped[str]
    decided_at: Mapped[str | None]
    statement_id: Mapped[str | None]
    __table_args__ = (Index("approval_by_decision", "decision", "asked_at"),)


class HoldRow(Base):
    """A record that a court holds: it is restricted, not erased."""

    __tablename__ = "hold"
    record: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    placed_at: Mapped[str]
    statement_id: Mapped[str]


class TombstoneRow(Base):
    """A record that was withdrawn, and what became of it here. It blocks the record, even one that comes later."""

    __tablename__ = "tombstone"
    tombstone_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    record: Mapped[str]
    holder: Mapped[str]
    """The node that may have it no more; empty for every holder."""
    issuer: Mapped[str]
    """Who withdrew it: blocks records of this issuer alone."""
    reason: Mapped[str]
    withdrawal: Mapped[str | None]
    """The statement that withdrew it; None where its retention ended here and the owner has said nothing yet."""
    log_index: Mapped[int]
    """That of the withdrawal in the owner's log: a grant with a greater one lets a single holder have it again."""
    outcome: Mapped[str | None]
    """None until the content is gone from this node, or restricted."""
    lifted: Mapped[bool] = mapped_column(default=False)
    """The single holder was granted it again; what is still to be erased of the first time is erased."""
    kept: Mapped[str | None]
    """The digests of those of its scans that other records kept here when it was erased, as JSON."""
    at: Mapped[str]
    __table_args__ = (UniqueConstraint("record", "holder", "issuer"), {"sqlite_autoincrement": True})


class RemainsRow(Base):
    """What is still to be erased of a withdrawn record beside the database: its scan, and what was made of it."""

    __tablename__ = "remains"
    acquisition_id: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(index=True)
    sha256: Mapped[str]
    delivered: Mapped[bool]
    """Whether the bytes came here by this record. Of what it only named its owner is told nothing."""


class PeerRow(Base):
    """An enrolled peer: its pinned card, how far its lane was read, and what last went wrong."""

    __tablename__ = "peer"
    node_id: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str]
    url: Mapped[str]
    card: Mapped[bytes]
    key_chain: Mapped[bytes | None]
    """All its key-events as `GET /v1/node/keys` gave them, verified; None while it is known by its card alone."""
    transport_key_id: Mapped[str] = mapped_column(unique=True)
    legal_basis: Mapped[str]
    state: Mapped[str]
    enrolled_at: Mapped[str]
    cursor_count: Mapped[int] = mapped_column(default=0)
    cursor_head: Mapped[bytes]
    withheld: Mapped[int] = mapped_column(default=0)
    """How many places of its lane came without an envelope."""
    receipt_count: Mapped[int] = mapped_column(default=0)
    """How far the last receipt for its lane goes, and since when it is due again."""
    receipt_at: Mapped[str | None]
    checkpoint: Mapped[bytes | None]
    """The last verified head of the peer's log: what every later one must be consistent with."""
    cosigned: Mapped[bytes | None]
    """The last head of the peer's log that this node cosigned, with its cosignature. Its size only ever grows."""
    cosigned_size: Mapped[int] = mapped_column(default=0)
    returned_at: Mapped[str | None]
    """When, since this node's last start, the peer returned the last head that it cosigned of this node's log."""
    pulled_at: Mapped[str | None]
    needs: Mapped[str | None]
    """The version of the contract that the next statement of its lane needs, where this node was too old to read it."""
    waiting: Mapped[int] = mapped_column(default=0)
    """How many of its statements were on the lane and not read when it last answered."""
    alarm: Mapped[str | None]
    clock_ahead_s: Mapped[float | None]
    """How far its clock was ahead of this node's when it last answered."""
    seal: Mapped[bytes | None]
    """Over who it is and what the operator decided of it (``store/seals.py``)."""


class LaneRow(Base):
    """One lane of what a peer may have: a count and a running head, head' = SHA-256(head || statement id)."""

    __tablename__ = "lane"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    count: Mapped[int]
    head: Mapped[bytes]
    acknowledged_count: Mapped[int]
    acknowledged_head: Mapped[bytes]
    acknowledged_at: Mapped[str | None]
    acknowledged_by: Mapped[str | None]
    """The peer's signature over the request that acknowledged it, with what it covers: the delivery receipt."""
    read_again_at: Mapped[str | None]
    """When the peer last asked for what it had acknowledged: its database is older than its receipts."""
    reads: Mapped[str | None]
    """Up to which version of the contract the peer reads, as it last said; None where it said nothing."""


class LaneItemRow(Base):
    """A place on a lane. What was withheld when it was read stands on the lane again once the peer may have it."""

    __tablename__ = "lane_item"
    peer: Mapped[str] = mapped_column(ForeignKey("lane.peer"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[str]
    """No foreign key: a place whose statement was lost stays, so that the lane still adds up."""
    head: Mapped[bytes]
    log_index: Mapped[int | None]
    """What the peer says of it, for a place that was rebuilt without its statement."""
    withheld: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (Index("lane_item_by_statement", "peer", "statement_id"),)


class QuarantineRow(Base):
    """An item of a peer's lane that must not be believed: the evidence, and the reason. The lane goes on."""

    __tablename__ = "quarantine"
    peer: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[str]
    log_index: Mapped[int]
    sha256: Mapped[str | None]
    """Of the envelope that came; None of what an earlier release had erased. The bytes lie in the home, if anywhere."""
    size: Mapped[int]
    reason: Mapped[str]
    detail: Mapped[str]
    at: Mapped[str]
    seen_at: Mapped[str | None]
    """When the operator took note of it: it raises no alarm any more."""


class NonceRow(Base):
    """A nonce of a peer's request, remembered until the request expires."""

    __tablename__ = "nonce"
    key_id: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    expires: Mapped[int] = mapped_column(index=True)


class UserRow(Base):
    __tablename__ = "user"
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    created_at: Mapped[str]
    revoked_at: Mapped[str | None]
    examiner_since: Mapped[str | None]
    """When somebody became examiner who had another role before; None: is none, or was one from the beginning."""
    seal: Mapped[bytes | None]
    """Over all of this (``store/seals.py``)."""
