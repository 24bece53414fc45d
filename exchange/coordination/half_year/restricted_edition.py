"""The restricted edition of a half-year or a year: exact counts, the hours of each stage, and link ids.

It goes to a named recipient, encrypted (`region_files.recipient`), and by no other way. Aggregates and ids alone: no
record, no case, no person, no day. ``salt`` and the blanks at its end keep its digest and its length, which the public
manifest and the encrypted file tell, from telling what it says.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from exchange.coordination.half_year.figure_counts import Counted
from exchange.coordination.half_year.figure_definitions import AT_THE_END, COUNTS, GAPS, HELD, STAGES, defined
from exchange.coordination.half_year.gap import Gap
from exchange.coordination.half_year.half_year_rows import HalfYearRows, LinkedCases, asked_hours
from exchange.coordination.half_year.half_years import Year
from exchange.coordination.half_year.small_counts import LEAST_BOUND
from exchange.jurisdictions.directory import Directory
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import NodeId
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction

RESTRICTED_FORMAT: Final = "ffp-monitoring-restricted/1"
YEAR_FORMAT: Final = "ffp-monitoring-restricted-year/1"
MAX_RESTRICTED_BYTES: Final = 32 * 1024 * 1024
MAX_LINKS: Final = 40_000
MAX_HOURS: Final = 200_000
MAX_COLUMNS: Final = 256
BLOCK: Final = 8192
"""Its length is a multiple of this."""

ExactCount = Annotated[int, Field(ge=0, le=10**9)]
HalfText = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}H[12]$")]
YearText = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}$")]
SpanHours = Annotated[float, Field(ge=0, le=10**6)]
Cells = Annotated[dict[Jurisdiction, ExactCount | None], Field(max_length=MAX_COLUMNS)]


class ExactRow(Contract):
    """One indicator, reason or part. ``title`` and ``definition`` say in English what ``id`` means."""

    id: Annotated[str, Field(max_length=60)]
    goal: Annotated[int, Field(ge=1, le=7)]
    title: Annotated[str, Field(max_length=200)]
    definition: Annotated[str, Field(max_length=1000)]
    cells: Cells


class StageHours(Contract):
    """How long each span took that ended in the half-year, in hours, the shortest first."""

    id: Annotated[str, Field(max_length=60)]
    goal: Annotated[int, Field(ge=1, le=7)]
    title: Annotated[str, Field(max_length=200)]
    definition: Annotated[str, Field(max_length=1000)]
    hours: Annotated[tuple[SpanHours, ...], Field(max_length=MAX_HOURS)]


class AskedHours(Contract):
    """In how many hours a node was asked, and in how many of these it answered."""

    jurisdiction: Jurisdiction
    node: NodeId
    asked: ExactCount
    answered: ExactCount


class ReportedLink(Contract):
    """Two cases that a hit joins across a border, as `LinkedCases` has them."""

    partner: Jurisdiction
    link: Sha256Hex | None
    by: Jurisdiction
    lead: HalfText
    confirmed: HalfText | None


class RestrictedHalf(Contract):
    """What one node counted of one half-year. ``links`` are all that stood joined at its end, of any half-year."""

    format: Literal["ffp-monitoring-restricted/1"]
    edition: Literal["restricted"]
    period: HalfText
    counted_to: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z$")]
    begun: Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")] | None
    node: NodeId
    jurisdiction: Jurisdiction
    partners: Annotated[tuple[Jurisdiction, ...], Field(max_length=MAX_COLUMNS)]
    smallest_count_told: Annotated[int, Field(ge=LEAST_BOUND, le=50)]
    terms_h: Annotated[dict[Annotated[str, Field(max_length=60)], ExactCount], Field(max_length=20)]
    indicators: Annotated[tuple[ExactRow, ...], Field(max_length=60)]
    stages: Annotated[tuple[StageHours, ...], Field(max_length=30)]
    harmonisation_gap: Annotated[tuple[ExactRow, ...], Field(max_length=30)]
    held_under_earlier_line: Annotated[tuple[ExactRow, ...], Field(max_length=30)]
    availability: Annotated[tuple[AskedHours, ...], Field(max_length=MAX_COLUMNS)]
    links: Annotated[tuple[ReportedLink, ...], Field(max_length=MAX_LINKS)]
    salt: Sha256Hex
    note: Annotated[str, Field(max_length=4000)]

    @property
    def halves(self) -> tuple[RestrictedHalf, ...]:
        return (self,)

    def count(self, name: str, column: str) -> int | None:
        """Of one indicator; None where there is no data, or it is not counted so."""
        return self.counts_of(name).get(Jurisdiction(column))

    def counts_of(self, name: str) -> Mapping[Jurisdiction, int | None]:
        rows = (*self.indicators, *self.harmonisation_gap, *self.held_under_earlier_line)
        return next((row.cells for row in rows if row.id == name), {})

    def hours_of(self, name: str) -> tuple[float, ...]:
        return next((stage.hours for stage in self.stages if stage.id == name), ())

    @model_validator(mode="after")
    def _has_each_figure_once(self) -> Self:
        found: Mapping[str, tuple[list[str], Iterable[str]]] = {
            "indicators": ([row.id for row in self.indicators], COUNTS),
            "stages": ([stage.id for stage in self.stages], STAGES),
            "harmonisation_gap": ([row.id for row in self.harmonisation_gap], GAPS),
            "held_under_earlier_line": ([row.id for row in self.held_under_earlier_line], HELD),
        }
        for part, (ids, known) in found.items():
            if sorted(ids) != sorted(known):
                raise ValueError(f"{part} has other figures than this format has")
        return self

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """What it counts of pairs of cases is what it links."""
        for row in (*self.indicators, *self.harmonisation_gap, *self.held_under_earlier_line):
            if not set(row.cells) <= {self.jurisdiction, *self.partners}:
                raise ValueError(f"{row.id} is counted for a jurisdiction that is no partner")
        for name, end in (("leads", "lead"), ("confirmed_hits", "confirmed")):
            linked = Counter(link.partner for link in self.links if getattr(link, end) == self.period)
            cells = self.counts_of(name)
            for partner in self.partners:
                counted = cells.get(partner)
                if counted is not None and counted != linked[partner]:
                    raise ValueError(f"{name} with {partner} counts {counted} and links {linked[partner]}")
        named = {self.jurisdiction, *self.partners}
        for link in self.links:
            self._check_link(link, named)
        known = [link.link for link in self.links if link.link is not None]
        if len(set(known)) != len(known):
            raise ValueError("one link id stands twice")
        return self

    def _check_link(self, link: ReportedLink, named: Container[Jurisdiction]) -> None:
        """It speaks of the two sides and of partners alone, and of nothing that is still to come."""
        if link.partner not in named or link.by not in named:
            raise ValueError("a link is of a jurisdiction that is no partner")
        if not link.lead <= (link.confirmed or link.lead) <= self.period:
            raise ValueError("a link is confirmed before it was a lead, or after the half-year")


class RestrictedYear(Contract):
    """The restricted editions of a year's half-years, as they were approved: a year is their sum."""

    format: Literal["ffp-monitoring-restricted-year/1"]
    edition: Literal["restricted"]
    period: YearText
    node: NodeId
    jurisdiction: Jurisdiction
    halves: Annotated[tuple[RestrictedHalf, ...], Field(min_length=1, max_length=2)]
    salt: Sha256Hex
    note: Annotated[str, Field(max_length=4000)]

    @model_validator(mode="after")
    def _are_its_own(self) -> Self:
        periods = [half.period for half in self.halves]
        if sorted(set(periods)) != periods or any(period[:4] != self.period for period in periods):
            raise ValueError("the half-years are not those of the year, the first first")
        if any((half.node, half.jurisdiction) != (self.node, self.jurisdiction) for half in self.halves):
            raise ValueError("a half-year is of another node")
        return self


Restricted = RestrictedHalf | RestrictedYear


def restricted_half(
    rows: HalfYearRows,
    counted: Counted,
    gap: Gap,
    links: Sequence[LinkedCases],
    *,
    smallest: int,
    terms_h: Mapping[str, int],
    secret: bytes,
    known: Directory,
) -> RestrictedHalf:
    """The same rows give the same edition. ``secret``: the node's, of which the salt is made."""
    begun = rows.began_at if rows.half.holds(rows.began_at) else None
    jurisdictions = {rows.node_id: rows.jurisdiction, **rows.partners}
    return RestrictedHalf(
        format=RESTRICTED_FORMAT,
        edition="restricted",
        period=str(rows.half),
        counted_to=rows.moment,
        begun=begun[:10] if begun else None,
        node=rows.node_id,
        jurisdiction=Jurisdiction(rows.jurisdiction),
        partners=tuple(Jurisdiction(column) for column in rows.columns),
        smallest_count_told=smallest,
        terms_h=dict(terms_h),
        indicators=tuple(
            ExactRow(**defined(name, COUNTS[name]), cells=_cells(counted.counts[name])) for name in COUNTS
        ),
        stages=tuple(
            StageHours(
                **defined(name, STAGES[name]), hours=tuple(sorted(round(hours, 2) for hours in counted.hours[name]))
            )
            for name in STAGES
        ),
        harmonisation_gap=tuple(ExactRow(**defined(name, GAPS[name]), cells=_cells(gap.counts[name])) for name in GAPS),
        held_under_earlier_line=tuple(
            ExactRow(**defined(name, HELD[name]), cells=_cells(gap.held.get(name, {}))) for name in HELD
        ),
        availability=tuple(
            AskedHours(jurisdiction=Jurisdiction(jurisdictions[name]), node=name, asked=asked, answered=answered)
            for name, (asked, answered) in asked_hours(rows).items()
        ),
        links=tuple(
            ReportedLink(
                partner=Jurisdiction(link.partner),
                link=link.link,
                by=Jurisdiction(link.by),
                lead=str(link.lead),
                confirmed=str(link.confirmed) if link.confirmed else None,
            )
            for link in links
        ),
        salt=salt_of(secret, str(rows.half)),
        note=_note(known),
    )


def restricted_year(year: Year, halves: Sequence[RestrictedHalf], secret: bytes, known: Directory) -> RestrictedYear:
    """``halves``: those of the year that are approved, the first first."""
    return RestrictedYear(
        format=YEAR_FORMAT,
        edition="restricted",
        period=str(year),
        node=halves[-1].node,
        jurisdiction=halves[-1].jurisdiction,
        halves=tuple(halves),
        salt=salt_of(secret, str(year)),
        note=_note(known),
    )


def write_restricted(edition: Restricted) -> bytes:
    """JSON, UTF-8, each key at its place, filled up with blanks: the same edition gives the same bytes."""
    text = json.dumps(edition.model_dump(mode="json"), ensure_ascii=False, indent=None, separators=(",", ":")).encode()
    return text + b" " * (-(len(text) + 1) % BLOCK) + b"\n"


def read_restricted(data: bytes) -> Restricted:
    """Read untrusted bytes. Raises ContractError."""
    kind: type[Restricted] = RestrictedYear if YEAR_FORMAT.encode() in data[:100] else RestrictedHalf
    return read_strict(kind, data, max_bytes=MAX_RESTRICTED_BYTES)


def salt_of(secret: bytes, period: str) -> str:
    """Nobody who has not the node's secret can make it, so nobody can try which counts give the digest."""
    return hmac.new(secret, f"ffp-restricted-edition/1\0{period}".encode(), hashlib.sha256).hexdigest()


def _cells(counts: Mapping[str, int | None]) -> dict[Jurisdiction, int | None]:
    return {Jurisdiction(column): count for column, count in counts.items()}


def _note(known: Directory) -> str:
    return " ".join(known.footnotes(known))


def all_counts(edition: RestrictedHalf) -> Iterator[tuple[str, str, int | None]]:
    """Each exact count of a half-year: of what, with whom."""
    for row in (*edition.indicators, *edition.harmonisation_gap, *edition.held_under_earlier_line):
        for column, value in row.cells.items():
            yield row.id, str(column), value


def exact_counts(edition: Restricted) -> dict[str, dict[str, int | None]]:
    """By figure and column; of a year the sum of its half-years, and what stands at an end, of the last one."""
    found: dict[str, dict[str, int | None]] = {}
    for number, half in enumerate(edition.halves, start=1):
        for name, column, count in all_counts(half):
            if name in AT_THE_END and number < len(edition.halves):
                continue
            row = found.setdefault(name, {})
            before = row.get(column, 0)
            row[column] = None if count is None or before is None else before + count
    return found


def exact_hours(edition: Restricted) -> dict[str, tuple[float, ...]]:
    return {name: tuple(span for half in edition.halves for span in half.hours_of(name)) for name in STAGES}
