"""Read the files of reports for one period: each is verified by itself, then held against the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exchange.coordination.half_year.half_years import Period, parse_period
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.region_files.recipient import RecipientKey
from exchange.coordination.region_files.report_file import (
    Believed,
    RefusedFile,
    ReportRefused,
    VerifiedReport,
    verify_report_file,
)
from schemas.errors import shown


@dataclass(frozen=True)
class NamedReport:
    file: str
    report: VerifiedReport


@dataclass(frozen=True)
class ReadReports:
    """``accepted`` in the order of their jurisdictions, one for each."""

    accepted: tuple[NamedReport, ...]
    refused: tuple[RefusedFile, ...]
    earlier: Mapping[str, tuple[RestrictedHalf, ...]] = field(default_factory=dict)
    """By node, its reports of before that these are held against. Nothing of them is counted."""

    @property
    def reports(self) -> tuple[VerifiedReport, ...]:
        return tuple(item.report for item in self.accepted)


def read_reports(
    files: Iterable[tuple[str, bytes]],
    period: Period,
    who: Believed,
    key: RecipientKey | None = None,
    earlier: Iterable[tuple[str, bytes]] = (),
) -> ReadReports:
    """1. Each file verifies (`verify_report_file`).
    2. It is of this period.
    3. Of one node there is one report: the same file twice counts once, two different ones count for nothing, and so
       do two that have different incident annexes.
    4. Of one jurisdiction there is one node.
    5. Files of earlier periods (``earlier``) verify likewise; these are held against them.
    What fails is refused by its name, and nothing of it is counted.
    """
    verified, refused = verify_files(files, who, key)
    told_before, not_told = verify_files(earlier, who, key)
    found = against_each_other(verified, period, told_before)
    return ReadReports(found.accepted, (*refused, *not_told, *found.refused), found.earlier)


def verify_files(
    files: Iterable[tuple[str, bytes]], who: Believed, key: RecipientKey | None = None
) -> tuple[list[NamedReport], list[RefusedFile]]:
    """The first of the steps alone, of files of any period."""
    verified: list[NamedReport] = []
    refused: list[RefusedFile] = []
    for path_name, data in files:
        name = shown(path_name, 255)  # a sender may have chosen it, and it goes into the report
        try:
            verified.append(NamedReport(name, verify_report_file(data, who, key)))
        except ReportRefused as error:
            refused.append(error.of(name))
    return verified, refused


def against_each_other(
    verified: Iterable[NamedReport], period: Period, earlier: Iterable[NamedReport] = ()
) -> ReadReports:
    """The further steps, of files that verified."""
    refused: list[RefusedFile] = []
    of_period: list[NamedReport] = []
    for item in verified:
        other = _other_period(item, period)
        if other is None:
            of_period.append(item)
        else:
            refused.append(other)
    kept = list(_one_each(of_period, refused))
    accepted = list(_one_node_each(kept, refused))
    before: dict[str, list[RestrictedHalf]] = defaultdict(list)
    for found in earlier:
        if parse_period(found.report.manifest.period).end <= period.start:
            before[found.report.node_id] += found.report.halves
        else:
            refused.append(_not_earlier(found, period))
    return ReadReports(
        tuple(sorted(accepted, key=lambda item: item.report.jurisdiction)),
        tuple(refused),
        {node: tuple(halves) for node, halves in before.items()},
    )


def _not_earlier(found: NamedReport, period: Period) -> RefusedFile:
    return RefusedFile(
        found.file,
        found.report.node_id,
        "other-period",
        f"It is the report of {found.report.manifest.period}, and {period} is to be held against what was told before.",
        f"Give reports of before {period} with --held-against.",
    )


def _other_period(found: NamedReport, period: Period) -> RefusedFile | None:
    told = found.report.manifest.period
    if told == str(period):
        return None
    older = parse_period(told).end <= period.start
    return RefusedFile(
        found.file,
        found.report.node_id,
        "older-period" if older else "other-period",
        f"It is the report of {told}, and {period} is asked for.",
        f"Ask the focal point for the file of {period}; combine {told} by itself.",
    )


def _one_each(verified: list[NamedReport], refused: list[RefusedFile]) -> Iterable[NamedReport]:
    by_node: Mapping[str, list[NamedReport]] = defaultdict(list)
    for item in verified:
        by_node[item.report.node_id].append(item)
    for node, items in by_node.items():
        if _differ(items):
            names = ", ".join(item.file for item in items)
            refused += [
                RefusedFile(
                    item.file,
                    node,
                    "doubled-differently",
                    f"{node} approved two different reports of one period: {names}. Neither is counted.",
                    "A period is approved once. Keep both files, and ask the head of the focal point which one stands, "
                    "and how there came to be two.",
                )
                for item in items
            ]
            continue
        best = max(items, key=_brought)
        yield best
        refused += [
            RefusedFile(
                item.file,
                node,
                "doubled",
                f"It is the report of {node} once more, as in {best.file}. It counts once.",
                "Leave one of the two out.",
            )
            for item in items
            if item is not best
        ]


def _brought(item: NamedReport) -> tuple[bool, int, int]:
    """How much of one report a file has: whoever takes a part out of a copy takes nothing from what is counted."""
    annexes = item.report.annexes
    exact = sum(annex.exact is not None for annex in annexes)
    return item.report.restricted is not None, len(annexes), exact


def _differ(items: list[NamedReport]) -> bool:
    """Whether two of one node's files are of different reports, or have different annexes of one half-year."""
    annexes: Mapping[str, set[str]] = defaultdict(set)
    for item in items:
        for annex in item.report.annexes:
            annexes[str(annex.half)].add(annex.sha256)
    return len({item.report.sha256 for item in items}) > 1 or any(len(found) > 1 for found in annexes.values())


def _one_node_each(kept: list[NamedReport], refused: list[RefusedFile]) -> Iterable[NamedReport]:
    first: dict[str, NamedReport] = {}
    for item in kept:
        known = first.setdefault(item.report.jurisdiction, item)
        if known is item:
            yield item
            continue
        refused.append(
            RefusedFile(
                item.file,
                item.report.node_id,
                "second-node",
                f"{item.report.jurisdiction} reports by {known.report.node_id} already ({known.file}).",
                "Ask the focal point which of its nodes reports for the jurisdiction.",
            )
        )
