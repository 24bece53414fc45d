"""Of a hit: who the other side is, what this side signed of it itself, and who signed a confirmed one."""

from __future__ import annotations

from collections.abc import Sequence

from exchange.flows.hits.history import Link
from exchange.flows.hits.stage import Entry, HitProgress
from schemas import Hit
from schemas.vocabulary import HitStage


def other_side(node_id: str, link: Link) -> str | None:
    """The node to write to; None where both records are this node's own."""
    others = {link.pair.a.issuer, link.pair.b.issuer, link.hit.issuer} - {node_id}
    return min(others, default=None)


def own_hits(node_id: str, link: Link) -> list[tuple[Hit, Entry]]:
    """All that this node signed, also those that were taken back."""
    said = [(entry.statement, entry) for entry in link.history]
    return [(hit, entry) for hit, entry in said if isinstance(hit, Hit) and hit.issuer == node_id]


def own_hit(node_id: str, link: Link) -> Entry | None:
    """The latest hit of this node's own that counts: a confirmed one first, then the lead."""
    counting = [
        (hit.stage is HitStage.CONFIRMED, entry.log_index, entry.statement_id, entry)
        for hit, entry in own_hits(node_id, link)
        if entry.statement_id not in link.progress.no_effect
    ]
    return max(counting)[-1] if counting else None


def signatures(progress: HitProgress, history: Sequence[Entry]) -> dict[str, Entry]:
    """Of a confirmed hit: by side, in their order, the first that this side signed and that counts."""
    confirmed = [
        entry
        for entry in history
        if isinstance(entry.statement, Hit)
        and entry.statement.stage is HitStage.CONFIRMED
        and entry.statement_id not in progress.no_effect
    ]
    by_side = {side: [one for one in confirmed if one.statement.issuer == side] for side in progress.signed_by}
    return {side: min(own, key=lambda entry: entry.log_index) for side, own in by_side.items()}


def signed_at(entry: Entry) -> str:
    """When its side stated it; where that stated no time, when it came to be known."""
    return entry.statement.stated_at or entry.at
