"""What people say of a pair, or to each other: checked, signed, logged, and put on the lanes of those concerned."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, TypeVar, assert_never

from pydantic import ValidationError
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, Forbidden, InvalidInput, NotFound
from exchange.flows.blind.send import send_for_verification
from exchange.flows.blind.tasks import call_off, check_answers_request, check_task, close_task
from exchange.flows.blind.visibility import (
    blind_to,
    check_blind,
    check_none_waits,
    check_shown,
    hidden_pairs,
    needs_verification,
    no_record,
    no_statement,
    tells_of,
)
from exchange.flows.entry.free_text import Doubt, doubts_in
from exchange.flows.hits.custody import seal_differs
from exchange.flows.hits.history import disagreeing_reviews, hit_history, hits_of, pair_id
from exchange.flows.hits.pairs import note_said, settle_pairs
from exchange.flows.hits.rules import answered_by
from exchange.flows.hits.signing_checks import check_hit
from exchange.flows.log.signed_before import signed_before
from exchange.flows.node.node import Node
from exchange.flows.review.one_review import check_one_review, state_first_versions
from exchange.flows.review.partners import open_request_of, request_retraction
from exchange.flows.review.verified import counting_verifications
from exchange.flows.statement.authorship import WorkAct, may_act
from exchange.flows.statement.sharing import decide_sharing
from exchange.flows.statement.sign_statement import enter, signed
from exchange.store.entry.record_rows import acquisitions_of, find_record
from exchange.store.log.statement_rows import (
    find_statement,
    find_statements,
    statements_about,
    statements_about_each,
)
from exchange.store.review.review_rows import saw
from exchange.store.sync.peers import all_peers, find_peer, put_on_lane, readers_of
from exchange.store.tables.peer_tables import PeerState
from exchange.store.tables.record_tables import StatementRow
from schemas import (
    CONTRACT_VERSION,
    AnyStatement,
    Conclusion,
    ContractError,
    CustodyExplanation,
    Disclosure,
    Feedback,
    Hit,
    Maker,
    Message,
    Pair,
    PhysicalComparison,
    Record,
    Retraction,
    Verification,
    open_envelope,
    parse_statement,
)
from schemas.kinds import KINDS
from schemas.review import CUSTODY
from schemas.strict_json import check_json, contract_error
from schemas.vocabulary import Basis, Role

_T = TypeVar("_T", bound=AnyStatement)

ReviewStatement = (
    Conclusion
    | Verification
    | Hit
    | PhysicalComparison
    | CustodyExplanation
    | Retraction
    | Feedback
    | Message
    | Disclosure
)

UNANSWERED: Final = "0" * 64
"""Stands for what a step of custody answers, which the contract asks for, until the node has found it."""
SPOKEN: Final = {name: kind for name, kind in KINDS.items() if kind.said_by}
"""What a person may say, and in which role."""


@dataclass(frozen=True)
class Spoke:
    """What was said, its place in the log, and to whom it goes."""

    statement_id: str
    log_index: int
    to: tuple[str, ...]
    doubts: dict[str, tuple[Doubt, ...]]
    """Free texts that may tell of a person, by their place in the statement."""


def speak(
    node: Node,
    maker: Maker,
    draft: bytes,
    *,
    task: str | None = None,
    once: bool = False,
    other_seal: bool = False,
) -> Spoke:
    """Say what ``draft`` says: a statement without what only the node knows (contract, nonce, issuer, made_by,
    stated_at). What a step of a hit answers may be left to the node too. ``task``: of a blind verification that this
    answers, be it about a conclusion or a control. ``once``: from a form, which a person may send twice; the same
    within a minute is signed once. ``other_seal``: the maker confirms that the received exhibit bears another seal.

    1. Its type is one that this role may say.
    2. It fits what is stored: own subjects, known pairs, two different examiners; of a hit, the rules that hold for
       what arrives as well (`exchange.flows.hits.rules`).
    3. Signed, entered into the log, and put on the lanes. A conclusion and its verification stay at home until the hit
       rests on both.

    Raises InvalidInput, Forbidden, NotFound, Conflict.
    """
    with node.store.read() as session:
        completed = _completed(session, node, _read(session, node, maker, draft))
        request = open_request_of(session, completed.retracts) if isinstance(completed, Retraction) else None
    said = signed(node, completed)
    over = None if request is None else (request_retraction(node, request[0]), request[1])
    with node.store.write() as session:
        if once and (before := signed_before(session, said.statement)) is not None:
            return Spoke(before.statement_id, before.log_index, (), doubts_in(said.statement, node.jurisdictions))
        if task is not None:
            check_task(session, maker.pseudonym, task)
        else:
            _check_without_task(session, node, said.statement)
        to, held_back = _check(session, node, maker, said.statement)
        if not other_seal:
            _check_seal(session, said.statement)
        for statement_id in held_back:
            for peer in to:
                put_on_lane(session, peer, statement_id)
        index = enter(session, said, to=to)
        if over is not None:
            enter(session, over[0], to=[over[1]])
        _follow_up(session, node, said.statement_id, said.statement, task)
        note_said(session, said.statement_id, said.statement)
    settle_pairs(node)
    return Spoke(said.statement_id, index, tuple(to), doubts_in(said.statement, node.jurisdictions))


def would_sign(session: Session, node: Node, maker: Maker, draft: bytes) -> bool:
    """Whether ``speak`` would sign this draft now; nothing is signed."""
    try:
        said = _completed(session, node, _read(session, node, maker, draft))
        _check_without_task(session, node, said)
        _check(session, node, maker, said)
    except (InvalidInput, Forbidden, NotFound, Conflict):
        return False
    return True


def may_see(session: Session, node: Node, row: StatementRow, pseudonym: str, role: Role = Role.EXAMINER) -> bool:
    """Whoever is to verify a conclusion must not have seen it, nor that it was taken back: until it is verified, of all
    examiners its maker alone is shown either. The head, who may take it back, verifies nothing and sees it. What a
    partner's examiner holds of a pair is shown when a hit rests on it."""
    if role is Role.HEAD:
        return True
    if row.type == "verification" and row.issuer != node.node_id and not _is_rested_on(session, node, row):
        return False
    spoken_of = find_statement(session, row.about) if row.type == "retraction" and row.about else row
    if spoken_of is None or spoken_of.type != "conclusion" or spoken_of.issuer != node.node_id:
        return True
    if _was_verified(session, node, spoken_of.statement_id):
        return True
    said = _own(session, node, spoken_of.statement_id, Conclusion)
    return not needs_verification(said.result) or said.made_by.pseudonym == pseudonym


def _is_rested_on(session: Session, node: Node, row: StatementRow) -> bool:
    """Whether a verification of another node is of this node's own conclusion, or a hit names it."""
    first = find_statement(session, row.about or "")
    if first is not None and first.issuer == node.node_id:
        return True
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    hits = hits_of(session, said.pair) if isinstance(said, Verification) else []
    resting = (parse_statement(open_envelope(hit.envelope or b"").payload) for hit in hits)
    return any(isinstance(hit, Hit) and hit.verification == row.statement_id for hit in resting)


def may_take_back(maker: Maker, pseudonym: str, role: Role) -> bool:
    """What was said is taken back by whoever said it, or by the head."""
    return may_act(WorkAct.RETRACT, role, pseudonym, maker.pseudonym)


def may_say(kind: str, role: Role) -> bool:
    return kind in SPOKEN and role in SPOKEN[kind].said_by


BY_NODE: Final = frozenset({"contract", "nonce", "issuer", "made_by", "stated_at"})


def _read(session: Session, node: Node, maker: Maker, draft: bytes) -> ReviewStatement:
    try:
        check_json(draft)
        fields = json.loads(draft)
        kind = fields.get("type") if isinstance(fields, dict) else None
        if not isinstance(kind, str) or kind not in SPOKEN:
            raise InvalidInput(f"The type is one of {', '.join(SPOKEN)}.", code="unknown-type")
        if not may_say(kind, maker.role):
            roles = " or ".join(sorted(SPOKEN[kind].said_by))
            raise Forbidden(f"A {kind} is said in the role {roles}; you are signed in as {maker.role}.")
        own_fields = BY_NODE | {"blind"} if kind == "verification" else BY_NODE
        if own := own_fields & fields.keys():
            raise InvalidInput(f"Leave to the node what only it says: {', '.join(sorted(own))}.", code="unknown-field")
        by_node: dict[str, Any] = {
            "contract": CONTRACT_VERSION,
            "nonce": secrets.token_hex(32),
            "issuer": node.node_id,
            "made_by": maker.model_dump(mode="json"),
            "stated_at": stamp(),
        }
        if kind == "verification":
            by_node["blind"] = True  # for the time being (``_completed``)
        step = fields.get("step")
        if isinstance(step, str) and step in CUSTODY and fields.get("answers") is None:
            fields["answers"] = UNANSWERED
        state_first_versions(session, fields.get("pair"))
        said = SPOKEN[kind].model.model_validate_json(json.dumps(by_node | fields), strict=True)
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=error.problems) from error
    except ValidationError as error:
        refused = contract_error(error)
        raise InvalidInput(str(refused), code=refused.reason, problems=refused.problems) from error
    if not isinstance(said, ReviewStatement):
        raise TypeError(f"A {kind} is said by people, and nothing checks it.")
    return said


def _check_without_task(session: Session, node: Node, said: ReviewStatement) -> None:
    check_shown(session, said)
    if isinstance(said, Verification) and said.request is not None:
        raise no_statement(said.request)  # what another node asks is answered by the task that an examiner took
    if isinstance(said, Conclusion):
        check_none_waits(session, said)
        check_one_review(session, said, lambda row: may_see(session, node, row, said.made_by.pseudonym))


def _check(session: Session, node: Node, maker: Maker, said: ReviewStatement) -> tuple[list[str], list[str]]:
    """To whom it goes, and what was held back until now and goes before it."""
    match said:
        case Conclusion():
            _other_sides(session, node, said.pair)
            return [], []
        case Verification() if said.request is not None:
            check_answers_request(session, said)
            check_blind(session, said)
            return _enrolled(session, {said.pair.a.issuer, said.pair.b.issuer} - {node.node_id}), []
        case Verification():
            _other_sides(session, node, said.pair)
            first = _own(session, node, said.verifies, Conclusion)
            _check_second(first, said.pair, maker)
            if first.result.basis is not said.result.basis:
                raise InvalidInput("The verification has another basis than the conclusion.", code="other-basis")
            _check_first_answer(session, node, said.verifies)
            check_blind(session, said)
            return [], []
        case Hit():
            to = _other_sides(session, node, said.pair)
            _own(session, node, said.conclusion, Conclusion)
            resting = [said.conclusion, *_own_verification(session, node, said.conclusion, said.verification)]
            _check_tells(session, node, said.pair, to)
            check_hit(session, node, said, said.pair)
            return to, _with_disagreements(session, node, said.pair, resting)
        case PhysicalComparison():
            hit = _known(session, said.hit, Hit)
            to = _of_hit(session, node, hit)
            rests_on = [name for name in (said.conclusion, said.verification) if name is not None]
            for name in rests_on:
                _own(session, node, name, Conclusion | Verification)
            check_hit(session, node, said, hit.pair)
            return to, _with_disagreements(session, node, hit.pair, rests_on) if rests_on else []
        case Retraction():
            _check_retraction(_retracted(session, node, said.retracts, maker), maker)
            _check_not_taken_back(session, node, said.retracts)
            return readers_of(session, said.retracts), []
        case CustodyExplanation() | Feedback():
            hit = _known(session, said.hit, Hit)
            check_hit(session, node, said, hit.pair)
            return _of_hit(session, node, hit), []
        case Message():
            return _addressee(session, said.to), []
        case Disclosure():
            to = _addressee(session, said.to)
            record = _own(session, node, said.record, Record)
            _check_may_have(session, node, said.record, record, said.to)
            return to, []
        case _:
            assert_never(said)


def _follow_up(session: Session, node: Node, statement_id: str, said: ReviewStatement, task: str | None) -> None:
    """What waits for another examiner begins, is done, or is called off."""
    match said:
        case Conclusion():
            close_task(session, said, statement_id, task)
            send_for_verification(session, node, statement_id, said)
        case Verification():
            close_task(session, said, statement_id, task)
        case Retraction():
            call_off(session, said.retracts)
        case Hit() | PhysicalComparison() | CustodyExplanation() | Feedback() | Message() | Disclosure():
            pass
        case _:
            assert_never(said)


def _check_seal(session: Session, said: AnyStatement) -> None:
    """Raises InvalidInput for a seal that differs: it would stop the confirmed hit, so its maker has to confirm it."""
    if not isinstance(said, PhysicalComparison) or said.answers is None:
        return
    answered = find_statement(session, said.answers)
    left = parse_statement(open_envelope(answered.envelope).payload) if answered and answered.envelope else None
    if isinstance(left, PhysicalComparison) and seal_differs(left, said):
        raise InvalidInput(
            f"The exhibit left under the seal {left.seal}, and this states {said.seal}. Correct it; or send it again "
            "with other_seal=true if this is the seal on the packing. A seal that differs stops the confirmation until "
            "the head of the exhibit's owner explains it.",
            code="other-seal",
            problems=(("seal", f"the exhibit left under the seal {left.seal}"),),
        )


def _check_tells(session: Session, node: Node, pair: Pair, to: list[str]) -> None:
    """A hit tells its addressee of the own record, so policy must let the addressee have the record; a pair that
    somebody signed a hit of before is known to both sides. Raises Conflict, code "withheld"."""
    if any(isinstance(entry.statement, Hit) for entry in hit_history(session, node, pair)):
        return
    for side in (pair.a, pair.b):
        for name in to if side.issuer == node.node_id else ():
            _check_may_have(session, node, side.record, _own(session, node, side.record, Record), name)


def _check_may_have(session: Session, node: Node, statement_id: str, record: Record, node_id: str) -> None:
    """Raises Conflict, code "withheld"."""
    peer = find_peer(session, node_id)
    refusal = decide_sharing(session, statement_id, record, peer, history=node.history) if peer else None
    if refusal is not None:
        raise Conflict(
            f"{node_id} may not have the record itself ({refusal.reason}); allow, grant or approve that first.",
            code="withheld",
        )


def _of_hit(session: Session, node: Node, hit: Hit) -> list[str]:
    """Those who had the hit, beside this node."""
    return _enrolled(session, {hit.issuer, hit.pair.a.issuer, hit.pair.b.issuer} - {node.node_id})


def _check_second(first: Conclusion, pair: Pair, second: Maker) -> None:
    if first.pair != pair:
        raise InvalidInput("The verification is of another pair than the conclusion.", code="other-pair")
    if first.made_by.pseudonym == second.pseudonym:
        raise Conflict("A conclusion is verified by another examiner than made it.", code="same-examiner")


def _was_verified(session: Session, node: Node, conclusion: str) -> bool:
    """By an examiner of this node or of a partner, be it that the verification was taken back since."""
    return bool(counting_verifications(session, node.node_id, conclusion))


def _own_verification(session: Session, node: Node, conclusion: str, verification: str) -> list[str]:
    """What goes before a hit to the other side: a verification of this node. The other side has its own.
    Raises NotFound, Conflict."""
    counting = {row.statement_id: row for row in counting_verifications(session, node.node_id, conclusion)}
    if verification in counting and counting[verification].issuer != node.node_id:
        return []
    _own(session, node, verification, Verification)
    return [verification]


def _with_disagreements(session: Session, node: Node, pair: Pair, rests_on: list[str]) -> list[str]:
    """Return the statements on which a hit or a comparison rests, preceded by this node's disagreeing reviews of the
    two exhibits and the retractions of these. The other side reads all of them."""
    reviews = disagreeing_reviews(session, [pair]).get(pair_id(pair), {})
    rows = find_statements(session, reviews)
    back = statements_about_each(session, reviews, ["retraction"])
    every = [*rows.values(), *(row for some in back.values() for row in some)]
    own = sorted((row.log_index, row.statement_id) for row in every if row.issuer == node.node_id)
    return [*dict.fromkeys([*(name for _, name in own), *rests_on])]


def _check_first_answer(session: Session, node: Node, conclusion: str) -> None:
    """Once it was verified, everybody may read it, and a second verification would not be blind. Raises Conflict."""
    if _was_verified(session, node, conclusion):
        raise Conflict(
            "This conclusion was verified already; conclude anew, and another examiner verifies that.",
            code="already-verified",
        )


def _retracted(session: Session, node: Node, statement_id: str, maker: Maker) -> Conclusion | Verification | Hit:
    """What is to be taken back. Raises NotFound, also for what this maker may not see: else the refusal would tell that
    it is there."""
    row = find_statement(session, statement_id)
    hidden = hidden_pairs(session, maker.role, maker.pseudonym)
    if row is None or not may_see(session, node, row, maker.pseudonym, maker.role):
        raise no_statement(statement_id)
    if tells_of(session, row, hidden) and (row.type == "hit" or not _is_by(node, row, maker)):
        raise no_statement(statement_id)
    found: Conclusion | Verification | Hit = _own(session, node, statement_id, Conclusion | Verification | Hit)
    return found


def _is_by(node: Node, row: StatementRow, maker: Maker) -> bool:
    """Whether this person said it, who therefore knows of it."""
    said = parse_statement(open_envelope(row.envelope).payload) if row.envelope is not None else None
    made_by = getattr(said, "made_by", None)
    return row.issuer == node.node_id and isinstance(made_by, Maker) and made_by.pseudonym == maker.pseudonym


def _check_retraction(said: Conclusion | Verification | Hit, maker: Maker) -> None:
    """Raises Forbidden."""
    if not may_take_back(said.made_by, maker.pseudonym, maker.role):
        raise Forbidden(
            f"A {said.type} is taken back by whoever made it, here {said.made_by.pseudonym}, or by the head of this "
            "Firearms Focal Point. Ask one of them."
        )


def _check_not_taken_back(session: Session, node: Node, statement_id: str) -> None:
    """Raises Conflict. Only the issuer of a statement retracts it: a retraction that a peer signs has no effect."""
    if statements_about(session, statement_id, ["retraction"], issuer=node.node_id):
        raise Conflict("This was taken back already; once is enough.", code="already-taken-back")


def _completed(session: Session, node: Node, said: ReviewStatement) -> ReviewStatement:
    """With what only the node knows: the statement that a step of a hit answers, where its maker did not name it, and
    whether a verification on the exhibits is blind."""
    if isinstance(said, Verification) and said.result.basis is Basis.EXHIBITS:
        shown = saw(session, said.made_by.pseudonym, *blind_to(said.pair))
        return said.model_copy(update={"blind": shown is None})
    if not isinstance(said, Hit | PhysicalComparison) or said.answers not in (None, UNANSWERED):
        return said
    pair = said.pair if isinstance(said, Hit) else _known(session, said.hit, Hit).pair
    known = (entry.said for entry in hit_history(session, node, pair))
    return said.model_copy(update={"answers": answered_by(pair, known, said)})


def _other_sides(session: Session, node: Node, pair: Pair) -> list[str]:
    """The owners of a pair beside this node. A pair of which it owns neither side would tell each owner of the other's
    record: that is theirs to share."""
    for side in (pair.a, pair.b):
        found = find_record(session, side.record)
        if found is None or found[0].issuer != side.issuer:
            raise no_record(side)
        if all(scan.sha256 != side.scan for scan in acquisitions_of(session, side.record)):
            raise NotFound(f"The record {side.record} names no scan {side.scan}.")
    owners = {pair.a.issuer, pair.b.issuer}
    if node.node_id not in owners:
        raise Conflict(
            "Neither record is this node's own. Write to each owner; only they may tell each other of it.",
            code="not-owner",
        )
    return _enrolled(session, owners - {node.node_id})


def _enrolled(session: Session, nodes: set[str]) -> list[str]:
    return [peer.node_id for peer in all_peers(session) if peer.node_id in nodes and peer.state == PeerState.ENROLLED]


def _addressee(session: Session, node_id: str) -> list[str]:
    found = _enrolled(session, {node_id})
    if not found:
        raise NotFound(f"There is no enrolled peer {node_id}. See: ffp peer list")
    return found


def _known(session: Session, statement_id: str, kind: type[_T] | UnionType) -> _T:
    row = find_statement(session, statement_id)
    if row is not None and row.envelope is not None:
        statement = parse_statement(open_envelope(row.envelope).payload)
        if isinstance(statement, kind):
            return statement
    raise no_statement(statement_id)


def _own(session: Session, node: Node, statement_id: str, kind: type[_T] | UnionType) -> _T:
    found = _known(session, statement_id, kind)
    if found.issuer != node.node_id:
        raise Conflict(
            f"{statement_id} is a statement of {found.issuer}; only its issuer disposes of it.", code="not-owner"
        )
    return found
