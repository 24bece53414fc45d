"""Statements, records, scans and candidates.

Times are UTC, as ISO 8601 text with a fixed width, so that they sort as they read.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from exchange.store.tables.columns import Base, Packed


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
    incident: Mapped[str | None]
    item: Mapped[str | None]
    kind: Mapped[str]
    firearm: Mapped[str | None]
    """Its issuer's pseudonym of the firearm that fired it, of a test fire."""
    calibre: Mapped[str]
    calibre_words: Mapped[str | None]
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
    """The same for all versions of a record (``store/entry/exhibits.py``)."""
    number: Mapped[str | None]
    """A digest of case reference and exhibit number: it finds decisions on an exhibit that was withdrawn and entered
    anew. None where the record states no number."""
    widened: Mapped[bool] = mapped_column(default=False)
    """A colleague amended it so that more people have it, and its author cannot decide: the head does. What is released
    is also held against the signed versions (``flows/statement/widening.py``)."""
    superseded_by: Mapped[str | None]
    submitted_by: Mapped[str | None]
    received_at: Mapped[str]
    __table_args__ = (
        Index("record_by_calibre", "calibre", "sequence"),
        Index("record_by_case", "issuer", "case_reference"),
        Index("record_by_case_reference", "case_reference"),
        Index("record_by_firearm", "issuer", "firearm"),
        Index("record_by_retention", "retention_until"),
        Index("record_by_examiner", "submitted_by"),
        Index("record_by_exhibit", "exhibit"),
        Index("record_by_number", "number"),
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


class RecordDetailRow(Base):
    """What a record is only searched by, made of its envelope like its row: each column is of the condition of its name
    (``record_filter``). Text is folded; what several fields or scans state stands between bars. In the order of the
    records, so that the newest that fit are found first."""

    __tablename__ = "record_detail"
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    statement_id: Mapped[str] = mapped_column(ForeignKey("record.statement_id"), unique=True)
    item: Mapped[str | None]
    incident: Mapped[str | None]
    seal: Mapped[str | None]
    calibre_words: Mapped[str | None]
    headstamp: Mapped[str | None]
    cartridge_maker: Mapped[str | None]
    cartridge_lot: Mapped[str | None]
    case_material: Mapped[str | None]
    primer_material: Mapped[str | None]
    primer_lacquered: Mapped[str | None]
    cast: Mapped[str | None]
    offence: Mapped[str | None]
    within_80_km_of_border: Mapped[str | None]
    precision: Mapped[str | None]
    firing_pin_type: Mapped[str | None]
    make: Mapped[str | None]
    model: Mapped[str | None]
    basis: Mapped[str | None]
    converted: Mapped[str | None]
    firearm: Mapped[str | None]
    firearm_kind: Mapped[str | None]
    firearm_calibre: Mapped[str | None]
    origin: Mapped[str | None]
    instrument: Mapped[str | None]
    vertical_resolution_um: Mapped[float | None]
    objective_magnification: Mapped[str | None]
    numerical_aperture: Mapped[str | None]
    unmodified: Mapped[str | None]
    captured_by: Mapped[str | None]
    specimen: Mapped[str | None]
    checked_on: Mapped[str | None]
    check_warning: Mapped[str | None]
    restriction: Mapped[str | None]
    source_grade: Mapped[str | None]
    information_grade: Mapped[str | None]
    supersedes: Mapped[str | None]


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
    mark_mm2: Mapped[float | None]
    mark_one_sidedness: Mapped[float | None]
    mark_directedness: Mapped[float | None]
    """How much of the mark it shows, and how clearly (``matcher.MarkExtent``); None until prepared, and of striae."""
    correlated_at: Mapped[str | None]
    first_correlated_at: Mapped[str | None]
    """The same before a release whose matcher differs had it correlated anew."""
    seal: Mapped[bytes | None]
    """Over which bytes its issuer delivered, if it did (``store/database/seals.py``)."""
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


class ScanInstrumentRow(Base):
    """With which instrument a topography was measured, as its record and its file say; and what was found where the
    instrument was new here, and the scan tried mirrored and inverted. Local, unsigned, made again at will."""

    __tablename__ = "scan_instrument"
    acquisition_id: Mapped[int] = mapped_column(ForeignKey("acquisition.acquisition_id"), primary_key=True)
    instrument: Mapped[str]
    """Make, model and program in words: an issuer's instruments of the same words are one."""
    turned: Mapped[int | None]
    """How the scan was turned over (``Variant``) to agree with another; None where that never stood out."""
    other: Mapped[int | None]
    """The acquisition that it agrees with then."""
    agreement: Mapped[float | None]
    as_it_is: Mapped[float | None]
    """The best agreement of the scan as it is with the same references."""
    __table_args__ = (
        Index("scan_instrument_by_words", "instrument", "acquisition_id"),
        Index("scan_instrument_by_other", "other"),
    )


class ComparedPairRow(Base):
    """Two calibres that one firearm may fire, of which all scans here were compared with one another, or are promised
    to be; ``one`` stands before ``other`` in the alphabet. What is comparable and has no row is so since the last
    start."""

    __tablename__ = "compared_calibre_pair"
    one: Mapped[str] = mapped_column(primary_key=True)
    other: Mapped[str] = mapped_column(primary_key=True)


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
    cells_found: Mapped[bool] = mapped_column(default=True)
    """False: nobody looked at the pair yet, so its cells were not looked for, and both numbers are 0."""
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
        {"sqlite_autoincrement": True},  # an open page of a pair that was withdrawn never leads to another pair
    )


class SubmissionRow(Base):
    """What a client sent under which idempotency key, so that sending it again gives the same statement."""

    __tablename__ = "submission"
    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(primary_key=True)
    content_sha256: Mapped[str]
    statement_id: Mapped[str]


class ObjectRow(Base):
    """A scan that is in the object store, or is still to come there. It stays until its object is known to be gone."""

    __tablename__ = "stored_object"
    object_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    sha256: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int]
    stored_at: Mapped[str | None]
    """When the store had confirmed it; before that the scan does not leave the disk."""
    altered_at: Mapped[str | None]
    """When other bytes than the scan's were found in its place."""
    set_aside_at: Mapped[str | None]
    """When it was found after a restore with no record that names it: it is not erased, since the record may be one
    that the restored database lacks."""
    __table_args__ = (
        Index("stored_object_by_time", "stored_at"),
        {"sqlite_autoincrement": True},  # a number is never given again: work may still be promised on it
    )
