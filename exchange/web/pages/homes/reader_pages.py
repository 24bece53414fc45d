"""The homes of those who read and sign: what an examiner or an investigator is to do, and what is new."""

from __future__ import annotations

from typing import Any

from exchange.flows.alerts.alerts import pictures_of_alerts, tell_alerts
from exchange.flows.alerts.kept_searches import MOST_TOLD, kept_searches
from exchange.flows.alerts.worklist import Worklist, WorkOf, worklist_of
from exchange.flows.entry.drafts import own_exhibits
from exchange.flows.review.taken_work import MAY_WORK_ON, colleagues_for
from exchange.flows.sync.sync_partners import exchange_standing
from exchange.flows.terms.proposals import ProposedWithdrawal, proposals_for
from exchange.log.audit_entry import MAX_SUBJECTS, Act
from exchange.web.pages.layout import Visitor
from schemas.vocabulary import Role

_NEWS = 5
_UNSIGNED = 5
"""So many drafts are lines of the worklist, those that were saved last; all stand where exhibits are registered."""


def reader_home(who: Visitor, of: WorkOf | None = None) -> dict[str, Any]:
    """Where this node demands a purpose, nothing of any exhibit before one is stated. ``of``: which lines of the
    list."""
    node, pseudonym = who.node, who.caller.pseudonym
    shown: dict[str, Any] = {
        "work": None,
        "of": of,
        "colleagues": [],
        "news": None,
        "unsigned": [],
        "most_unsigned": _UNSIGNED,
        "exchange": exchange_standing(node),
        "searches": kept_searches(node, pseudonym),
        "most_told": MOST_TOLD,
        "proposals": [],
    }
    if who.may_consult:
        news = tell_alerts(node, who.caller.role, pseudonym, most=_NEWS)
        kinds = [kind for kind, roles in MAY_WORK_ON.items() if who.caller.role in roles]
        shown |= {
            "work": _worklist(who, of),
            "colleagues": colleagues_for(node, kinds, besides=pseudonym),
            "news": news,
            "pictured": pictures_of_alerts(node, news.lines),
        }
        if who.caller.role is Role.EXAMINER:
            shown["proposals"] = proposals_of(who)
            shown["unsigned"] = own_exhibits(node, pseudonym, most_submitted=0).drafts
    return shown


def proposals_of(who: Visitor) -> list[ProposedWithdrawal]:
    """The proposed withdrawals that concern whoever looks, which names their records."""
    found = proposals_for(who.node, who.caller.role, who.caller.pseudonym)
    if found:
        who.consultation.note(Act.LIST_WORK, len(found), *(item.record.statement_id for item in found))
    return found


def _worklist(who: Visitor, of: WorkOf | None) -> Worklist:
    found = worklist_of(who.node, who.caller.role, who.caller.pseudonym, of)
    subjects = list(dict.fromkeys(record.statement_id for item in found.items for record in item.records))
    if subjects:
        who.consultation.note(Act.LIST_WORK, len(subjects), *subjects[:MAX_SUBJECTS])
    return found
