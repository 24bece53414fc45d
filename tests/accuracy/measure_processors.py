"""By how much scores depend on the processor: ``python -m tests.accuracy.measure_processors $FFP_DATA/weller``.

numpy, OpenBLAS and Intel's IPP within OpenCV choose their code by what the processor can do, and each choice rounds
otherwise. Every pair of the scans is compared in processes that are told to be of another kind; what is printed counts
pairs whose scores are not those of the first row. Needs an x86-64 processor with AVX-512; elsewhere rows are alike.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from matcher.processor import BOUND

KINDS: dict[str, dict[str, str]] = {
    "this processor": {},
    **{f"{name}={value}": {name: value} for name, value in BOUND.items()},
    "all three: what the matcher does": dict(BOUND),
    "all three, no IPP": {**BOUND, "OPENCV_IPP": "disabled"},
}
MUCH = 0.01


def main(folder: Path) -> None:
    with (folder / "truth.csv").open(encoding="utf-8") as file:
        firearm = {row["scan"]: row["firearm"] for row in csv.DictReader(file)}
    pairs = list(itertools.combinations(sorted(firearm), 2))
    print("| computed | pairs that differ | of one firearm, most | of two, most | of two, over 0.01 | ms a pair |")
    print("|---|---:|---:|---:|---:|---:|")
    first: list[float] = []
    for name in KINDS:
        command = [sys.executable, "-m", __spec__.name, str(folder), "--compare", name]
        found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        told = json.loads(found.stdout)
        first = first or told["scores"]
        off = [abs(one - other) for one, other in zip(told["scores"], first, strict=True)]
        same, two = (
            [apart for (a, b), apart in zip(pairs, off, strict=True) if (firearm[a] == firearm[b]) is of_one]
            for of_one in (True, False)
        )
        print(
            f"| {name} | {sum(apart > 0 for apart in off)} of {len(off)} | {max(same):.4f} | {max(two):.3f} | "
            f"{sum(apart > MUCH for apart in two)} of {len(two)} | {told['ms']:.2f} |",
            flush=True,
        )


def compare_all(folder: Path, kind: str) -> None:
    for name in BOUND:  # the matcher has bound them; what is loaded from here on reads these
        os.environ.pop(name, None)
    os.environ.update(KINDS[kind])
    import matcher

    with (folder / "truth.csv").open(encoding="utf-8") as file:
        names = sorted(row["scan"] for row in csv.DictReader(file))
    scans = [matcher.prepare(matcher.read_topography(folder / f"{name}.x3p")) for name in names]
    begun = time.process_time()
    scores = [matcher.compare(a, b).score for a, b in itertools.combinations(scans, 2)]
    print(json.dumps({"scores": scores, "ms": (time.process_time() - begun) * 1000 / len(scores)}))


if __name__ == "__main__":
    if "--compare" in sys.argv:
        compare_all(Path(sys.argv[1]), sys.argv[3])
    else:
        main(Path(sys.argv[1]))
