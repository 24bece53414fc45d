"""What each node says for the coordination of the region, as it stands: of all that an issuer said of one action, or of
one jurisdiction's way in, its newest statement.

A peer's statements are read within a bound: whoever signs more hides its own older ones, and nobody else's. What this
node said itself is read whole (``most=None``): else the numbers of its actions would begin anew, and old ones would be
gone from its lists, once it had said more than the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sqlalchemy.orm import Session

from exchange.store.log.stated import newest_stated
from schemas import Action, AnyStatement, ContractError, Onboarding, open_envelope, parse_statement

_S = TypeVar("_S", bound=AnyStatement)

MOST_READ: Final = 1000
"""Of one peer: ten years of a hundred actions, each said once more."""


@dataclass(frozen=True)
class StandingStatement(Generic[_S]):
    """A statement that was verified when it came, with its place in its issuer's log, and when it came."""

    statement_id: str
    log_index: int
    received_at: str
    said: _S


def actions_said(session: Session, issuer: str, *, own: bool = False) -> list[StandingStatement[Action]]:
    """All that an issuer said of its actions, the newest first; ``own``: this node is the issuer."""
    return list(_said(session, issuer, "action", Action, own=own))


def actions_of(session: Session, issuer: str, *, own: bool = False) -> list[StandingStatement[Action]]:
    """The actions of an issuer as they stand, by their number."""
    said = actions_said(session, issuer, own=own)
    return sorted(_newest(said, lambda said: said.number), key=lambda item: item.said.number)


def onboardings_of(session: Session, issuer: str, *, own: bool = False) -> list[StandingStatement[Onboarding]]:
    """The lists that an issuer keeps, as they stand, by jurisdiction."""
    said = list(_said(session, issuer, "onboarding", Onboarding, own=own))
    return sorted(_newest(said, lambda said: said.jurisdiction), key=lambda item: item.said.jurisdiction)


def stated_here(session: Session, node_id: str) -> list[str]:
    """What a new peer is told of both that this node says, in the order of the log."""
    places = {item.log_index: item.statement_id for item in actions_of(session, node_id, own=True)}
    places |= {item.log_index: item.statement_id for item in onboardings_of(session, node_id, own=True)}
    return [statement_id for _, statement_id in sorted(places.items())]


def _said(session: Session, issuer: str, kind: str, model: type[_S], *, own: bool) -> Iterator[StandingStatement[_S]]:
    for row in newest_stated(session, issuer, kind, most=None if own else MOST_READ):
        try:
            said = parse_statement(open_envelope(row.envelope or b"").payload)
        except ContractError:  # damaged at rest; the daily check names it, and the others are shown
            continue
        if isinstance(said, model):
            yield StandingStatement(row.statement_id, row.log_index, row.received_at, said)


def _newest(said: list[StandingStatement[_S]], subject: Callable[[_S], str]) -> list[StandingStatement[_S]]:
    found: dict[str, StandingStatement[_S]] = {}
    for item in said:
        found.setdefault(subject(item.said), item)
    return list(found.values())
