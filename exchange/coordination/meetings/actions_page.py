"""What meetings agreed on: read by everybody, added and closed by the head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from exchange.coordination.form_fields import LineDoubts, day_in, with_doubts, word_in
from exchange.coordination.meetings.agreed_actions import (
    ListedAction,
    NewAction,
    add_action,
    change_action,
    list_actions,
)
from exchange.coordination.meetings.meeting_words import (
    action_state_word,
    meeting_word,
    office_role_word,
)
from exchange.errors import InvalidInput
from exchange.web.access.caller import OpenNode
from exchange.web.pages.layout import Heading, SentForm, SignedIn, page
from exchange.web.pages.query.queries import line_of
from schemas.vocabulary import ActionState, Jurisdiction, MeetingKind, OfficeRole, Role

router = APIRouter()

ACTIONS_ON_A_PAGE: Final = 50
Skipped = Annotated[int, Query(ge=0, le=1_000_000)]
Chosen = Annotated[str, Query(max_length=40)]


@dataclass(frozen=True)
class ActionFilter:
    """Which actions are listed: of which jurisdiction, in which role, and whether closed ones stand below. None: all of
    them."""

    owner: Jurisdiction | None
    role: OfficeRole | None
    open_only: bool

    @classmethod
    def read(cls, owner: str, role: str, open_only: bool) -> ActionFilter:
        """Raises InvalidInput."""
        return cls(
            _owner_in({"owner": owner}) if owner else None,
            word_in({"role": role}, "role", OfficeRole) if role else None,
            open_only,
        )

    def holds(self, item: ListedAction) -> bool:
        return self.owner in (None, item.said.owner) and self.role in (None, item.said.owner_role)

    @property
    def said(self) -> dict[str, str]:
        """As an address holds it."""
        found = {"owner": self.owner, "role": self.role, "open_only": "yes" if self.open_only else None}
        return {name: str(value) for name, value in found.items() if value}


@dataclass(frozen=True)
class ActionsShown:
    """Some of a list, from the one after ``skip`` on; ``following``: how many are to be skipped for the next ones."""

    items: Sequence[ListedAction]
    count: int
    skip: int

    @property
    def following(self) -> int | None:
        after = self.skip + ACTIONS_ON_A_PAGE
        return after if after < self.count else None


@router.get("/actions")
def actions(
    node: OpenNode,
    who: SignedIn,
    owner: Chosen = "",
    role: Chosen = "",
    open_only: bool = False,
    doubt: LineDoubts = (),
    skip: Skipped = 0,
    closed_skip: Skipped = 0,
) -> Response:
    """What is open first, the first due first; then what is closed, the last first. ``doubt``: what the line just
    signed may tell of a person."""
    wanted = ActionFilter.read(owner, role, open_only)
    found = [item for item in list_actions(node) if wanted.holds(item)]
    closed = [item for item in found if not item.is_open and not open_only]
    is_head = who.caller.role is Role.HEAD
    return page(
        "actions",
        who,
        open_ones=_shown([item for item in found if item.is_open], skip),
        closed=_shown(sorted(closed, key=lambda item: str(item.said.closed_on), reverse=True), closed_skip),
        is_head=is_head,
        wanted=wanted,
        here=node.settings.jurisdiction,
        jurisdictions=list(node.jurisdictions),
        roles=list(OfficeRole),
        meetings=list(MeetingKind),
        meeting_word=meeting_word,
        role_word=office_role_word,
        state_word=action_state_word,
        doubts=doubt,
    )


def _shown(items: Sequence[ListedAction], skip: int) -> ActionsShown:
    return ActionsShown(items[skip : skip + ACTIONS_ON_A_PAGE], len(items), skip)


@router.post("/actions")
def say_action(node: OpenNode, who: Heading, fields: SentForm) -> Response:
    """Sign an action, or that one is done, dropped, or open again."""
    if "number" in fields:
        line, state = line_of(fields, "remark"), word_in(fields, "state", ActionState)
        change_action(node, who.caller.maker, fields["number"][:32], state, remark=line)
    else:
        line = line_of(fields, "title")
        new = NewAction(
            line,
            _owner_in(fields),
            word_in(fields, "role", OfficeRole),
            day_in(fields, "due"),
            word_in(fields, "meeting", MeetingKind),
            day_in(fields, "met_on"),
        )
        add_action(node, who.caller.maker, new)
    return RedirectResponse(with_doubts("/app/actions", node, line), 303)


def _owner_in(fields: Mapping[str, str]) -> Jurisdiction:
    """Raises InvalidInput."""
    try:
        return Jurisdiction(fields.get("owner", ""))
    except ValueError as error:
        raise InvalidInput("Choose one of the list.", code="invalid-field") from error
