"""The first page of the head of a Firearms Focal Point: what waits for a decision, and who works on what."""

from __future__ import annotations

from typing import Any

from exchange.flows.alerts.deadlines import Duty, Waiting, head_duties
from exchange.flows.alerts.team_work import TeamWork, team_work
from exchange.flows.alerts.worklist import hit_items
from exchange.flows.operate.lights import lights_of
from exchange.flows.operate.status import node_status
from exchange.flows.review.approvals import waiting_decisions
from exchange.flows.review.taken_work import MAY_WORK_ON, colleagues_for
from exchange.flows.sync.sync_partners import exchange_standing
from exchange.flows.terms.first_line import list_peers_without_line
from exchange.flows.terms.held_under_old_line import holders_now
from exchange.log.audit_entry import Act
from exchange.web.pages.extended import routes_parts
from exchange.web.pages.homes.reader_pages import proposals_of
from exchange.web.pages.layout import Visitor


def head_home(who: Visitor) -> dict[str, Any]:
    node = who.node
    exchange = exchange_standing(node)
    waiting, due = head_duties(node, who.caller.pseudonym)
    of_hits = (item for link in waiting.links for item in hit_items(node, who.caller.role, link))
    return {
        "team": _team(who, waiting) if who.may_consult else None,
        "colleagues": colleagues_for(node, MAY_WORK_ON, besides=who.caller.pseudonym),
        "due": [item for item in due if item.duty is not Duty.EXPLAIN],
        "explanations": [item for item in of_hits if item.duty is Duty.EXPLAIN],  # the head's alone
        "waiting": waiting_decisions(node),
        "duties": [duty for part in routes_parts() for duty in part.duties(node)],
        "held": holders_now(node),
        "proposals": proposals_of(who) if who.may_consult else [],
        "without_line": list_peers_without_line(node),
        "cards": [part.card(node) for part in routes_parts()],
        "exchange": exchange,
        "lights": lights_of(node, node_status(node), exchange),
    }


def _team(who: Visitor, waiting: Waiting) -> TeamWork:
    found = team_work(who.node, who.caller.pseudonym, waiting)
    subjects = list(dict.fromkeys(record.statement_id for item in found.late for record in item.records))
    if subjects:
        who.consultation.note(Act.LIST_WORK, len(subjects), *subjects)
    return found
