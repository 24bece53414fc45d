"""With which instrument topographies were measured, and which of them agree with others when they are turned over."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Select, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from exchange.store.entry.records import is_current
from exchange.store.scan.deliveries import is_delivered
from exchange.store.tables.records import AcquisitionRow, RecordRow, ScanInstrumentRow

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


def scans_before(session: Session, acquisition_id: int, instrument: str, issuer: str) -> int:
    """How many scans of an issuer's instrument came here before this one."""
    earlier = _of_instrument(instrument, issuer).where(AcquisitionRow.acquisition_id < acquisition_id)
    return session.scalar(earlier.with_only_columns(func.count())) or 0


def scans_of_instrument(session: Session, instrument: str, issuer: str) -> Sequence[AcquisitionRow]:
    """All of an issuer's instrument that are here."""
    return session.scalars(_of_instrument(instrument, issuer)).all()


def has_scans_of_others(
    session: Session, query: AcquisitionRow, instrument: str, issuer: str, calibres: Collection[str], parameters: str
) -> bool:
    """Whether there is a reference for a scan that another instrument measured, or of which no instrument is known. An
    instrument of another issuer is another one, whatever it is called."""
    same = exists().where(
        ScanInstrumentRow.acquisition_id == AcquisitionRow.acquisition_id, ScanInstrumentRow.instrument == instrument
    )
    found = select(AcquisitionRow.acquisition_id).join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
    found = found.where(
        AcquisitionRow.roi == query.roi,
        AcquisitionRow.modality == query.modality,
        AcquisitionRow.parameters == parameters,
        AcquisitionRow.calibre.in_(calibres),
        AcquisitionRow.statement_id != query.statement_id,
        is_delivered(),
        is_current(),
        or_(RecordRow.issuer != issuer, ~same),
    )
    return session.scalar(select(found.exists())) or False


def _of_instrument(instrument: str, issuer: str) -> Select[AcquisitionRow]:
    return (
        select(AcquisitionRow)
        .join(ScanInstrumentRow, ScanInstrumentRow.acquisition_id == AcquisitionRow.acquisition_id)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(ScanInstrumentRow.instrument == instrument, RecordRow.issuer == issuer)
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
