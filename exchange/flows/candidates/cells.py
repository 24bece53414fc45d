"""The congruent cells of pairs that somebody looks at: found when they are first asked for, and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog

from exchange.errors import ExchangeError
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PIPELINES, Variant
from exchange.flows.node.regions import Pipeline
from exchange.flows.scan.prepared_scans import delivered_prepared, prepared_scan
from exchange.flows.scan.scan_cells import CellsAsked, CellsFound, cells_of_pairs
from exchange.store.review.candidate_rows import StoredCandidate, explanations_of, keep_cells
from exchange.store.tables.record_tables import AcquisitionRow
from matcher import MatcherError, Parameters

log = structlog.get_logger(__name__)


_Ready = Callable[[AcquisitionRow, Pipeline, Variant], Path]
_Compare = Callable[[Sequence[CellsAsked]], Sequence[CellsFound | None]]


def with_cells(node: Node, pairs: Sequence[StoredCandidate]) -> None:
    """Find the cells of those pairs whose cells nobody asked for yet, in one worker process; keep them in the database
    and on the pairs themselves.

    The score needs no cells, so a new scan's candidates come without. Nor does a page: a pair whose prepared scan is
    not here, or is damaged, stays as it is; so do all while every process is busy, or nothing is written. No page
    queues behind pictures and submissions.
    """
    _find(
        node,
        pairs,
        lambda scan, pipeline, variant: delivered_prepared(node, scan, pipeline, variant),
        lambda asked: node.compute.run_soon(cells_of_pairs, asked),
    )


def with_its_cells(node: Node, pair: StoredCandidate) -> None:
    """As ``with_cells``, for a document on one pair: waits for a process, and prepares what is not prepared."""
    _find(
        node,
        [pair],
        lambda scan, pipeline, variant: prepared_scan(node, scan, pipeline, variant, by=node.compute),
        lambda asked: node.compute.run(cells_of_pairs, asked),
    )


def _find(node: Node, pairs: Sequence[StoredCandidate], ready: _Ready, compare: _Compare) -> None:
    wanted = [pair for pair in pairs if not pair.row.cells_found and pair.row.parameters in PIPELINES]
    if not wanted:
        return
    with node.store.read() as session:
        told = explanations_of(session, [pair.row.candidate_id for pair in wanted])
    asked: list[tuple[StoredCandidate, str, CellsAsked]] = []
    for pair in wanted:
        text = told.get(pair.row.candidate_id)  # None: erased meanwhile
        if text is not None and (one := _asked(pair, json.loads(text), ready)) is not None:
            asked.append((pair, text, one))
    if not asked:
        return
    try:
        found = compare([one for *_, one in asked])
        with node.store.write() as session:
            for (pair, text, _), cells in zip(asked, found, strict=True):
                if cells is not None:
                    keep_cells(session, pair, cells.congruent_cells, cells.cells, _explained(text, cells))
    except ExchangeError as error:
        log.warning("no cells of pairs", pairs=len(asked), detail=str(error))


def _asked(pair: StoredCandidate, told: dict[str, Any], ready: _Ready) -> CellsAsked | None:
    pipeline = PIPELINES[pair.row.parameters]
    if not isinstance(pipeline, Parameters):  # profiles come with their segments
        return None
    sides = ((pair.acquisition_a, "a"), (pair.acquisition_b, "b"))
    try:
        a, b = (ready(scan, pipeline, Variant(told[f"variant_{side}"])) for scan, side in sides)
    except (ExchangeError, MatcherError, OSError) as error:  # gone, altered or damaged since it was correlated
        log.warning("no cells of a pair", candidate=pair.row.candidate_id, detail=str(error))
        return None
    return CellsAsked(a, b, pipeline)


def _explained(told: str, cells: CellsFound) -> str:
    """The matcher's words with the cells, and how either photograph was turned."""
    turned = {name: value for name, value in json.loads(told).items() if name.startswith("variant_")}
    return json.dumps({**json.loads(cells.comparison), **turned}, allow_nan=False)
