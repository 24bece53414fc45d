"""The list of hits: a row for two exhibits with both pictures, the next step and whose it is, and until when.

Open ones are all read, so that they can be counted and sorted here: there are hundreds at most. Of closed ones one page
is read, in the order of the index that serves it; they are neither sorted otherwise nor counted. To tell somebody how
many there are is to tell of each that there is a hit, and nobody who was told of one can verify its pair blind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, TypeAlias

from exchange.clock import stamp
from exchange.flows.hits.history import Link
from exchange.flows.hits.stage import Stage
from exchange.flows.hits.vocabulary import Whereabouts
from exchange.flows.keys.suspicion import Suspicion, suspicions_of
from exchange.flows.node.node import Node
from exchange.flows.review.hit_exhibits import jurisdictions_of_nodes
from exchange.flows.review.next_step import NextStep, next_hit_step
from exchange.flows.scan.listed_scans import ListedScan, pictures_of_pairs
from exchange.list_order import ListOrder
from exchange.web.languages.days import due_words
from exchange.web.wording.custody_words import exhibit_where
from exchange.web.wording.hit_steps import side_name, step_title


class HitColumn(StrEnum):
    """What open hits are sorted by."""

    DUE = "due"
    STAGE = "stage"
    SINCE = "since"
    JURISDICTION = "jurisdiction"
    CALIBRE = "calibre"


HitOrder: TypeAlias = ListOrder[HitColumn]
FIRST_DUE_FIRST: Final = HitOrder(HitColumn.DUE, descending=False)
_STAGES: Final = {stage: str(place) for place, stage in enumerate(Stage)}


class Turn(StrEnum):
    """Which of the open hits are listed."""

    OURS = "ours"
    THEIRS = "theirs"
    LATE = "late"


@dataclass(frozen=True)
class ListedHit:
    """Two exhibits that hits join. ``links``: of all their scan pairs, the one that is due first at the top.
    ``pictured`` by record; ``title`` of the next step, empty when all is said;
    ``away``: where an exhibit is that is not with its owner."""

    links: tuple[Link, ...]
    pictured: Mapping[str, ListedScan]
    title: str
    due: str
    late: bool
    ours: bool
    sent_by: str
    away: list[str]

    @property
    def link(self) -> Link:
        return self.links[0]


@dataclass(frozen=True)
class HitList:
    """``counts``: how many rows there are by turn, ``stages`` by stage, before any was chosen; ``every`` in all."""

    rows: list[ListedHit]
    every: int
    counts: Mapping[Turn, int]
    stages: Mapping[Stage, int]
    names: Mapping[str, str]
    doubted: Mapping[str, Suspicion]


def hit_list(
    node: Node, links: Sequence[Link], turn: Turn | None, stage: Stage | None, order: HitOrder = FIRST_DUE_FIRST
) -> HitList:
    """The rows that are chosen, in this order; without one, as the links stand."""
    names = jurisdictions_of_nodes(node)
    pictures = pictures_of_pairs(node, {link.link_id: link.pair for link in links})
    rows = [_row(of, names, pictures.get(of[0].link_id, {}), node.node_id) for of in _by_exhibits(links)]
    turns = {one: [row for row in rows if _is(row, one)] for one in Turn}
    stages = {one: sum(row.link.progress.stage is one for row in rows) for one in Stage}
    shown = rows if turn is None else turns[turn]
    if order != FIRST_DUE_FIRST:
        shown = sorted(shown, key=lambda row: _value(row, order.column, node.node_id), reverse=order.descending)
    return HitList(
        rows=[row for row in shown if stage is None or row.link.progress.stage is stage],
        every=len(rows),
        counts={one: len(of) for one, of in turns.items()},
        stages={one: count for one, count in stages.items() if count},
        names={side: side_name(names, side) for side in names},
        doubted=suspicions_of(node, *(link.records for link in links)),
    )


def _by_exhibits(links: Sequence[Link]) -> list[tuple[Link, ...]]:
    """Those of the same two exhibits together, in the order of the first of them; what was withdrawn stands alone."""
    found: dict[tuple[str, ...], list[Link]] = {}
    for link in links:
        exhibits = [row.exhibit for row in link.records if row is not None]
        key = tuple(sorted(exhibits)) if len(exhibits) == 2 else (link.link_id,)
        found.setdefault(key, []).append(link)
    return [tuple(of) for of in found.values()]


def _row(
    links: tuple[Link, ...], names: Mapping[str, str], pictured: Mapping[str, ListedScan], node_id: str
) -> ListedHit:
    link = links[0]
    step = next_hit_step(node_id, link)
    return ListedHit(
        links=links,
        pictured=pictured,
        title=step_title(step, names) if step is not None else "",
        due=_due(step),
        late=link.progress.late(stamp()),
        ours=any(task.node == node_id for task in link.progress.tasks),
        sent_by=side_name(names, link.hit.issuer),
        away=[
            exhibit_where(one, partial(side_name, names))
            for one in link.progress.custody
            if one.where is not Whereabouts.HOME
        ],
    )


def _value(row: ListedHit, column: HitColumn, node_id: str) -> str:
    """By which a row is sorted; of the same value, those stand first that are due first. An exhibit that was withdrawn
    is of no jurisdiction and of no calibre."""
    sides = [side for side in row.link.records if side is not None]
    match column:
        case HitColumn.DUE:
            return row.link.progress.due_at or ""
        case HitColumn.STAGE:
            return _STAGES[row.link.progress.stage]
        case HitColumn.SINCE:
            return row.link.progress.since
        case HitColumn.JURISDICTION:
            others = [side for side in sides if side.issuer != node_id] or sides
            return " ".join(side.jurisdiction for side in others)
        case HitColumn.CALIBRE:
            return " ".join(side.calibre for side in sides)


def _due(step: NextStep | None) -> str:
    return "" if step is None else due_words(step.due_at)


def _is(row: ListedHit, turn: Turn) -> bool:
    match turn:
        case Turn.OURS:
            return row.ours
        case Turn.THEIRS:
            return bool(row.title) and not row.ours
        case Turn.LATE:
            return row.late
