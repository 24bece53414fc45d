"""What one person has opened already: an alert is no more new once the page that it leads to was shown.

The node writes down which statements a page shows before the page leaves (``exchange.log.audit_entry``). So there is
nothing else to keep: what was written down is read once by each process, and from then on only what came since.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy.orm import Session

from exchange.flows.node.node import Node
from exchange.store.database.engine import Store
from exchange.store.log.statements_read import StatementsRead, statements_read

MOST_PEOPLE: Final = 200
"""Of a node, in the memory of one process; of others it is read anew."""

_Opened = OrderedDict[str, StatementsRead]
_known: WeakKeyDictionary[Store, _Opened] = WeakKeyDictionary()
_lock = threading.Lock()


def statements_opened(session: Session, node: Node, pseudonym: str, since: str) -> frozenset[str]:
    """The statements that were shown to this person on a page of their own, by pages and programs alike, no earlier
    than ``since`` as it stood when it was first asked."""
    with _lock:
        known = _known.setdefault(node.store, OrderedDict()).get(pseudonym, StatementsRead(0, frozenset()))
    found = statements_read(session, pseudonym, after=known.to, since=since)
    if found.to == known.to:
        return known.statement_ids
    now = StatementsRead(found.to, known.statement_ids | found.statement_ids)
    with _lock:
        people = _known.setdefault(node.store, OrderedDict())
        if people.get(pseudonym, now).to <= now.to:
            people[pseudonym] = now
        people.move_to_end(pseudonym)
        while len(people) > MOST_PEOPLE:
            people.popitem(last=False)
    return now.statement_ids
