"""The public edition of a half-year or a year: the bytes that are approved, and what is read back from them.

Aggregates alone: no record, no case, no person, no date of anything that happened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exchange.config import Settings
from exchange.flows.monitoring.counts import Counted
from exchange.flows.monitoring.definitions import AVAILABILITY, COUNTS, FEEDBACK_RATE, GAPS, HELD, STAGES, Definition
from exchange.flows.monitoring.gap import Gap
from exchange.flows.monitoring.half_years import Period, parse_period
from exchange.flows.monitoring.public_edition import ToldBefore, public_figures
from exchange.flows.monitoring.rows import HalfYearRows
from exchange.flows.monitoring.small_counts import NO_DATA, Figure, Row, Told, exact
from exchange.jurisdictions.directory import Directory, shipped_directory

REPORT_FORMAT = "ffp-monitoring-report/2"
FIRST_FORMAT = "ffp-monitoring-report/1"
"""Of reports that were approved before there were two editions: they are read, and never written again."""


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
    """The totals of an earlier half-year or year, as they were approved: each count's, each stage's median, and the
    rate."""

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
    counts: Mapping[str, Row]
    rate: Row
    stages: Mapping[str, tuple[Figure, Figure]]
    gaps: Mapping[str, Row]
    held: Mapping[str, Row]
    """Empty of a report that was approved before this was counted."""
    bases: tuple[GapLine, ...]
    nodes: tuple[NodeShare, ...]
    earlier: tuple[Earlier, ...]

    @property
    def trend(self) -> Mapping[str, Figure]:
        """What a later period is compared with: what is told here."""
        medians = {f"{name}_median_h": median for name, (median, _) in self.stages.items()}
        totals = {name: row.total for name, row in self.counts.items()}
        found = {**totals, "feedback_rate": self.rate.total, **medians}
        return {name: figure for name, figure in found.items() if figure.told is not Told.RESTRICTED}

    @property
    def told_before(self) -> ToldBefore:
        """What a later half-year must be safe beside."""
        times = (name for name, (median, _) in self.stages.items() if median.told is Told.EXACT)
        return ToldBefore(self.counts, frozenset(times))


def document_of(
    rows: HalfYearRows,
    counted: Counted,
    gap: Gap,
    terms: Settings,
    earlier: Sequence[Document],
    trend: Sequence[Earlier],
) -> Document:
    """What may be told of it beside the half-years that were approved before it (``earlier``). The same rows give the
    same document."""
    told = public_figures(counted, gap.counts, terms.monitoring_smallest, [before.told_before for before in earlier])
    begun = rows.began_at if rows.half.holds(rows.began_at) else None
    return Document(
        period=rows.half,
        counted_to=rows.moment,
        begun=begun[:10] if begun else None,
        node_id=rows.node_id,
        jurisdiction=rows.jurisdiction,
        partners=tuple(rows.columns),
        smallest=terms.monitoring_smallest,
        terms_h={
            "first_review": terms.first_review_h,
            "verification": terms.second_review_h,
            "dissemination": terms.dissemination_h,
            "comparison_answer": terms.comparison_answer_h,
            "feedback": terms.feedback_h,
        },
        counts=told.counts,
        rate=told.rate,
        stages=told.stages,
        gaps=told.gaps,
        held=told.held,
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


def asked_hours(rows: HalfYearRows) -> dict[str, tuple[int, int]]:
    """By node, this one first: in how many hours it was asked, and in how many of these it answered. Of this node: the
    hours since it began, and those in which it ran."""
    others = {node_id: rows.hours.get(node_id, (0, 0)) for node_id in sorted(rows.partners)}
    own = _own_hours(rows)
    return {rows.node_id: (own, min(own, rows.hours.get(rows.node_id, (0, 0))[1])), **others}


def _nodes(rows: HalfYearRows) -> tuple[NodeShare, ...]:
    """This node first."""
    own = NodeShare(rows.jurisdiction, rows.node_id, _share(rows.hours.get(rows.node_id, (0, 0))[1], _own_hours(rows)))
    others = [
        NodeShare(jurisdiction, node_id, _share(*reversed(rows.hours.get(node_id, (0, 0)))))
        for node_id, jurisdiction in sorted(rows.partners.items(), key=lambda item: (item[1], item[0]))
    ]
    return own, *others


def _own_hours(rows: HalfYearRows) -> int:
    """The hours of the half-year that were touched since the node began; 0 when it never ran in it."""
    if rows.began_at is None or rows.began_at >= rows.moment or rows.node_id not in rows.hours:
        return 0
    since, until = (datetime.fromisoformat(at) for at in (max(rows.began_at, rows.half.start), rows.moment))
    first = since.replace(minute=0, second=0, microsecond=0)
    return -int(-(until - first).total_seconds() // 3600)


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
        "indicators": [
            {**defined(name, COUNTS[name]), "unit": "count", **_row(row)} for name, row in document.counts.items()
        ],
        "feedback_rate": {**defined("feedback_rate", FEEDBACK_RATE), "unit": "share", **_row(document.rate)},
        "stages": [
            {
                **defined(name, STAGES[name]),
                "unit": "hours",
                "median": median.as_json(),
                "percentile_90": high.as_json(),
            }
            for name, (median, high) in document.stages.items()
        ],
        "harmonisation_gap": [
            {**defined(name, GAPS[name]), "unit": "count", **_row(row)} for name, row in document.gaps.items()
        ],
        "held_under_earlier_line": [
            {**defined(name, HELD[name]), "unit": "count", **_row(row)} for name, row in document.held.items()
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
    """Back from bytes that this node wrote and keeps, of either format; or that were checked
    (``exchange.flows.region.untrusted``)."""
    fields: dict[str, Any] = json.loads(data)
    return Document(
        period=parse_period(fields["half"] if fields["format"] == FIRST_FORMAT else fields["period"]),
        counted_to=fields["counted_to"],
        begun=fields["begun"],
        node_id=fields["node"],
        jurisdiction=fields["jurisdiction"]["code"],
        partners=tuple(item["code"] for item in fields["partners"]),
        smallest=fields["smallest_count_told"],
        terms_h=fields["terms_h"],
        counts={item["id"]: _read_row(item) for item in fields["indicators"]},
        rate=_read_row(fields["feedback_rate"]),
        stages={
            item["id"]: (Figure.of_json(item["median"]), Figure.of_json(item["percentile_90"]))
            for item in fields["stages"]
        },
        gaps={item["id"]: _read_row(item) for item in fields["harmonisation_gap"]},
        held={item["id"]: _read_row(item) for item in fields.get("held_under_earlier_line", ())},
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
                item["half"] if fields["format"] == FIRST_FORMAT else item["period"],
                item["sha256"],
                {name: Figure.of_json(figure) for name, figure in item["figures"].items()},
            )
            for item in fields["earlier"]
        ),
    )


def defined(name: str, definition: Definition) -> dict[str, Any]:
    """What stands beside a figure wherever it goes."""
    return {"id": name, "goal": definition.goal, "title": definition.title, "definition": definition.text}


def _row(row: Row) -> dict[str, Any]:
    return {
        "cells": {column: figure.as_json() for column, figure in row.cells.items()},
        "total": row.total.as_json(),
    }


def _read_row(fields: Mapping[str, Any]) -> Row:
    cells = {column: Figure.of_json(figure) for column, figure in fields["cells"].items()}
    return Row(cells, Figure.of_json(fields["total"]))
