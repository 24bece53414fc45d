"""What came to be known here since a moment and concerns one person, found in the rows that are there anyway.

The count stands on every page: each part is asked by an index on time or on what is open, and no envelope is read.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from exchange.store.tables.mail_tables import AlertsReadRow
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.tables.review_tables import ExhibitsSeenRow, KeptSearchRow, ScoreSeenRow, VerificationTaskRow
from exchange.store.tables.sign_in_tables import UserRow
from exchange.store.tables.terms_tables import DECLINED, WITHDRAWN, ApprovalRow, WithdrawalProposalRow
from schemas.kinds import OF_A_HIT
from schemas.vocabulary import Basis, Role

SAID_OF_HITS = ("hit", *sorted(OF_A_HIT), "message", "retraction")
VERIFICATION, APPROVAL, SEARCH = "verification-waits", "approval-waits", "search-found"
PROPOSED, PROPOSAL_DECLINED, PROPOSAL_DONE = "withdrawal-proposed", "withdrawal-declined", "withdrawal-done"


@dataclass(frozen=True)
class AlertReader:
    """Whom it may concern: somebody of this node, in a role; ``hidden``: the hits of which they are told nothing."""

    node_id: str
    pseudonym: str
    role: Role
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class News:
    """``what`` is a statement's type, or that something waits; ``subject`` the hit or the query that it belongs to.
    What waits names nothing: neither a pair, nor who said what. Of a search that found something it is the number, of
    a proposed withdrawal the record."""

    what: str
    at: str
    issuer: str
    subject: str
    statement_id: str


def marks_of(session: Session, pseudonym: str) -> tuple[str, str | None]:
    """Up to where somebody has read, and the mark before, if it can be put back. What was there before the person is
    no news."""
    found = session.execute(_MARKS, {"pseudonym": pseudonym}).one()
    return found[1] or found[0], found[2]


def put_mark(session: Session, pseudonym: str, seen_to: str, before: str | None) -> None:
    session.merge(AlertsReadRow(pseudonym=pseudonym, seen_to=seen_to, before=before))


def count_news(session: Session, reader: AlertReader, since: str, *, most: int) -> int:
    """Counts no further than ``most``."""
    return session.scalar(_counted(reader.role), _values(reader, since, most)) or 0


def list_news(session: Session, reader: AlertReader, since: str, *, limit: int) -> list[News]:
    """The newest first. Where there are more than that, of each node in turn the newest: what one peer signs without an
    end hides nothing of another's."""
    found = [News(*row) for row in session.execute(_listed(reader.role), _values(reader, since, limit))]
    found.sort(key=lambda news: (news.statement_id, news.what))
    return sorted(found, key=lambda news: news.at, reverse=True)


_NAMES = ("what", "at", "issuer", "subject", "statement_id")
_NODE = bindparam("node_id", type_=String)
_PSEUDONYM = bindparam("pseudonym", type_=String)
_SINCE = bindparam("since", type_=String)
_MOST = bindparam("most", type_=Integer)
_HIDDEN = bindparam("hidden", type_=String, expanding=True)
_MARKS = (
    select(UserRow.created_at, AlertsReadRow.seen_to, AlertsReadRow.before)
    .outerjoin(AlertsReadRow, AlertsReadRow.pseudonym == UserRow.pseudonym)
    .where(UserRow.pseudonym == _PSEUDONYM)
)


def _values(reader: AlertReader, since: str, most: int) -> dict[str, str | int | list[str]]:
    given: dict[str, str | int | list[str]] = {"node_id": reader.node_id, "pseudonym": reader.pseudonym}
    return given | {"since": since, "most": most, "hidden": sorted(reader.hidden)}


@functools.cache  # of one role it is always the same, and to put it together costs more than to run it
def _counted(role: Role) -> Select[Any]:
    return select(func.count()).select_from(union_all(*_parts(role)).limit(_MOST).subquery())


@functools.cache
def _listed(role: Role) -> Select[Any]:
    every = union_all(*_parts(role)).subquery()
    newest_first = (every.c.at.desc(), every.c.statement_id, every.c.what)
    turn = func.row_number().over(partition_by=every.c.issuer, order_by=newest_first)
    found = select(every, turn.label("turn")).subquery()
    columns = [found.c[name] for name in _NAMES]
    return select(*columns).order_by(found.c.turn, found.c.at.desc(), found.c.statement_id, found.c.what).limit(_MOST)


def _parts(role: Role) -> list[Select[Any]]:
    parts = [_said_of_hits(role), _answers(role), _decisions(role)]
    if role in (Role.EXAMINER, Role.INVESTIGATOR):
        parts.append(_searches())
    if role is Role.EXAMINER:
        parts += [_verifications(), _proposals(role), _settled_proposals()]
    if role is Role.HEAD:
        parts += [_approvals(), _proposals(role)]
    return parts


def _row(
    what: ColumnElement[str] | Any, at: Any, issuer: Any = None, subject: Any = None, statement_id: Any = None
) -> Select[Any]:
    nothing = literal("", String)
    given = (what, at, issuer, subject, statement_id)
    return select(*((nothing if one is None else one).label(name) for one, name in zip(given, _NAMES, strict=True)))


def _said(*types: str) -> list[ColumnElement[bool]]:
    """Still whole and believed."""
    return [
        StatementRow.type.in_(types),
        StatementRow.received_at > _SINCE,
        StatementRow.envelope.is_not(None),
        StatementRow.refused_by.is_(None),
    ]


def _said_of_hits(role: Role) -> Select[Any]:
    """By other nodes; and this node's own hits, for those who sign none."""
    hit = aliased(StatementRow)
    is_hit = StatementRow.type == "hit"
    by_others: ColumnElement[bool] = StatementRow.issuer != _NODE
    if role is not Role.EXAMINER:
        by_others = or_(by_others, is_hit)
    named = case((is_hit, StatementRow.statement_id), else_=StatementRow.about)
    return (
        _row(
            StatementRow.type,
            StatementRow.received_at,
            StatementRow.issuer,
            hit.statement_id,
            StatementRow.statement_id,
        )
        .join_from(StatementRow, hit, hit.statement_id == named)
        .where(*_said(*SAID_OF_HITS), hit.type == "hit", by_others, _may_be_told(role, hit))
    )


def _may_be_told(role: Role, hit: type[StatementRow]) -> ColumnElement[bool]:
    """An examiner who may be asked of a pair is told of no hit of it; nor of one whose conclusion is not here, since
    nobody knows what it tells."""
    if role is not Role.EXAMINER:
        return true()
    conclusion = aliased(StatementRow)
    placed = select(conclusion.statement_id).where(conclusion.statement_id == hit.about)
    return hit.statement_id.not_in(_HIDDEN) & placed.correlate(hit).exists()


def _answers(role: Role) -> Select[Any]:
    return (
        _row(
            StatementRow.type,
            StatementRow.received_at,
            StatementRow.issuer,
            QueryRow.statement_id,
            StatementRow.statement_id,
        )
        .join_from(StatementRow, QueryRow, QueryRow.statement_id == StatementRow.about)
        .where(*_said("answer"), QueryRow.answer == StatementRow.statement_id, _asked_by(role))
    )


def _decisions(role: Role) -> Select[Any]:
    """What was found and asked for: a grant names its record, a refusal its handle."""
    named = or_(FoundRow.handle == StatementRow.about, FoundRow.record == StatementRow.about)
    return (
        _row(
            StatementRow.type,
            StatementRow.received_at,
            StatementRow.issuer,
            QueryRow.statement_id,
            StatementRow.statement_id,
        )
        .join_from(StatementRow, FoundRow, named)
        .join(QueryRow, QueryRow.statement_id == FoundRow.query)
        .where(*_said("grant", "approval"), FoundRow.decision == StatementRow.statement_id, _asked_by(role))
    )


def _asked_by(role: Role) -> ColumnElement[bool]:
    """A query concerns whoever asked it; the head, all of them."""
    own = QueryRow.asker == _NODE
    return own if role is Role.HEAD else own & (QueryRow.made_by == _PSEUDONYM)


def _verifications() -> Select[Any]:
    """Those that this examiner may take, by the same rule as ``flows/blind/visibility.py``."""
    one, other = aliased(RecordRow), aliased(RecordRow)
    task = VerificationTaskRow
    seen = select(ScoreSeenRow.pseudonym).where(
        ScoreSeenRow.pseudonym == _PSEUDONYM,
        ScoreSeenRow.scan_low == task.scan_low,
        ScoreSeenRow.scan_high == task.scan_high,
    )
    known = select(ExhibitsSeenRow.pseudonym).where(
        ExhibitsSeenRow.pseudonym == _PSEUDONYM,
        ExhibitsSeenRow.exhibit_low == task.exhibit_low,
        ExhibitsSeenRow.exhibit_high == task.exhibit_high,
    )
    late = select(UserRow.pseudonym).where(UserRow.pseudonym == _PSEUDONYM, UserRow.examiner_since > task.created_at)
    here = aliased(VerificationTaskRow)
    waits_here = select(here.task_id).where(
        here.exhibit_low == task.exhibit_low,
        here.exhibit_high == task.exhibit_high,
        here.asked_by.is_(None),
        here.done_at.is_(None),
    )
    return (
        _row(literal(VERIFICATION, String), task.created_at)
        .join_from(task, one, one.statement_id == task.statement_a)
        .join(other, other.statement_id == task.statement_b)
        .where(
            task.done_at.is_(None),
            task.taken_by.is_(None),
            task.partner.is_(None),
            or_(task.asked_by.is_(None), ~waits_here.exists()),
            task.created_at > _SINCE,
            func.coalesce(task.concluded_by, "") != _PSEUDONYM,
            func.coalesce(task.not_for, "") != _PSEUDONYM,
            ~late.exists(),
            or_(task.basis != Basis.SCREEN, ~seen.exists() & ~known.exists()),
            one.restricted.is_(False),
            other.restricted.is_(False),
        )
    )


def _searches() -> Select[Any]:
    """One's own that are not stopped, each once, with the record that last fitted; the subject is its number."""
    kept = KeptSearchRow
    number = cast(kept.search_id, String)
    return _row(literal(SEARCH, String), kept.newest_at, subject=number).where(
        kept.pseudonym == _PSEUDONYM, kept.stopped_at.is_(None), kept.newest_at > _SINCE
    )


def _proposals(role: Role) -> Select[Any]:
    """Withdrawals that wait for the record's author or the head."""
    row = WithdrawalProposalRow
    mine = true() if role is Role.HEAD else row.author == _PSEUDONYM
    return _row(literal(PROPOSED, String), row.proposed_at, subject=row.record).where(
        row.decision.is_(None), row.proposed_at > _SINCE, mine
    )


def _settled_proposals() -> Select[Any]:
    """What others decided on a proposal of one's own."""
    row = WithdrawalProposalRow
    what = case((row.decision == DECLINED, literal(PROPOSAL_DECLINED)), else_=literal(PROPOSAL_DONE))
    return _row(cast(what, String), row.decided_at, subject=row.record).where(
        row.proposed_by == _PSEUDONYM, row.decision.in_((DECLINED, WITHDRAWN)), row.decided_at > _SINCE
    )


def _approvals() -> Select[Any]:
    return _row(literal(APPROVAL, String), ApprovalRow.asked_at).where(
        ApprovalRow.decision.is_(None), ApprovalRow.asked_at > _SINCE
    )
