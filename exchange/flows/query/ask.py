"""Ask peers whether they have seen a firearm: the query is signed, logged, approved where it must be, and sent."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from exchange.clock import now, stamp, stamp_in
from exchange.errors import Conflict, InvalidInput, NotFound, PeerMisbehaved, PeerUnreachable, StoreUnavailable
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import roles_of, why_not_correlated
from exchange.flows.statement.peer import address_of
from exchange.flows.statement.sharing import APPROVAL_S, record_of, stated_terms
from exchange.flows.statement.sign_statement import SignedStatement, enter, say
from exchange.log import merkle
from exchange.net.client import PeerClient
from exchange.net.multipart import Multipart
from exchange.policy import Reason, Recipient, Withheld, release_query
from exchange.search_triggers import SearchTrigger
from exchange.store.entry.record_rows import acquisitions_of, find_record
from exchange.store.log.statement_rows import find_statement, latest_checkpoint, node_reader
from exchange.store.node.jobs import JobKind, promise
from exchange.store.query.queries import QueryState, add_query, find_query, open_query, query_by_number
from exchange.store.sync.peers import all_peers, find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.store.terms.terms_rows import ask_approval, decide_approval
from schemas import CONTRACT_VERSION, Approval, Maker, Query, Record
from schemas.query_request import QueryRequest
from schemas.vocabulary import Decision, Jurisdiction, LawfulPurpose

ANSWER_S = 2 * 86_400
"""How long a peer may take before its answer is overdue."""
GIVE_UP_S = 14 * 86_400
"""A peer that was away for two weeks is not asked any more: whoever still wants to know asks again."""
SLOWEST_BYTES_A_S = 32 * 1024
"""A scan of 30 MB then has 16 minutes. A peer that is silent is left at once, whatever its scan."""
LONGEST_SEND_S = 3600.0
"""However slow the line; then it is tried again."""

MAX_PEERS = 16
"""So many peers are asked at once."""


@dataclass(frozen=True)
class Question:
    """Which scan of an own record is asked about, and why it may be. ``triggers``: the rules by which the node asks by
    itself; empty where a person does."""

    record: str
    position: int
    purpose: LawfulPurpose
    legal_basis: str
    triggers: tuple[SearchTrigger, ...] = ()


@dataclass(frozen=True)
class QuestionOutcome:
    """What became of a question at one peer. ``query`` is None where it may not travel, and ``reason`` says why."""

    peer: str
    state: QueryState
    query: str | None
    reason: Reason | None


def ask(node: Node, maker: Maker, question: Question, peers: Sequence[str] | None = None) -> list[QuestionOutcome]:
    """Ask peers, all that are enrolled if none is named, about one scan of an own record.

    1. The record is this node's own and current, and its region is one that is compared.
    2. For each peer: may the scan travel there? What a person must decide first waits in the queue of approvals.
    3. Sign a query for each, enter it in the log, and promise to send it. Asking again what is not answered yet gives
       the same query.

    Raises NotFound, InvalidInput; Conflict, its code the reason, when no peer may be asked at all.
    """
    outcome = ask_each(node, maker, question, peers)
    if all(item.state is QueryState.WITHHELD for item in outcome):
        raise Conflict(
            f"The scan may go to none of these peers: {'; '.join(f'{item.peer}: {item.reason}' for item in outcome)}. "
            "The head of this Firearms Focal Point keeps the table of legal bases.",
            code=str(outcome[0].reason),
        )
    return outcome


def ask_each(
    node: Node,
    maker: Maker,
    question: Question,
    peers: Sequence[str] | None = None,
    *,
    unless: Callable[[Session, str], bool] | None = None,
) -> list[QuestionOutcome]:
    """As ``ask``; that no peer may be asked is an outcome too.

    ``unless``: asked in the transaction that stores the query, so that nobody else writes meanwhile. A peer of which it
    says so is not asked, and has no outcome.
    """
    # 1.
    record, named = _to_ask(node, question, peers)

    # 2. and 3.
    asked = [_ask_one(node, maker, question, record, peer, unless) for peer in named]
    return [outcome for outcome in asked if outcome is not None]


def decide_query(node: Node, maker: Maker, query: str, decision: Decision, because: str) -> str:
    """The head decides whether a scan travels with its query. Returns the approval's id.

    Raises NotFound; Conflict, code "nothing-to-decide", or the reason why even an approval does not let it go.
    """
    with node.store.read() as session:
        row, peer = _waiting(session, node, query)
        reason = _withheld(session, node, row, peer, decision)
        if decision is Decision.APPROVED and reason is not None:
            raise Conflict(f"Even approved, the scan may not go to {peer.node_id}: {reason}.", code=reason)
    jurisdiction = Jurisdiction(peer.jurisdiction)
    said = say(node, Approval, maker, concerns=query, jurisdiction=jurisdiction, decision=decision, because=because)
    with node.store.write() as session:
        row, _ = _waiting(session, node, query)
        index = enter(session, said, to=[])
        decide_approval(session, query, jurisdiction, decision, said.statement_id, index)
        if decision is Decision.APPROVED:
            row.state, row.due_at = QueryState.ASKED, stamp_in(ANSWER_S)
            promise(session, JobKind.SEND_QUERY, row.number, after_s=node.settings.checkpoint_interval_s)
        else:
            row.state, row.detail = QueryState.WITHHELD, Reason.APPROVAL_REFUSED
    return said.statement_id


def send_query(node: Node, client: PeerClient, number: int) -> None:
    """Send a query with its scan. Done when the peer has stored it, or it may not be sent any more.

    1. What was answered, given up, or asked too long ago is not sent.
    2. Policy is asked once more: law, handling and retention may have changed since.
    3. The signed head of the log must cover the query: the peer is shown that it stands there.
    4. Send it. The peer answers when it has stored it, and takes it once however often it comes.

    Raises PeerUnreachable, PeerMisbehaved, StoreUnavailable: the worker tries again later.
    """
    with node.store.read() as session:
        row = query_by_number(session, number)
        if row is None or row.state != QueryState.ASKED:
            return
        # 1.
        peer = find_peer(session, row.asked)
        if peer is None or row.due_at < stamp_in(ANSWER_S - GIVE_UP_S):
            refusal: tuple[QueryState, str] | None = (QueryState.GIVEN_UP, row.detail or "The peer did not answer.")
        # 2.
        elif (reason := _withheld(session, node, row, peer)) is not None:
            refusal = (QueryState.WITHHELD, reason)
        else:
            refusal = None
            # 3.
            request = query_request(session, row)
            scans = {item.position: item for item in acquisitions_of(session, row.record or "")}
    if refusal is not None or peer is None:
        _settle(node, number, *(refusal or (QueryState.GIVEN_UP, "The peer is gone.")))
        return

    # 4.
    form = Multipart(request.model_dump_json().encode(), delivered_scan(node, scans[row.position or 0]))
    try:
        client.send_query(address_of(peer), form, within_s=min(LONGEST_SEND_S, 60 + form.size / SLOWEST_BYTES_A_S))
    except (PeerUnreachable, PeerMisbehaved) as error:
        _settle(node, number, QueryState.ASKED, str(error)[:500])
        raise
    _settle(node, number, QueryState.DELIVERED, None)


def _to_ask(node: Node, question: Question, peers: Sequence[str] | None) -> tuple[Record, list[PeerRow]]:
    with node.store.read() as session:
        found = find_record(session, question.record)
        if found is None or found[0].issuer != node.node_id:
            raise NotFound(f"There is no record {question.record} of this node's own; only the owner asks with a scan.")
        if found[0].superseded_by is not None:
            raise Conflict(
                f"This version was superseded by {found[0].superseded_by}; ask with that.", code="superseded"
            )
        scans = {item.position: item for item in acquisitions_of(session, question.record)}
        scan = scans.get(question.position)
        if scan is None:
            raise InvalidInput(
                f"The record has no scan {question.position}; its scans are numbered from 0 to {len(scans) - 1}.",
                code="no-such-scan",
                problems=(("position", "names no scan of the record"),),
            )
        if not roles_of(scan):
            raise InvalidInput(why_not_correlated(scan), code="not-correlated")
        enrolled = {peer.node_id: peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED}
        unknown = [name for name in peers or () if name not in enrolled]
        if unknown or not enrolled:
            raise NotFound(f"No such peer is enrolled: {', '.join(unknown) or 'there is none'}. See: ffp peer list")
        named = list(dict.fromkeys(peers)) if peers else list(enrolled)
        return record_of(session, question.record), [enrolled[name] for name in named]


def _ask_one(
    node: Node,
    maker: Maker,
    question: Question,
    record: Record,
    peer: PeerRow,
    unless: Callable[[Session, str], bool] | None,
) -> QuestionOutcome | None:
    with node.store.read() as session:
        reason = _reason(session, node, question.record, record, peer, None)
    if reason not in (None, Reason.NEEDS_APPROVAL):
        return QuestionOutcome(peer.node_id, QueryState.WITHHELD, None, reason)
    said = say(
        node,
        Query,
        maker,
        to=peer.node_id,
        purpose=question.purpose,
        legal_basis=question.legal_basis,
        case_reference=record.case_reference,
        calibre=record.exhibit.calibre,
        acquisition=record.acquisitions[question.position],
    )
    row = _row(node, maker, question, said, waits=reason is not None)
    with node.store.write() as session:
        before = open_query(session, row, stamp())
        if before is not None:
            waits = before.state == QueryState.WAITING
            return QuestionOutcome(
                peer.node_id,
                QueryState(before.state),
                before.statement_id,
                Reason.NEEDS_APPROVAL if waits else None,
            )
        if unless is not None and unless(session, peer.node_id):
            return None
        enter(session, said, to=[])
        add_query(session, row)
        if reason is None:
            promise(session, JobKind.SEND_QUERY, row.number, after_s=node.settings.checkpoint_interval_s)
        else:
            ask_approval(session, said.statement_id, peer.jurisdiction, due_at=row.due_at)
    return QuestionOutcome(peer.node_id, QueryState(row.state), said.statement_id, reason)


def _row(node: Node, maker: Maker, question: Question, said: SignedStatement[Query], *, waits: bool) -> QueryRow:
    query = said.statement
    return QueryRow(
        statement_id=said.statement_id,
        asker=node.node_id,
        asked=query.to,
        record=question.record,
        position=question.position,
        roi=query.acquisition.roi,
        calibre=query.calibre,
        case_reference=query.case_reference,
        purpose=query.purpose,
        legal_basis=query.legal_basis,
        made_by=maker.pseudonym,
        triggers=" ".join(question.triggers) or None,
        state=QueryState.WAITING if waits else QueryState.ASKED,
        at=stamp(),
        due_at=stamp_in(APPROVAL_S if waits else ANSWER_S),
    )


def _waiting(session: Session, node: Node, query: str) -> tuple[QueryRow, PeerRow]:
    row = find_query(session, query)
    if row is None or row.asker != node.node_id:
        raise NotFound(f"This node asked no query {query}.")
    peer = find_peer(session, row.asked)
    if row.state != QueryState.WAITING or peer is None:
        raise Conflict(f"Nothing waits for a decision on the query {query}.", code="nothing-to-decide")
    return row, peer


def _withheld(
    session: Session, node: Node, row: QueryRow, peer: PeerRow, decision: Decision | None = None
) -> Reason | None:
    """Why a query that was signed may not be sent now; ``decision`` is what the head is about to say."""
    if decision is None:
        approval = session.get(ApprovalRow, (row.statement_id, peer.jurisdiction))
        decision = Decision(approval.decision) if approval is not None and approval.decision else None
    try:
        record = record_of(session, row.record or "")
    except LookupError:
        return Reason.WITHDRAWN
    return _reason(session, node, row.record or "", record, peer, decision)


def _reason(
    session: Session, node: Node, statement_id: str, record: Record, peer: PeerRow, decision: Decision | None
) -> Reason | None:
    answer = release_query(
        record,
        Recipient(peer.node_id, Jurisdiction(peer.jurisdiction), peer.state == PeerState.ENROLLED),
        peer.legal_basis,
        now().date(),
        owner=node.node_id,
        standing=replace(stated_terms(session, node.history, statement_id, record, peer), decision=decision),
    )
    return answer.reason if isinstance(answer, Withheld) else None


def query_request(session: Session, row: QueryRow) -> QueryRequest:
    statement, signed = find_statement(session, row.statement_id), latest_checkpoint(session)
    if statement is None or statement.envelope is None:
        raise LookupError(row.statement_id)
    if signed is None or signed.size <= statement.log_index:
        raise StoreUnavailable("The query waits for the next signed head of this node's log.", code="head-not-signed")
    proof = merkle.inclusion_proof(statement.log_index, signed.size, node_reader(session))
    return QueryRequest(
        contract=CONTRACT_VERSION,
        envelope=base64.b64encode(statement.envelope).decode(),
        log_index=statement.log_index,
        inclusion=tuple(step.hex() for step in proof),
        checkpoint=base64.b64encode(signed.note).decode(),
    )


def _settle(node: Node, number: int, state: QueryState, detail: str | None) -> None:
    with node.store.write() as session:
        row = query_by_number(session, number)
        if row is not None and row.state == QueryState.ASKED:  # else its answer was faster
            row.state, row.detail = state, detail
