"""The tables of one node. Times are UTC, as ISO 8601 text with a fixed width, so that they sort as they read."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 3


class Base(DeclarativeBase):
    type_annotation_map = {bytes: LargeBinary}  # noqa: RUF012 - SQLAlchemy's own convention


class SchemaRow(Base):
    __tablename__ = "schema_version"
    version: Mapped[int] = mapped_column(primary_key=True)


class StatementRow(Base):
    """A signed statement, own or received, as the exact envelope bytes. ``log_index`` is that of its issuer's log."""

    __tablename__ = "statement"
    statement_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    issuer: Mapped[str]
    envelope: Mapped[bytes]
    log_index: Mapped[int]
    received_at: Mapped[str]
    __table_args__ = (UniqueConstraint("issuer", "log_index"),)


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
    earliest: Mapped[str | None]
    latest: Mapped[str | None]
    retention_until: Mapped[str]
    superseded_by: Mapped[str | None]
    submitted_by: Mapped[str | None]
    received_at: Mapped[str]
    __table_args__ = (
        Index("record_by_calibre", "calibre", "sequence"),
        Index("record_by_case", "issuer", "case_reference"),
    )


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
    lateral_resolution_um: Mapped[float | None]
    lighting: Mapped[str]
    light_hour: Mapped[int | None]
    state: Mapped[str]
    detail: Mapped[str | None]
    parameters: Mapped[str | None]
    """Digest of the matcher parameters that it was prepared with, of several the first; None until then."""
    spacing_y_um: Mapped[float | None]
    spacing_x_um: Mapped[float | None]
    """Distances between its points, as its file says; None until prepared."""
    correlated_at: Mapped[str | None]
    __table_args__ = (
        UniqueConstraint("statement_id", "position"),
        Index("acquisition_by_region", "roi", "parameters", "calibre"),
        Index("acquisition_by_digest", "sha256"),
    )


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
    comparison: Mapped[str]
    """The matcher's explanation as JSON, in the direction a -> b, with its version and parameters."""
    parameters: Mapped[str]
    created_at: Mapped[str]
    __table_args__ = (
        UniqueConstraint("pair", "parameters"),
        Index("candidate_by_score", "cross_border", "score"),
        Index("candidate_by_statement_a", "statement_a"),
        Index("candidate_by_statement_b", "statement_b"),
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
    """One row: the size of the own log. Locked by whoever appends, so that indices have no gap."""

    __tablename__ = "log_state"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]


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


class PeerRow(Base):
    """An enrolled peer: its pinned card, how far its lane was read, and what last went wrong."""

    __tablename__ = "peer"
    node_id: Mapped[str] = mapped_column(primary_key=True)
    jurisdiction: Mapped[str]
    url: Mapped[str]
    card: Mapped[bytes]
    transport_key_id: Mapped[str] = mapped_column(unique=True)
    legal_basis: Mapped[str]
    state: Mapped[str]
    enrolled_at: Mapped[str]
    cursor_count: Mapped[int] = mapped_column(default=0)
    cursor_head: Mapped[bytes]
    checkpoint: Mapped[bytes | None]
    """The last verified head of the peer's log: what every later one must be consistent with."""
    cosigned: Mapped[bytes | None]
    """The last head of the peer's log that this node cosigned, with its cosignature. Its size only ever grows."""
    cosigned_size: Mapped[int] = mapped_column(default=0)
    returned_at: Mapped[str | None]
    """When, since this node's last start, the peer returned the last head that it cosigned of this node's log."""
    pulled_at: Mapped[str | None]
    alarm: Mapped[str | None]


class LaneRow(Base):
    """One lane of what a peer may have: a count and a running head, head' = SHA-256(head || statement id)."""

    __tablename__ = "lane"
    peer: Mapped[str] = mapped_column(ForeignKey("peer.node_id"), primary_key=True)
    count: Mapped[int]
    head: Mapped[bytes]
    acknowledged_count: Mapped[int]
    acknowledged_head: Mapped[bytes]
    acknowledged_at: Mapped[str | None]


class LaneItemRow(Base):
    __tablename__ = "lane_item"
    peer: Mapped[str] = mapped_column(ForeignKey("lane.peer"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    statement_id: Mapped[str] = mapped_column(ForeignKey("statement.statement_id"))
    head: Mapped[bytes]
    __table_args__ = (UniqueConstraint("peer", "statement_id"),)


class QuarantineRow(Base):
    """An item of a peer's lane that must not be believed: the evidence, and the reason. The lane goes on."""

    __tablename__ = "quarantine"
    peer: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    envelope: Mapped[bytes]
    reason: Mapped[str]
    detail: Mapped[str]
    at: Mapped[str]


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
    token_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[str]
    revoked_at: Mapped[str | None]


class JobRow(Base):
    """The outbox: work that was promised in the same transaction as its cause."""

    __tablename__ = "job"
    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str]
    subject: Mapped[str]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[str]
    lease_until: Mapped[str | None]
    error: Mapped[str | None]
    __table_args__ = (UniqueConstraint("kind", "subject"), Index("job_due", "kind", "state", "not_before"))
