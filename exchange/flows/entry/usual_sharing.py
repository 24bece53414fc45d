"""To whom a laboratory's exhibits usually go: offered when the next one is entered, and never taken without being
asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from exchange.flows.entry.draft_form import TICKED
from exchange.flows.node.node import Node
from exchange.store.entry.draft_rows import last_shared
from schemas.vocabulary import ReleaseLevel

_LOOKED_AT = 20
"""Of the node's own records, the last that were shared."""


@dataclass(frozen=True)
class UsualSharing:
    """``audience``: jurisdictions and groups, as records name them."""

    level: ReleaseLevel
    audience: tuple[str, ...]

    @property
    def fields(self) -> dict[str, str]:
        """As the form of a draft says it."""
        return {"level": self.level.value} | {f"audience.{name}": TICKED for name in self.audience}


def usual_sharing(node: Node, possible: list[str]) -> UsualSharing | None:
    """What most of the last records that were shared had, of equal ones the newer; without whom no record may name any
    more. None where nothing was shared yet."""
    with node.store.read() as session:
        last = last_shared(session, node.node_id, _LOOKED_AT)
    told = Counter((level, tuple(name for name in possible if name in names)) for level, names in last)
    for (level, audience), _ in told.most_common():
        if audience:
            return UsualSharing(ReleaseLevel(level), audience)
    return None
