"""The public edition of a half-year or a year: the bytes that are approved, and what is read back from them.

Aggregates alone: no record, no case, no person, no date of anything that happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from exchange.config import Settings
from exchange.coordination.half_year.editions import PeriodText
from exchange.coordination.half_year.figure_definitions import AVAILABILITY, COUNTS, STAGES, defined
from exchange.coordination.half_year.gap import Gap
from exchange.coordination.half_year.half_year_rows import HalfYearRows, own_hours
from exchange.coordination.half_year.half_years import Period, is_year, parse_period
from exchange.coordination.half_year.public_edition import ENTERED, HOUR_CLASSES, OWN_STAGES, public_figures
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import (
    HELD_BACK,
    LEAST_BOUND,
    NO_DATA,
    Figure,
    Told,
    exact,
    told_count,
)
from exchange.jurisdictions.directory import Directory, shipped_directory
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import NodeId
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction

REPORT_FORMAT = "ffp-monitoring-report/1"
MAX_PUBLIC_BYTES: Final = 2 * 1024 * 1024
_MOST: Final = 256
_Text = Annotated[str, Field(max_length=4000)]
_Id = Annotated[str, Field(max_length=60)]
_Time = Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z$")]
_Day = Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")]


@dataclass(frozen=True)
class NodeShare:
    """How much of the time a node was there. ``share``: 0 to 1."""

    jurisdiction: str
    node_id: str
    share: Figure


@dataclass(frozen=True)
class GapLine:
    """A line of the policy that keeps something from a partner. ``rule``: the policy's, or ``review_overdue``."""

    partner: Jurisdiction
    kinds: Annotated[tuple[_Id, ...], Field(max_length=20)]
    rule: _Id
    article: _Text
    review_by: _Day
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Earlier:
    """The public figures of an earlier half-year or year, as they were approved."""

    period: PeriodText
    sha256: Sha256Hex
    figures: Annotated[Mapping[_Id, Figure], Field(max_length=100)]
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Document:
    """``begun`` is the day from which on the node has data, where that lies within the period. ``counted_to`` is the
    end of the period, or the moment while it lasts. ``earlier``: the first of it is the baseline."""

    period: Period
    counted_to: str
    begun: str | None
    node_id: str
    jurisdiction: str
    partners: tuple[str, ...]
    smallest: int
    terms_h: Mapping[str, int]
    entered: Figure
    stages: Mapping[str, tuple[Figure, Figure]]
    bases: tuple[GapLine, ...]
    nodes: tuple[NodeShare, ...]
    earlier: tuple[Earlier, ...]

    @property
    def trend(self) -> Mapping[str, Figure]:
        """What a later period is compared with: what is told here."""
        medians = {f"{name}_median_h": median for name, (median, _) in self.stages.items()}
        return {ENTERED: self.entered, **medians}


def terms_in_force(terms: Settings) -> dict[str, int]:
    return {
        "first_review": terms.first_review_h,
        "verification": terms.second_review_h,
        "dissemination": terms.dissemination_h,
        "comparison_answer": terms.comparison_answer_h,
        "feedback": terms.feedback_h,
    }


def document_of(rows: HalfYearRows, counted: RestrictedHalf, gap: Gap, trend: Sequence[Earlier]) -> Document:
    """The same rows give the same document. ``counted``: the restricted edition of the same half-year."""
    public = public_figures([counted])
    return Document(
        period=rows.half,
        counted_to=rows.moment,
        begun=counted.begun,
        node_id=rows.node_id,
        jurisdiction=rows.jurisdiction,
        partners=tuple(rows.columns),
        smallest=counted.smallest_count_told,
        terms_h=counted.terms_h,
        entered=public.entered,
        stages=public.stages,
        bases=tuple(
            GapLine(
                partner=line.basis.jurisdiction,
                kinds=tuple(line.basis.kinds),
                rule="review_overdue" if line.overdue else line.basis.rule,
                article=line.basis.article,
                review_by=line.basis.review_by.isoformat(),
            )
            for line in gap.lines
        ),
        nodes=_nodes(rows),
        earlier=tuple(trend),
    )


def _nodes(rows: HalfYearRows) -> tuple[NodeShare, ...]:
    """This node first."""
    own = NodeShare(rows.jurisdiction, rows.node_id, _share(rows.hours.get(rows.node_id, (0, 0))[1], own_hours(rows)))
    others = [
        NodeShare(jurisdiction, node_id, _share(*reversed(rows.hours.get(node_id, (0, 0)))))
        for node_id, jurisdiction in sorted(rows.partners.items(), key=lambda item: (item[1], item[0]))
    ]
    return own, *others


def _share(answered: int, asked: int) -> Figure:
    return exact(round(min(answered / asked, 1), 4)) if asked else NO_DATA


def write_document(document: Document, known: Directory | None = None, *, draft: bool = False) -> bytes:
    """JSON, UTF-8, each key at its place: the same document gives the same bytes. ``known`` has the names of
    jurisdictions: those of the release, if none are given. A ``draft`` says so, and so has another digest than what is
    approved."""
    known = known or shipped_directory()
    fields = {
        "format": REPORT_FORMAT,
        **({"draft": True} if draft else {}),
        "edition": "public",
        "period": str(document.period),
        "from": document.period.start,
        "to": document.period.end,
        "counted_to": document.counted_to,
        "begun": document.begun,
        "node": document.node_id,
        "jurisdiction": {
            "code": document.jurisdiction,
            "name": known.name(document.jurisdiction),
        },
        "partners": [{"code": code, "name": known.name(code)} for code in document.partners],
        "smallest_count_told": document.smallest,
        "terms_h": dict(document.terms_h),
        "exhibits_entered": {
            **defined(ENTERED, COUNTS[ENTERED]),
            "unit": "count",
            "figure": document.entered.as_json(),
        },
        "stages": [
            {
                **defined(name, STAGES[name]),
                "unit": "hours",
                "median": median.as_json(),
                "percentile_90": high.as_json(),
            }
            for name, (median, high) in document.stages.items()
        ],
        "legal_bases": [
            {
                "partner": item.partner,
                "kinds": list(item.kinds),
                "rule": item.rule,
                "article": item.article,
                "review_by": item.review_by,
            }
            for item in document.bases
        ],
        "availability": {
            **defined("availability", AVAILABILITY),
            "unit": "share",
            "nodes": [
                {"jurisdiction": item.jurisdiction, "node": item.node_id, "share": item.share.as_json()}
                for item in document.nodes
            ],
        },
        "earlier": [
            {
                "period": item.period,
                "sha256": item.sha256,
                "figures": {name: figure.as_json() for name, figure in item.figures.items()},
            }
            for item in document.earlier
        ],
        "note": " ".join(known.footnotes(known)),
    }
    return (json.dumps(fields, ensure_ascii=False, indent=1) + "\n").encode()


def read_document(data: bytes) -> Document:
    """Read untrusted bytes. Raises ContractError."""
    return read_strict(_Public, data, max_bytes=MAX_PUBLIC_BYTES).document


class _Defined(Contract):
    id: _Id
    goal: Annotated[int, Field(ge=1, le=7)]
    title: _Text
    definition: _Text
    unit: Literal["count", "share", "hours"]


class _Entered(_Defined):
    figure: Figure


class _Stage(_Defined):
    median: Figure
    percentile_90: Figure


class _NodeShare(Contract):
    jurisdiction: Jurisdiction
    node: NodeId
    share: Figure


class _Availability(_Defined):
    nodes: Annotated[tuple[_NodeShare, ...], Field(max_length=_MOST)]


class _Named(Contract):
    code: Jurisdiction
    name: _Text


class _Public(Contract):
    format: Literal["ffp-monitoring-report/1"]
    edition: Literal["public"]
    period: PeriodText
    since: _Time = Field(alias="from")
    to: _Time
    counted_to: _Time
    begun: _Day | None
    node: NodeId
    jurisdiction: _Named
    partners: Annotated[tuple[_Named, ...], Field(max_length=_MOST)]
    smallest_count_told: Annotated[int, Field(ge=LEAST_BOUND, le=50)]
    terms_h: Annotated[dict[_Id, Annotated[int, Field(ge=0, le=10**9)]], Field(max_length=20)]
    exhibits_entered: _Entered
    stages: Annotated[tuple[_Stage, ...], Field(max_length=30)]
    legal_bases: Annotated[tuple[GapLine, ...], Field(max_length=1000)]
    availability: _Availability
    earlier: Annotated[tuple[Earlier, ...], Field(max_length=_MOST)]
    note: _Text

    @property
    def document(self) -> Document:
        return Document(
            period=parse_period(self.period),
            counted_to=self.counted_to,
            begun=self.begun,
            node_id=self.node,
            jurisdiction=self.jurisdiction.code,
            partners=tuple(item.code for item in self.partners),
            smallest=self.smallest_count_told,
            terms_h=self.terms_h,
            entered=self.exhibits_entered.figure,
            stages={stage.id: (stage.median, stage.percentile_90) for stage in self.stages},
            bases=self.legal_bases,
            nodes=tuple(NodeShare(item.jurisdiction, item.node, item.share) for item in self.availability.nodes),
            earlier=self.earlier,
        )

    @model_validator(mode="after")
    def _is_of_one_period(self) -> Self:
        period = parse_period(self.period)
        if (self.since, self.to) != (period.start, period.end):
            raise ValueError("the report begins or ends at another time than its period")
        return self

    @model_validator(mode="after")
    def _has_each_figure_once(self) -> Self:
        if self.exhibits_entered.id != ENTERED or [stage.id for stage in self.stages] != list(OWN_STAGES):
            raise ValueError("the report has other figures than this format has")
        return self

    @model_validator(mode="after")
    def _tells_what_the_rule_can_give(self) -> Self:
        """A year adds up two half-years, whose bounds may have been different."""
        entered = self.exhibits_entered.figure
        sums = is_year(self.period)
        if not (_is_sum(entered) if sums else entered in _counts_like(entered, self.smallest_count_told)):
            raise ValueError(f"{ENTERED} is not told as the rule tells it")
        for stage in self.stages:
            for figure in (stage.median, stage.percentile_90):
                if figure not in (*HOUR_CLASSES, HELD_BACK, NO_DATA):
                    raise ValueError(f"{stage.id} is not told in the classes of times")
        if any((item.share.high or 0) > 1 for item in self.availability.nodes):
            raise ValueError("a share is more than all")
        return self


def _counts_like(figure: Figure, smallest: int) -> list[Figure]:
    return [told_count(count, smallest) for count in (None, 1, int(figure.low or 0))]


def _is_sum(figure: Figure) -> bool:
    """Whether two half-years can have this sum."""
    low, high = figure.low or 0, figure.high or 0
    if figure.told is Told.EXACT:
        return low == int(low) and not 0 < low < LEAST_BOUND
    whole = low == int(low) and high == int(high)
    return figure == NO_DATA or (figure.told is Told.BETWEEN and whole and high - low >= LEAST_BOUND - 2)
