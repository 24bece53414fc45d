"""The region's figures, as they stand in either edition of the regional report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from exchange.coordination.half_year.small_counts import Figure, Told, exact, sum_of_those_who_tell
from exchange.coordination.region.earlier_claims import Claim, DroppedLinks
from exchange.coordination.region.indicators import Indicator
from exchange.coordination.region.region_incidents import RegionalIncidents
from exchange.coordination.region_files.file_kinds import LINKED, SHARED
from exchange.coordination.region_files.report_file import RefusedFile


@dataclass(frozen=True)
class SummedSides:
    """Whose reports totals are of. ``without``: by figure, those of them that have no data of it; of ``incidents``,
    those without an annex."""

    reported: tuple[str, ...] = ()
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, name: str) -> frozenset[str]:
        """Those whose counts are in this figure of the trend."""
        figure = "incidents" if name.startswith("incidents_") else name.removesuffix("_across")
        return frozenset(self.reported).difference(self.without.get(figure, ()))


@dataclass(frozen=True)
class RegionalRow:
    """One figure. ``cells`` by whom it is of: ``RS``, one jurisdiction (of hits: within it); ``MK-RS``, both together;
    ``RS>MK``, the first of them towards the second. ``across``: the sum without what is within one jurisdiction, of
    figures that are counted so. ``without``: the sides that say that they have no data of it; the sums are of the
    others."""

    id: str
    cells: Mapping[str, Figure]
    total: Figure
    across: Figure | None = None
    without: tuple[str, ...] = ()


def summed_row(name: str, cells: Mapping[str, Figure], without: tuple[str, ...]) -> RegionalRow:
    """With the sums of what those tell that have data: of hits also across borders alone."""
    across = [figure for key, figure in cells.items() if "-" in key]
    return RegionalRow(
        name,
        cells,
        sum_of_those_who_tell(list(cells.values())),
        (sum_of_those_who_tell(across) if across else exact(0)) if name in (*LINKED, *SHARED) else None,
        without,
    )


def trend_of(
    rows: Sequence[RegionalRow], rate: Figure, medians: Mapping[str, Figure], incidents: Mapping[str, Figure]
) -> dict[str, Figure]:
    """What a later regional report is compared with. ``medians``: by stage; ``incidents``: the annexes' totals."""
    return {
        **{row.id: row.total for row in rows if row.total.told is not Told.RESTRICTED},
        **{f"{row.id}_across": row.across for row in rows if row.across is not None},
        "feedback_rate": rate,
        **{f"{stage}_median_h": median for stage, median in medians.items()},
        **{f"incidents_{name}": figure for name, figure in incidents.items()},
    }


def sides_of(told: Iterable[str], rows: Iterable[RegionalRow], lacking: Sequence[str]) -> SummedSides:
    """``told``: whose reports the totals are of; ``lacking``: who brought no annex, where one came at all."""
    without = {row.id: row.without for row in rows if row.without}
    if lacking:
        without["incidents"] = tuple(dict.fromkeys(lacking))
    return SummedSides(tuple(sorted(told)), without)


@dataclass(frozen=True)
class RegionalStage:
    """How long a stage took in all nodes together, in hours; ``spans``: how many there were, where that is told."""

    id: str
    median: Figure
    most: Figure
    spans: int | None = None


@dataclass(frozen=True)
class SideDifference:
    """What two sides tell of one figure, and do not tell alike. ``period``: the half-year. ``told``: by whoever tells
    it. ``alone``: of hits, by whom so many are told that the other side does not tell for that half-year.

    Or what one side tells as of an earlier half-year, and did not tell then: ``claim`` says whether that is believed,
    ``dropped`` what it told then and tells no more (`exchange.coordination.region.earlier_claims`)."""

    id: str
    period: str
    told: Mapping[str, Figure]
    alone: Mapping[str, int] = field(default_factory=dict)
    claim: Claim | None = None
    dropped: DroppedLinks | None = None


@dataclass(frozen=True)
class RegionalAvailability:
    """``own``: the share of the hours in which the node ran, by itself; ``seen``: of those in which partners asked it,
    the share in which it answered."""

    jurisdiction: str
    node: str
    own: Figure
    seen: Figure


@dataclass(frozen=True)
class RegionalEarlier:
    """The totals of one period, and whose they are; of earlier periods the first is the baseline. ``sha256``: of the
    regional report that has them, where one has."""

    period: str
    figures: Mapping[str, Figure]
    sides: SummedSides = field(default_factory=SummedSides)
    sha256: str = ""


@dataclass(frozen=True)
class CountedReport:
    """A report that is in it. ``exact``: with its restricted edition."""

    node: str
    jurisdiction: str
    sha256: str
    approval: str
    fingerprint: str
    smallest: int
    exact: bool


@dataclass(frozen=True)
class RegionalReport:
    """One edition. ``edition``: "public" or "restricted"."""

    edition: str
    period: str
    since: str
    to: str
    reports: tuple[CountedReport, ...]
    refused: tuple[RefusedFile, ...]
    rows: tuple[RegionalRow, ...]
    rate: RegionalRow
    stages: tuple[RegionalStage, ...]
    availability: tuple[RegionalAvailability, ...]
    differences: tuple[SideDifference, ...]
    earlier: tuple[RegionalEarlier, ...]
    indicators: Mapping[str, Indicator]
    incidents: RegionalIncidents | None = None
    """None where no report brought an incident annex."""
    partners: frozenset[str] = frozenset()
    """All jurisdictions that a report names as a partner."""

    @property
    def smallest(self) -> int:
        return max((report.smallest for report in self.reports), default=0)

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        return tuple(sorted(report.jurisdiction for report in self.reports))

    def row(self, name: str) -> RegionalRow:
        return next(row for row in self.rows if row.id == name)

    @property
    def sides(self) -> SummedSides:
        """Exact totals are of the reports that brought their exact edition."""
        told = [item.jurisdiction for item in self.reports if self.edition == "public" or item.exact]
        lacking = [] if self.incidents is None else [code for code, _half in self.incidents.lacking]
        return sides_of(told, (*self.rows, self.rate), lacking)

    @property
    def points(self) -> tuple[RegionalEarlier, ...]:
        """The periods that it compares, its own the last."""
        return (*self.earlier, RegionalEarlier(self.period, self.trend, self.sides))

    @property
    def trend(self) -> Mapping[str, Figure]:
        """What a later regional report of this edition is compared with."""
        incidents = self.incidents.totals if self.incidents is not None else {}
        return trend_of(self.rows, self.rate.total, {stage.id: stage.median for stage in self.stages}, incidents)
