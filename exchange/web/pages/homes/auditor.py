"""The home of the supervisor: who saw what, an account for each person and purpose. Reading it is audited too."""

from __future__ import annotations

import json
from typing import Any, Final

from exchange.flows.log.acts_of_people import accounts_of
from exchange.flows.log.audit_rows import search_audit
from exchange.flows.operate.lights import lights_of
from exchange.flows.operate.status import node_status
from exchange.flows.sync.sync_partners import exchange_standing
from exchange.log.audit_entry import SUPERVISION, Act, Deed
from exchange.web.pages.layout import Visitor

ROWS_TOLD: Final = 300
"""So many of the newest rows are told: what is older is on the page of the log itself."""


def auditor_home(who: Visitor) -> dict[str, Any]:
    node = who.node
    found = search_audit(node, actor=None, subject=None, act=None, day=None, before=None, limit=ROWS_TOLD)
    entries = [kept.entry for kept in found.entries]
    asked = json.dumps({"newest": str(ROWS_TOLD)})
    node.audit.note(Deed(who.caller.actor, Act.READ_AUDIT, len(entries), asked=asked, purpose=SUPERVISION))
    return {
        "accounts": accounts_of(entries, reader=who.caller.pseudonym),
        "told": len(entries),
        "not_stated": found.not_stated,
        "lights": lights_of(node, node_status(node), exchange_standing(node)),
    }
