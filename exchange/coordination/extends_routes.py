"""Pages and REST routes of the region's coordination, and what it has for the first page of the head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.coordination.exercises import exercise_page
from exchange.coordination.exercises.attempt_cookie import all_left
from exchange.coordination.half_year_report import half_year_page
from exchange.coordination.half_year_report.half_year_glance import half_year_card
from exchange.coordination.incidents import annex_page, incident_sheet
from exchange.coordination.law import law_page, law_routes
from exchange.coordination.maturity import maturity_page
from exchange.coordination.meetings import meetings_page
from exchange.coordination.meetings.agreed_actions import overdue_here
from exchange.coordination.meetings.meeting_words import waiting_line
from exchange.coordination.meetings.pack.approve_inputs import waiting_approvals
from exchange.coordination.meetings.pack_paper import pack_page
from exchange.flows.node.node import Node
from exchange.web.languages import gettext as _
from exchange.web.languages import ngettext, term
from exchange.web.pages.extended import DutyLine, RoutesPart

MOST_APPROVALS: Final = 8
"""Most approvals in the list; a node where nothing was ever approved has more."""
MOST_ACTIONS: Final = 5


def _duties(node: Node) -> Iterator[DutyLine]:
    waiting = waiting_approvals(node)
    yield from map(waiting_line, waiting[:MOST_APPROVALS])
    if more := len(waiting[MOST_APPROVALS:]):
        text = ngettext("%(num)s more of earlier half-years", "%(num)s more of earlier half-years", more)
        yield DutyLine(text, "/app/monitoring")
    if overdue := overdue_here(node):
        yield DutyLine(
            ngettext("%(num)s action of a meeting is overdue", "%(num)s actions of meetings are overdue", len(overdue)),
            "/app/actions",
            link=_("Actions"),
            details=[
                (item.said.title, f"{term(item.said.owner, 'jurisdiction')}, {item.said.due}")
                for item in overdue[:MOST_ACTIONS]
            ],
        )


ROUTES: Final = RoutesPart(
    rest=(law_routes.router,),
    pages=(
        meetings_page.router,
        pack_page.router,
        exercise_page.router,
        half_year_page.router,
        annex_page.router,
        incident_sheet.router,
        maturity_page.router,
        law_page.router,
    ),
    duties=lambda node: list(_duties(node)),
    card=half_year_card,
    sign_out=all_left,
)
