"""Actions that coordination meetings agreed on: said by the head, signed, and carried on until they are done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from exchange.clock import stamp, today
from exchange.coordination.half_year.half_years import Half
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.flows.statement.coordination import StandingStatement, actions_of, actions_said
from exchange.flows.statement.named import check_named
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState
from schemas import Action, Maker
from schemas.vocabulary import ActionState, Jurisdiction, MeetingKind, OfficeRole

MOST_IN_A_YEAR = 9999


@dataclass(frozen=True)
class ListedAction:
    """An action as its issuer says that it stands. ``own``: this node issued it, and its head alone changes it."""

    statement_id: str
    said: Action
    own: bool
    overdue: bool

    @property
    def is_open(self) -> bool:
        return self.said.state is ActionState.OPEN


@dataclass(frozen=True)
class NewAction:
    """What the head enters of an action that a meeting agreed on."""

    title: str
    owner: Jurisdiction
    owner_role: OfficeRole
    due: date
    meeting: MeetingKind
    met_on: date


def list_actions(node: Node) -> list[ListedAction]:
    """This node's own actions and those that its peers told of: what is open first, the first due first."""
    with node.store.read() as session:
        found = actions_of(session, node.node_id, own=True)
        found += [item for peer in _all_enrolled(session) for item in actions_of(session, peer)]
    listed = [_listed(node, item, today()) for item in found]
    return sorted(listed, key=lambda item: (not item.is_open, item.said.due, item.said.issuer, item.said.number))


def overdue_here(node: Node) -> list[ListedAction]:
    """What the head of this node sees to first: own actions, and those of others that this jurisdiction is to do."""
    mine = node.settings.jurisdiction
    return [item for item in list_actions(node) if item.overdue and (item.own or item.said.owner == mine)]


def add_action(node: Node, maker: Maker, new: NewAction) -> tuple[str, str]:
    """Sign an action, and tell all peers. Returns its number and the statement's id.

    Raises InvalidInput; Conflict, code "stands-already", where the same action of the same meeting is open.
    """
    check_named(node, [new.owner], "owner")
    if new.met_on > today():
        raise InvalidInput("A meeting agrees on nothing before its day.", code="invalid-field")
    with node.store.read() as session:
        standing = actions_of(session, node.node_id, own=True)
        number = _next_number(session, node, new.met_on.year)
    for item in standing:
        if item.said.state is ActionState.OPEN and _agreed(item.said) == vars(new):
            raise Conflict(f"This action stands already, as {item.said.number}.", code="stands-already")
    said = say(
        node,
        Action,
        maker,
        **vars(new),
        number=number,
        state=ActionState.OPEN,
        closed_on=None,
        remark=None,
        stated_at=stamp(),
    )
    with node.store.write() as session:
        if _next_number(session, node, new.met_on.year) != number:
            raise Conflict("Somebody else has just added an action. Add it once more.", code="number-taken")
        enter(session, said, to=_all_enrolled(session))
    return number, said.statement_id


def change_action(
    node: Node,
    maker: Maker,
    number: str,
    state: ActionState,
    *,
    on: date | None = None,
    remark: str | None = None,
    due: date | None = None,
) -> str:
    """Say that an own action is done or dropped, is open again, or is due on another day. Returns the statement's id.

    ``on``: the day on which it was closed, today where none is named. Raises NotFound for what is no action of this
    node's own; InvalidInput; Conflict, code "nothing-to-change".
    """
    closes = state is not ActionState.OPEN
    if on is not None and (not closes or on > today()):
        raise InvalidInput("An action is closed on a day that has come.", code="invalid-field")
    with node.store.read() as session:
        before = _own(session, node, number)
    after = before.said.model_copy(
        update={
            "state": state,
            "closed_on": (on or today()) if closes else None,
            "remark": remark,
            "due": due or before.said.due,
        }
    )
    if (after.state, after.due, after.remark) == (before.said.state, before.said.due, before.said.remark):
        raise Conflict(f"{number} is {state} already; nothing was signed.", code="nothing-to-change")
    fields = {name: getattr(after, name) for name in Action.model_fields if name not in _BY_NODE}
    said = say(node, Action, maker, **fields, stated_at=stamp())
    with node.store.write() as session:
        if _own(session, node, number).statement_id != before.statement_id:
            raise Conflict(f"Somebody else has just changed {number}. See how it stands.", code="changed-meanwhile")
        enter(session, said, to=_all_enrolled(session))
    return said.statement_id


def open_actions(node: Node, half: Half) -> list[ListedAction]:
    """This node's own actions of which a half-year's pack tells: those open at its end, or now while it lasts, which
    the next pack carries on; and those that were agreed on or closed within it. By their number.

    Each stands as it did then: what was said later is of the next half-year.
    """
    with node.store.read() as session:
        return _as_of(node, session, node.node_id, half)


def owed_actions(node: Node, half: Half) -> list[ListedAction]:
    """As ``open_actions``: those that peers issued and that this jurisdiction is to do."""
    with node.store.read() as session:
        found = [item for peer in _all_enrolled(session) for item in _as_of(node, session, peer, half)]
    return [item for item in found if item.said.owner == node.settings.jurisdiction]


_BY_NODE = frozenset({"contract", "type", "nonce", "issuer", "made_by", "stated_at"})


def _as_of(node: Node, session: Session, issuer: str, half: Half) -> list[ListedAction]:
    day = min(today(), date.fromisoformat(half.end[:10]))
    found: dict[str, StandingStatement[Action]] = {}
    for item in actions_said(session, issuer, own=issuer == node.node_id):
        if (item.said.stated_at or "") < half.end:
            found.setdefault(item.said.number, item)
    told = [_listed(node, item, day) for item in found.values() if _is_of(item.said, half)]
    return sorted(told, key=lambda item: item.said.number)


def _is_of(said: Action, half: Half) -> bool:
    days = (said.met_on, said.closed_on)
    return said.state is ActionState.OPEN or any(day is not None and half.holds(f"{day}T12") for day in days)


def _listed(node: Node, item: StandingStatement[Action], day: date) -> ListedAction:
    overdue = item.said.state is ActionState.OPEN and item.said.due < day
    return ListedAction(item.statement_id, item.said, item.said.issuer == node.node_id, overdue)


def _agreed(said: Action) -> dict[str, object]:
    return {name: getattr(said, name) for name in NewAction.__dataclass_fields__}


def _next_number(session: Session, node: Node, year: int) -> str:
    """Raises Conflict where a year's numbers are used up."""
    begin = f"A-{year}-"
    used = [item.said.number.removeprefix(begin) for item in actions_said(session, node.node_id, own=True)]
    number = max((int(rest) for rest in used if rest.isdigit()), default=0) + 1
    if number > MOST_IN_A_YEAR:
        raise Conflict(f"The numbers of {year} are used up.", code="numbers-used-up")
    return f"{begin}{number}"


def _own(session: Session, node: Node, number: str) -> StandingStatement[Action]:
    for item in actions_of(session, node.node_id, own=True):
        if item.said.number == number:
            return item
    raise NotFound(
        f"There is no action {number} of this node's own; what a peer issued, its head alone changes. See: "
        "ffp action list"
    )


def _all_enrolled(session: Session) -> list[str]:
    return [peer.node_id for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
