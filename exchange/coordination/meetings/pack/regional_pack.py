"""The pack of the regional meeting, made of files alone: reports and inputs that the heads of the nodes approved."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from exchange.coordination.exercises.exercise_counts import CountedSet
from exchange.coordination.half_year.half_years import Half, is_year
from exchange.coordination.meetings.pack.local_pack import missing_before, missing_in, overdue_in
from exchange.coordination.meetings.pack.make_inputs import overdue_band
from exchange.coordination.meetings.pack.pack import (
    Missing,
    MissingPart,
    OverdueWork,
    Pack,
    PackAvailability,
    PackFigures,
    PackSide,
)
from exchange.coordination.meetings.pack.signed_inputs import (
    NamedInputs,
    ReadInputs,
    VerifiedInputs,
    inputs_against_each_other,
    is_inputs,
    verify_inputs_files,
)
from exchange.coordination.region.combine import Combined, combine_reports
from exchange.coordination.region.indicators import Indicators
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport
from exchange.coordination.region_files.read_reports import NamedReport, ReadReports, against_each_other, verify_files
from exchange.coordination.region_files.recipient import RecipientKey
from exchange.coordination.region_files.report_file import Believed, DeskKeys, RefusedFile, VerifiedReport
from exchange.errors import InvalidInput
from schemas.vocabulary import MeetingKind

_OVERDUE: Final = ("overdue_answers", "overdue_approvals")
EarlierRegion = Mapping[str, Sequence[RegionalEarlier]]


@dataclass(frozen=True)
class PackFiles:
    """Files that verified, of any half-year, and those that did not."""

    reports: tuple[NamedReport, ...]
    inputs: tuple[NamedInputs, ...]
    refused: tuple[RefusedFile, ...]


def read_pack_files(files: Iterable[tuple[str, bytes]], who: Believed, key: RecipientKey | None = None) -> PackFiles:
    """Each by itself. What is refused is named, and nothing of it is in the pack."""
    reports: list[NamedReport] = []
    inputs: list[NamedInputs] = []
    no_reports: list[RefusedFile] = []
    no_inputs: list[RefusedFile] = []
    for item in files:  # one after another: together they may be larger than the memory
        if is_inputs(item[1]):
            verified_inputs, refused = verify_inputs_files([item], who)
            inputs += verified_inputs
            no_inputs += refused
        else:
            verified_reports, refused = verify_files([item], who, key)
            reports += verified_reports
            no_reports += refused
    return PackFiles(tuple(reports), tuple(inputs), (*no_reports, *no_inputs))


def regional_pack(
    files: PackFiles,
    half: Half,
    keys: DeskKeys,
    indicators: Indicators,
    earlier: EarlierRegion | None = None,
    exercises: tuple[CountedSet, ...] | None = None,
) -> Pack:
    """1. Hold the files against each other: one report and one document of inputs for each side.
    2. Combine the reports; those of earlier half-years make what this one is compared with, where ``earlier``, regional
       reports of before, has none.
    3. Put together what each side gave, and name what it did not give.
    The pack is restricted where the key opened restricted editions: then its figures are exact. ``exercises``: as
    ``read_exercise_files`` read them.

    Raises InvalidInput, code "nothing-to-combine", where no file of this half-year was accepted.
    """
    # 1.
    reports, later = _reports(files.reports, half)
    past = {older: against_each_other(reports[older], older) for older in sorted(reports) if older < half}
    read = against_each_other(reports[half], half, [item for found in past.values() for item in found.accepted])
    inputs = inputs_against_each_other(
        files.inputs, half, {report.jurisdiction: report.node_id for report in read.reports}
    )
    older_refused = [item for found in past.values() for item in found.refused]
    refused = (*files.refused, *later, *older_refused, *read.refused, *inputs.refused)
    if not read.reports and not inputs.now:
        raise InvalidInput(
            f"No report and no inputs of {half} were accepted, so there is no pack. {_first_refused(refused)}".rstrip(),
            code="nothing-to-combine",
        )

    # 2.
    made = _combined(past, read, half, keys, indicators, earlier or {})
    report = None if made is None else made.restricted or made.public
    figures = None if report is None else _figures(report)

    # 3.
    by_code = {found.jurisdiction: found for found in read.reports}
    codes = sorted({*by_code, *inputs.now})
    sides = tuple(_side(code, by_code.get(code), inputs.now.get(code)) for code in codes)
    told = [side.inputs for side in sides if side.inputs is not None]
    annexed = {found.jurisdiction for found in read.reports if found.annexes}
    restricted = made is not None and made.restricted is not None
    sealed = [(found.jurisdiction, found.sealed) for found in read.reports if found.halves and found.sealed is not None]
    return Pack(
        meeting=MeetingKind.REGIONAL,
        here=None,
        half=half,
        as_of=max((item.as_of for item in told), default=date.fromisoformat(half.end[:10])),
        sides=sides,
        figures=figures,
        overdue=tuple(_overdue(report if restricted else None, read.reports, inputs)),
        availability=_availability(report),
        actions=tuple(action for item in told for action in item.actions),
        annexes=tuple((found.jurisdiction, annex.told) for found in read.reports for annex in found.annexes),
        held_before={code: found.inputs.held for code, found in inputs.before.items()},
        missing=tuple(_missing(sides, figures, made, keys, half, annexed)),
        smallest=max((*(item.smallest_count_told for item in told), report.smallest if report is not None else 0)),
        restricted=restricted,
        recipient=keys.key.recipient.name if keys.key is not None and restricted else None,
        purposes=tuple((code, edition.purpose) for code, edition in sealed),
        refused=refused,
        exercises=exercises,
    )


def _reports(found: Iterable[NamedReport], half: Half) -> tuple[Mapping[Half, list[NamedReport]], list[RefusedFile]]:
    """By half-year, this one and those before; a later one is refused. A year is the sum of its half-years, and adds
    nothing."""
    by_half: dict[Half, list[NamedReport]] = defaultdict(list)
    later = []
    for item in found:
        period = item.report.manifest.period
        if is_year(period):
            continue
        if Half.parse(period) <= half:
            by_half[Half.parse(period)].append(item)
        else:
            later.append(
                RefusedFile(
                    item.file,
                    item.report.node_id,
                    "other-period",
                    f"It is the report of {period}, and {half} is asked for.",
                    "Leave it out, or ask for the pack of that half-year.",
                )
            )
    return by_half, later


def _combined(
    past: Mapping[Half, ReadReports],
    read: ReadReports,
    half: Half,
    keys: DeskKeys,
    indicators: Indicators,
    earlier: EarlierRegion,
) -> Combined | None:
    """``past``: the half-years before, the first first."""
    before: dict[str, list[RegionalEarlier]] = {name: list(items) for name, items in earlier.items()}
    for older, found in past.items():
        if not found.reports:
            continue
        made = combine_reports(found, older, indicators)
        for name, report in (("public", made.public), ("restricted", made.restricted)):
            items = before.setdefault(name, [])
            if report is not None and str(older) not in {item.period for item in items}:
                items.append(_as_earlier(report, keys))
    ordered = {name: sorted(items, key=lambda item: item.period) for name, items in before.items()}
    return combine_reports(read, half, indicators, ordered) if read.reports else None


def _as_earlier(report: RegionalReport, keys: DeskKeys) -> RegionalEarlier:
    data = write_region(report, keys.directory)
    return replace(report.points[-1], sha256=hashlib.sha256(data).hexdigest())


def _figures(report: RegionalReport) -> PackFigures:
    return PackFigures(now=report.trend, earlier=report.earlier, approved=True, regional=report)


def _side(code: str, report: VerifiedReport | None, inputs: VerifiedInputs | None) -> PackSide:
    return PackSide(
        jurisdiction=code,
        node=report.node_id if report is not None else inputs.inputs.node if inputs is not None else "",
        inputs=inputs.inputs if inputs is not None else None,
        approval=inputs.approval if inputs is not None else None,
        inputs_sha256=inputs.sha256 if inputs is not None else None,
        report=report.sha256 if report is not None else None,
        report_approval=report.approval if report is not None else None,
    )


def _overdue(
    exact: RegionalReport | None, reports: Sequence[VerifiedReport], inputs: ReadInputs
) -> Iterator[OverdueWork]:
    """Exactly where a restricted edition tells it, else as the inputs tell it."""
    counted: dict[tuple[str, str, str], int] = {}
    for report in reports if exact is not None else ():
        for half in report.halves[-1:]:
            for kind in _OVERDUE:
                for partner, count in half.counts_of(kind).items():
                    if count is not None:
                        counted[report.jurisdiction, str(partner), kind] = count
    for (one, other, kind), count in sorted(counted.items()):
        yield OverdueWork(one, other, kind, overdue_band(count, 3), 3, count)
    for code in sorted(inputs.now):
        for item in overdue_in(inputs.now[code].inputs):
            if (item.one, item.other, item.kind) not in counted:
                yield item


def _availability(report: RegionalReport | None) -> tuple[PackAvailability, ...]:
    found = report.availability if report is not None else ()
    return tuple(PackAvailability(item.jurisdiction, item.node, item.own, item.seen) for item in found)


def _missing(
    sides: Sequence[PackSide],
    figures: PackFigures | None,
    made: Combined | None,
    keys: DeskKeys,
    half: Half,
    annexed: Container[str],
) -> Iterator[Missing]:
    for code in sorted(_expected(sides, figures, keys) - {side.jurisdiction for side in sides}):
        yield Missing(MissingPart.SIDE, code)
    for side in sides:
        if side.report is None:
            yield Missing(MissingPart.REPORT, side.jurisdiction)
        elif made is not None and made.restricted is not None and side.node in made.incomplete:
            yield Missing(MissingPart.EXACT, side.jurisdiction)
        if side.inputs is None:
            yield Missing(MissingPart.INPUTS, side.jurisdiction)
    if figures is not None:
        yield from missing_before(figures, half)
    for side in sides:
        if side.inputs is not None:
            yield from missing_in(side.inputs, half)
        if side.report is not None and side.jurisdiction not in annexed:
            yield Missing(MissingPart.ANNEX, side.jurisdiction)


def _expected(sides: Sequence[PackSide], figures: PackFigures | None, keys: DeskKeys) -> set[str]:
    """Whom the trust root names; without one, whom the sides name as their partners."""
    trust = keys.who.trust
    if trust is not None:
        return {str(node.jurisdiction) for node in trust.registry.nodes}
    named = {str(item.partner) for side in sides if side.inputs is not None for item in side.inputs.overdue}
    regional = figures.regional if figures is not None else None
    return named if regional is None else named | regional.partners | set(regional.jurisdictions)


def _first_refused(refused: Sequence[RefusedFile]) -> str:
    return f"{refused[0].file}: {refused[0].why} {refused[0].next_step}" if refused else ""
