"""The public edition of a half-year or a year: the bytes that are approved, and what is read back from them.

Aggregates alone: no record, no case, no person, no date of anything that happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange.config import Settings
from exchange.coordination.half_year.figure_definitions import AVAILABILITY, COUNTS, STAGES, defined
from exchange.coordination.half_year.gap import Gap
from exchange.coordination.half_year.half_year_rows import HalfYearRows, own_hours
from exchange.coordination.half_year.half_years import Period, parse_period
from exchange.coordination.half_year.public_edition import ENTERED, public_figures
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import NO_DATA, Figure, exact
from exchange.jurisdictions.directory import Directory, shipped_directory

REPORT_FORMAT = "ffp-monitoring-report/1"


@dataclass(frozen=True)
class NodeShare:
    """How much of the time a node was there. ``share``: 0 to 1."""

    jurisdiction: str
    node_id: str
    share: Figure


@dataclass(frozen=True)
class GapLine:
    """A line of the policy that keeps something from a partner. ``rule``: the policy's, or ``review_overdue``."""

    partner: str
    kinds: tuple[str, ...]
    rule: str
    article: str
    review_by: str


@dataclass(frozen=True)
class Earlier:
    """The public figures of an earlier half-year or year, as they were approved."""

    period: str
    sha256: str
    figures: Mapping[str, Figure]


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
    """Back from bytes that this node wrote and keeps, or that were checked (``region_files.untrusted_values``)."""
    fields: dict[str, Any] = json.loads(data)
    return Document(
        period=parse_period(fields["period"]),
        counted_to=fields["counted_to"],
        begun=fields["begun"],
        node_id=fields["node"],
        jurisdiction=fields["jurisdiction"]["code"],
        partners=tuple(item["code"] for item in fields["partners"]),
        smallest=fields["smallest_count_told"],
        terms_h=fields["terms_h"],
        entered=Figure.of_json(fields["exhibits_entered"]["figure"]),
        stages={
            item["id"]: (Figure.of_json(item["median"]), Figure.of_json(item["percentile_90"]))
            for item in fields["stages"]
        },
        bases=tuple(
            GapLine(item["partner"], tuple(item["kinds"]), item["rule"], item["article"], item["review_by"])
            for item in fields["legal_bases"]
        ),
        nodes=tuple(
            NodeShare(item["jurisdiction"], item["node"], Figure.of_json(item["share"]))
            for item in fields["availability"]["nodes"]
        ),
        earlier=tuple(
            Earlier(
                item["period"],
                item["sha256"],
                {name: Figure.of_json(figure) for name, figure in item["figures"].items()},
            )
            for item in fields["earlier"]
        ),
    )
