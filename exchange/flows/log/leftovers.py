"""What a process that died left in the folders of its node, cleared away before the next one serves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from exchange.flows.log.start import sets_aside
from exchange.flows.node.last_head import last_head_fault
from exchange.flows.node.node import Node
from exchange.store.entry.draft_rows import every_file
from exchange.store.query.queries import unanswered

log = structlog.get_logger(__name__)


def clear_leftovers(node: Node) -> None:
    """For whoever serves the node, before the first request. Workers may be at it already: what they make stays, and
    so do the parts of scans that peers give, which are gone on with."""
    for leftover in node.settings.incoming.iterdir():
        if leftover.is_dir():
            _clear_away(leftover, shutil.rmtree)
        elif leftover.suffix != ".part":  # never acknowledged
            _clear_away(leftover, Path.unlink)
    for leftover in node.settings.prepared.glob("*.part"):
        if not _is_being_written(leftover):
            _clear_away(leftover, Path.unlink)
    with node.store.write() as session:
        if last_head_fault(node.settings, session) is not None:
            return  # the right database may still be put back, with the rows that name the rest
        wanted, typed_in, aside = unanswered(session, node.node_id), every_file(session), sets_aside(node, session)
    if aside:
        node.draft_files.set_aside(typed_in)
    node.draft_files.sweep(typed_in)
    node.query_scans.sweep(wanted)


def _is_being_written(part: Path) -> bool:
    """By a process of this machine, whose number stands in the name, before that of its thread (``write_whole``)."""
    number = part.stem.rpartition(".")[2].partition("-")[0]
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and is somebody else's
        return False
    return True


def _clear_away(leftover: Path, remove: Callable[[Path], None]) -> None:
    """What cannot be removed takes space and does no harm; that the node does not start would."""
    try:
        remove(leftover)
    except OSError as error:
        log.warning("a leftover stays, tried again at the next start", path=str(leftover), detail=str(error))
