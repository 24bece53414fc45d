"""The gap that harmonised law would close: which exhibits of a half-year the law keeps from which partner, and by what.

Worked out of the policy, grants and decisions that were signed by the moment, by the one rule that releases anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import LAST
from exchange.coordination.half_year.counted import said_before
from exchange.coordination.half_year.figure_counts import Counts
from exchange.coordination.half_year.figure_definitions import GAPS, HELD
from exchange.coordination.half_year.half_year_rows import HalfYearRows, entry_of, roots_of
from exchange.policy import Purpose, Reason, Recipient, Standing, Withheld, release
from exchange.store.log.statement_rows import find_statement
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.terms.held_records import left_before
from schemas import Grant, LegalBasis, Policy, Record, Withdrawal, open_envelope, parse_statement
from schemas.vocabulary import Decision, Jurisdiction, ReleaseLevel, SharingRule

KEPT_BY_A_LINE: Final = frozenset({"blocked", "needs_approval", "review_overdue"})
"""The reasons behind which a line of the policy stands, with its article."""
DECIDABLE: Final = frozenset({"needs_approval", "review_overdue", "restriction"})
"""The reasons that a head's approval overrules: what was approved is not held there under an earlier line."""


@dataclass(frozen=True)
class PolicyLine:
    """A line of the policy that was in force at the moment and keeps something from a partner. ``overdue``: its review
    was."""

    basis: LegalBasis
    overdue: bool


@dataclass(frozen=True)
class Gap:
    """``counts`` by the name of the reason; ``lines`` in the order of the policy; ``held``: what of it the partner was
    given before, by what became of that. ``by_article``: by partner, name of the reason, and the words of the policy's
    line that keeps it there."""

    counts: Mapping[str, Counts]
    lines: tuple[PolicyLine, ...]
    held: Mapping[str, Counts] = field(default_factory=dict)
    by_article: Mapping[tuple[str, str, str], int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Terms:
    """What the owner had said by the moment."""

    policy: Policy | None
    granted: frozenset[tuple[str, str]]
    withdrawn: frozenset[str]
    today: date


@dataclass(frozen=True)
class _Dealt:
    """What peers were given by the moment, what of it was taken back from one of them since, and what was left: each a
    version of a record and a node."""

    given: frozenset[tuple[str, str]]
    taken_back: frozenset[tuple[str, str]]
    left: frozenset[tuple[str, str]]


def legal_gap(session: Session, rows: HalfYearRows) -> Gap:
    """Of each exhibit that was entered in the half-year: what keeps it, as it stood at the moment, from each partner
    that its owner meant it for. What the owner kept at home is no gap, and what was erased since is not known."""
    terms = _terms_of(session, rows)
    peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED and peer.node_id in rows.partners]
    found, moment = Counter[tuple[str, str]](), rows.moment
    by_article: Counter[tuple[str, str, str]] = Counter()
    dealt, versions = _dealt(session, rows), _versions(rows)
    decided = [row for row in rows.approvals if row.decision == Decision.APPROVED and (row.decided_at or LAST) < moment]
    for statement_id in _current(rows):
        record = _record(session, statement_id)
        if record is None or record.level is ReleaseLevel.NONE or statement_id in terms.withdrawn:
            continue
        kept = {peer: _kept_by(rows, statement_id, record, peer, terms) for peer in peers}
        found.update({(peer.jurisdiction, name) for peer, name in kept.items() if name is not None})
        by_article.update(set(_articles_behind(kept, record, terms)))
        approved = {row.jurisdiction for row in decided if row.concerns == statement_id}
        keeping = [
            peer
            for peer, name in kept.items()
            if name is not None and not (name in DECIDABLE and peer.jurisdiction in approved)
        ]
        held = {(peer.jurisdiction, _held_by(versions[statement_id], peer, dealt)) for peer in keeping}
        found.update((column, name) for column, name in held if name is not None)
    counts = {name: {column: found[column, name] for column in rows.columns} for name in GAPS}
    audited = rows.audited_since is None or rows.audited_since <= rows.half.start
    held_counts = {name: {column: found[column, name] if audited else None for column in rows.columns} for name in HELD}
    return Gap(counts, _lines(rows, terms), held_counts, by_article)


def _articles_behind(
    kept: Mapping[PeerRow, str | None], record: Record, terms: _Terms
) -> Iterator[tuple[str, str, str]]:
    for peer, name in kept.items():
        if name in KEPT_BY_A_LINE and terms.policy is not None:
            basis = _basis(terms.policy.bases, peer.jurisdiction, record)
            if basis is not None:
                yield peer.jurisdiction, name, basis.article


def _terms_of(session: Session, rows: HalfYearRows) -> _Terms:
    said = [entry_of(row) for row in said_before(session, ("policy", "grant", "withdrawal"), rows.moment)]
    own = [entry.statement for entry in said if entry.statement.issuer == rows.node_id]
    return _Terms(
        policy=next((item for item in reversed(own) if isinstance(item, Policy)), None),
        granted=frozenset((item.record, str(item.jurisdiction)) for item in own if isinstance(item, Grant)),
        withdrawn=frozenset(item.record for item in own if isinstance(item, Withdrawal) and item.holder is None),
        today=(datetime.fromisoformat(rows.moment) - timedelta(milliseconds=1)).date(),
    )


def _current(rows: HalfYearRows) -> list[str]:
    """The newest version by the moment of each own exhibit that was entered in the half-year."""
    roots = roots_of(rows)
    at = {version.statement_id: version.at for version in rows.versions}
    newest = {roots[own.statement_id]: own.statement_id for own in rows.versions if own.issuer == rows.node_id}
    return [statement_id for root, statement_id in newest.items() if rows.within(at.get(root))]


def _versions(rows: HalfYearRows) -> dict[str, set[str]]:
    """For each version of a record all those of its exhibit."""
    roots, of_root = roots_of(rows), dict[str, set[str]]()
    for statement_id, root in roots.items():
        of_root.setdefault(root, set()).add(statement_id)
    return {statement_id: of_root[root] for statement_id, root in roots.items()}


def _dealt(session: Session, rows: HalfYearRows) -> _Dealt:
    taken = {
        (said.statement.record, said.statement.holder)
        for said in rows.said
        if isinstance(said.statement, Withdrawal)
        and said.statement.issuer == rows.node_id
        and said.statement.holder is not None
    }
    given = frozenset((item.record, item.peer) for item in rows.given)
    return _Dealt(given, frozenset(taken), frozenset(left_before(session, rows.moment)))


def _held_by(versions: set[str], peer: PeerRow, dealt: _Dealt) -> str | None:
    """What became of an exhibit that the law keeps from a peer and that it was given; None where it never was. Of
    several versions the one that is still there speaks, and of these the one on which nobody decided."""
    given = {version for version in versions if (version, peer.node_id) in dealt.given}
    there = {version for version in given if (version, peer.node_id) not in dealt.taken_back}
    if not given:
        return None
    if not there:
        return "held_taken_back"
    return "held_left" if all((version, peer.node_id) in dealt.left for version in there) else "held_open"


def _record(session: Session, statement_id: str) -> Record | None:
    row = find_statement(session, statement_id)
    if row is None or row.envelope is None:
        return None
    statement = parse_statement(open_envelope(row.envelope).payload)
    return statement if isinstance(statement, Record) else None


def _kept_by(rows: HalfYearRows, statement_id: str, record: Record, peer: PeerRow, terms: _Terms) -> str | None:
    """The name of the reason in law, as if nobody had decided; None where there is none."""
    groups = {group.name: frozenset(group.members) for group in terms.policy.groups} if terms.policy else {}
    bases = terms.policy.bases if terms.policy else ()
    answer = release(
        record,
        Recipient(peer.node_id, Jurisdiction(peer.jurisdiction), enrolled=True),
        Purpose.CORRELATION if record.level is ReleaseLevel.FULL else Purpose.SEARCH,
        peer.legal_basis,
        terms.today,
        owner=rows.node_id,
        standing=Standing(groups, bases, granted=(statement_id, peer.jurisdiction) in terms.granted),
    )
    if not isinstance(answer, Withheld):
        return None
    basis = _basis(bases, peer.jurisdiction, record)
    match answer.reason:
        case Reason.NO_LEGAL_BASIS:
            return "no_article"
        case Reason.BLOCKED_BY_LAW:
            return "no_line" if basis is None else "blocked"
        case Reason.NEEDS_APPROVAL if basis is not None and basis.rule is SharingRule.NEEDS_APPROVAL:
            return "needs_approval"
        case Reason.NEEDS_APPROVAL if basis is not None and basis.review_by < terms.today:
            return "review_overdue"
        case Reason.NEEDS_APPROVAL:
            return "restriction"
        case _:
            return None


def _basis(bases: Sequence[LegalBasis], jurisdiction: str, record: Record) -> LegalBasis | None:
    of_this = (basis for basis in bases if basis.jurisdiction == jurisdiction and record.exhibit.kind in basis.kinds)
    return next(of_this, None)


def _lines(rows: HalfYearRows, terms: _Terms) -> tuple[PolicyLine, ...]:
    lines = [
        PolicyLine(basis, basis.rule is SharingRule.ALLOWED and basis.review_by < terms.today)
        for basis in (terms.policy.bases if terms.policy else ())
        if basis.jurisdiction in rows.columns
    ]
    return tuple(line for line in lines if line.overdue or line.basis.rule is not SharingRule.ALLOWED)
