"""Blind verification by a partner, where no examiner of this node is left: by the other owner of the pair, or, where
this node owns both exhibits, by another node that may have both records.

No third node verifies a pair of two owners: each owner must have every statement that a hit rests on, and a third node
could send its verification to one of them alone.

The partner learns two records and nothing else. Its examiners judge the pair as one of their own tasks; its signed
verification states that the examiner was shown no score, and counts as this node's own (``verified.py``). The
partner also gets requests about control pairs, on which nobody concluded.
"""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import stamp, stamp_in
from exchange.errors import Conflict, NotFound
from exchange.flows.blind import send
from exchange.flows.blind.compared_sides import delivered_sides
from exchange.flows.blind.visibility import blind_to, pair_of
from exchange.flows.node.node import Node
from exchange.flows.review.verified import counting_verifications, requests_for
from exchange.flows.statement.sharing import decide_sharing, record_of
from exchange.flows.statement.sign_statement import THE_NODE, SignedStatement, enter, say
from exchange.store.entry.exhibits import states_known_exhibits
from exchange.store.log.statement_rows import find_statement, statements_about_each
from exchange.store.review.candidate_rows import find_unsent
from exchange.store.review.review_rows import (
    add_task,
    blind_examiners,
    find_task,
    task_of,
    task_of_request,
    tasks_asked_about,
    tasks_asked_by,
    tasks_not_answered,
)
from exchange.store.sync.peers import all_peers, find_peer
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.store.tables.review_tables import VerificationTaskRow
from schemas import (
    Pair,
    Retraction,
    Side,
    Verification,
    VerificationDeclined,
    VerificationRequest,
    open_envelope,
    parse_statement,
)
from schemas.vocabulary import Basis

MOST_OF_ONE: Final = 20
"""Requests of one node that wait here; a node that asks for more is declined, so that it cannot fill the list."""
CANNOT_VERIFY: Final = "This node cannot verify the pair."
"""The one reason of every refusal: several would tell what is here."""
REQUEST_OVER: Final = "The conclusion was taken back, or another node was asked."


def partners_for(session: Session, node: Node, conclusion: str, pair: Pair) -> list[str]:
    """Return the peers that may verify a conclusion. Each may have both records, by the policy of each record's owner,
    and has not declined."""
    asked = requests_for(session, node.node_id, conclusion)
    declined = {
        asked[request].to
        for request, rows in statements_about_each(session, set(asked), ["verification-declined"]).items()
        if any(row.issuer == asked[request].to for row in rows)
    }
    return [
        peer.node_id
        for peer in all_peers(session)
        if peer.state == PeerState.ENROLLED
        and peer.node_id not in declined
        and _are_partners(pair, node.node_id, peer.node_id)
        and _may_have_both(session, node, pair, peer)
    ]


def offered_partners(node: Node, pseudonym: str, conclusion: str) -> list[str]:
    """Return the partners that this examiner may ask now to verify the examiner's own conclusion. There are none while
    an examiner of this node can verify it."""
    with node.store.read() as session:
        task = task_of(session, conclusion)
        if task is None or not _waits(session, task, pseudonym):
            return []
        found = partners_for(session, node, conclusion, Pair.model_validate_json(task.pair))
        return [partner for partner in found if partner != task.partner]


def ask_partner(node: Node, pseudonym: str, conclusion: str, partner: str) -> str:
    """Ask a partner to verify this examiner's own conclusion, and take back the request to the node that was asked
    before. Return the id of the request.

    Raises NotFound; Conflict, codes "examiner-left" and "no-partner".
    """
    with node.store.read() as session:
        task = task_of(session, conclusion)
        if task is None or task.concluded_by != pseudonym or task.done_at is not None:
            raise NotFound("There is no such conclusion of yours that waits for a verification.")
        if not _waits(session, task, pseudonym):
            raise Conflict("An examiner of this node can still verify it blind.", code="examiner-left")
        pair = Pair.model_validate_json(task.pair)
        if partner == task.partner:
            raise Conflict(f"{partner} was asked already. Wait for its answer, or take the request back.")
        if partner not in partners_for(session, node, conclusion, pair):
            raise Conflict("Choose one of the nodes that may have both records.", code="no-partner")
        before = None if task.request is None else (task.request, task.partner)
    request = say(node, VerificationRequest, THE_NODE, to=partner, conclusion=conclusion, pair=pair)
    over = [] if before is None else [(request_retraction(node, before[0]), before[1])]
    with node.store.write() as session:
        row = find_task(session, task.task_id)
        if row is None or row.done_at is not None or row.request != task.request:
            raise NotFound("There is no such conclusion of yours that waits for a verification.")
        for said, to in over:
            enter(session, said, to=[to or ""])
        enter(session, request, to=[partner])
        row.partner, row.request = partner, request.statement_id
    return request.statement_id


def take_back_request(node: Node, pseudonym: str, conclusion: str) -> None:
    """Take back the request to verify this examiner's own conclusion. A later answer to it does not count, and any
    partner may be asked again. Raises NotFound."""
    nothing = NotFound("No other node was asked to verify this conclusion of yours, or it answered already.")
    with node.store.read() as session:
        task, asked = task_of(session, conclusion), open_request_of(session, conclusion)
    if task is None or asked is None or task.concluded_by != pseudonym:
        raise nothing
    request, partner = asked
    back = request_retraction(node, request)
    with node.store.write() as session:
        row = find_task(session, task.task_id)
        if row is None or row.done_at is not None or row.request != request:
            raise nothing
        enter(session, back, to=[partner])
        row.partner, row.request = None, None


def draw_control_here_or_at_partner(node: Node, number: int) -> None:
    """Draw a control pair, and ask examiners of this node to verify it, or the partner that was asked about one of the
    newest conclusions. ``number`` identifies the job, so that it draws one pair even if it runs twice."""
    like = send.like_newest(node)
    if like is None or like.partner is None:
        send.draw_control(node, number, like.concluded_by if like is not None else None)
        return
    task_id = f"{number:032x}"
    with node.store.read() as session:
        if find_task(session, task_id) is not None:
            return
        peer = next((one for one in all_peers(session) if one.node_id == like.partner), None)
        controls = send.controls_to_draw(session, node, like.concluded_by)
        drawn = next(
            (one for one in controls if peer is not None and _may_have_both(session, node, pair_of(one), peer)), None
        )
    if drawn is None or peer is None:
        return
    pair = pair_of(drawn)
    nobodys = secrets.token_hex(32)
    request = say(node, VerificationRequest, THE_NODE, to=peer.node_id, conclusion=nobodys, pair=pair)
    with node.store.write() as session:
        if find_unsent(session, drawn.row.candidate_id, send.EVERYBODYS, node.node_id) is None:
            return
        enter(session, request, to=[peer.node_id])
        row = _task(node, task_id, pair)
        row.request, row.partner, row.done_at = request.statement_id, peer.node_id, stamp()  # nobody here judges it
        add_task(session, row)


def note_asked(session: Session, node: Node, said: VerificationRequest, statement_id: str) -> None:
    """Store the task of a request that a peer signed; where it cannot be answered, close the task, so that
    ``tell_declined`` declines it. Runs in the transaction that stores the request."""
    if task_of_request(session, statement_id) is not None:
        return
    row = _task(node, secrets.token_hex(16), said.pair)
    row.request, row.asked_by, row.asked_conclusion = statement_id, said.issuer, said.conclusion
    known = find_statement(session, said.conclusion)
    is_own = known is not None and known.issuer == node.node_id
    asked = tasks_asked_about(session, said.issuer, (row.exhibit_low, row.exhibit_high))
    waits = any(task.done_at is None for task in asked)
    too_many = tasks_asked_by(session, said.issuer) >= MOST_OF_ONE
    if is_own or waits or too_many or not _can_answer(session, node, said, row):
        row.done_at = stamp()
    add_task(session, row)


def tell_declined(node: Node) -> None:
    """Decline each request of a peer that cannot be answered, or can no longer be answered. Runs after the requests
    were stored."""
    with node.store.read() as session:
        rows = list(tasks_not_answered(session))
        asked = {row.task_id: _request_of(session, row) for row in rows}
        open_ = {row.task_id for row in rows if (said := asked[row.task_id]) and _can_answer(session, node, said, row)}
    for row in rows:
        if (said := asked[row.task_id]) is None or (row.done_at is None and row.task_id in open_):
            continue
        declined = say(node, VerificationDeclined, THE_NODE, to=said.issuer, request=row.request, because=CANNOT_VERIFY)
        with node.store.write() as session:
            found = find_task(session, row.task_id)
            if found is not None and found.said is None:
                enter(session, declined, to=[said.issuer])
                found.done_at, found.said = found.done_at or stamp(), declined.statement_id


def answers_own_request(session: Session, node: Node, said: Verification | VerificationDeclined) -> bool:
    """Return whether a peer answers a request that this node sent to that peer."""
    row = find_statement(session, said.request or "")
    request = None if row is None or row.envelope is None else parse_statement(open_envelope(row.envelope).payload)
    if not isinstance(request, VerificationRequest) or row is None or row.issuer != node.node_id:
        return False
    if request.to != said.issuer:
        return False
    return isinstance(said, VerificationDeclined) or (request.conclusion, request.pair) == (said.verifies, said.pair)


def note_verified(session: Session, node: Node, said: Verification, statement_id: str) -> None:
    """Close the task of a conclusion that a partner verified."""
    task = task_of(session, said.verifies)
    counts = any(
        row.statement_id == statement_id for row in counting_verifications(session, node.node_id, said.verifies)
    )
    if task is not None and task.done_at is None and counts:
        task.done_at, task.said = stamp(), statement_id


def note_declined(session: Session, said: VerificationDeclined) -> None:
    """Let this node ask another partner."""
    task = task_of_request(session, said.request)
    if task is not None and task.partner == said.issuer and task.done_at is None:
        task.partner, task.request = None, None


def note_taken_back(session: Session, said: Retraction) -> None:
    """Remove the task of a request that its node took back."""
    task = task_of_request(session, said.retracts)
    if task is not None and task.asked_by == said.issuer and task.done_at is None:
        session.delete(task)


def open_request_of(session: Session, conclusion: str) -> tuple[str, str] | None:
    """Return the open request for a conclusion, and the partner that it was sent to; None where there is none."""
    task = task_of(session, conclusion)
    if task is None or task.done_at is not None or task.request is None or task.partner is None:
        return None
    return task.request, task.partner


def _waits(session: Session, task: VerificationTaskRow, pseudonym: str) -> bool:
    """Return whether this examiner's conclusion on the screen waits and no examiner of this node may verify it."""
    if task.concluded_by != pseudonym or task.done_at is not None or task.basis != Basis.SCREEN:
        return False
    exhibits, scans = (task.exhibit_low, task.exhibit_high), (task.scan_low, task.scan_high)
    return not blind_examiners(session, exhibits, scans, besides=pseudonym, asked_at=task.created_at)


def _may_have_both(session: Session, node: Node, pair: Pair, peer: PeerRow) -> bool:
    return all(_may_have(session, node, side, peer) for side in (pair.a, pair.b))


def _may_have(session: Session, node: Node, side: Side, peer: PeerRow) -> bool:
    """Return whether a peer may have a record of its own or of this node. A peer that still lacks it declines."""
    if side.issuer == peer.node_id:
        return True
    try:
        record = record_of(session, side.record)
    except LookupError:  # erased: nobody can verify the pair
        return False
    return (
        side.issuer == node.node_id and decide_sharing(session, side.record, record, peer, history=node.history) is None
    )


def _are_partners(pair: Pair, asker: str, asked: str) -> bool:
    """Return whether one node may ask the other one to verify a pair: the asker owns an exhibit, and so does the other
    node, unless the asker owns both."""
    owners = {pair.a.issuer, pair.b.issuer}
    return asker in owners and owners <= {asker, asked}


def _can_answer(session: Session, node: Node, said: VerificationRequest, task: VerificationTaskRow) -> bool:
    """Return whether an examiner of this node may answer a request: the asker may have both records, they are here and
    of the exhibits that the request names, they are of two scans, and an examiner is left who was shown no score of the
    pair. All other requests are declined for the same reason: the asker does not learn which records are here."""
    asker = find_peer(session, said.issuer)
    if asker is None or asker.state != PeerState.ENROLLED or not _are_partners(said.pair, said.issuer, node.node_id):
        return False
    if task.scan_low == task.scan_high or delivered_sides(session, said.pair) is None:
        return False
    if not states_known_exhibits(session, said):
        return False
    if not _may_have_both(session, node, said.pair, asker):
        return False
    return bool(blind_examiners(session, *blind_to(said.pair), besides=None, asked_at=task.created_at))


def _request_of(session: Session, task: VerificationTaskRow) -> VerificationRequest | None:
    row = find_statement(session, task.request or "")
    said = None if row is None or row.envelope is None else parse_statement(open_envelope(row.envelope).payload)
    return said if isinstance(said, VerificationRequest) else None


def _task(node: Node, task_id: str, pair: Pair) -> VerificationTaskRow:
    (exhibit_low, exhibit_high), (low, high) = blind_to(pair)
    return VerificationTaskRow(
        task_id=task_id,
        conclusion=None,
        concluded_by=None,
        not_for=None,
        basis=Basis.SCREEN,
        scan_low=low,
        scan_high=high,
        exhibit_low=exhibit_low,
        exhibit_high=exhibit_high,
        statement_a=pair.a.record,
        statement_b=pair.b.record,
        pair=pair.model_dump_json(),
        created_at=stamp(),
        due_at=stamp_in(node.settings.second_review_h * 3600),
    )


def request_retraction(node: Node, request: str) -> SignedStatement[Retraction]:
    """That a request is over, signed and not in the log yet."""
    return say(node, Retraction, THE_NODE, retracts=request, reason=REQUEST_OVER)
