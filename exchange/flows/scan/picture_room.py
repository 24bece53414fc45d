"""Pictures are made again at any time, so they leave the disk to what is not: the database must finish what it began.

Pictures of lists are kept down to the reserve (``min_free_bytes``), below which nothing is taken any more. The heights
of the viewer, which take a hundred times as much, are kept down to twice the reserve, where the operator is warned; and
those that are kept leave the disk before scans are refused (``picture_upkeep``).
"""

from __future__ import annotations

import shutil

from exchange.flows.node.node import Node

_HEIGHTS_LEAVE = 2


def room_for_pictures(node: Node) -> bool:
    return _free(node) >= node.settings.min_free_bytes


def room_for_heights(node: Node) -> bool:
    return lacking_for_heights(node) == 0


def lacking_for_heights(node: Node) -> int:
    """So many bytes of kept heights are to leave the disk."""
    return max(0, _HEIGHTS_LEAVE * node.settings.min_free_bytes - _free(node))


def _free(node: Node) -> int:
    """0 where the folder is gone: nothing can be kept there."""
    try:
        return shutil.disk_usage(node.settings.prepared).free
    except OSError:
        return 0
