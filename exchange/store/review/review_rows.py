"""Verification tasks and scores that were seen: rows in, rows out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from exchange.clock import stamp
from exchange.store.database.index_hint import served_by_no_index
from exchange.store.entry.exhibits import Exhibits, exhibits_of
from exchange.store.long_lists import in_parts
from exchange.store.review.open_list_rows import forget_opened, open_exhibits
from exchange.store.review.set_aside_rows import forget_aside_with
from exchange.store.review.taken_work_rows import end_taken_of
from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from exchange.store.tables.review_tables import ExhibitsSeenRow, ScoreSeenRow, VerificationTaskRow
from exchange.store.tables.sign_in_tables import UserRow
from schemas.vocabulary import Basis, Role

Scans = tuple[str, str]
"""The digests of two scans, the smaller first: a pair has no sides."""


def scans_of(one: str, other: str) -> Scans:
    return (one, other) if one < other else (other, one)


def mark_seen(session: Session, pseudonym: str, pairs: Iterable[Scans], *, opened: bool) -> None:
    """Somebody is shown the scores of these pairs of scans, and so of all exhibits that they are of; to be called
    before they are. Needs a write transaction."""
    at, pairs = stamp(), list(pairs)
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
    mark_exhibits(session, pseudonym, _exhibits_named(session, pairs))


def mark_exhibits(session: Session, pseudonym: str, pairs: Collection[Exhibits]) -> None:
    """Somebody is shown something of the score of these exhibits. Needs a write transaction."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    at = stamp()
    rows = [{"pseudonym": pseudonym, "exhibit_low": low, "exhibit_high": high, "seen_at": at} for low, high in pairs]
    if rows:
        session.connection().execute(insert(ExhibitsSeenRow).on_conflict_do_nothing(), rows)


def rename_seen(session: Session, handle: str, exhibit: str) -> None:
    """Replace a handle by the exhibit that it stood for, in the rows that say who was shown something of which
    exhibits. Needs a write transaction."""
    seen = ExhibitsSeenRow
    rows = session.scalars(select(seen).where(or_(seen.exhibit_low == handle, seen.exhibit_high == handle))).all()
    for row in rows:
        low, high = exhibits_of(*(exhibit if one == handle else one for one in (row.exhibit_low, row.exhibit_high)))
        if session.get(seen, (row.pseudonym, low, high)) is None:
            session.add(seen(pseudonym=row.pseudonym, exhibit_low=low, exhibit_high=high, seen_at=row.seen_at))
        session.delete(row)
    session.flush()


def _exhibits_named(session: Session, pairs: Collection[Scans]) -> set[Exhibits]:
    """The pairs of exhibits that these pairs of scans are of: a scan may have been entered twice."""
    scans = {scan for pair in pairs for scan in pair}
    named: dict[str, set[str]] = {}
    for scan, exhibit in session.execute(
        select(AcquisitionRow.sha256, RecordRow.exhibit)
        .join(RecordRow, RecordRow.statement_id == AcquisitionRow.statement_id)
        .where(AcquisitionRow.sha256.in_(scans))
    ):
        named.setdefault(scan, set()).add(exhibit)
    return {
        exhibits_of(one, other) for low, high in pairs for one in named.get(low, ()) for other in named.get(high, ())
    }


# asked with each list of candidates, so built once
_WHOSE, _LOWS = bindparam("pseudonym", type_=String), bindparam("lows", type_=String, expanding=True)
_SEEN = select(ScoreSeenRow).where(ScoreSeenRow.pseudonym == _WHOSE, ScoreSeenRow.scan_low.in_(_LOWS))
_SEEN_EXHIBITS = select(ExhibitsSeenRow).where(
    ExhibitsSeenRow.pseudonym == _WHOSE, ExhibitsSeenRow.exhibit_low.in_(_LOWS)
)

_SEEN_WITH = tuple(
    select(ExhibitsSeenRow.exhibit_low, ExhibitsSeenRow.exhibit_high).where(
        side.in_(bindparam("exhibits", type_=String, expanding=True)),
        served_by_no_index(ExhibitsSeenRow.pseudonym) == _WHOSE,  # one person's rows are many, an exhibit's are few
    )
    for side in (ExhibitsSeenRow.exhibit_low, ExhibitsSeenRow.exhibit_high)
)


def seen_by(session: Session, pseudonym: str, pairs: Collection[Scans]) -> dict[Scans, ScoreSeenRow]:
    """Those of these pairs of scans whose own score this person was shown."""
    if not pairs:
        return {}
    wanted, found = set(pairs), {}
    for part in in_parts(sorted({low for low, _ in wanted})):
        for row in session.scalars(_SEEN, {"pseudonym": pseudonym, "lows": part}):
            found[row.scan_low, row.scan_high] = row
    return {key: row for key, row in found.items() if key in wanted}


def exhibits_seen_by(session: Session, pseudonym: str, pairs: Collection[Exhibits]) -> dict[Exhibits, str]:
    """Those of these pairs of exhibits of which this person was shown a score, of whatever scans; since when."""
    if not pairs:
        return {}
    rows = session.scalars(_SEEN_EXHIBITS, {"pseudonym": pseudonym, "lows": list({low for low, _ in pairs})})
    wanted = set(pairs)
    return {key: row.seen_at for row in rows if (key := (row.exhibit_low, row.exhibit_high)) in wanted}


def seen_with(session: Session, pseudonym: str, exhibits: Collection[str]) -> set[Exhibits]:
    """All pairs with one of these exhibits of which this person was shown something."""
    found = set[Exhibits]()
    for part in in_parts(sorted(exhibits)):
        for with_one in _SEEN_WITH:
            rows = session.execute(with_one, {"pseudonym": pseudonym, "exhibits": part})
            found |= {(low, high) for low, high in rows}
    return found


def looked_at(session: Session, pseudonym: str, exhibits: Collection[str]) -> set[str]:
    """Those of these exhibits of which this person was shown a score, with whatever other one."""
    return {name for pair in seen_with(session, pseudonym, exhibits) for name in pair} & set(exhibits)


def saw(session: Session, pseudonym: str, exhibits: Exhibits, scans: Scans) -> str | None:
    """Since when this person knows a score of two exhibits, of these scans or of others; None: was shown none."""
    known = exhibits_seen_by(session, pseudonym, [exhibits]).get(exhibits)
    row = seen_by(session, pseudonym, [scans]).get(scans)
    return known or (row.listed_at if row is not None else None)


def late(session: Session, pseudonym: str, asked_at: str) -> bool:
    """Whether somebody became examiner after this was asked: in the role before, the conclusion could be read."""
    user = session.get(UserRow, pseudonym)
    return user is not None and user.examiner_since is not None and user.examiner_since > asked_at


def examiners(session: Session, *, besides: str | None, asked_at: str | None = None) -> list[str]:
    """Those of this node, without the one who concluded, and without who became examiner after it was asked."""
    found = select(UserRow.pseudonym).where(UserRow.role == Role.EXAMINER, UserRow.revoked_at.is_(None))
    if asked_at is not None:
        found = found.where(func.coalesce(UserRow.examiner_since, "") <= asked_at)
    return [name for name in session.scalars(found.order_by(UserRow.pseudonym)) if name != besides]


def blind_examiners(
    session: Session, exhibits: Exhibits, scans: Scans, *, besides: str | None, asked_at: str | None = None
) -> list[str]:
    """Examiners who were never shown a score of these exhibits, without the one who concluded."""
    known, seen = ExhibitsSeenRow, ScoreSeenRow
    of_exhibits = select(known.pseudonym).where(
        (known.exhibit_low == exhibits[0]) & (known.exhibit_high == exhibits[1])
    )
    of_scans = select(seen.pseudonym).where((seen.scan_low == scans[0]) & (seen.scan_high == scans[1]))
    who_saw = {*session.scalars(of_exhibits), *session.scalars(of_scans)}
    return [name for name in examiners(session, besides=besides, asked_at=asked_at) if name not in who_saw]


def add_task(session: Session, task: VerificationTaskRow) -> None:
    session.add(task)
    session.flush()


def find_task(session: Session, task_id: str) -> VerificationTaskRow | None:
    return session.get(VerificationTaskRow, task_id)


def task_of(session: Session, conclusion: str) -> VerificationTaskRow | None:
    return session.scalars(select(VerificationTaskRow).where(VerificationTaskRow.conclusion == conclusion)).first()


def newest_sent(session: Session, basis: Basis, *, limit: int) -> Sequence[VerificationTaskRow]:
    """The newest conclusions of this node that were sent to another examiner."""
    task = VerificationTaskRow
    sent = (task.conclusion.is_not(None), task.basis == basis, task.asked_by.is_(None))
    return session.scalars(select(task).where(*sent).order_by(task.created_at.desc()).limit(limit)).all()


def task_of_request(session: Session, request: str) -> VerificationTaskRow | None:
    return session.scalars(select(VerificationTaskRow).where(VerificationTaskRow.request == request)).first()


def tasks_asked_about(session: Session, node_id: str, exhibits: Exhibits) -> Sequence[VerificationTaskRow]:
    """Return all requests of a node about these exhibits, answered ones too."""
    task = VerificationTaskRow
    same = (task.asked_by == node_id, task.exhibit_low == exhibits[0], task.exhibit_high == exhibits[1])
    return session.scalars(select(task).where(*same)).all()


def tasks_asked_by(session: Session, node_id: str) -> int:
    """How many requests of a node wait here."""
    task = VerificationTaskRow
    waiting = select(func.count()).select_from(task).where(task.asked_by == node_id, task.done_at.is_(None))
    return session.scalar(waiting) or 0


def tasks_not_answered(session: Session) -> Sequence[VerificationTaskRow]:
    """Requests of other nodes to which this node signed no answer yet."""
    task = VerificationTaskRow
    return session.scalars(select(task).where(task.asked_by.is_not(None), task.said.is_(None))).all()


_OPEN_TASKS = (  # asked with each page, so built once
    select(VerificationTaskRow).where(VerificationTaskRow.done_at.is_(None)).order_by(VerificationTaskRow.task_id)
)


def open_tasks(session: Session) -> Sequence[VerificationTaskRow]:
    """Those that nobody has answered yet, in an order that tells nothing."""
    return session.scalars(_OPEN_TASKS).all()


def tasks_concluded_by(session: Session, pseudonym: str) -> Sequence[VerificationTaskRow]:
    """What waits of this examiner's own conclusions, what is due first at the top."""
    mine = [VerificationTaskRow.concluded_by == pseudonym, VerificationTaskRow.done_at.is_(None)]
    waiting = select(VerificationTaskRow).where(*mine).order_by(VerificationTaskRow.due_at, VerificationTaskRow.task_id)
    return session.scalars(waiting).all()


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


def drop_task(session: Session, conclusion: str) -> None:
    """Nobody is asked any more."""
    session.execute(
        delete(VerificationTaskRow).where(
            VerificationTaskRow.conclusion == conclusion, VerificationTaskRow.done_at.is_(None)
        )
    )


def drop_reviews(session: Session, record: str) -> None:
    """A record goes, or is shown to nobody: nobody works on it, and nothing is set aside with it. While other versions
    of both exhibits are here, what was asked of them stays: nobody can answer it, and it hides their pairs until
    whoever concluded does so anew. Then it goes too."""
    row, task = session.get(RecordRow, record), VerificationTaskRow
    exhibit = row.exhibit if row is not None else ""
    last = bool(exhibit) and not _are_here(session, {exhibit}, besides=record)
    end_taken_of(session, record, exhibit=exhibit if last else None)
    if last:
        forget_aside_with(session, exhibit)
        forget_opened(session, exhibit)
    of_it = [task.statement_a == record, task.statement_b == record]
    if exhibit:
        of_it += [task.exhibit_low == exhibit, task.exhibit_high == exhibit]
    for found in session.scalars(select(task).where(or_(*of_it))).all():
        if not _are_here(session, {found.exhibit_low, found.exhibit_high}, besides=record):
            session.delete(found)
    session.flush()


def _are_here(session: Session, exhibits: Collection[str], *, besides: str) -> bool:
    """Whether a version of each of these exhibits is here beside one."""
    here = select(RecordRow.exhibit).where(RecordRow.exhibit.in_(exhibits), RecordRow.statement_id != besides)
    return set(session.scalars(here)) == set(exhibits)


def drop_outlived(session: Session, concluded_by: str | None, exhibits: Exhibits | None = None) -> None:
    """What nobody can answer any more, since a version that it names was erased: of one examiner's conclusions on two
    exhibits; or, of nobody's, the controls."""
    task = VerificationTaskRow
    either = (task.statement_a, task.statement_b)
    gone = or_(*(~select(RecordRow.statement_id).where(RecordRow.statement_id == one).exists() for one in either))
    of_whom = task.concluded_by.is_(None) if concluded_by is None else task.concluded_by == concluded_by
    wanted = [task.done_at.is_(None), task.asked_by.is_(None), of_whom, gone]
    if exhibits is not None:
        wanted += [task.exhibit_low == exhibits[0], task.exhibit_high == exhibits[1]]
    session.execute(delete(task).where(*wanted))


def newest_version(session: Session, exhibit: str) -> RecordRow | None:
    """Of an exhibit, what may be shown of it."""
    shown = select(RecordRow).where(RecordRow.exhibit == exhibit, RecordRow.restricted.is_(False))
    return session.scalars(shown.order_by(RecordRow.received_at.desc()).limit(1)).first()


@dataclass(frozen=True)
class PairColumns:
    """The two records of a compared pair, and their scans, in a query over pairs."""

    record_a: type[RecordRow]
    record_b: type[RecordRow]
    scan_a: type[AcquisitionRow]
    scan_b: type[AcquisitionRow]


def hidden_from(pseudonym: str, pair: PairColumns) -> ColumnElement[bool]:
    """That the exhibits of this pair wait for a verification, and this examiner is not the one who concluded: whatever
    is known of them is shown to none of those who may be asked."""
    return _task_of(pair).where(*keeps_from(pseudonym)).exists()


def open_to(pseudonym: str, pair: PairColumns) -> ColumnElement[bool]:
    """That this examiner may look at a pair: in the list of either exhibit, where that is open to the examiner; or
    since there is nothing left to keep from the examiner, who was shown a score of the pair before, or may read of a
    hit that joins it."""
    seen, exhibits = ExhibitsSeenRow, (pair.record_a.exhibit, pair.record_b.exhibit)
    in_list = or_(*(exhibit.in_(open_exhibits(pseudonym)) for exhibit in exhibits))
    known = select(seen.pseudonym).where(
        seen.pseudonym == pseudonym, _either(seen.exhibit_low, seen.exhibit_high, *exhibits)
    )
    return or_(in_list, known.exists(), joined_by_hit(pair))


def exhibits_hidden(pseudonym: str, record_a: type[RecordRow], record_b: type[RecordRow]) -> ColumnElement[bool]:
    """The same of two records, whatever their scans."""
    task = VerificationTaskRow
    either = _either(task.exhibit_low, task.exhibit_high, record_a.exhibit, record_b.exhibit)
    hidden = select(task.task_id).where(either, *keeps_from(pseudonym))
    return hidden.correlate(record_a, record_b).exists()  # named: one of them may stand two queries further out


def sent_ever(pair: PairColumns) -> ColumnElement[bool]:
    """That an examiner of this node, or a partner, was asked of the exhibits of this pair before. What other nodes ask
    here does not count: else a node could exclude pairs from the controls."""
    return _task_of(pair).where(VerificationTaskRow.asked_by.is_(None)).exists()


_SHOWN_WITH = (aliased(AcquisitionRow), aliased(RecordRow))


def joined_by_hit(pair: PairColumns) -> ColumnElement[bool]:
    """That somebody signed a hit of the exhibits of this pair, of whatever scans and versions."""
    one, other = pair.record_a.exhibit, pair.record_b.exhibit
    of_exhibits = _either(HitPairRow.exhibit_a, HitPairRow.exhibit_b, one, other)
    return select(HitPairRow.pair).where(of_exhibits).correlate(pair.record_a, pair.record_b).exists()


def opened_ever(
    scan_a: type[AcquisitionRow], scan_b: type[AcquisitionRow], *, by: str | None = None
) -> ColumnElement[bool]:
    """That some examiner, or this one, opened the pair of these scans."""
    low, high = ScoreSeenRow.scan_low, ScoreSeenRow.scan_high
    of_pair = or_(and_(low == scan_a.sha256, high == scan_b.sha256), and_(low == scan_b.sha256, high == scan_a.sha256))
    who = [] if by is None else [ScoreSeenRow.pseudonym == by]
    return select(ScoreSeenRow.pseudonym).where(of_pair, ScoreSeenRow.opened_at.is_not(None), *who).exists()


def in_opened_pair(scan: type[AcquisitionRow], record: type[RecordRow], *, shown_to: str | None) -> ColumnElement[bool]:
    """That some examiner opened a pair of this scan, which is of this record. ``shown_to``: that this one did, or a
    colleague did and this one was shown its score: whoever may still be asked to verify a pair is told nothing by its
    being opened, which goes before each conclusion and before no control."""
    low, high = ScoreSeenRow.scan_low, ScoreSeenRow.scan_high
    return or_(*(_opened_with(scan, record, *sides, shown_to) for sides in ((low, high), (high, low))))


def _opened_with(
    scan: type[AcquisitionRow],
    record: type[RecordRow],
    side: InstrumentedAttribute[str],
    across: InstrumentedAttribute[str],
    shown_to: str | None,
) -> ColumnElement[bool]:
    opened = select(ScoreSeenRow.pseudonym).where(side == scan.sha256, ScoreSeenRow.opened_at.is_not(None))
    if shown_to is not None:
        other, its_record = _SHOWN_WITH
        seen = ExhibitsSeenRow
        shown = (
            select(seen.pseudonym)
            .join(its_record, _either(seen.exhibit_low, seen.exhibit_high, record.exhibit, its_record.exhibit))
            .join(other, other.statement_id == its_record.statement_id)
            .where(seen.pseudonym == shown_to, other.sha256 == across)
        )
        opened = opened.where(or_(ScoreSeenRow.pseudonym == shown_to, shown.correlate(ScoreSeenRow, record).exists()))
    return opened.correlate(scan, record).exists()


def keeps_from(pseudonym: str) -> list[ColumnElement[bool]]:
    """A task that is open, and that this examiner may be asked to do. What another node asks hides nothing: nobody here
    knows what that node concluded, and it could hide as many pairs as it asks for."""
    concluder = func.coalesce(VerificationTaskRow.concluded_by, "") == pseudonym
    return [VerificationTaskRow.done_at.is_(None), VerificationTaskRow.asked_by.is_(None), ~concluder]


def _task_of(pair: PairColumns) -> Select[Any]:
    """Of the same two exhibits, whatever scans were sent; or of the same two scans, should they be entered twice."""
    task = VerificationTaskRow
    exhibits = _either(task.exhibit_low, task.exhibit_high, pair.record_a.exhibit, pair.record_b.exhibit)
    scans = _either(task.scan_low, task.scan_high, pair.scan_a.sha256, pair.scan_b.sha256)
    return select(task.task_id).where(or_(exhibits, scans))


def _either(
    low: ColumnElement[str] | InstrumentedAttribute[str],
    high: ColumnElement[str] | InstrumentedAttribute[str],
    one: InstrumentedAttribute[str],
    other: InstrumentedAttribute[str],
) -> ColumnElement[bool]:
    return or_(and_(low == one, high == other), and_(low == other, high == one))
