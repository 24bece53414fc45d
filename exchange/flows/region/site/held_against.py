"""A public regional report that goes out beside the nodes' signed files, held against these field by field: nobody
signs it, so nothing in it is believed that is not worked out anew or held against something."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from exchange.errors import InvalidInput
from exchange.flows.monitoring.definitions import STAGES
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.small_counts import HELD_BACK, Figure, Told
from exchange.flows.region.public_region import of_one_bound, public_rate, public_stages
from exchange.flows.region.read_regional import ReadRegional, ReadRow, difference_of
from exchange.flows.region.read_reports import ReadReports
from exchange.flows.region.region_document import write_region
from exchange.flows.region.regional import RegionalEarlier, RegionalReport, RegionalRow, RegionalStage
from exchange.jurisdictions.directory import Directory
from schemas.errors import shown

_A_TENTH: Final = 0.11
"""Hours: the sides round what they counted, the region what their exact editions have in hundredths."""
_ENOUGH: Final = dict.fromkeys(STAGES, (1.0,) * 10_000)
"""Spans for which every time may be told that the counts behind it allow to be told."""


def held_against_files(
    report: RegionalReport,
    regional: ReadRegional,
    read: ReadReports,
    checked: Mapping[tuple[str, str], RegionalReport],
    known: Directory,
) -> RegionalReport:
    """The public figures (``report``, worked out of ``read``) with what the regional report tells, where that follows
    from the files or may be told beside them. ``checked``: the regional reports that were held against the files of
    earlier periods, by period and SHA-256. ``known``: the names of jurisdictions.

    1. It is of the same reports.
    2. Counts are those that are worked out here, or held back.
    3. Times and the feedback rate may be told, every report brought the exact edition that they are made of, and they
       are as this software rounds them and within what the sides tell of theirs.
    4. It compares with regional reports that are here, each held against the files of its own period.
    5. Of all that, this software writes the same file: what differs, and what it does not know, is named.
    Raises InvalidInput, code "regional-differs".
    """
    # 1.
    here, there = {item.node: item.sha256 for item in report.reports}, dict(regional.counted)
    if here != there:
        odd = sorted({node for node, _ in set(here.items()) ^ set(there.items())})
        raise _differs(regional, f"It is made of other reports than those that are here: of {', '.join(odd)}")

    # 2.
    if set(regional.rows) != {row.id for row in report.rows}:
        raise _differs(regional, "It has other figures than this release works out")
    rows = tuple(_as_held_back(row, regional.rows[row.id]) for row in report.rows)

    # 3.
    documents = of_one_bound([item.document for item in read.reports])
    rate, stages = _rate(report, regional, documents), _stages(report, regional, documents, rows)

    # 4. and 5.
    told = replace(
        report,
        rows=rows,
        rate=rate,
        stages=stages,
        reports=tuple(replace(item, exact=item.node in regional.exact) for item in report.reports),
        earlier=tuple(_earlier(regional, *item, checked) for item in regional.earlier),
        incidents=report.incidents if regional.has_incidents else None,
    )
    where = difference_of(json.loads(regional.data), json.loads(write_region(told, known)))
    if where is not None:
        raise _differs(regional, f"What it tells does not follow from the files: {shown(where, 200)}")
    return told


def _as_held_back(row: RegionalRow, told: ReadRow) -> RegionalRow:
    """What is worked out, without what the regional report holds back."""
    return replace(
        row,
        cells={key: HELD_BACK if told.cells.get(key) == HELD_BACK else figure for key, figure in row.cells.items()},
        total=HELD_BACK if told.total == HELD_BACK else row.total,
        across=HELD_BACK if row.across is not None and told.across == HELD_BACK else row.across,
    )


def _stages(
    report: RegionalReport, regional: ReadRegional, documents: Sequence[Document], rows: Sequence[RegionalRow]
) -> tuple[RegionalStage, ...]:
    may_be = {stage.id: stage for stage in public_stages(documents, rows, _ENOUGH, report.smallest)}
    stages = []
    for stage in report.stages:
        median, most = regional.stages.get(stage.id, (stage.median, stage.most))
        allowed = may_be[stage.id].median.told
        if any(not _may_be(figure, allowed, report, regional) for figure in (median, most)):
            raise _differs(regional, f"It tells a time that may not be told: {stage.id}")
        if (median.low or 0) > (most.low or 0):
            raise _differs(regional, f"Its times contradict each other: {stage.id}")
        for number, figure in enumerate((median, most)):
            sides = [document.stages[stage.id][number] for document in documents]
            if not _can_be(figure, sides, digits=1, within=_A_TENTH):
                raise _differs(regional, f"It tells a time that does not follow from those of the sides: {stage.id}")
        stages.append(RegionalStage(stage.id, median, most))
    return tuple(stages)


def _rate(report: RegionalReport, regional: ReadRegional, documents: Sequence[Document]) -> RegionalRow:
    allowed = public_rate(documents, {document.jurisdiction: (1, 1) for document in documents}).total.told
    if not _may_be(regional.rate, allowed, report, regional) or (regional.rate.high or 0) > 1:
        raise _differs(regional, "It tells a feedback rate that may not be told")
    if not _can_be(regional.rate, [document.rate.total for document in documents], digits=3, within=0):
        raise _differs(regional, "It tells a feedback rate that does not follow from those of the sides")
    return replace(report.rate, total=regional.rate)


def _may_be(figure: Figure, allowed: Told, report: RegionalReport, regional: ReadRegional) -> bool:
    if figure.told is Told.EXACT and len(regional.exact) < len(report.reports):
        return False
    return figure.told is allowed or figure == HELD_BACK


def _can_be(figure: Figure, sides: Sequence[Figure], *, digits: int, within: float) -> bool:
    """Whether the median, percentile or share of all together is rounded as here, and no less than the least of the
    sides and no more than the greatest, where each of them tells its own or has no data. What stands in each side's
    restricted edition alone bounds nothing. A rate is made of whole counts and rounded once: it needs no ``within``."""
    if figure.told is not Told.EXACT or figure.low is None:
        return True
    if round(figure.low, digits) != figure.low:
        return False
    told = [side for side in sides if side.told is not Told.NO_DATA]
    if not told or any(side.told is not Told.EXACT for side in told):
        return True
    ends = [side.low or 0 for side in told]
    return min(ends) - within <= figure.low <= max(ends) + within


def _earlier(
    regional: ReadRegional, period: str, sha256: str, checked: Mapping[tuple[str, str], RegionalReport]
) -> RegionalEarlier:
    found = checked.get((period, sha256))
    if found is not None:
        return RegionalEarlier(period, sha256, found.trend, found.sides)
    raise _differs(
        regional,
        f"It compares with a public regional report of {period} that is not here, or without the signed files of then. "
        "Give that one and the files of then too, or combine without it",
    )


def _differs(regional: ReadRegional, why: str) -> InvalidInput:
    return InvalidInput(
        f"The public regional report of {regional.period} is not used, and nothing is published. {why}. Combine the "
        "same files anew, with the same --indicators, or leave the regional report out.",
        code="regional-differs",
    )
