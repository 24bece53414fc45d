"""Made-up regions for attacks on public reports: what each side counted, and all that is published of it."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from exchange.coordination.half_year.editions import EditionsManifest
from exchange.coordination.half_year.figure_definitions import COUNTS, STAGES
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.half_years import Half, Period, Year
from exchange.coordination.half_year.public_edition import public_figures
from exchange.coordination.half_year.restricted_edition import ReportedLink, RestrictedHalf, RestrictedYear
from exchange.coordination.region.combine import combine_reports
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.regional import RegionalReport
from exchange.coordination.region_files.read_reports import NamedReport, ReadReports
from exchange.coordination.region_files.report_file import VerifiedReport
from exchange.jurisdictions.directory import shipped_directory
from schemas.vocabulary import Jurisdiction
from tests.exchange.coordination.region.exact_rows import exact_parts

CODES = ("AL", "BA", "ME", "MK", "RS", "XK")
Place = tuple[int, str]
"""The number of a half-year, and a side."""


@dataclass
class SideCounts:
    """``feedback``: by partner, how often it was given, and how often it is missing."""

    entered: int
    hours: dict[str, list[float]]
    feedback: dict[str, tuple[int, int]]


@dataclass
class RegionHit:
    """``lead`` and ``confirmed``: the numbers of half-years."""

    sides: tuple[str, str]
    lead: int
    confirmed: int | None


@dataclass
class Region:
    halves: tuple[Half, ...]
    sides: dict[Place, SideCounts]
    hits: list[RegionHit]
    smallest: Mapping[str, int] = field(default_factory=dict)

    def copy(self) -> Region:
        return copy.deepcopy(self)

    def bound(self, code: str) -> int:
        return self.smallest.get(code, 5)

    def crossing(self, number: int, one: str, other: str, end: str = "lead") -> int:
        """How many pairs of cases became leads, or were confirmed, in a half-year."""
        return sum({one, other} == set(hit.sides) and getattr(hit, end) == number for hit in self.hits)


def drawn_region(seed: int, halves: int = 2, *, hostile: bool = True) -> Region:
    """At the volumes of a pilot: a few hits, from none to some dozen exhibits. ``hostile``: one side reports absurd
    values of its own."""
    draws = random.Random(seed)
    names = [Half(2026, draws.choice((1, 2)))]
    while len(names) < halves:
        names.append(names[-1].after())
    sides = {(number, code): _side(draws, code) for number in range(halves) for code in CODES}
    hits = []
    for one, other in combinations(CODES, 2):
        for _ in range(draws.choice((0, 0, 0, 1, 2, 3, 7))):
            lead = draws.randrange(halves)
            hits.append(RegionHit((one, other), lead, draws.choice((None, draws.randrange(lead, halves)))))
    if hostile:
        liar = draws.choice(CODES)
        for number in range(halves):
            found = sides[number, liar]
            found.entered = draws.choice((0, 1, 10**9))
            found.hours = {name: [draws.choice((0.0, 10.0**6))] * draws.choice((0, 5, 400)) for name in STAGES}
            found.feedback = {code: (draws.choice((0, 10**6)), draws.choice((0, 10**6))) for code in found.feedback}
    bounds = {code: draws.choice((5, 5, 5, 8)) for code in CODES}
    return Region(tuple(names), sides, hits, bounds)


def _side(draws: random.Random, code: str) -> SideCounts:
    entered = draws.choice((0, 1, 3, 4, 5, 6, 12, 40))
    hours = {
        name: [round(draws.choice((1, 20, 90, 300, 2000)) * draws.random(), 2) for _ in range(draws.choice(_SPANS))]
        for name in STAGES
    }
    for name in ("search", "first_review"):
        hours[name] = hours[name][:entered]
    others = [other for other in CODES if other != code]
    return SideCounts(entered, hours, {other: (draws.randrange(5), draws.randrange(4)) for other in others})


_SPANS = (0, 1, 4, 5, 6, 9, 14)


def exact_half(region: Region, number: int, code: str) -> RestrictedHalf:
    found, partners = region.sides[number, code], tuple(other for other in CODES if other != code)
    links = [
        (index, hit, next(side for side in hit.sides if side != code))
        for index, hit in enumerate(region.hits)
        if code in hit.sides and hit.lead <= number
    ]
    leads = Counter(partner for _, hit, partner in links if hit.lead == number)
    confirmed = Counter(partner for _, hit, partner in links if hit.confirmed == number)
    counts: dict[str, dict[str, int | None]] = {
        name: dict.fromkeys((code, *partners), 3) for name in COUNTS if name not in ("leads", "confirmed_hits")
    }
    counts["exhibits_entered"] = {code: found.entered}
    counts["leads"] = {code: 2, **{other: leads[other] for other in partners}}
    counts["confirmed_hits"] = {code: 1, **{other: confirmed[other] for other in partners}}
    counts["feedback_given"] = {other: given for other, (given, _) in found.feedback.items()}
    counts["feedback_missing"] = {other: missing for other, (_, missing) in found.feedback.items()}
    parts = exact_parts(counts)
    parts["stages"] = [stage | {"hours": sorted(found.hours[stage["id"]])} for stage in parts["stages"]]
    fields = {
        "format": "ffp-monitoring-restricted/1",
        "edition": "restricted",
        "period": str(region.halves[number]),
        "counted_to": region.halves[number].end,
        "begun": None,
        "node": f"ffp-{code.lower()}",
        "jurisdiction": code,
        "partners": partners,
        "smallest_count_told": region.bound(code),
        "terms_h": {},
        **parts,
        "availability": (),
        "links": tuple(_link(region, number, *link) for link in links),
        "salt": "0" * 64,
        "note": "",
    }
    return RestrictedHalf.model_validate(fields)


def _link(region: Region, number: int, index: int, hit: RegionHit, partner: str) -> ReportedLink:
    is_confirmed = hit.confirmed is not None and hit.confirmed <= number
    return ReportedLink(
        partner=Jurisdiction(partner),
        link=f"{index:064x}",
        by=Jurisdiction(hit.sides[0]),
        lead=str(region.halves[hit.lead]),
        confirmed=str(region.halves[hit.confirmed or 0]) if is_confirmed else None,
    )


def report_of(region: Region, period: Period, code: str) -> VerifiedReport:
    """As if it had been approved, released and verified."""
    numbers = [number for number, half in enumerate(region.halves) if half in period.halves]
    halves = tuple(exact_half(region, number, code) for number in numbers)
    public = public_figures(halves)
    document = Document(
        period=period,
        counted_to=period.end,
        begun=None,
        node_id=f"ffp-{code.lower()}",
        jurisdiction=code,
        partners=tuple(map(str, halves[-1].partners)),
        smallest=region.bound(code),
        terms_h={},
        entered=public.entered,
        stages=public.stages,
        bases=(),
        nodes=(),
        earlier=(),
    )
    year = (
        RestrictedYear(
            format="ffp-monitoring-restricted-year/1",
            edition="restricted",
            period="2026",
            node=halves[0].node,
            jurisdiction=halves[0].jurisdiction,
            halves=halves,
            salt="0" * 64,
            note="",
        )
        if isinstance(period, Year)
        else halves[0]
    )
    manifest = EditionsManifest(
        format="ffp-monitoring-manifest/1",
        period=str(period),
        node=halves[0].node,
        jurisdiction=halves[0].jurisdiction,
        public="0" * 64,
        restricted="0" * 64,
    )
    return VerifiedReport(manifest, document, b"", year, None, "1" * 64, "head-1", "", 1, "", "0" * 64)


def periods(region: Region) -> list[Period]:
    """The half-years, and their year where it is over."""
    both = Half(2026, 1) in region.halves and Half(2026, 2) in region.halves
    return [*region.halves, *([Year(2026)] if both else [])]


def publications(
    region: Region, without: Iterable[Sequence[str]]
) -> Iterator[tuple[Period, Sequence[str], RegionalReport]]:
    """The public regional report of each period: with all sides, and without some."""
    for period in periods(region):
        reports = {code: NamedReport(f"{code}.json", report_of(region, period, code)) for code in CODES}
        for left_out in ((), *without):
            accepted = tuple(item for code, item in reports.items() if code not in left_out)
            made = combine_reports(ReadReports(accepted, ()), period, shipped_indicators())
            yield period, left_out, made.public


def published(region: Region, without: Iterable[Sequence[str]] = ()) -> list[object]:
    """All that is published: the regional reports as files, and what each node publishes by itself."""
    files = [write_region(report, shipped_directory()) for _, _, report in publications(region, without)]
    own = [public_figures([exact_half(region, n, code)]) for n in range(len(region.halves)) for code in CODES]
    return [*files, *own]
