"""What the inputs of a meeting pack say, in a few lines: shown before the head approves them, on the page and by the
command."""

from __future__ import annotations

from exchange.coordination.meetings.pack.pack_inputs_document import OverdueBand, PackInputs
from exchange.coordination.meetings.pack_paper.pack_words import side_names
from exchange.web.languages import gettext as _


def inputs_facts(inputs: PackInputs) -> list[tuple[str, str]]:
    """Title and value, in the language that is spoken."""
    still_open = [action for action in inputs.actions if action.is_open]
    late = sum(action.overdue for action in still_open)
    behind = (OverdueBand.SOME, OverdueBand.MANY)
    waiting = [item.partner for item in inputs.overdue if item.steps in behind or item.decisions in behind]
    snapshot = inputs.maturity_of(inputs.half_year)
    return [
        (_("Half-year"), inputs.half),
        (_("Day"), inputs.as_of.isoformat()),
        (_("SHA-256 of the report's manifest"), inputs.report or _("not approved")),
        (_("Meetings and trainings held"), str(len(inputs.meetings))),
        (_("People who attended"), str(sum(meeting.people for meeting in inputs.meetings))),
        (_("Open actions"), _("%(open)s, of which overdue: %(late)s", open=len(still_open), late=late)),
        (_("Partners that wait beyond the term"), side_names(waiting) or "0"),
        (_("Articles of law"), str(inputs.law.articles)),
        (_("What is missing in law"), str(len(inputs.law.lacks))),
        (_("Level of maturity"), str(snapshot.reached) if snapshot is not None else _("no snapshot")),
    ]
