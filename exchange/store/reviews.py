"""Verification tasks and scores that were seen: rows in, rows out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.review_tables import ScoreSeenRow, VerificationTaskRow
from exchange.store.tables import AcquisitionRow, UserRow
from schemas.vocabulary import Role

Scans = tuple[str, str]
"""The digests of two scans, the smaller first: a pair has no sides."""


def scans_of(one: str, other: str) -> Scans:
    return (one, other) if one < other else (other, one)


def mark_seen(session: Session, pseudonym: str, pairs: Iterable[Scans], *, opened: bool) -> None:
    """Somebody is shown the scores of these pairs; to be called before they are. Needs a write transaction."""
    at = stamp()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    seen = {"pseudonym": pseudonym, "listed_at": at, "opened_at": at if opened else None}
    rows = [{**seen, "scan_low": low, "scan_high": high} for low, high in pairs]
    keys = ["pseudonym", "scan_low", "scan_high"]
    adding = insert(ScoreSeenRow)
    if opened:
        adding = adding.on_conflict_do_update(
            index_elements=keys, set_={"opened_at": at}, where=ScoreSeenRow.opened_at.is_(None)
        )
    else:
        adding = adding.on_conflict_do_nothing(index_elements=keys)
    if rows:
        session.connection().execute(adding, rows)  # a list has fifty: one by one they cost more than the page


def seen_by(session: Session, pseudonym: str, pairs: Collection[Scans]) -> dict[Scans, ScoreSeenRow]:
    """Those of these pairs whose score this person was shown."""
    if not pairs:
        return {}
    rows = session.scalars(
        select(ScoreSeenRow).where(
            ScoreSeenRow.pseudonym == pseudonym, ScoreSeenRow.scan_low.in_({low for low, _ in pairs})
        )
    )
    wanted = set(pairs)
    return {key: row for row in rows if (key := (row.scan_low, row.scan_high)) in wanted}


def blind_examiners(session: Session, scans: Scans, *, besides: str | None) -> list[str]:
    """Examiners who were never shown this pair's score, without the one who concluded."""
    low, high = scans
    saw = select(ScoreSeenRow.pseudonym).where(ScoreSeenRow.scan_low == low, ScoreSeenRow.scan_high == high)
    found = select(UserRow.pseudonym).where(
        UserRow.role == Role.EXAMINER, UserRow.revoked_at.is_(None), UserRow.pseudonym.not_in(saw)
    )
    return [name for name in session.scalars(found.order_by(UserRow.pseudonym)) if name != besides]


def add_task(session: Session, task: VerificationTaskRow) -> None:
    session.add(task)
    session.flush()


def find_task(session: Session, task_id: str) -> VerificationTaskRow | None:
    return session.get(VerificationTaskRow, task_id)


def task_of(session: Session, conclusion: str) -> VerificationTaskRow | None:
    return session.scalars(select(VerificationTaskRow).where(VerificationTaskRow.conclusion == conclusion)).first()


def open_tasks(session: Session) -> Sequence[VerificationTaskRow]:
    """Those that nobody has answered yet, in an order that tells nothing."""
    waiting = select(VerificationTaskRow).where(VerificationTaskRow.done_at.is_(None))
    return session.scalars(waiting.order_by(VerificationTaskRow.task_id)).all()


def give_tasks_back(session: Session, pseudonym: str) -> None:
    """What this person took and has not answered waits for another examiner."""
    taken = select(VerificationTaskRow).where(
        VerificationTaskRow.taken_by == pseudonym, VerificationTaskRow.done_at.is_(None)
    )
    for task in session.scalars(taken):
        task.taken_by = None


def done_tasks(session: Session, pseudonym: str, *, limit: int) -> Sequence[VerificationTaskRow]:
    """What this examiner judged blind, the newest first."""
    mine = select(VerificationTaskRow).where(
        VerificationTaskRow.taken_by == pseudonym, VerificationTaskRow.done_at.is_not(None)
    )
    return session.scalars(mine.order_by(VerificationTaskRow.done_at.desc()).limit(limit)).all()


def concluded_tasks(session: Session, pseudonym: str, *, limit: int = 200) -> Sequence[VerificationTaskRow]:
    """The newest verified conclusions of one examiner."""
    mine = select(VerificationTaskRow).where(
        VerificationTaskRow.concluded_by == pseudonym, VerificationTaskRow.done_at.is_not(None)
    )
    return session.scalars(mine.order_by(VerificationTaskRow.done_at.desc()).limit(limit)).all()


def control_of(session: Session, scans: Scans, pseudonym: str) -> VerificationTaskRow | None:
    """What this examiner took and has not answered yet, of a pair that nobody holds for a lead."""
    low, high = scans
    taken = select(VerificationTaskRow).where(
        VerificationTaskRow.scan_low == low,
        VerificationTaskRow.scan_high == high,
        VerificationTaskRow.conclusion.is_(None),
        VerificationTaskRow.taken_by == pseudonym,
        VerificationTaskRow.done_at.is_(None),
    )
    return session.scalars(taken).first()


def drop_task(session: Session, conclusion: str) -> None:
    """Nobody is asked any more."""
    session.execute(
        delete(VerificationTaskRow).where(
            VerificationTaskRow.conclusion == conclusion, VerificationTaskRow.done_at.is_(None)
        )
    )


def drop_reviews(session: Session, record: str) -> None:
    """A record goes, or is shown to nobody: what waits for verification of it goes too."""
    session.execute(
        delete(VerificationTaskRow).where(
            or_(VerificationTaskRow.statement_a == record, VerificationTaskRow.statement_b == record)
        )
    )


def hidden_from(pseudonym: str, scan_a: type[AcquisitionRow], scan_b: type[AcquisitionRow]) -> ColumnElement[bool]:
    """That the pair of these scans waits for a verification, and this examiner is not the one who concluded: whatever
    is known of it is shown to none of those who may be asked."""
    concluder = func.coalesce(VerificationTaskRow.concluded_by, "") == pseudonym
    waits = [_of_pair(scan_a, scan_b), VerificationTaskRow.done_at.is_(None), ~concluder]
    return select(VerificationTaskRow.task_id).where(*waits).exists()


def sent_ever(scan_a: type[AcquisitionRow], scan_b: type[AcquisitionRow]) -> ColumnElement[bool]:
    """That somebody was asked of the pair of these scans before."""
    return select(VerificationTaskRow.task_id).where(_of_pair(scan_a, scan_b)).exists()


def opened_ever(
    scan_a: type[AcquisitionRow], scan_b: type[AcquisitionRow], *, by: str | None = None
) -> ColumnElement[bool]:
    """That some examiner, or this one, opened the pair of these scans."""
    low, high = ScoreSeenRow.scan_low, ScoreSeenRow.scan_high
    of_pair = or_(and_(low == scan_a.sha256, high == scan_b.sha256), and_(low == scan_b.sha256, high == scan_a.sha256))
    who = [] if by is None else [ScoreSeenRow.pseudonym == by]
    return select(ScoreSeenRow.pseudonym).where(of_pair, ScoreSeenRow.opened_at.is_not(None), *who).exists()


def in_opened_pair(scan: type[AcquisitionRow]) -> ColumnElement[bool]:
    """That some examiner opened a pair of this scan."""
    is_side = [side == scan.sha256 for side in (ScoreSeenRow.scan_low, ScoreSeenRow.scan_high)]
    return or_(*(exists().where(side, ScoreSeenRow.opened_at.is_not(None)).correlate(scan) for side in is_side))


def _of_pair(scan_a: type[AcquisitionRow], scan_b: type[AcquisitionRow]) -> ColumnElement[bool]:
    low, high = VerificationTaskRow.scan_low, VerificationTaskRow.scan_high
    return or_(and_(low == scan_a.sha256, high == scan_b.sha256), and_(low == scan_b.sha256, high == scan_a.sha256))
