"""A region whose nodes approve incident annexes beside their reports: made-up counts, known to the test."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.enter_incidents import propose_import, take_import
from exchange.coordination.incidents.incident_annex import approve_annex, draft_annex
from exchange.coordination.incidents.incident_vocabulary import IncidentCounts
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node
from tests.exchange.coordination.incidents.made_up_incidents import made_up_table
from tests.exchange.coordination.region.region_world import BY_HEAD, H1, HEAD, Clock, RegionWorld

_DAYS = {
    "2026-09-30": "2026-03-30",
    "2026-07-01": "2026-01-01",
    "31.12.2026": "30.06.2026",
    "1. 8. 2026.": "1. 2. 2026.",
}
"""The days of the made-up tables, which lie in the second half-year, and those of the first in their place."""


def annex_of(node: Node, half: Half, seed: int, incidents: int) -> IncidentCounts:
    """Import a made-up table of a half-year that is over, and approve what it comes to."""
    made = made_up_table(seed, incidents, 0)
    data = made.data
    for second, first in _DAYS.items() if half == H1 else ():
        data = data.replace(second.encode(), first.encode())
    entry = propose_import(node, BY_HEAD, half, io.BytesIO(data))
    assert not entry.read.refused
    take_import(node, BY_HEAD, half, entry.number)
    drafted = draft_annex(node, half)
    assert drafted is not None
    approve_annex(node, HEAD, half, drafted.sha256, "To the coordinator, with the report.")
    sign_head(node)
    return made.counts


def summed(counts: Sequence[IncidentCounts]) -> IncidentCounts:
    persons, incidents = Counter(), Counter()
    for found in counts:
        persons.update(found.persons)
        incidents.update(found.incidents)
    return IncidentCounts(dict(persons), dict(incidents))


def region_world(folder: Path, clock: Clock) -> RegionWorld:
    world = RegionWorld(folder, clock, 5)
    world.receipts()
    return world
