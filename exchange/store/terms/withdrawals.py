"""Withdrawn records: their tombstones, what is still to be erased of them, and what a court holds."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from exchange.clock import stamp
from exchange.store.entry.exhibits import exhibit_of, owner_of_exhibit
from exchange.store.entry.record_rows import NEVER_COMPARED, take_up
from exchange.store.entry.scan_instruments import forget_findings, forget_instruments
from exchange.store.node.jobs import OF_SCANS, JobKind, forget
from exchange.store.review.review_rows import drop_reviews
from exchange.store.review.saved_view_rows import forget_views
from exchange.store.review.webhook_rows import forget_messages_on
from exchange.store.scan.deliveries import is_kept, keepers_of
from exchange.store.tables.query_tables import StartedSearchRow
from exchange.store.tables.record_tables import (
    AcquisitionRow,
    AudienceRow,
    BreechFaceClassRow,
    CandidateRow,
    RecordDetailRow,
    RecordRow,
    StatementRow,
    SubmissionRow,
)
from exchange.store.tables.terms_tables import HeldDecisionRow, HoldRow, RemainsRow, TombstoneRow
from exchange.store.tables.watched import WatchedScanRow
from exchange.store.terms.proposal_rows import forget_words_on
from exchange.store.truth.known_pair_rows import forget_known_pairs
from schemas import Grant, Withdrawal
from schemas.vocabulary import WithdrawalReason


def tombstone_for(session: Session, record: str, holder: str, *, issuer: str) -> TombstoneRow | None:
    """What keeps a record from a holder: its issuer withdrew it for everybody, or for this one."""
    stones = select(TombstoneRow).where(
        TombstoneRow.record == record,
        TombstoneRow.holder.in_(("", holder)),
        TombstoneRow.issuer == issuer,
        TombstoneRow.lifted.is_(False),
    )
    return session.scalars(stones.order_by(TombstoneRow.holder).limit(1)).first()


def buried_of(session: Session, records: Collection[str], holder: str, *, issuer: str) -> set[str]:
    """Those of these records that their issuer withdrew from everybody, or from this holder."""
    return set(
        session.scalars(
            select(TombstoneRow.record).where(
                TombstoneRow.record.in_(records),
                TombstoneRow.issuer == issuer,
                TombstoneRow.holder.in_(("", holder)),
                TombstoneRow.lifted.is_(False),
            )
        )
    )


def tombstones_of(session: Session, record: str) -> Sequence[TombstoneRow]:
    return session.scalars(select(TombstoneRow).where(TombstoneRow.record == record)).all()


def raise_tombstone(session: Session, withdrawal: Withdrawal, statement_id: str, log_index: int) -> TombstoneRow:
    """Store it once. Of two withdrawals of one record for one holder the first stands, unless it had no statement. The
    tombstone has the greater log index of the two: a grant that is signed between them ends with the second."""
    stone = _stone(session, withdrawal.record, withdrawal.holder or "", withdrawal.exhibit)
    if stone.withdrawal is None or stone.lifted:
        stone.lifted, stone.outcome = False, None
        stone.withdrawal, stone.log_index, stone.reason = statement_id, log_index, withdrawal.reason
    stone.log_index = max(stone.log_index, log_index)
    session.flush()
    return stone


def bury(session: Session, record: str, issuer: str, reason: str) -> TombstoneRow:
    """A tombstone that no statement asks for: the retention of a received record is over, or its owner was expelled.
    One that its owner withdrew before, and that a court holds, has one already."""
    stone = _stone(session, record, "", exhibit_of(session, issuer, record))
    if stone.withdrawal is None:
        stone.reason, stone.log_index = reason, 0
    session.flush()
    return stone


def _stone(session: Session, record: str, holder: str, exhibit: str) -> TombstoneRow:
    """The one of this record for this holder; a new one where there is none."""
    issuer = owner_of_exhibit(exhibit)
    same = (TombstoneRow.record == record, TombstoneRow.holder == holder, TombstoneRow.issuer == issuer)
    stone = session.scalars(select(TombstoneRow).where(*same)).one_or_none()
    if stone is None:
        row = session.get(RecordRow, record)
        stone = TombstoneRow(record=record, holder=holder, issuer=issuer, exhibit=exhibit, at=stamp())
        stone.number = row.number if row is not None and row.issuer == issuer else None
        session.add(stone)
    return stone


def lift_tombstones(session: Session, grant: Grant, holder: str, log_index: int) -> None:
    """Lift the tombstones of a single holder of a granted exhibit that stand before the grant in the owner's log. A
    withdrawal from every holder stands."""
    session.execute(
        update(TombstoneRow)
        .where(
            TombstoneRow.exhibit == grant.exhibit,
            TombstoneRow.holder == holder,
            TombstoneRow.issuer == grant.issuer,
            TombstoneRow.log_index < log_index,
        )
        .values(lifted=True)
    )


def ends_grant(session: Session, grant: Grant, holders: Collection[str], log_index: int) -> bool:
    """Return whether the exhibit of a grant was withdrawn from one of these holders after the grant was signed.
    ``log_index`` is that of the grant."""
    later = exists().where(
        TombstoneRow.exhibit == grant.exhibit,
        TombstoneRow.issuer == grant.issuer,
        TombstoneRow.holder.in_(holders),
        TombstoneRow.log_index > log_index,
    )
    return bool(session.scalar(select(later)))


def erase_rows(session: Session, record: str, *, issuer: str | None = None) -> None:
    """Take a record out of the database, its signed payload too, what its issuer disclosed of it, and saved views of
    its scans; what lies beside the database is noted as remains. ``issuer``: of one that never came here.

    Nothing else is erased by this, whatever ``record`` names: of what was signed as a hit, a conclusion or a term
    nobody erases a word, not even who signed it."""
    known = session.get(StatementRow, record)
    scans = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).all()
    forget_candidates(session, record)
    forget_instruments(session, record)
    forget_messages_on(session, record)
    forget_known_pairs(session, record)
    forget_words_on(session, record)
    for scan in scans:
        session.add(_remains(scan))
        for kind in OF_SCANS:
            forget(session, kind, scan.acquisition_id)
    if (row := session.get(RecordRow, record)) is not None:
        forget(session, JobKind.START_SEARCH, row.sequence)
    for table in (AcquisitionRow, BreechFaceClassRow, RecordDetailRow, AudienceRow, RecordRow):
        session.execute(delete(table).where(table.statement_id == record))
    forget_views(session, [scan.sha256 for scan in scans if not is_kept(session, scan.sha256)])
    for named in (SubmissionRow, WatchedScanRow):
        session.execute(delete(named).where(named.statement_id == record))
    for noted in (HeldDecisionRow, StartedSearchRow):
        session.execute(delete(noted).where(noted.record == record))
    owner = known.issuer if known is not None else issuer
    itself = and_(StatementRow.statement_id == record, StatementRow.type == "record")
    disclosed = and_(StatementRow.about == record, StatementRow.type == "disclosure", StatementRow.issuer == owner)
    session.execute(update(StatementRow).where(or_(itself, disclosed)).values(envelope=None))
    session.expire_all()


def _remains(scan: AcquisitionRow) -> RemainsRow:
    return RemainsRow(
        acquisition_id=scan.acquisition_id,
        record=scan.statement_id,
        sha256=scan.sha256,
        delivered=scan.delivered_at is not None,
    )


def restrict(session: Session, record: str) -> None:
    """What a court holds is shown to nobody and compared with nothing; it is noted as remains of the galleries. A scan
    that had not come is not waited for: who withdrew the record gives it no more."""
    forget_candidates(session, record)
    forget_findings(session, record)
    forget_known_pairs(session, record)
    scans = session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).all()
    for scan in scans:
        for kind in OF_SCANS:
            forget(session, kind, scan.acquisition_id)
    session.execute(update(RecordRow).where(RecordRow.statement_id == record).values(restricted=True))
    session.expire_all()


def unrestrict(session: Session, record: str) -> None:
    """What a court holds may be shown and compared again: its scans are correlated anew, or fetched at last."""
    row = session.get(RecordRow, record)
    if row is None or not row.restricted:
        return
    row.restricted = False
    for scan in session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).all():
        if scan.state not in NEVER_COMPARED:
            take_up(session, scan)


def forget_candidates(session: Session, record: str) -> None:
    drop_reviews(session, record)
    session.execute(
        delete(CandidateRow).where(or_(CandidateRow.statement_a == record, CandidateRow.statement_b == record))
    )


def remains_of(session: Session, record: str) -> Sequence[RemainsRow]:
    return session.scalars(
        select(RemainsRow).where(RemainsRow.record == record).order_by(RemainsRow.acquisition_id)
    ).all()


def no_remains(session: Session, record: str) -> None:
    session.execute(delete(RemainsRow).where(RemainsRow.record == record))


def note_kept(session: Session, record: str, scans: Collection[str]) -> None:
    """Which scans that an erased record delivered other records kept, on each of its tombstones."""
    told = json.dumps(sorted(scans)) if scans else None
    session.execute(update(TombstoneRow).where(TombstoneRow.record == record).values(kept=told))


def still_kept(session: Session, stone: TombstoneRow) -> dict[str, list[str]]:
    """Of the scans of an erased record those that are still here, each with the issuers of the records that keep it."""
    found = {sha256: keepers_of(session, sha256) for sha256 in json.loads(stone.kept or "[]")}
    return {sha256: keepers for sha256, keepers in found.items() if keepers}


def holds_on(session: Session, exhibit: str) -> Sequence[HoldRow]:
    """Return the holds that courts placed on any version of an exhibit."""
    return session.scalars(select(HoldRow).where(HoldRow.exhibit == exhibit).order_by(HoldRow.record)).all()


def keep_hold(session: Session, record: RecordRow, authority: str, statement_id: str) -> None:
    name, exhibit = record.statement_id, record.exhibit
    session.merge(
        HoldRow(record=name, exhibit=exhibit, authority=authority, placed_at=stamp(), statement_id=statement_id)
    )
    session.flush()


def lift_hold(session: Session, record: str) -> None:
    session.execute(delete(HoldRow).where(HoldRow.record == record))


def outlived(session: Session, today: str, *, limit: int) -> Sequence[RecordRow]:
    """Records whose retention is over, own and received, the oldest first; not those that a court holds by now."""
    over = select(RecordRow).where(RecordRow.retention_until < today, RecordRow.restricted.is_(False))
    return session.scalars(over.order_by(RecordRow.retention_until).limit(limit)).all()


def returned_versions(session: Session, owner: str, *, limit: int) -> list[tuple[str, WithdrawalReason]]:
    """Return the owner's versions that stand although a later withdrawal took their exhibit from every holder, each
    with the reason of that withdrawal. A rebuild can bring back such a version after the withdrawal was signed.
    Versions that follow the withdrawal in the log, and withdrawals at the end of retention, do not count."""
    itself = aliased(TombstoneRow)
    is_withdrawn = exists().where(itself.record == RecordRow.statement_id, itself.issuer == owner, itself.holder == "")
    found = (
        select(RecordRow.statement_id, TombstoneRow.reason)
        .join(StatementRow, StatementRow.statement_id == RecordRow.statement_id)
        .join(TombstoneRow, TombstoneRow.exhibit == RecordRow.exhibit)
        .where(RecordRow.issuer == owner, TombstoneRow.issuer == owner, TombstoneRow.holder == "")
        .where(TombstoneRow.withdrawal.is_not(None), TombstoneRow.reason != WithdrawalReason.RETENTION_OVER)
        .where(TombstoneRow.log_index > StatementRow.log_index, StatementRow.refused_by.is_(None), ~is_withdrawn)
        .order_by(StatementRow.log_index, TombstoneRow.log_index)
        .limit(limit)
    )
    reasons = {name: WithdrawalReason(reason) for name, reason in session.execute(found)}
    return list(reasons.items())
