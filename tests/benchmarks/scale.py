"""What an archive and a region cost: a model of measured units, held against measured wholes.
``python -m tests.benchmarks.scale docs/scale.md`` writes the page."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from exchange.flows.witness.witnessed import ASK_EVERY_S
from exchange.trust.witness_choice import DOZEN, EVERY_PEER_UP_TO
from exchange.worker.peer_news import A_PEER_S, SHORTEST_S
from schemas.lane import MAX_NEWS_WAIT_S
from tests.benchmarks.gallery_size import read_page

BENCHMARKS = Path("docs/benchmarks.md")
MB, GB, TB = 1e6, 1e9, 1e12
WORKING_DAY_S, WORKING_DAYS = 8 * 3600, 250

SCAN = 4.8e6
"""A breech face as an instrument writes it: the mean of fadul-raw. Cleaned ones are a seventh of it."""
PREPARED, GALLERY = 65_856, 20_675
"""Of drawn marks (docs/gallery-size.md), in blocks of the disk. Of Fadul's 40 scans: 44,047 and 17,056 bytes."""
GALLERIES = 2
"""In which a breech face stands: that of heights, and that of relief, where photographs find it. Other regions: one."""
RECORD = 11_000
"""Rows of the database: the signed envelope (6.7 kB), the record, its search columns, the lane, the audit."""
CANDIDATE, CANDIDATES = 4_100, 50
COSIGNATURE, HEAD = 2_200, 2_000
WITNESSED = 111_000
"""What a node answers that is asked how far its log is witnessed: a dozen heads with their proofs."""
MAPPED = 4_320 + 4_080
"""Of the gallery, what a query reads of each reference: what memory should hold."""
PROCESS = 160 * MB

FIRST, SECOND, POLAR = 0.6e-6, 1.27e-6, 40e-6
SIFT, SIFT_SEARCHED = 0.43e-3, 2.45e-3
SCORED, SCORED_SEARCHED, REST = 0.9e-3, 3.2e-3, 0.15
"""Of a pair of whole marks with directions, and of any other, which is searched at all rotations."""
WITHOUT_DIRECTIONS = 0.36
"""Of the drawn references that were measured. Of real ones a twentieth to a quarter."""
LIST, SIFTED, SIFTED_OF_PARTS, POLAR_LEAST, SECOND_LEAST = 50, 300, 2000, 2000, 8000
EFFICIENCY = 0.7
"""Of each further process on one machine: they share its memory's bandwidth."""
PARTS = 0.1
"""Of queries, how many show a part of a mark. Nobody knows; a tenth is a guess."""

PULLED_CPU = 1.33e-3 + 0.78e-3
QUESTION, NO_NEWS = 585, 681
"""A question whether there is news, and the answer that there is none (``tests/load/test_many_peers.py``)."""
HEADS_A_DAY = 480
"""One a minute of a working day: each vouches for what people looked at."""


def query_s(references: float, *, parts: bool = False) -> float:
    """Seconds of one core for one query of so many references that pass its filters (docs/gallery.md)."""
    polar = references if parts else min(references, POLAR_LEAST)
    sifted = min(references, SIFTED_OF_PARTS if parts else SIFTED)
    second = min(references, max(references / 16, SECOND_LEAST))
    searched = 1.0 if parts else WITHOUT_DIRECTIONS
    each = sifted * (SIFT + searched * (SIFT_SEARCHED - SIFT)) + LIST * (SCORED + searched * (SCORED_SEARCHED - SCORED))
    return references * FIRST + second * SECOND + polar * POLAR + each + REST


def mean_query_s(references: float) -> float:
    return (1 - PARTS) * query_s(references) + PARTS * query_s(references, parts=True)


@dataclass(frozen=True)
class Archive:
    """``exhibits`` with one breech face each, a twentieth of them new each year; a query asks those of one calibre."""

    name: str
    exhibits: float
    of_one_calibre: float = 0.4

    @property
    def asked(self) -> float:
        return self.exhibits * self.of_one_calibre

    @property
    def new_a_day(self) -> float:
        return self.exhibits / 20 / WORKING_DAYS

    @property
    def cores(self) -> float:
        """That correlate a day's intake within the working day, half busy: people who ask come first."""
        return 2 * self.new_a_day * (mean_query_s(self.asked) + 0.15) / WORKING_DAY_S / EFFICIENCY


ARCHIVES = (
    Archive("a laboratory", 20_000),
    Archive("a region", 1_000_000),
    Archive("INTERPOL's size", 2_000_000),
    Archive("NIBIN's size", 10_000_000),
)
REGIONS = (6, 10, 50, 200)
REGION_A_DAY = 200.0
"""New exhibits of the whole region, whatever the number of nodes: an archive of a million."""


def witnesses(nodes: int) -> int:
    """Of each node's log."""
    return nodes - 1 if nodes <= EVERY_PEER_UP_TO else DOZEN


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _bytes(count: float) -> str:
    for unit, name in ((TB, "TB"), (GB, "GB"), (MB, "MB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count / 1e3:,.1f} kB"


def archive_rows() -> list[list[str]]:
    return [
        [
            f"{archive.name}, {archive.exhibits:,.0f}",
            _bytes(archive.exhibits * SCAN),
            _bytes(archive.exhibits * GALLERIES * (PREPARED + GALLERY)),
            _bytes(archive.exhibits * (RECORD + CANDIDATE * CANDIDATES)),
            _bytes(archive.asked * MAPPED + 4 * PROCESS),
            f"{query_s(archive.asked):,.1f}",
            f"{query_s(archive.asked, parts=True):,.0f}",
            f"{archive.new_a_day:,.0f}",
            f"{max(archive.cores, 0.1):,.1f}",
        ]
        for archive in ARCHIVES
    ]


def traffic_rows() -> list[list[str]]:
    rows = []
    for nodes in REGIONS:
        peers, new = nodes - 1, REGION_A_DAY
        taken = new * peers / nodes * (SCAN + RECORD)
        wait_s = min(MAX_NEWS_WAIT_S, max(SHORTEST_S, A_PEER_S * peers))
        idle = 2 * peers * (QUESTION + NO_NEWS) * 86_400 / wait_s
        heads = (HEADS_A_DAY + new / nodes) * (HEAD + witnesses(nodes) * COSIGNATURE)
        asked = (peers - witnesses(nodes)) * WITNESSED * (WORKING_DAY_S / ASK_EVERY_S + 1)
        signatures = new * peers / nodes * PULLED_CPU
        rows.append(
            [
                str(nodes),
                str(witnesses(nodes)),
                _bytes(taken),
                _bytes(idle),
                _bytes(asked) if asked else "-",
                _bytes(heads * 365),
                f"{signatures:.1f} s",
            ]
        )
    return rows


@dataclass(frozen=True)
class Point:
    """One measured whole: a row of docs/benchmarks.md, and what the model says of it."""

    stage: str
    model_s: float

    def measured_s(self, page: str) -> float:
        found = re.search(rf"^\| {re.escape(self.stage)} \| query \| ([\d,.]+) \|", page, re.MULTILINE)
        if found is None:
            raise ValueError(f"docs/benchmarks.md has no row of {self.stage}")
        return float(found[1].replace(",", "")) / 1e6


POINTS = (
    Point("query of 1,000, warm, one core", query_s(1_000)),
    Point("query of 10,000, warm, one core", query_s(10_000)),
    Point("query of 100,000, warm, one core", query_s(100_000)),
    Point("query of 1,000 for parts of marks, warm, wall, 2 processes", query_s(1_000, parts=True) / (2 * EFFICIENCY)),
    Point(
        "query of 10,000 for parts of marks, warm, wall, 2 processes", query_s(10_000, parts=True) / (2 * EFFICIENCY)
    ),
    Point(
        "query of 100,000 for parts of marks, warm, wall, 2 processes", query_s(100_000, parts=True) / (2 * EFFICIENCY)
    ),
    Point("prefilter of 999,424, one core", 999_424 * FIRST + 62_464 * SECOND + 0.02),
)


def point_rows(page: str) -> list[list[str]]:
    return [
        [point.stage, f"{measured:.2f}", f"{point.model_s:.2f}", f"{point.model_s / measured:.2f}"]
        for point in POINTS
        for measured in [point.measured_s(page)]
    ]


def size_rows() -> list[list[str]]:
    """Bytes of a reference, prepared copy and gallery, at each size that was made."""
    return [
        [f"{references:,}", f"{measured:,.0f}", f"{PREPARED + GALLERY:,}", f"{(PREPARED + GALLERY) / measured:.2f}"]
        for references, (prepared, gallery, *_) in sorted(read_page().items())
        for measured in [prepared + gallery]
    ]


def page() -> str:
    archives = _table(
        [
            "archive, exhibits",
            "scans",
            "prepared and gallery",
            "database",
            "memory",
            "s a query, one core",
            "s, parts of marks",
            "new a day",
            "cores",
        ],
        archive_rows(),
    )
    traffic = _table(
        [
            "nodes",
            "witnesses of a log",
            "taken a day, each node",
            "asking, a day",
            "asking who witnessed, a day",
            "heads and cosignatures a year",
            "CPU for signatures, a day",
        ],
        traffic_rows(),
    )
    points = _table(
        ["measured whole", "measured, s", "model, s", "ratio"], point_rows(BENCHMARKS.read_text(encoding="utf-8"))
    )
    sizes = _table(["references", "measured, bytes each", "model, bytes each", "ratio"], size_rows())
    template = Path(__file__).with_name("scale.md.in").read_text(encoding="utf-8")
    for name, table in {"ARCHIVES": archives, "TRAFFIC": traffic, "POINTS": points, "SIZES": sizes}.items():
        template = template.replace(f"[{name}]", table)
    return template


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
