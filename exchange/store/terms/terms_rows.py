"""What the owner has said of who may have what: grants, approvals, groups and legal bases, inside the caller's
transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.policy import Standing
from exchange.store.entry.exhibits import exhibit_stated, number_of
from exchange.store.log.statement_rows import latest_of
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.tables.terms_tables import ApprovalRow, GrantRow, GroupMemberRow, LegalBasisRow, PolicyInForceRow
from exchange.store.terms.may_have import decision_on, is_granted, is_withdrawn, was_denied, was_widened
from schemas import Grant, LegalBasis, Policy, Record
from schemas.vocabulary import Decision, ExhibitKind, Jurisdiction, SharingRule


def standing_of(session: Session, statement_id: str, record: Record, peer: PeerRow, *, owner: str) -> Standing:
    """Return what bears on the release of one of this node's records, stored or not, to one peer."""
    exhibit = exhibit_stated(statement_id, record)
    granted, withdrawn, decision, denied = session.execute(
        select(
            is_granted(exhibit, peer),
            is_withdrawn(statement_id, exhibit, peer, issuer=owner),
            decision_on(exhibit, peer),
            or_(was_denied(exhibit, peer, number=number_of(record)), was_widened(statement_id)),
        )
    ).one()
    return Standing(
        groups=groups_of(session, owner),
        bases=legal_bases(session),
        granted=granted,
        withdrawn=withdrawn,
        denied=denied or decision == Decision.REFUSED,
        decision=Decision(decision) if decision is not None else None,
    )


_MEMBERS = select(GroupMemberRow).where(GroupMemberRow.owner == bindparam("owner"))


def groups_of(session: Session, owner: str) -> dict[str, frozenset[Jurisdiction]]:
    """A node's groups, by name."""
    members: dict[str, set[Jurisdiction]] = defaultdict(set)
    for row in session.scalars(_MEMBERS, {"owner": owner}):
        members[row.name].add(Jurisdiction(row.jurisdiction))
    return {name: frozenset(found) for name, found in members.items()}


def legal_bases(session: Session) -> tuple[LegalBasis, ...]:
    """The lines of this node's own table, one for each jurisdiction and kind of exhibit."""
    rows = session.scalars(select(LegalBasisRow).order_by(LegalBasisRow.jurisdiction, LegalBasisRow.kind))
    return tuple(
        LegalBasis(
            jurisdiction=Jurisdiction(row.jurisdiction),
            kinds=(ExhibitKind(row.kind),),
            rule=SharingRule(row.rule),
            article=row.article,
            review_by=date.fromisoformat(row.review_by),
        )
        for row in rows
    )


def replace_policy(session: Session, statement_id: str, policy: Policy, *, own: bool) -> None:
    """Let a policy statement be in force: of a peer's only the groups matter here."""
    session.execute(delete(GroupMemberRow).where(GroupMemberRow.owner == policy.issuer))
    session.add_all(
        GroupMemberRow(owner=policy.issuer, name=group.name, jurisdiction=member)
        for group in policy.groups
        for member in group.members
    )
    if own:
        session.execute(delete(LegalBasisRow))
        session.add_all(LegalBasisRow(**columns) for columns in legal_basis_rows(policy))
        session.merge(PolicyInForceRow(owner=policy.issuer, statement_id=statement_id))
    session.flush()


_IN_FORCE = select(PolicyInForceRow).where(PolicyInForceRow.owner == bindparam("owner"))


def policy_in_force(session: Session, owner: str) -> PolicyInForceRow | None:
    return session.scalars(_IN_FORCE, {"owner": owner}).first()


def note_no_policy(session: Session, owner: str) -> None:
    """A new node has stated no policy."""
    session.add(PolicyInForceRow(owner=owner, statement_id=None))


def legal_basis_rows(policy: Policy) -> list[dict[str, str]]:
    """The lines of a policy's table as rows, a kind of exhibit in each."""
    return [
        {
            "jurisdiction": basis.jurisdiction,
            "kind": kind,
            "rule": basis.rule,
            "article": basis.article,
            "review_by": basis.review_by.isoformat(),
        }
        for basis in policy.bases
        for kind in basis.kinds
    ]


def bases_in_rows(session: Session) -> set[tuple[str, ...]]:
    """The same as it stands in the database, in whatever words."""
    return {tuple(row) for row in session.execute(select(*LegalBasisRow.__table__.columns))}


def terms_for(session: Session, peer: PeerRow, *, owner: str) -> list[str]:
    """What a new peer must know before it is given records: the policy in force, the compendium of law, and what its
    jurisdiction was granted, in the order of the log."""
    granted = select(GrantRow.statement_id).where(GrantRow.jurisdiction == peer.jurisdiction)
    newest = [latest_of(session, owner, kind) for kind in ("policy", "law")]
    in_force = [row.statement_id for row in newest if row is not None]
    said = select(StatementRow.statement_id).where(
        StatementRow.issuer == owner,
        or_(StatementRow.statement_id.in_(granted), StatementRow.statement_id.in_(in_force)),
    )
    return list(session.scalars(said.order_by(StatementRow.log_index)))


def granted_of(session: Session, exhibits: Collection[str], jurisdiction: str, *, issuer: str) -> set[str]:
    """Return those of ``exhibits`` for which ``issuer`` granted at least one version to ``jurisdiction``."""
    return set(
        session.scalars(
            select(GrantRow.exhibit)
            .join(StatementRow, StatementRow.statement_id == GrantRow.statement_id)
            .where(GrantRow.exhibit.in_(exhibits), GrantRow.jurisdiction == jurisdiction, StatementRow.issuer == issuer)
        )
    )


def keep_grant(session: Session, grant: Grant, statement_id: str, log_index: int) -> None:
    """Store a grant, unless a grant of the same record that is later in the owner's log is stored."""
    stored = session.get(GrantRow, (grant.record, grant.jurisdiction))
    if stored is not None and stored.log_index > log_index:
        return
    session.merge(
        GrantRow(
            record=grant.record,
            jurisdiction=grant.jurisdiction,
            exhibit=grant.exhibit,
            statement_id=statement_id,
            log_index=log_index,
        )
    )
    session.flush()


def drop_grants(session: Session, exhibit: str, jurisdiction: str | None = None, *, before: int) -> None:
    """Delete the grants of an exhibit, to one jurisdiction or to all, that precede a withdrawal in the owner's log.
    ``before`` is the log index of the withdrawal."""
    grants = delete(GrantRow).where(GrantRow.exhibit == exhibit, GrantRow.log_index < before)
    session.execute(grants if jurisdiction is None else grants.where(GrantRow.jurisdiction == jurisdiction))


def ask_approval(session: Session, concerns: str, jurisdiction: str, *, due_at: str) -> bool:
    """Put a question into the queue; false when it waits there already. What was decided once is open again."""
    before = session.get(ApprovalRow, (concerns, jurisdiction))
    if before is not None and before.decision is None:
        return False
    if before is not None:
        session.delete(before)
        session.flush()
    session.add(ApprovalRow(concerns=concerns, jurisdiction=jurisdiction, asked_at=stamp(), due_at=due_at))
    session.flush()
    return True


def decide_approval(
    session: Session, concerns: str, jurisdiction: str, decision: Decision, statement_id: str, log_index: int
) -> None:
    """Note a decision; one may also be given unasked, and changed. One on a record is on its exhibit, and answers what
    waits on its other versions."""
    row = session.get(ApprovalRow, (concerns, jurisdiction))
    if row is None:
        row = ApprovalRow(concerns=concerns, jurisdiction=jurisdiction, asked_at=stamp(), due_at=stamp())
        session.add(row)
    row.decision, row.decided_at, row.statement_id, row.log_index = decision, stamp(), statement_id, log_index
    session.flush()
    record = session.get(RecordRow, concerns)
    if record is not None:
        row.exhibit, row.number = record.exhibit, record.number
        versions = select(RecordRow.statement_id).where(RecordRow.exhibit == record.exhibit)
        forget_approvals(session, session.scalars(versions), jurisdiction)
    session.flush()


def list_approvals(session: Session, *, open_only: bool) -> Sequence[ApprovalRow]:
    """The queue, the most pressing first."""
    asked = select(ApprovalRow).order_by(ApprovalRow.due_at, ApprovalRow.concerns, ApprovalRow.jurisdiction)
    return session.scalars(asked.where(ApprovalRow.decision.is_(None)) if open_only else asked).all()


def forget_approvals(session: Session, concerned: Iterable[str], jurisdiction: str | None = None) -> None:
    """Nobody needs to decide on what was withdrawn: from everybody, or from one jurisdiction."""
    waiting = delete(ApprovalRow).where(ApprovalRow.concerns.in_(list(concerned)), ApprovalRow.decision.is_(None))
    session.execute(waiting if jurisdiction is None else waiting.where(ApprovalRow.jurisdiction == jurisdiction))
