"""What came by watched folders: written with its record, asked before anything is taken."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.tables.watched import WatchedScanRow


def taken_scan(session: Session, sha256: str) -> WatchedScanRow | None:
    return session.get(WatchedScanRow, sha256)


def taken_under(session: Session, folder: str, name: str) -> Sequence[WatchedScanRow]:
    """What was taken from a folder under a name, the newest first."""
    same = (WatchedScanRow.folder == folder, WatchedScanRow.name == name)
    return session.scalars(select(WatchedScanRow).where(*same).order_by(WatchedScanRow.taken_at.desc())).all()


def record_of_exhibit(session: Session, exhibit: str) -> str | None:
    """The record of an exhibit of which scans were taken."""
    return session.scalar(select(WatchedScanRow.statement_id).where(WatchedScanRow.exhibit == exhibit).limit(1))


def is_sidecar_of_taken(session: Session, sha256: str) -> bool:
    """Whether a scan was taken by what stands in a sidecar with these bytes."""
    found = select(WatchedScanRow.sha256).where(WatchedScanRow.sidecar == sha256).limit(1)
    return session.scalar(found) is not None


def own_record_with(session: Session, sha256: str, issuer: str) -> str | None:
    """The newest own record that has this scan, however it came in."""
    found = (
        select(RecordRow.statement_id)
        .join(AcquisitionRow, AcquisitionRow.statement_id == RecordRow.statement_id)
        .where(AcquisitionRow.sha256 == sha256, RecordRow.issuer == issuer, RecordRow.superseded_by.is_(None))
        .order_by(RecordRow.sequence.desc())
    )
    return session.scalar(found.limit(1))
