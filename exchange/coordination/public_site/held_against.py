"""A public regional report that goes out beside the nodes' signed files, held against these field by field: nobody
signs it, so nothing in it is believed that is not worked out anew or held against something."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.public_edition import HOUR_CLASSES, OWN_STAGES, RATE_CLASSES
from exchange.coordination.half_year.small_counts import HELD_BACK, NO_DATA, Figure, Told
from exchange.coordination.region.public_region import CROSSING, FEWEST_SIDES, PublicSide, may_total_hits
from exchange.coordination.region.read_regional import ReadRegional, difference_of
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport, RegionalRow, RegionalStage
from exchange.coordination.region_files.read_reports import ReadReports
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory
from schemas.errors import shown


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
    2. Totals of hits are there where the rule lets them be, and no other figure that does not follow from the files.
    3. Times and the feedback rate are classes of the rule, and fit the classes that the sides tell of theirs.
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
    documents = [item.document for item in read.reports]
    told_exactly = [document for document in documents if document.node_id in regional.exact]
    rows = tuple(_row(row, regional, told_exactly, documents) for row in report.rows)

    # 3.
    rate, stages = _rate(report, regional, told_exactly), _stages(report, regional, told_exactly)

    # 4. and 5.
    told = replace(
        report,
        rows=rows,
        rate=rate,
        stages=stages,
        reports=tuple(replace(item, exact=item.node in regional.exact) for item in report.reports),
        earlier=tuple(_earlier(regional, *item, checked) for item in regional.earlier),
    )
    where = difference_of(json.loads(regional.data), json.loads(write_region(told, known)))
    if where is not None:
        raise _differs(regional, f"What it tells does not follow from the files: {shown(where, 200)}")
    return told


def _row(
    row: RegionalRow, regional: ReadRegional, told_exactly: Sequence[Document], documents: Sequence[Document]
) -> RegionalRow:
    """Take over the total of hits across borders, which is made of exact editions."""
    if row.id not in CROSSING:
        return row
    told = regional.rows[row.id]
    across, codes = told.across or HELD_BACK, {document.jurisdiction for document in told_exactly}
    sides = [PublicSide.of_document(document) for document in told_exactly]
    is_count = across.told in (Told.EXACT, Told.BETWEEN) and across.low == int(across.low or 0)
    may_be = (is_count or across == NO_DATA) and may_total_hits(sides, [item.jurisdiction for item in documents])
    if across != HELD_BACK and not may_be:
        raise _differs(regional, f"It tells a total that may not be told: {row.id}")
    if not set(told.without) <= codes:
        raise _differs(regional, f"It leaves out a side that is not in it: {row.id}")
    return replace(row, across=across, without=told.without)


def _stages(
    report: RegionalReport, regional: ReadRegional, told_exactly: Sequence[Document]
) -> tuple[RegionalStage, ...]:
    stages = []
    for stage in report.stages:
        median, most = regional.stages.get(stage.id, (stage.median, stage.most))
        can_be = HELD_BACK in (median, most) and median == most
        if len(told_exactly) >= FEWEST_SIDES and median in HOUR_CLASSES and most in HOUR_CLASSES:
            sides = [document.stages[stage.id] for document in told_exactly if stage.id in OWN_STAGES]
            can_be = (median.low or 0) <= (most.low or 0) and _fits(stage.id, (median, most), sides)
        if not can_be:
            raise _differs(regional, f"It tells a time that may not be told: {stage.id}")
        stages.append(RegionalStage(stage.id, median, most))
    return tuple(stages)


def _fits(stage: str, told: tuple[Figure, Figure], sides: Sequence[tuple[Figure, Figure]]) -> bool:
    """Whether the classes of all together are none below the lowest of the sides' classes, and none above the highest.
    Of a stage between two nodes the sides publish nothing by themselves."""
    if stage not in OWN_STAGES:
        return True
    own = [side for side in sides if side[0] in HOUR_CLASSES]
    return len(own) >= FEWEST_SIDES and all(
        min(side[end].low or 0 for side in own) <= (told[end].low or 0) <= max(side[end].low or 0 for side in own)
        for end in (0, 1)
    )


def _rate(report: RegionalReport, regional: ReadRegional, told_exactly: Sequence[Document]) -> RegionalRow:
    told, codes = regional.rate, {document.jurisdiction for document in told_exactly}
    ends = {(low.low, high.high) for low in RATE_CLASSES for high in RATE_CLASSES}
    is_class = told.total.told is Told.BETWEEN and (told.total.low, told.total.high) in ends
    if told.total != HELD_BACK and not (is_class and len(told_exactly) >= FEWEST_SIDES):
        raise _differs(regional, "It tells a feedback rate that may not be told")
    if not set(told.without) <= codes:
        raise _differs(regional, "It leaves out a side that is not in it: feedback_rate")
    return replace(report.rate, total=told.total, without=told.without)


def _earlier(
    regional: ReadRegional, period: str, sha256: str, checked: Mapping[tuple[str, str], RegionalReport]
) -> RegionalEarlier:
    found = checked.get((period, sha256))
    if found is not None:
        return RegionalEarlier(period, found.trend, found.sides, sha256)
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
