"""The home of whoever heads the Firearms Focal Point: what waits for a decision, and the half-year so far."""

from __future__ import annotations

from typing import Any

from exchange.flows.alerts.deadlines import tell_duties
from exchange.flows.monitoring.glance import half_year_so_far
from exchange.flows.operate.lights import lights_of
from exchange.flows.operate.status import node_status
from exchange.flows.review.approvals import waiting_decisions
from exchange.flows.sync.partners import exchange_standing
from exchange.flows.terms.held_under_old_line import holders_now
from exchange.web.pages.layout import Visitor


def head_home(who: Visitor) -> dict[str, Any]:
    node = who.node
    exchange = exchange_standing(node)
    return {
        "due": tell_duties(node, who.caller.role, who.caller.pseudonym),
        "waiting": waiting_decisions(node),
        "held": holders_now(node),
        "half": half_year_so_far(node),
        "exchange": exchange,
        "lights": lights_of(node, node_status(node), exchange),
    }
