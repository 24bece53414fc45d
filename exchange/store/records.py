"""Records as rows: stored, read, searched. The search order is newest first, by the order of arrival here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.tables import AcquisitionRow, BreechFaceClassRow, RecordRow, StatementRow, SubmissionRow
from schemas import Record


class AcquisitionState(StrEnum):
    """How far an acquisition is. Each of the last three says in ``detail`` why, and is shown to the examiner."""

    AWAITING_SCAN = "awaiting-scan"
    QUEUED = "queued"
    CORRELATED = "correlated"
    NOT_CORRELATED = "not-correlated"
    NOT_USABLE = "not-usable"
    FAILED = "failed"


@dataclass(frozen=True)
class RecordFilter:
    """What an investigator asks for; None does not restrict. Dates are ISO text; the ranges overlap, both ends
    included. A record of which one end is not known is open at that end; one without any date is not found by dates."""

    calibres: frozenset[str] | None = None
    jurisdiction: str | None = None
    kind: str | None = None
    case_reference: str | None = None
    earliest: str | None = None
    latest: str | None = None
    breech_face: str | None = None
    firing_pin_class: str | None = None
    firing_pin_aperture: str | None = None
    ejector_hour: int | None = None
    extractor_hour: int | None = None


def add_record(
    session: Session, statement_id: str, record: Record, *, submitted_by: str | None, state: str
) -> list[int]:
    """Store a record's rows, in the transaction that stored its statement. Returns the acquisitions' ids."""
    exhibit = record.exhibit
    session.add(
        RecordRow(
            statement_id=statement_id,
            sequence=(session.scalar(select(func.max(RecordRow.sequence))) or 0) + 1,
            issuer=record.issuer,
            jurisdiction=record.jurisdiction,
            case_reference=record.case_reference,
            kind=exhibit.kind,
            calibre=exhibit.calibre,
            firing_pin_class=exhibit.classes.firing_pin_class,
            firing_pin_aperture=exhibit.classes.firing_pin_aperture,
            ejector_hour=exhibit.classes.ejector_hour,
            extractor_hour=exhibit.classes.extractor_hour,
            earliest=_iso(exhibit.occurred.earliest),
            latest=_iso(exhibit.occurred.latest),
            retention_until=record.retention_until.isoformat(),
            submitted_by=submitted_by,
            received_at=stamp(),
        )
    )
    session.flush()
    session.add_all(
        BreechFaceClassRow(statement_id=statement_id, breech_face_class=name) for name in exhibit.classes.breech_face
    )
    acquisitions = [
        AcquisitionRow(
            statement_id=statement_id,
            position=position,
            roi=acquisition.roi,
            modality=acquisition.modality,
            calibre=exhibit.calibre,
            sha256=acquisition.blob.sha256,
            size=acquisition.blob.size,
            media_type=acquisition.blob.media_type,
            lateral_resolution_um=acquisition.lateral_resolution_um,
            lighting=acquisition.lighting,
            light_hour=acquisition.light_hour,
            state=state,
        )
        for position, acquisition in enumerate(record.acquisitions)
    ]
    session.add_all(acquisitions)
    if record.supersedes is not None:
        superseded = session.get(RecordRow, record.supersedes)
        if superseded is not None and superseded.issuer == record.issuer:
            superseded.superseded_by = statement_id
    session.flush()
    return [acquisition.acquisition_id for acquisition in acquisitions]


def find_record(session: Session, statement_id: str) -> tuple[RecordRow, StatementRow] | None:
    found = session.execute(
        select(RecordRow, StatementRow)
        .join(StatementRow, StatementRow.statement_id == RecordRow.statement_id)
        .where(RecordRow.statement_id == statement_id)
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def acquisitions_of(session: Session, statement_id: str) -> Sequence[AcquisitionRow]:
    return session.scalars(
        select(AcquisitionRow).where(AcquisitionRow.statement_id == statement_id).order_by(AcquisitionRow.position)
    ).all()


def search_records(session: Session, wanted: RecordFilter, *, before: int | None, limit: int) -> Sequence[RecordRow]:
    """Current records (no superseded versions) that fit, newest first, older than the sequence number ``before``."""
    query = select(RecordRow).where(RecordRow.superseded_by.is_(None))
    if before is not None:
        query = query.where(RecordRow.sequence < before)
    return session.scalars(_restricted(query, wanted).order_by(RecordRow.sequence.desc()).limit(limit)).all()


def _restricted(query: Select[Any], wanted: RecordFilter) -> Select[Any]:
    equal = {
        RecordRow.jurisdiction: wanted.jurisdiction,
        RecordRow.kind: wanted.kind,
        RecordRow.case_reference: wanted.case_reference,
        RecordRow.firing_pin_class: wanted.firing_pin_class,
        RecordRow.firing_pin_aperture: wanted.firing_pin_aperture,
        RecordRow.ejector_hour: wanted.ejector_hour,
        RecordRow.extractor_hour: wanted.extractor_hour,
    }
    for column, value in equal.items():
        if value is not None:
            query = query.where(column == value)
    if wanted.calibres is not None:
        query = query.where(RecordRow.calibre.in_(wanted.calibres))
    if wanted.earliest is not None or wanted.latest is not None:
        query = query.where(or_(RecordRow.earliest.is_not(None), RecordRow.latest.is_not(None)))
    if wanted.earliest is not None:
        query = query.where(or_(RecordRow.latest.is_(None), RecordRow.latest >= wanted.earliest))
    if wanted.latest is not None:
        query = query.where(or_(RecordRow.earliest.is_(None), RecordRow.earliest <= wanted.latest))
    if wanted.breech_face is not None:
        has_class = select(BreechFaceClassRow.statement_id).where(
            BreechFaceClassRow.breech_face_class == wanted.breech_face
        )
        query = query.where(RecordRow.statement_id.in_(has_class))
    return query


def acquisition_with_record(session: Session, acquisition_id: int) -> tuple[AcquisitionRow, RecordRow]:
    acquisition = session.get_one(AcquisitionRow, acquisition_id)
    return acquisition, session.get_one(RecordRow, acquisition.statement_id)


def prepared_acquisitions(session: Session, pipelines: Collection[str]) -> Iterable[AcquisitionRow]:
    """Every acquisition that was prepared with some of these parameters and belongs to a current record, read as it
    is asked for: there may be a hundred thousand."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.parameters.in_(pipelines), RecordRow.superseded_by.is_(None))
        .order_by(AcquisitionRow.acquisition_id)
        .execution_options(yield_per=1000)
    )


def references_for(
    session: Session, query: AcquisitionRow, calibres: frozenset[str], parameters: str
) -> Sequence[AcquisitionRow]:
    """The acquisitions that one may be compared with: of its region, prepared with these parameters, of a compatible
    calibre, of another record that is current."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(
            AcquisitionRow.roi == query.roi,
            AcquisitionRow.parameters == parameters,
            AcquisitionRow.calibre.in_(calibres),
            AcquisitionRow.statement_id != query.statement_id,
            RecordRow.superseded_by.is_(None),
        )
        .order_by(AcquisitionRow.acquisition_id)
    ).all()


def superseded_acquisitions(session: Session, statement_id: str) -> Sequence[AcquisitionRow]:
    """The acquisitions of what a record supersedes."""
    return session.scalars(
        select(AcquisitionRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(RecordRow.superseded_by == statement_id)
    ).all()


def acquisitions_with_records(
    session: Session, acquisitions: Sequence[int]
) -> dict[int, tuple[AcquisitionRow, RecordRow]]:
    """Acquisitions of current records by id; what is not there, or superseded, is left out."""
    rows = session.execute(
        select(AcquisitionRow, RecordRow)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.acquisition_id.in_(acquisitions), RecordRow.superseded_by.is_(None))
    )
    return {row[0].acquisition_id: (row[0], row[1]) for row in rows}


def correlated_otherwise(session: Session, pipelines: Collection[str]) -> Sequence[AcquisitionRow]:
    """The acquisitions that were prepared with other matcher parameters than these, or by a release that could not
    correlate them."""
    otherwise = AcquisitionRow.parameters.not_in(pipelines)
    return session.scalars(
        select(AcquisitionRow).where(or_(otherwise, AcquisitionRow.state == AcquisitionState.NOT_CORRELATED))
    ).all()


def records_naming(session: Session, sha256: str) -> Sequence[tuple[AcquisitionRow, StatementRow]]:
    """Every acquisition that names a scan, with the statement that says who may have it."""
    rows = session.execute(
        select(AcquisitionRow, StatementRow)
        .join(StatementRow, StatementRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.sha256 == sha256)
    ).all()
    return [(row[0], row[1]) for row in rows]


def referenced_blobs(session: Session) -> set[str]:
    return set(session.scalars(select(AcquisitionRow.sha256).distinct()))


def scans_at_rest(session: Session) -> dict[str, int]:
    """SHA-256 and size of each scan that must be here: not of those that are still to come, or were given up."""
    waiting = (AcquisitionState.AWAITING_SCAN, AcquisitionState.FAILED)
    rows = session.execute(
        select(AcquisitionRow.sha256, AcquisitionRow.size).where(AcquisitionRow.state.not_in(waiting)).distinct()
    )
    return {row[0]: row[1] for row in rows}


def find_submission(session: Session, pseudonym: str, idempotency_key: str) -> SubmissionRow | None:
    return session.get(SubmissionRow, (pseudonym, idempotency_key))


def count_records(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(RecordRow)) or 0


def counts_by_state(session: Session) -> dict[str, int]:
    """How many acquisitions are in each state: the node's progress."""
    rows = session.execute(select(AcquisitionRow.state, func.count()).group_by(AcquisitionRow.state)).all()
    return {row[0]: row[1] for row in rows}


def _iso(day: object) -> str | None:
    return None if day is None else str(day)
