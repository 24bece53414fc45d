"""The table of a benchmark run: each stage beside its floor. ``python -m tests.benchmarks.report bench.json PAGE``"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matcher import MATCHER_VERSION

Benchmark = dict[str, Any]

INTRODUCTION = """# How fast it is

Made by `make bench`, which times every stage beside its floor in the same run: the bare Fourier transforms, matrix
products and interpolations that it cannot do without, on arrays of the same shapes that are in the processor's cache
already. Of a whole query the floor is that of its stages, as often as it needs them. Times are medians; in one thread
processor time, in several processes wall time. Compare ratios rather than times: of another machine, or a busy one,
only they can be compared.
"""


@dataclass
class Row:
    """One stage: seconds a unit."""

    stage: str
    unit: str
    own: float
    floor: float | None

    def cells(self) -> list[str]:
        own, floor = self.own * 1e6, None if self.floor is None else self.floor * 1e6
        bare = ["", ""] if floor is None else [_number(floor), f"{own / floor:.2f}"]
        return [self.stage, self.unit, _number(own), *bare, _rate(self.own)]


def _number(microseconds: float) -> str:
    return f"{microseconds:,.2f}" if microseconds < 100 else f"{microseconds:,.0f}"


def _rate(seconds: float) -> str:
    rate = 1.0 / seconds
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:,.2f}"


def rows_of(benchmarks: list[Benchmark]) -> list[Row]:
    """A row for each stage that was timed, in the order of the run."""
    timed: dict[str, dict[str, float]] = {"own": {}, "bare": {}}
    for bench in benchmarks:
        info = bench["extra_info"]
        if "stage" in info:
            timed[info["kind"]][info["stage"]] = bench["stats"]["median"] / info["units"]
    bare = timed["bare"]
    rows = []
    for bench in benchmarks:
        info = bench["extra_info"]
        if info.get("kind") != "own":
            continue
        floor = bare.get(info["stage"])
        if "floor" in info and info["floor"].keys() <= bare.keys():
            floor = sum(bare[stage] * count for stage, count in info["floor"].items())
        rows.append(Row(info["stage"], info["unit"], timed["own"][info["stage"]], floor))
    return rows


def notes_of(benchmarks: list[Benchmark]) -> list[str]:
    """What was measured beside times: bytes, memory, and how hard the distractors are."""
    found: dict[str, Any] = {}
    for bench in benchmarks:
        found.update({name: value for name, value in bench["extra_info"].items() if value is not None})
    notes = []
    if "bytes_stored" in found:
        notes.append(
            f"A prepared scan takes {found['bytes_stored']:,} bytes; the prefilter compares"
            f" {found['bytes_descriptor']:,} of them, its first pass 1,920."
        )
    if "bytes_on_disk" in found:
        notes.append(f"In a gallery a reference takes {found['bytes_on_disk']:,} bytes on disk.")
    own = [value for name, value in found.items() if name.startswith("worker_") and name.endswith("RssAnon_kb")]
    if own:
        notes.append(
            f"A worker process has {statistics.mean(own) / 1024:.0f} MB of its own memory after these queries."
        )
    for column, what in (("descriptor", "whole marks by descriptor"), ("polar", "half marks by polar column")):
        real, drawn = (found.get(f"chance 99.9, {column}, {kind}") for kind in ("real", "drawn"))
        if real is not None and drawn is not None:
            notes.append(
                f"The drawn distractors are as hard as real marks: of {what} the 99.9th percentile of scores between"
                f" different firearms is {drawn:.3g} with them, {real:.3g} among the real scans."
            )
    return notes


def page(run: dict[str, Any]) -> str:
    cpu, cores = run["machine_info"]["cpu"].get("brand_raw", "?"), run["machine_info"]["cpu"].get("count", "?")
    python = run["machine_info"]["python_version"]
    lines = [INTRODUCTION, f"Matcher {MATCHER_VERSION}, Python {python}, {cores} cores of {cpu}.", ""]
    lines += ["| stage | a unit | us a unit | floor, us | ratio | units a second |", "|---|---|---:|---:|---:|---:|"]
    lines += ["| " + " | ".join(row.cells()) + " |" for row in rows_of(run["benchmarks"])]
    lines += ["", *[f"- {note}" for note in notes_of(run["benchmarks"])]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    text = page(json.loads(source.read_text(encoding="utf-8")))
    target.write_text(text, encoding="utf-8")
    print(text)
