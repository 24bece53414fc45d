"""What is known of the scans in the object store, and the work that is promised on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import String, cast, exists, func, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.node.jobs import JobKind, promise
from exchange.store.scan.deliveries import is_delivered, keeps_its_scan
from exchange.store.tables.record_tables import AcquisitionRow, ObjectRow, RecordRow
from exchange.store.tables.work_tables import JobRow


def object_of(session: Session, sha256: str) -> ObjectRow | None:
    return session.scalars(select(ObjectRow).where(ObjectRow.sha256 == sha256)).one_or_none()


def promise_object(session: Session, sha256: str, size: int) -> None:
    """Promise that the store will have the scan, or have it no more when no record keeps it. Done already: nothing."""
    row = object_of(session, sha256)
    if row is None:
        row = ObjectRow(sha256=sha256, size=size)
        session.add(row)
        session.flush()
    row.set_aside_at = None
    if row.stored_at is None:
        promise(session, JobKind.STORE_OBJECT, row.object_id)


def promise_removal(session: Session, sha256: str) -> int | None:
    """Promise to look again at a scan that no record keeps any more; None when the store never had it."""
    row = object_of(session, sha256)
    if row is None:
        return None
    promise(session, JobKind.STORE_OBJECT, row.object_id)
    return row.object_id


def note_altered(session: Session, sha256: str) -> None:
    """What the store has is not the scan: it counts as not stored."""
    row = object_of(session, sha256)
    if row is not None:
        row.stored_at, row.altered_at = None, row.altered_at or stamp()


def without_object(session: Session, *, limit: int) -> Sequence[tuple[str, int]]:
    """Scans that should be here and of which the store was never told, with their sizes."""
    rows = session.execute(
        select(AcquisitionRow.sha256, func.max(AcquisitionRow.size))
        .outerjoin(ObjectRow, ObjectRow.sha256 == AcquisitionRow.sha256)
        .where(ObjectRow.object_id.is_(None), is_delivered())
        .group_by(AcquisitionRow.sha256)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def not_promised(session: Session) -> Sequence[ObjectRow]:
    """Scans that the store lacks, as far as no work is promised on them: they could not be given to it."""
    promised = exists().where(JobRow.kind == JobKind.STORE_OBJECT, JobRow.subject == cast(ObjectRow.object_id, String))
    wanted = ObjectRow.stored_at.is_(None) & ObjectRow.set_aside_at.is_(None)
    return session.scalars(select(ObjectRow).where(wanted, ~promised)).all()


def set_object_aside(session: Session, sha256: str, size: int) -> None:
    """An object that no record names stays where it is. Needs a write transaction."""
    session.add(ObjectRow(sha256=sha256, size=size, set_aside_at=stamp()))


def count_set_aside(session: Session) -> int:
    return session.scalar(select(func.count()).where(ObjectRow.set_aside_at.is_not(None))) or 0


def unnamed_objects(session: Session) -> Sequence[int]:
    """Objects that the store has, that no record keeps any more, and that were not set aside."""
    kept = exists().where(
        AcquisitionRow.sha256 == ObjectRow.sha256,
        RecordRow.statement_id == AcquisitionRow.statement_id,
        keeps_its_scan(),
    )
    return session.scalars(select(ObjectRow.object_id).where(~kept, ObjectRow.set_aside_at.is_(None))).all()


def stored_before(session: Session, moment: str, names: Collection[str]) -> set[str]:
    """Those of these scans that the store confirmed before a moment."""
    found = select(ObjectRow.sha256).where(ObjectRow.stored_at < moment, ObjectRow.sha256.in_(names))
    return set(session.scalars(found))


def all_stored(session: Session) -> set[str]:
    """Every scan that the store has confirmed."""
    return set(session.scalars(select(ObjectRow.sha256).where(ObjectRow.stored_at.is_not(None))))


def all_objects(session: Session) -> set[str]:
    """Every scan of which the store was told."""
    return set(session.scalars(select(ObjectRow.sha256)))


def count_objects(session: Session) -> tuple[int, int, int]:
    """How many the store has confirmed, how many wait for it, and how many of these were found altered there."""
    counted = select(func.count(ObjectRow.stored_at), func.count(), func.count(ObjectRow.altered_at))
    counted = counted.where(ObjectRow.set_aside_at.is_(None))
    stored, total, altered = session.execute(counted).one()
    return stored, total - stored, altered
