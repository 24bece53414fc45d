"""The home of whoever looks after the node: lights, and what the head must decide."""

from __future__ import annotations

from typing import Any

from exchange.flows.operate.lights import lights_of
from exchange.flows.operate.status import node_status
from exchange.flows.sync.sync_partners import exchange_standing
from exchange.flows.terms.first_line import list_peers_without_line
from exchange.flows.terms.held_under_old_line import holders_now
from exchange.web.pages.layout import Visitor


def operator_home(who: Visitor) -> dict[str, Any]:
    node = who.node
    status, exchange = node_status(node), exchange_standing(node)
    return {
        "status_now": status,
        "lights": lights_of(node, status, exchange),
        "exchange": exchange,
        "held": holders_now(node),
        "without_line": list_peers_without_line(node),
    }
