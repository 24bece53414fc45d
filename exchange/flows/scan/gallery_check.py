"""All references of the galleries are read again once a week, a shard at a time, and made again where they are damaged.
Which shards were read stands in a file: a node that is started anew goes on."""

from __future__ import annotations

from typing import Final

import structlog

import matcher
from exchange.clock import seconds_between, stamp
from exchange.flows.node.gallery_standing import CheckRound, last_round, note_round
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import GALLERIES
from exchange.flows.scan.gallery_upkeep import distrust, make_gallery_whole, mend_references
from exchange.flows.scan.inspect import verify_shard

log = structlog.get_logger(__name__)

ROUND_S: Final = 7 * 86_400


def check_galleries(node: Node) -> None:
    """The next shard of each gallery. Raises ComputeFailed, StoreUnavailable: tried again later."""
    for parameters in GALLERIES:
        _check_next(node, parameters)


def _check_next(node: Node, parameters: matcher.Parameters) -> None:
    """1. A round that ended is followed by the next a week after it began.
    2. Read one shard that was not read in this round. One that was compacted since has another name.
    3. Make again what is damaged; then it counts as read.
    """
    times_emptied, folder = make_gallery_whole(node, parameters), node.galleries.folder(parameters)
    # 1.
    known = last_round(folder)
    if known is not None and known.ended is not None:
        if 0 <= seconds_between(known.began, stamp()) < ROUND_S:  # a clock that was wrong may have said next year
            return
        known = None
    known = known or CheckRound(stamp())

    # 2.
    try:
        there = matcher.Gallery(folder, parameters).shards()
        left = [shard for shard in there if shard not in known.shards]
        damaged = node.background.run(verify_shard, folder, parameters, left[0]) if left else ()
        # 3.
        mend_references(node, parameters, damaged)
    except (matcher.GalleryDamaged, matcher.NotComparable) as error:
        distrust(node, parameters, times_emptied, error)
        return
    read = tuple(shard for shard in there if shard in known.shards or shard in left[:1])
    note_round(folder, CheckRound(known.began, read, stamp() if len(left) <= 1 else None))
