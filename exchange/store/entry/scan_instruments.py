"""With which instrument topographies were measured, and which of them agree with others when they are turned over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Select, bindparam, delete, func, or_, select, true, tuple_, update
from sqlalchemy.orm import Session, aliased

from exchange.store.entry.record_rows import is_current
from exchange.store.scan.deliveries import is_delivered
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow, ScanInstrumentRow

MOST_LINKS: Final = 500


class IssuersInstrument(NamedTuple):
    """Of one issuer; that of another is another one, whatever it is called."""

    issuer: str
    words: str


_NOTHING_FOUND = {"turned": None, "other": None, "agreement": None, "as_it_is": None}


def note_instrument(session: Session, acquisition_id: int, instrument: str) -> None:
    """What was found before is forgotten: the scan is about to be correlated anew."""
    session.merge(ScanInstrumentRow(acquisition_id=acquisition_id, instrument=instrument, **_NOTHING_FOUND))


def instruments_of(session: Session, acquisitions: Collection[int]) -> dict[int, str]:
    """By acquisition; those of which none is known are left out."""
    rows = session.execute(
        select(ScanInstrumentRow.acquisition_id, ScanInstrumentRow.instrument).where(
            ScanInstrumentRow.acquisition_id.in_(acquisitions)
        )
    )
    return {row[0]: row[1] for row in rows}


def scans_before(session: Session, acquisition_id: int, instrument: IssuersInstrument) -> int:
    """How many of its scans came here before this one."""
    earlier = _of_instruments([instrument]).where(AcquisitionRow.acquisition_id < acquisition_id)
    return session.scalar(earlier.with_only_columns(func.count())) or 0


def scans_of_instruments(session: Session, instruments: Collection[IssuersInstrument]) -> Sequence[AcquisitionRow]:
    """All of theirs that are here."""
    return session.scalars(_of_instruments(instruments)).all()


def exporting_alike(
    session: Session, instrument: IssuersInstrument, parameters: str, *, at_least: float
) -> frozenset[IssuersInstrument]:
    """An instrument with all whose scans agree with its own as they are, or with those of one that does: each has a
    pair with another's of such a score, in the comparison of these parameters. Of more than ``MOST_LINKS`` instruments
    that agree nothing is concluded: whoever names one anew in each record costs no more than so many."""
    mine, theirs = aliased(ScanInstrumentRow), aliased(ScanInstrumentRow)
    my_record, their_record = aliased(RecordRow), aliased(RecordRow)
    found = (
        select(my_record.issuer, mine.instrument, their_record.issuer, theirs.instrument)
        .select_from(CandidateRow)
        .join(mine, mine.acquisition_id == CandidateRow.acquisition_a)
        .join(theirs, theirs.acquisition_id == CandidateRow.acquisition_b)
        .join(my_record, my_record.statement_id == CandidateRow.statement_a)
        .join(their_record, their_record.statement_id == CandidateRow.statement_b)
        .where(
            CandidateRow.cross_border.in_((True, False)),  # as the index begins
            CandidateRow.score >= at_least,
            CandidateRow.parameters == parameters,
        )
        .distinct()
        .limit(MOST_LINKS + 1)
    )
    rows = session.execute(found).all()
    if len(rows) > MOST_LINKS:
        return frozenset({instrument})
    links = [(IssuersInstrument(*row[:2]), IssuersInstrument(*row[2:])) for row in rows]
    alike = {instrument}
    while more := {end for ends in links if alike & {*ends} for end in ends} - alike:
        alike |= more
    return frozenset(alike)


def has_scans_of_others(
    session: Session,
    query: AcquisitionRow,
    but: Collection[IssuersInstrument],
    calibres: Collection[str],
    parameters: str,
    owners: Collection[str] | None,
) -> bool:
    """Whether there is a reference for a scan that none of these instruments measured, or of which none is known.
    ``owners``: only records of these nodes; None for all."""
    found = (
        select(AcquisitionRow.acquisition_id)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .outerjoin(ScanInstrumentRow, ScanInstrumentRow.acquisition_id == AcquisitionRow.acquisition_id)
        .where(
            AcquisitionRow.roi == query.roi,
            AcquisitionRow.modality == query.modality,
            AcquisitionRow.parameters == parameters,
            AcquisitionRow.calibre.in_(calibres),
            AcquisitionRow.statement_id != query.statement_id,
            is_delivered(),
            is_current(),
            true() if owners is None else RecordRow.issuer.in_(owners),
            tuple_(RecordRow.issuer, func.coalesce(ScanInstrumentRow.instrument, "")).not_in(but),
        )
    )
    return session.scalar(select(found.exists())) or False


def _of_instruments(instruments: Collection[IssuersInstrument]) -> Select[AcquisitionRow]:
    return (
        select(AcquisitionRow)
        .join(ScanInstrumentRow, ScanInstrumentRow.acquisition_id == AcquisitionRow.acquisition_id)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(tuple_(RecordRow.issuer, ScanInstrumentRow.instrument).in_(instruments))
    )


def keep_finding(
    session: Session, acquisition_id: int, *, turned: int, other: int, agreement: float, as_it_is: float
) -> None:
    found = {"turned": turned, "other": other, "agreement": agreement, "as_it_is": as_it_is}
    of_it = ScanInstrumentRow.acquisition_id == acquisition_id
    session.execute(update(ScanInstrumentRow).where(of_it).values(**found))


_FINDINGS = (  # asked with each record that is read, so built once
    select(ScanInstrumentRow)
    .join(AcquisitionRow, AcquisitionRow.acquisition_id == ScanInstrumentRow.acquisition_id)
    .where(AcquisitionRow.statement_id == bindparam("record"), ScanInstrumentRow.turned.is_not(None))
    .order_by(AcquisitionRow.position)
)


def findings_on(session: Session, statement_id: str) -> Sequence[ScanInstrumentRow]:
    """Of the scans of a record, those that agree with another when they are turned over."""
    return session.scalars(_FINDINGS, {"record": statement_id}).all()


def forget_findings(session: Session, statement_id: str) -> None:
    """What was found on the scans of a record, and on others by them."""
    theirs = select(AcquisitionRow.acquisition_id).where(AcquisitionRow.statement_id == statement_id)
    named = or_(ScanInstrumentRow.acquisition_id.in_(theirs), ScanInstrumentRow.other.in_(theirs))
    session.execute(update(ScanInstrumentRow).where(named).values(**_NOTHING_FOUND))


def forget_instruments(session: Session, statement_id: str) -> None:
    """The scans of a record are about to be erased."""
    forget_findings(session, statement_id)
    theirs = select(AcquisitionRow.acquisition_id).where(AcquisitionRow.statement_id == statement_id)
    session.execute(delete(ScanInstrumentRow).where(ScanInstrumentRow.acquisition_id.in_(theirs)))
