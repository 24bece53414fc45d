"""Judging the demo: what counts as found, wrong, dropped, and different between nodes."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from exchange.demo.deal import DealtScan
from exchange.demo.outcome import Outcome, Submitted, judge_outcome
from schemas.vocabulary import Jurisdiction

RS, MK = Jurisdiction.RS, Jurisdiction.MK


def _submitted(name: str, jurisdiction: Jurisdiction, firearm: str | None) -> Submitted:
    scan = DealtScan(Path(f"{name}.x3p"), jurisdiction, f"{jurisdiction}-{name}", firearm)
    return Submitted(scan, name, "2026-11-25T09:00:00.000Z")


def _candidate(pair: tuple[str, str], score: float, at: str = "2026-11-25T09:00:02.000Z") -> dict[str, Any]:
    return {
        "record": {"statement_id": pair[0]},
        "other": {"statement_id": pair[1]},
        "score": score,
        "not_validated": None,
        "congruent_cells": 9,
        "cells": 20,
        "created_at": at,
    }


SUBMITTED = [
    _submitted("a", RS, "1"),
    _submitted("b", MK, "1"),
    _submitted("c", MK, "2"),
    _submitted("d", RS, "2"),
]
GOOD = {("a", "b"): 1.2, ("c", "d"): 1.1, ("a", "c"): 0.3, ("b", "d"): 0.2}


def _judged(scores: dict[tuple[str, str], float], mk: dict[tuple[str, str], float] | None = None) -> Outcome:
    listed = {
        RS: [_candidate(pair, score) for pair, score in scores.items()],
        MK: [_candidate((pair[1], pair[0]), score) for pair, score in (mk or scores).items()],
    }
    return judge_outcome(SUBMITTED, listed)


def test_a_whole_and_right_outcome() -> None:
    outcome = _judged(GOOD)
    assert (outcome.expected, outcome.dropped, outcome.disagreeing) == (4, 0, 0)
    assert (outcome.possible, outcome.found, outcome.wrong_above) == (2, 2, 0)
    assert outcome.complete
    assert [link.score for link in outcome.links] == [1.2, 1.1, 0.3, 0.2]
    assert outcome.median_seconds == pytest.approx(2)


def test_a_wrong_pair_that_ranks_high_is_counted() -> None:
    outcome = _judged({**GOOD, ("a", "c"): 1.15})
    assert (outcome.possible, outcome.found, outcome.wrong_above) == (2, 1, 1)


def test_equal_scores_are_not_found_above() -> None:
    outcome = _judged({**GOOD, ("a", "c"): 1.1})
    assert (outcome.found, outcome.wrong_above) == (1, 1)


def test_a_pair_missing_on_one_node_is_dropped() -> None:
    missing = {pair: score for pair, score in GOOD.items() if pair != ("a", "b")}
    outcome = _judged(GOOD, missing)
    assert outcome.dropped == 1
    assert not outcome.complete


def test_a_score_that_differs_between_nodes_is_a_fault() -> None:
    outcome = _judged(GOOD, {**GOOD, ("a", "b"): 1.2000001})
    assert outcome.disagreeing == 1
    assert not outcome.complete


def test_pairs_within_one_jurisdiction_are_no_cross_border_links() -> None:
    outcome = _judged({**GOOD, ("a", "d"): 2.0})
    within = [pair for pair in combinations(SUBMITTED, 2) if pair[0].scan.jurisdiction == pair[1].scan.jurisdiction]
    assert len(within) == 2
    assert len(outcome.links) == 4


def test_without_truth_the_json_claims_none() -> None:
    unknown = [_submitted(item.statement_id, item.scan.jurisdiction, None) for item in SUBMITTED]
    listed = {RS: [_candidate(pair, score) for pair, score in GOOD.items()]}
    found = judge_outcome(unknown, listed).to_json(seed=1, synthetic=False)
    assert (found["possible_links"], found["found_links"], found["wrong_above"]) == (None, None, None)
    assert {row["same_firearm"] for row in found["candidates"]} == {None}
