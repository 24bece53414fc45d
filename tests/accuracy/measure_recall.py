"""Measures recall: ``python -m tests.accuracy.measure_recall --scans $FFP_DATA/fadul [--condition half]``.

Half an hour of one core for 3,000 clean queries of 100,000 references, longer for halves; the tables of docs/gallery.md
are what this prints. What is asked for, and how it is counted: ``tests.accuracy.recall``. Wilson's bound takes pairs
for independent. Variants of one scan are not: see also how many firearms and queries a row has.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from tests.accuracy.recall import STAGES, Condition, Pair, References, drawn, measure, real

_TOGETHER = 40
"""Queries whose pairs one process counts before it says so."""
_references: References


def main() -> None:
    reader = argparse.ArgumentParser(prog="python -m tests.accuracy.measure_recall")
    reader.add_argument("--scans", type=Path, help="folder of real scans; without it, drawn ones alone")
    reader.add_argument("--truth", type=Path, help="scan,firearm (default: truth.csv beside the scans)")
    reader.add_argument("--references", type=int, default=100_000)
    reader.add_argument("--queries", type=int, default=3_000, help="real and drawn ones in equal parts")
    reader.add_argument("--firearms", type=int, default=200, help="drawn ones of known shots")
    reader.add_argument("--condition", choices=["clean", "half"], default="clean")
    reader.add_argument("--thorough", action="store_true", help="look for parts of marks in all references")
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--kept", type=Path, help="write each pair here; the same command goes on after the last one")
    reader.add_argument("--processes", type=int, default=1)
    asked = reader.parse_args()
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        known = drawn(asked.firearms)
        if asked.scans:
            known = real(asked.scans, asked.truth or asked.scans / "truth.csv") + known
        references = References.made(known, asked.references, asked.seed)
        pairs = list(_in_processes(references, asked))
        print_table(pairs, asked.condition, len(references))


def _in_processes(references: References, asked: argparse.Namespace) -> Iterator[Pair]:
    """Forked, so that all share the references. What was kept of an earlier run is not measured again."""
    kept = _Kept(asked)
    measured = partial(
        _measured, condition=asked.condition, seed=asked.seed, thorough=asked.thorough, queries=asked.queries
    )
    starts = [start for start in range(0, asked.queries, _TOGETHER) if start not in kept.pairs]
    for pairs in kept.pairs.values():
        yield from pairs
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(asked.processes, fork, _share, (references,)) as pool:
        for done, pairs in enumerate(pool.map(measured, starts), 1):
            kept.add(starts[done - 1], pairs)
            lost = Counter(pair.stage for pair in pairs if pair.whole and pair.stage != "found")
            print(f"{done} of {len(starts)}: {len(pairs)} pairs, lost {dict(lost)}", file=sys.stderr, flush=True)
            yield from pairs


class _Kept:
    """The pairs of a run, by its first query of forty: a line of the file each, after one that says what was asked."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.path: Path | None = asked.kept
        self.pairs: dict[int, list[Pair]] = {}
        same = vars(asked) | {"kept": None, "processes": None}
        head = json.dumps(same, default=str, sort_keys=True) + "\n"
        if self.path is None:
            return
        if not self.path.exists():
            self.path.write_text(head, encoding="utf-8")
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines[0] != head:
            sys.exit(f"{self.path} is of another run: {lines[0].strip()}. Name another file, or remove it.")
        whole = [line for line in lines if line.endswith("\n")]
        self.path.write_text("".join(whole), encoding="utf-8")
        for line in whole[1:]:
            start, pairs = json.loads(line)
            self.pairs[start] = [Pair(**pair) for pair in pairs]

    def add(self, start: int, pairs: Sequence[Pair]) -> None:
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([start, [asdict(pair) for pair in pairs]]) + "\n")


def _share(references: References) -> None:
    global _references
    _references = references


def _measured(start: int, condition: Condition, seed: int, queries: int, *, thorough: bool) -> list[Pair]:
    turn = range(start, min(start + _TOGETHER, queries))
    return list(measure(_references, turn, condition, seed, thorough=thorough))


def wilson_lower(found: int, tried: int) -> float:
    """The lower end of Wilson's two-sided 95 % interval."""
    z, share = 1.959964, found / tried
    middle, spread = share + z * z / (2 * tried), math.sqrt(share * (1 - share) / tried + (z / (2 * tried)) ** 2)
    return (middle - z * spread) / (1 + z * z / tried)


def print_table(pairs: Sequence[Pair], condition: Condition, references: int) -> None:
    heads = ["marks", "firearms", "queries", "with all pairs found", "pairs", "found", "recall", "at least (95 %)"]
    heads += [f"lost: {stage}" for stage in STAGES]
    heads += ["above by descriptor: 50, 90, 99 %", "above by polar column: 50, 90, 99 %"]
    print(f"{condition}, {references:,} references", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", sep="\n")
    groups = {
        "real": [pair for pair in pairs if pair.source == "real"],
        "drawn, whole": [pair for pair in pairs if pair.source == "drawn" and pair.whole],
        "both": [pair for pair in pairs if pair.whole],
        "drawn, printed in part": [pair for pair in pairs if not pair.whole],
    }
    for name, some in groups.items():
        if some:
            print(f"| {' | '.join([name, *row_of(some)])} |")


def row_of(pairs: Sequence[Pair]) -> list[str]:
    stages = Counter(pair.stage for pair in pairs)
    queries = {pair.query for pair in pairs}
    incomplete = {pair.query for pair in pairs if pair.stage != "found"}
    found = stages["found"]
    counts = [len({(pair.source, pair.firearm) for pair in pairs}), len(queries), len(queries - incomplete)]
    cells = [f"{count:,}" for count in (*counts, len(pairs), found)]
    cells += [f"{found / len(pairs):.4f}", f"{wilson_lower(found, len(pairs)):.4f}"]
    cells += [f"{stages[stage]:,}" for stage in STAGES]
    cells.append(_quantiles([pair.by_descriptor for pair in pairs]))
    cells.append(_quantiles([pair.by_polar_column for pair in pairs]))
    return cells


def _quantiles(ranks: Sequence[float | None]) -> str:
    """Of all that are known."""
    known = [rank for rank in ranks if rank is not None]
    return ", ".join(f"{value:,.0f}" for value in np.quantile(known, (0.5, 0.9, 0.99))) if known else "-"


if __name__ == "__main__":
    main()
