"""Take a record back: from every holder, or from one; and keep what a court holds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.clock import now
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.authorship import WorkAct, check_may_act, deciding_author
from exchange.flows.statement.sign_statement import THE_NODE, SignedStatement, enter, of_record, say
from exchange.store.entry.draft_rows import forget_drafts
from exchange.store.entry.exhibits import exhibit_of
from exchange.store.entry.record_rows import versions_of
from exchange.store.log.statement_rows import find_statement, statements_about
from exchange.store.node.jobs import JobKind, promise
from exchange.store.query.queries import forget_found
from exchange.store.sync.peers import all_peers, find_peer, is_on_lane, readers_of, taken_back
from exchange.store.tables.record_tables import RecordRow, StatementRow
from exchange.store.tables.terms_tables import TombstoneRow
from exchange.store.terms.proposal_rows import settle_proposals_on
from exchange.store.terms.terms_rows import drop_grants, forget_approvals, granted_of
from exchange.store.terms.withdrawals import (
    buried_of,
    bury,
    erase_rows,
    holds_on,
    keep_hold,
    lift_hold,
    outlived,
    raise_tombstone,
    restrict,
    returned_versions,
    still_kept,
    tombstone_for,
    tombstones_of,
)
from exchange.store.witness.rebuild_rows import lost_leaves
from schemas import Acknowledgement, Hold, KeptScan, Maker, Withdrawal, open_envelope, parse_statement
from schemas.sharing import MAX_KEEPERS
from schemas.vocabulary import ErasureOutcome, WithdrawalReason

PURGE_BATCH = 256
"""Records whose retention ended that are withdrawn in one go."""


@dataclass(frozen=True)
class HolderState:
    """What one holder has said of a withdrawal: ``outcome`` is None while it has said nothing. ``kept``: which scans it
    did not erase because other records delivered them, as it signed."""

    node_id: str
    outcome: ErasureOutcome | None
    at: str | None
    kept: tuple[KeptScan, ...] = ()


@dataclass(frozen=True)
class WithdrawalState:
    """A withdrawal, and how far it has come. ``here`` is None until this node's own content is gone, or restricted;
    ``kept``: which of its scans other records keep here now."""

    record: str
    withdrawal: str | None
    holder: str | None
    reason: str
    at: str
    here: str | None
    kept: tuple[KeptScan, ...]
    holders: tuple[HolderState, ...]


def withdraw(node: Node, maker: Maker, record: str, reason: WithdrawalReason) -> list[str]:
    """Withdraw an own record in all its versions, the oldest first, from every holder. Returns the statements' ids.

    From the moment this returns nobody is shown it or given it any more; what lies on the disk is erased right after,
    and each holder acknowledges that it did the same.

    Versions that were withdrawn before are passed over. Raises NotFound; Conflict, code "withdrawn", when all were;
    Forbidden, code "not-author", for whoever may only propose it.
    """
    with node.store.read() as session:
        versions = standing_versions(session, node, record)
        check_may_act(WorkAct.WITHDRAW, maker, deciding_author(session, node.settings, record))
    said = sign_withdrawals(node, maker, versions, reason)
    with node.store.write() as session:
        if standing_versions(session, node, record) != versions:
            raise Conflict(f"The record {record} was amended or withdrawn meanwhile; look at it again.")
        for item in said:
            _enter(session, item)
    return [item.statement_id for item in said]


def sign_withdrawals(
    node: Node, maker: Maker, records: Collection[str], reason: WithdrawalReason, holder: str | None = None
) -> list[SignedStatement[Withdrawal]]:
    """Sign a withdrawal of each of these own records from one holder, or from all where ``holder`` is None."""
    return [say(node, Withdrawal, maker, **of_record(node, name), reason=reason, holder=holder) for name in records]


def revoke_from(node: Node, maker: Maker, record: str, holder: str, reason: WithdrawalReason) -> list[str]:
    """Let one holder have an own record no more, in no version: a withdrawal on the holder's lane of this version and
    of each other one that stands there. A later grant of any version undoes it. Returns the statements' ids.

    Raises NotFound; Conflict, code "withdrawn"; Forbidden, code "not-author", for whoever may only propose it.
    """
    with node.store.read() as session:
        _own(session, node, record)
        check_may_act(WorkAct.TAKE_BACK, maker, deciding_author(session, node.settings, record))
        if find_peer(session, holder) is None:
            raise NotFound(f"There is no peer {holder}. See: ffp peer list")
        versions = _held_versions(session, node, record, holder)
    said = sign_withdrawals(node, maker, versions, reason, holder)
    with node.store.write() as session:
        if _held_versions(session, node, record, holder) != versions:
            raise Conflict(f"The record {record} was amended or withdrawn meanwhile; look at it again.")
        for item in said:
            _enter(session, item)
    return [item.statement_id for item in said]


def place_hold(node: Node, maker: Maker, record: str, authority: str) -> str:
    """Restrict a record instead of erasing it, should it be withdrawn. ``authority``: the court and its reference."""
    check_may_act(WorkAct.HOLD, maker)
    with node.store.read() as session:
        _here(session, record)
    said = say(node, Hold, maker, record=record, placed=True, authority=authority)
    with node.store.write() as session:
        row = _here(session, record)
        enter(session, said, to=[])
        keep_hold(session, row, authority, said.statement_id)
    return said.statement_id


def end_hold(node: Node, maker: Maker, record: str, authority: str) -> list[str]:
    """Lift the hold on a record's exhibit, whichever versions it named; what was withdrawn meanwhile is erased now.
    Returns the statements' ids. Raises NotFound."""
    check_may_act(WorkAct.END_HOLD, maker)
    with node.store.read() as session:
        held = _held_by_court(session, record)
    said = [say(node, Hold, maker, record=name, placed=False, authority=authority) for name in held]
    with node.store.write() as session:
        if _held_by_court(session, record) != held:
            raise Conflict(f"The hold on the record {record} changed meanwhile; look at it again.")
        for item in said:
            enter(session, item, to=[])
            lift_hold(session, item.statement.record)
        for row in versions_of(session, record):
            if row.restricted:
                # also where a grant came since: had the record come again with it, it would not be restricted any more
                erase_rows(session, row.statement_id)
                for stone in tombstones_of(session, row.statement_id):
                    if stone.issuer == row.issuer:
                        promise(session, JobKind.ERASE, stone.tombstone_id)
    return [item.statement_id for item in said]


def _here(session: Session, record: str) -> RecordRow:
    row = session.get(RecordRow, record)
    if row is None:
        raise NotFound(f"There is no record {record} on this node.")
    return row


def _held_by_court(session: Session, record: str) -> list[str]:
    row = find_statement(session, record)
    held = holds_on(session, exhibit_of(session, row.issuer, record)) if row is not None else ()
    if not held:
        raise NotFound(f"No court holds the record {record}.")
    return [hold.record for hold in held]


def purge(node: Node) -> int:
    """Withdraw own records whose retention is over, and erase those of others, even if their owner is silent. Withdraw
    own versions that a rebuild brought back after their exhibit was withdrawn.

    Returns how many. The worker calls this function repeatedly.
    """
    node.store.forget_overwritten()  # where a reader kept an erasure from it
    today = now().date().isoformat()
    with node.store.read() as session:
        over = outlived(session, today, limit=PURGE_BATCH)
        late = returned_versions(session, node.node_id, limit=PURGE_BATCH)
    for record, reason in late:
        _withdraw_for_node(node, record, reason)
    for row in over:
        if row.issuer == node.node_id:
            _withdraw_for_node(node, row.statement_id, WithdrawalReason.RETENTION_OVER)
        else:
            with node.store.write() as session:
                stone = bury(session, row.statement_id, row.issuer, WithdrawalReason.RETENTION_OVER)
                take_away(session, stone)
    return len(late) + len(over)


def _withdraw_for_node(node: Node, record: str, reason: WithdrawalReason) -> None:
    [said] = sign_withdrawals(node, THE_NODE, [record], reason)
    with node.store.write() as session:
        if tombstone_for(session, record, "", issuer=node.node_id) is None:
            _enter(session, said)


def withdrawal_states(node: Node, record: str) -> list[WithdrawalState]:
    """How far the withdrawals of a record have come, everywhere; of one that is known its owner's alone. Raises
    NotFound when it was not withdrawn."""
    with node.store.read() as session:
        known = find_statement(session, record)
        stones = [stone for stone in tombstones_of(session, record) if known is None or stone.issuer == known.issuer]
        if not stones:
            raise NotFound(f"The record {record} was not withdrawn on this node.")
        return [_state(session, stone) for stone in stones]


def take_away(session: Session, stone: TombstoneRow) -> None:
    """Take what a tombstone stands for out of the database, and promise to erase what lies beside it: of a record that
    is not here what its issuer said of it, and nobody else."""
    if holds_on(session, stone.exhibit):
        restrict(session, stone.record)
    else:
        erase_rows(session, stone.record, issuer=stone.issuer)
    forget_approvals(session, [stone.record])
    forget_found(session, stone.record, owner=stone.issuer)
    forget_drafts(session, stone.record)
    promise(session, JobKind.ERASE, stone.tombstone_id)


def _own(session: Session, node: Node, record: str) -> None:
    row = find_statement(session, record)
    if row is None or row.issuer != node.node_id or row.type != "record":
        raise NotFound(f"There is no record {record} of this node's own; only the owner may withdraw.")


def standing_versions(session: Session, node: Node, record: str) -> list[str]:
    """The versions of an own record that were not withdrawn, the oldest first. Raises NotFound; Conflict, code
    "withdrawn"."""
    _own(session, node, record)
    versions = [row.statement_id for row in versions_of(session, record)]
    standing = [name for name in versions if tombstone_for(session, name, "", issuer=node.node_id) is None]
    if not standing:
        raise Conflict(f"The record {record} was withdrawn before.", code="withdrawn")
    return standing


def _held_versions(session: Session, node: Node, record: str, holder: str) -> list[str]:
    """Return this version and the other versions on the holder's lane, the oldest first, without those that were
    withdrawn before from the holder or from everybody. Raises Conflict, code "withdrawn", if this version was."""
    versions = [row.statement_id for row in versions_of(session, record)]
    buried = buried_of(session, {record, *versions}, holder, issuer=node.node_id)
    if record in buried:
        raise Conflict(f"The record {record} was withdrawn before.", code="withdrawn")
    held = [name for name in versions if name == record or is_on_lane(session, holder, name)]
    return [name for name in held if name not in buried]


def _enter(session: Session, said: SignedStatement[Withdrawal]) -> None:
    record, holder = said.statement.record, said.statement.holder
    to = [holder] if holder is not None else readers_of(session, record)
    index = enter(session, said, to=to)
    withdrawn(session, said.statement, said.statement_id, index)


def withdrawn(session: Session, withdrawal: Withdrawal, statement_id: str, log_index: int) -> None:
    """Apply an own withdrawal that is in the log. Needs a write transaction. A grant with a greater log index stands:
    a rebuild may bring the withdrawal back after the grant. While leaves are lost a grant of the exhibit stands too: a
    version that the withdrawal did not name may come back."""
    record, holder = withdrawal.record, withdrawal.holder
    settle_proposals_on(session, record, holder, withdrawal.made_by.pseudonym)
    stone = raise_tombstone(session, withdrawal, statement_id, log_index)
    if holder is None:
        take_away(session, stone)
        if all(row.restricted for row in versions_of(session, record)) and not lost_leaves(session):
            drop_grants(session, stone.exhibit, before=log_index)
        return
    peer = find_peer(session, holder)
    drop_grants(session, stone.exhibit, peer.jurisdiction if peer else None, before=log_index)
    if peer is not None and granted_of(session, [stone.exhibit], peer.jurisdiction, issuer=stone.issuer):
        stone.lifted = True
        return
    taken_back(session, holder, record)
    if peer is not None:
        forget_approvals(session, [row.statement_id for row in versions_of(session, record)], peer.jurisdiction)


def _state(session: Session, stone: TombstoneRow) -> WithdrawalState:
    said: dict[str, HolderState] = {}
    if stone.withdrawal is not None:
        for row in statements_about(session, stone.withdrawal, ["acknowledgement"]):
            said[row.issuer] = _holder(row)
    held = [stone.holder] if stone.holder else readers_of(session, stone.record)
    known = {peer.node_id for peer in all_peers(session)}
    holders = tuple(said.get(node_id, HolderState(node_id, None, None)) for node_id in held if node_id in known)
    kept = kept_of(session, stone)
    return WithdrawalState(
        stone.record, stone.withdrawal, stone.holder or None, stone.reason, stone.at, stone.outcome, kept, holders
    )


def kept_of(session: Session, stone: TombstoneRow) -> tuple[KeptScan, ...]:
    """What is to be said of an erased record's scans that are still here."""
    return tuple(
        KeptScan(sha256=sha256, by=tuple(keepers[:MAX_KEEPERS]))
        for sha256, keepers in still_kept(session, stone).items()
    )


def _holder(row: StatementRow) -> HolderState:
    said = None if row.envelope is None else parse_statement(open_envelope(row.envelope).payload)
    if not isinstance(said, Acknowledgement):
        return HolderState(row.issuer, None, row.received_at)
    return HolderState(row.issuer, said.outcome, row.received_at, said.kept or ())
