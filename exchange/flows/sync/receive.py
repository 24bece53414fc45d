"""Apply each verified statement of a peer, in the transaction that moves the cursor."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from sqlalchemy.orm import Session

from exchange.errors import StatementInvalid
from exchange.flows.hits.held_back import SHOWN_LATE, undoes_own
from exchange.flows.hits.pairs import note_said
from exchange.flows.hits.vocabulary import Said
from exchange.flows.log.start import may_sign
from exchange.flows.node.node import Node
from exchange.flows.query.peer_statements import (
    answers_own_query,
    note_answer,
    note_grant,
    note_refusal,
    note_request,
    was_told,
)
from exchange.flows.review.partners import (
    answers_own_request,
    note_asked,
    note_declined,
    note_taken_back,
    note_verified,
)
from exchange.flows.statement.addressee import NOT_MEANT_FOR_US, LaneReader, check_meant_for
from exchange.flows.sync.verify_lane_page import Received
from exchange.flows.terms.withdraw import take_away
from exchange.store.entry.exhibits import (
    MAX_VERSIONS,
    contradicted,
    exhibit_stated,
    states_known_exhibits,
    too_many_versions,
)
from exchange.store.entry.record_rows import AcquisitionState, acquisitions_of, add_records, take_up
from exchange.store.log.statement_rows import (
    add_statement,
    add_statements,
    check_places,
    find_statement,
    known_statements,
    latest_of,
    make_whole,
)
from exchange.store.node.jobs import JobKind, promise, promise_new
from exchange.store.review.kept_search_rows import note_found
from exchange.store.sync.peers import NOT_ENTERED, NOT_OWNER, lane_head_at
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.record_tables import StatementRow
from exchange.store.terms.terms_rows import granted_of, groups_of, keep_grant, replace_policy
from exchange.store.terms.withdrawals import buried_of, lift_tombstones, raise_tombstone, unrestrict
from exchange.store.witness.rebuild_rows import lost_leaves
from schemas import (
    Acknowledgement,
    Answer,
    AnyStatement,
    Approval,
    Disclosure,
    Grant,
    Hit,
    PhysicalComparison,
    Policy,
    Receipt,
    Record,
    ReleaseRequest,
    Retraction,
    Side,
    Verification,
    VerificationDeclined,
    VerificationRequest,
    Withdrawal,
)


def receive_page(
    session: Session, node: Node, peer: PeerRow, accepted: Sequence[Received]
) -> list[tuple[Received, StatementInvalid]]:
    """Store what came, in its order, with what follows from it; records that stand side by side a table at a time.

    What is here already changes nothing. Returns what is not meant for this node, or says what its issuer may not say,
    each with the reason: nothing of these was stored, but what disposes of another's statement (``_not_its_own``).
    """
    refused: list[tuple[Received, StatementInvalid]] = []
    for are_records, run in itertools.groupby(accepted, key=lambda item: isinstance(item.statement, Record)):
        if are_records:
            refused += _records(session, node, peer, list(run))
            continue
        for item in run:
            try:
                _receive(session, node, peer, item)
            except StatementInvalid as error:
                refused.append((item, error))
    return refused


def _receive(session: Session, node: Node, peer: PeerRow, item: Received) -> None:
    statement = item.statement
    if peer.state != PeerState.ENROLLED and not isinstance(statement, Acknowledgement):
        raise _expelled()
    check_meant_for(LaneReader(node.node_id, node.settings.jurisdiction), statement)
    taken = check_places(session, statement.issuer, {item.log_index: item.statement_id})
    if taken:
        raise taken[item.statement_id]
    if not isinstance(statement, VerificationRequest) and not states_known_exhibits(session, statement):
        raise _other_exhibit()
    match statement:
        case Answer():
            _known(answers_own_query(session, node.node_id, statement))
        case ReleaseRequest():
            _known(was_told(session, node.node_id, statement))
        case VerificationRequest():
            _known(statement.issuer in (statement.pair.a.issuer, statement.pair.b.issuer))
        case VerificationDeclined():
            _known(answers_own_request(session, node, statement))
        case Verification() if statement.request is not None and not answers_own_request(session, node, statement):
            # not told to its issuer: else a partner learns whether it verifies a conclusion or a control
            raise StatementInvalid("It answers no request of this node.", code=NOT_OWNER)
        case Receipt():
            _same_lane(session, statement)
        case Hit():
            own = [side for side in (statement.pair.a, statement.pair.b) if side.issuer == node.node_id]
            if not all(_may_be_ours(session, node, side) for side in own):
                raise StatementInvalid("It joins a record, or a scan of it, never entered here.", code=NOT_ENTERED)
        case Withdrawal() if (refused := _no_record(session, statement)) is not None:
            raise refused
        case _:
            pass
    refused = _not_its_own(session, node, statement)
    if find_statement(session, item.statement_id) is None:
        _check_held_back(session, node, item)
        newest = latest_of(session, statement.issuer, statement.type)
        add_statement(session, item.statement_id, statement, statement.type, item.envelope, item.log_index)
        note_said(session, item.statement_id, statement)
        if refused is None:
            _apply(session, node, item, newest)
        elif isinstance(statement, Withdrawal):
            stone = raise_tombstone(session, statement, item.statement_id, item.log_index)
            promise(session, JobKind.ERASE, stone.tombstone_id)  # which erases nothing, and says so
    if refused is not None:
        raise refused


def _check_held_back(session: Session, node: Node, item: Received) -> None:
    """Raises StatementInvalid."""
    if not isinstance(item.statement, Hit | PhysicalComparison):
        return
    if undoes_own(session, node, Said(item.statement_id, item.statement, item.log_index), item.position):
        raise StatementInvalid(
            f"{item.statement.issuer} signed this before what it had shown of the hit, and shows it now: it would undo "
            "what this node signed meanwhile. Telephone its operator.",
            code=SHOWN_LATE,
        )


def _apply(session: Session, node: Node, item: Received, before: StatementRow | None) -> None:
    match item.statement:
        case Grant() as said:
            keep_grant(session, said, item.statement_id, item.log_index)
            note_grant(session, said, item.statement_id)
            lift_tombstones(session, said, node.node_id, item.log_index)
        case Withdrawal() as said:
            stone = raise_tombstone(session, said, item.statement_id, item.log_index)
            if stone.withdrawal == item.statement_id:
                take_away(session, stone)
        case Answer() as said:
            note_answer(session, said, item.statement_id)
        case ReleaseRequest() as said:
            note_request(session, said, item.statement_id)
        case Approval() as said:
            note_refusal(session, said, item.statement_id)
        case VerificationRequest() as said:
            note_asked(session, node, said, item.statement_id)
        case VerificationDeclined() as said:
            note_declined(session, said)
        case Verification() as said:
            note_verified(session, node, said, item.statement_id)
        case Retraction() as said:
            note_taken_back(session, said)
        case Policy() as said if before is None or before.log_index < item.log_index:
            replace_policy(session, item.statement_id, said, own=False)
        case _:
            pass  # it is kept, and shown where its subject is


def _records(
    session: Session, node: Node, peer: PeerRow, items: list[Received]
) -> list[tuple[Received, StatementInvalid]]:
    """Records of one issuer. One that was withdrawn stays away, also when the withdrawal came first; one that was taken
    away and granted again is whole again."""
    if peer.state != PeerState.ENROLLED:
        return [(item, _expelled()) for item in items]
    issuer, jurisdiction = peer.node_id, node.settings.jurisdiction
    ids = [item.statement_id for item in items]
    groups = groups_of(session, issuer)
    exhibits = {
        item.statement_id: exhibit_stated(item.statement_id, item.statement)
        for item in items
        if isinstance(item.statement, Record)
    }
    granted = granted_of(session, set(exhibits.values()), jurisdiction, issuer=issuer)
    buried = buried_of(session, ids, node.node_id, issuer=issuer)
    known = known_statements(session, ids)
    taken = check_places(session, issuer, {item.log_index: item.statement_id for item in items})
    refused: list[tuple[Received, StatementInvalid]] = []
    new: dict[str, tuple[Received, Record]] = {}
    for item in items:
        name, record = item.statement_id, item.statement
        if not isinstance(record, Record):
            raise TypeError(f"{name} is no record")
        try:
            check_meant_for(LaneReader(node.node_id, jurisdiction, groups, granted=exhibits[name] in granted), record)
            if name in taken:
                raise taken[name]
        except StatementInvalid as error:
            refused.append((item, error))
            continue
        if name in buried:
            continue
        if known.get(name, False):
            _again(session, name)
        else:
            new.setdefault(name, (item, record))
    too_many = too_many_versions(session, {name: exhibits[name] for name in new})
    refused += [(new.pop(name)[0], _too_many_versions()) for name in too_many]
    other = contradicted(session, issuer, {name: record for name, (_, record) in new.items()})
    refused += [(new.pop(name)[0], _other_exhibit()) for name in sorted(other)]
    add_statements(
        session,
        [
            (name, record, record.type, item.envelope, item.log_index)
            for name, (item, record) in new.items()
            if name not in known
        ],
    )
    for name, (item, _) in new.items():
        if name in known:
            make_whole(session, name, item.envelope)
    records = [(name, record) for name, (_, record) in new.items()]
    scans = add_records(session, records, submitted_by=None, state=AcquisitionState.AWAITING_SCAN)
    note_found(session, [name for name, _ in records])
    promise_new(session, JobKind.FETCH_SCAN, scans, node_id=issuer)
    return refused


def _again(session: Session, record: str) -> None:
    """The owner gives it once more: because it was taken away, and a court's hold kept it here; or because a scan of it
    was refused meanwhile."""
    unrestrict(session, record)
    for scan in acquisitions_of(session, record):
        if scan.state in (AcquisitionState.AWAITING_SCAN, AcquisitionState.FAILED):
            take_up(session, scan)


def _expelled() -> StatementInvalid:
    return StatementInvalid("The peer was expelled; it is believed what it erased, and no more.", code="expelled")


def _other_exhibit() -> StatementInvalid:
    return StatementInvalid("It and another statement name two first versions of one record.", code=NOT_ENTERED)


def _too_many_versions() -> StatementInvalid:
    return StatementInvalid(
        f"Its exhibit has {MAX_VERSIONS} versions here, and no more are taken. Ask the issuer to enter the exhibit "
        "anew, as a record that supersedes none.",
        code="too-many-versions",
    )


def _known(subject: bool) -> None:
    if not subject:
        raise StatementInvalid("It speaks of a statement that this node does not hold.", code=NOT_MEANT_FOR_US)


def _not_its_own(session: Session, node: Node, statement: AnyStatement) -> StatementInvalid | None:
    """Of what is known here only its issuer disposes; what is not known yet is held against this when it comes. Only a
    withdrawal of this node's own is acknowledged to it; one that is not here may have been lost with its database.

    Else it has no effect, and this node's operator is told. Its issuer is answered as of what is not here: it must not
    learn what else is. So it is kept, receipted as accepted, and a withdrawal acknowledged as of what was never held.
    """
    match statement:
        case Grant() | Withdrawal() | Disclosure():
            subject = statement.record
        case Retraction():
            subject = statement.retracts
        case Acknowledgement():
            subject = statement.withdrawal
        case _:
            return None
    row = find_statement(session, subject)
    if row is None:
        return None
    if isinstance(statement, Acknowledgement):
        fits = (row.issuer, row.type) == (node.node_id, "withdrawal")
        why = f"{statement.issuer} acknowledges what is no withdrawal of this node's."
    else:
        fits = row.issuer == statement.issuer
        why = f"{statement.issuer} disposes of a statement of {row.issuer}."
    return None if fits else StatementInvalid(why, code=NOT_OWNER)


def _no_record(session: Session, withdrawal: Withdrawal) -> StatementInvalid | None:
    """What was signed as a hit, a conclusion or a term is taken back by a retraction or a later term, and stays."""
    row = find_statement(session, withdrawal.record)
    if row is None or row.issuer != withdrawal.issuer or row.type == "record":
        return None
    return StatementInvalid(f"A {row.type} is not withdrawn; only a record is.", code="no-record")


def _may_be_ours(session: Session, node: Node, side: Side) -> bool:
    """A record of this node's own, erased or not, and a scan of it: no peer fills the list of hits with pairs that
    never were. It is not told that one was set aside: else it could try which scans a record has that it was not given.
    As long as leaves of the own log are lost, one that is not here may be one of these."""
    row = find_statement(session, side.record)
    if row is None:
        return not may_sign(node, session) or bool(lost_leaves(session))
    scans = {scan.sha256 for scan in acquisitions_of(session, side.record)}
    return row.issuer == side.issuer and row.type == "record" and (row.envelope is None or side.scan in scans)


def _same_lane(session: Session, receipt: Receipt) -> None:
    head = lane_head_at(session, receipt.issuer, receipt.count)
    if head is None or head.hex() != receipt.head:
        raise StatementInvalid(
            f"{receipt.issuer} signed for {receipt.count} items of its lane, with another head than this node's: one "
            "of the two lost or changed something. Compare the logs of both nodes.",
            code="lane-differs",
        )
