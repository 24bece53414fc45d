"""What came of the demo: which pairs across borders were found, how they rank, and how that compares with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from statistics import median
from typing import Any

from exchange.demo.deal import DealtScan
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class Submitted:
    scan: DealtScan
    statement_id: str
    received_at: str
    again: bool = False
    """Whether the node had it already."""


@dataclass(frozen=True)
class ListedPair:
    """One pair across a border as the two nodes that own it list it. ``same_firearm`` is None without truth."""

    a: Submitted
    b: Submitted
    scores: dict[Jurisdiction, float]
    congruent_cells: int | None
    cells: int | None
    not_validated: str | None
    seconds: float
    same_firearm: bool | None

    @property
    def score(self) -> float:
        return next(iter(self.scores.values()))


@dataclass(frozen=True)
class Outcome:
    """``links`` are ranked, best score first. ``expected`` is how many pairs cross a border at all."""

    submitted: list[Submitted]
    links: list[ListedPair]
    expected: int
    dropped: int
    disagreeing: int

    @property
    def complete(self) -> bool:
        """Every pair is on both owners' lists, with the same score."""
        return self.dropped == 0 and self.disagreeing == 0

    @property
    def truth_known(self) -> bool:
        return any(link.same_firearm for link in self.links)

    @property
    def possible(self) -> int:
        """How many pairs of one firearm cross a border, of those whose firearms are known."""
        return sum(link.same_firearm is True for link in self.links)

    @property
    def found(self) -> int:
        """How many of them rank above every pair of different firearms."""
        wrong = [link.score for link in self.links if link.same_firearm is False]
        highest = max(wrong, default=float("-inf"))
        return sum(link.same_firearm is True and link.score > highest for link in self.links)

    @property
    def wrong_above(self) -> int:
        """How many pairs of different firearms rank at or above the lowest pair of one firearm."""
        lowest = min((link.score for link in self.links if link.same_firearm is True), default=float("inf"))
        return sum(link.same_firearm is False and link.score >= lowest for link in self.links)

    @property
    def median_seconds(self) -> float:
        return median(link.seconds for link in self.links) if self.links else 0.0

    def to_json(self, *, seed: int, synthetic: bool) -> dict[str, Any]:
        truth = self.truth_known
        return {
            "seed": seed,
            "synthetic": synthetic,
            "n_scans": len(self.submitted),
            "cross_border_pairs": self.expected,
            "pairs_dropped": self.dropped,
            "scores_that_differ_between_nodes": self.disagreeing,
            "possible_links": self.possible if truth else None,
            "found_links": self.found if truth else None,
            "wrong_above": self.wrong_above if truth else None,
            "median_seconds_to_candidate": round(self.median_seconds, 3),
            "max_seconds_to_candidate": round(max((link.seconds for link in self.links), default=0.0), 3),
            "candidates": [_row(rank, link) for rank, link in enumerate(self.links, start=1)],
        }


def judge_outcome(submitted: list[Submitted], listed: dict[Jurisdiction, list[dict[str, Any]]]) -> Outcome:
    """Put the nodes' lists together: each pair that crosses a border must stand on both owners' lists."""
    by_id = {item.statement_id: item for item in submitted}
    expected = [
        frozenset((a.statement_id, b.statement_id))
        for a, b in combinations(submitted, 2)
        if a.scan.jurisdiction != b.scan.jurisdiction
    ]
    seen: dict[frozenset[str], dict[Jurisdiction, dict[str, Any]]] = {pair: {} for pair in expected}
    for jurisdiction, candidates in listed.items():
        for candidate in candidates:
            pair = frozenset((candidate["record"]["statement_id"], candidate["other"]["statement_id"]))
            if pair in seen:
                seen[pair][jurisdiction] = candidate
    links = [_link(by_id, pair, found) for pair, found in seen.items() if found]
    links.sort(key=lambda link: (-link.score, link.a.statement_id))
    owners = {pair: {by_id[identifier].scan.jurisdiction for identifier in pair} for pair in expected}
    dropped = sum(len(owners[pair] - found.keys()) for pair, found in seen.items())
    disagreeing = sum(len(set(link.scores.values())) > 1 for link in links)
    return Outcome(submitted, links, len(expected), dropped, disagreeing)


def _link(by_id: dict[str, Submitted], pair: frozenset[str], found: dict[Jurisdiction, dict[str, Any]]) -> ListedPair:
    a, b = sorted((by_id[identifier] for identifier in pair), key=lambda item: item.scan.case_reference)
    submitted = max(datetime.fromisoformat(item.received_at) for item in (a, b))
    created = min(datetime.fromisoformat(candidate["created_at"]) for candidate in found.values())
    one = next(iter(found.values()))
    known = a.scan.firearm is not None and b.scan.firearm is not None
    return ListedPair(
        a=a,
        b=b,
        scores={jurisdiction: candidate["score"] for jurisdiction, candidate in found.items()},
        congruent_cells=one["congruent_cells"],
        cells=one["cells"],
        not_validated=one["not_validated"],
        seconds=(created - submitted).total_seconds(),
        same_firearm=a.scan.firearm == b.scan.firearm if known else None,
    )


def _row(rank: int, link: ListedPair) -> dict[str, Any]:
    return {
        "rank": rank,
        "record": link.a.scan.case_reference,
        "other": link.b.scan.case_reference,
        "jurisdictions": [link.a.scan.jurisdiction, link.b.scan.jurisdiction],
        "scans": [link.a.scan.name, link.b.scan.name],
        "statement_ids": [link.a.statement_id, link.b.statement_id],
        "score": link.score,
        "not_validated": link.not_validated,
        "congruent_cells": link.congruent_cells,
        "cells": link.cells,
        "seconds": round(link.seconds, 3),
        "same_firearm": link.same_firearm,
    }
