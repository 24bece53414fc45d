"""What a public site of the region tells: figures worked out of signed public editions, held against what the
coordinator's public regional report tells of them, and who takes part.

Nothing here opens what was sealed, and no key is asked for. Times and the feedback rate of all nodes together are the
coordinator's: they are worked out of exact editions. They are taken over where the rule of what is told allows it
(docs/adr/0012-two-editions-and-small-counts.md), and everything else must follow from the signed files.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any, Final

from exchange.coordination.half_year.half_years import Half, Period, Year, parse_period
from exchange.coordination.public_site.held_against import held_against_files
from exchange.coordination.region.combine import combine_reports
from exchange.coordination.region.indicators import Indicators
from exchange.coordination.region.read_regional import MAX_REGION_BYTES, ReadRegional, read_public_region
from exchange.coordination.region.region_document import REGION_FORMAT
from exchange.coordination.region.regional import RegionalEarlier, RegionalReport
from exchange.coordination.region_files.read_reports import read_reports
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, DeskKeys, RefusedFile, VerifiedReport
from exchange.errors import ExchangeError, InvalidInput
from exchange.jurisdictions.directory import Directory
from schemas.errors import ContractError, shown
from schemas.strict_json import BYTES_A_VALUE, check_json

_SEALED: Final = frozenset({"recipient", "sealed"})
"""The fields by which an edition for one recipient is known, wherever it stands in a file."""


@dataclass(frozen=True)
class SignedBytes:
    """An edition, the manifest that names its digest, and the proof that the head approved the manifest."""

    public: bytes
    manifest: bytes
    approval: bytes

    def named(self, begin: str) -> dict[str, bytes]:
        return {
            f"{begin}-public.json": self.public,
            f"{begin}-manifest.json": self.manifest,
            f"{begin}-approval.json": self.approval,
        }


@dataclass(frozen=True)
class PublicFiles:
    """``report``: the whole file, as the program reads it. ``signed``: what is in it, by itself, for whoever verifies
    without the program; ``annexes``: the same of incident annexes, by half-year. ``as_it_came``: whether ``report`` is
    the file that was given, byte for byte; else sealed editions were left out, and what is signed is the same bytes."""

    report: bytes
    signed: SignedBytes
    annexes: Mapping[str, SignedBytes]
    as_it_came: bool

    def named(self, verified: VerifiedReport) -> dict[str, bytes]:
        """Under the names that they have in a site."""
        begin = f"{verified.jurisdiction}-{verified.node_id}-{verified.manifest.period}"
        found = {f"{begin}-report.json": self.report, **self.signed.named(begin)}
        for half, signed in self.annexes.items():
            found |= signed.named(f"{begin}-incidents-{half}")
        return found


def public_files(data: bytes) -> PublicFiles:
    """Return the public part of a report's file, with its incident annexes and without sealed editions. The file must
    have been verified before (`verify_report_file`)."""
    fields: dict[str, Any] = json.loads(data)
    opened = _without_sealed(fields)
    is_open = opened == fields
    return PublicFiles(
        report=data if is_open else (json.dumps(opened, indent=1) + "\n").encode(),
        signed=_signed(fields),
        annexes={str(annex["half"]): _signed(annex) for annex in fields.get("annexes", ())},
        as_it_came=is_open,
    )


def _signed(fields: Mapping[str, Any]) -> SignedBytes:
    return SignedBytes(*(base64.b64decode(fields[name]) for name in ("public", "manifest", "proof")))


def _without_sealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() >= _SEALED:
            return None
        return {name: _without_sealed(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_sealed(item) for item in value]
    return value


_MOST_VALUES: Final = MAX_REGION_BYTES // BYTES_A_VALUE
"""Of any file: as many as a regional report's edition for named recipients may hold."""


class TakingPart(StrEnum):
    """How far a jurisdiction takes part, as far as files tell."""

    REPORTED = "reported"
    """Its head approved a report of the newest period, and it is here."""
    CONNECTED = "connected"
    """The trust root names its node, or another side's report names it as a partner."""
    PREPARING = "preparing"


@dataclass(frozen=True)
class SignedReport:
    verified: VerifiedReport
    files: PublicFiles


@dataclass(frozen=True)
class PublishedPeriod:
    """``regional``: the coordinator's public regional report, where it was given."""

    period: Period
    report: RegionalReport
    signed: tuple[SignedReport, ...]
    regional: ReadRegional | None


@dataclass(frozen=True)
class Publication:
    """``periods``: the first first. ``registered``: the jurisdictions of which the trust root names a node.
    ``not_read``: files that were given and are for named recipients alone."""

    periods: tuple[PublishedPeriod, ...]
    directory: Directory
    registered: frozenset[str]
    not_read: tuple[str, ...]

    @property
    def newest(self) -> PublishedPeriod:
        """The last half-year; where there are years alone, the last of these."""
        halves = [item for item in self.periods if isinstance(item.period, Half)]
        return (halves or list(self.periods))[-1]

    @property
    def parts(self) -> Mapping[str, TakingPart]:
        """Each jurisdiction of the directory, in the order of their codes."""
        reported = set(self.newest.report.jurisdictions)
        partners = {code for item in self.newest.signed for code in item.verified.document.partners}
        connected = partners | self.registered
        return {
            code: TakingPart.REPORTED
            if code in reported
            else TakingPart.CONNECTED
            if code in connected
            else TakingPart.PREPARING
            for code in sorted({*self.directory, *reported, *connected})
        }

    @property
    def exchanging(self) -> tuple[tuple[str, str], ...]:
        """Each two jurisdictions of which a report of the newest period names the other as its partner."""
        named = {item.verified.jurisdiction: item.verified.document.partners for item in self.newest.signed}
        codes = sorted({*named, *(code for partners in named.values() for code in partners)})
        return tuple(
            (one, other)
            for one, other in combinations(codes, 2)
            if other in named.get(one, ()) or one in named.get(other, ())
        )

    def trend(self, *, years: bool = False) -> tuple[RegionalEarlier, ...]:
        """Half-years, or years, the first first: that is the baseline."""
        wanted = [item for item in self.periods if isinstance(item.period, Year) == years]
        return tuple(RegionalEarlier(str(item.period), item.report.trend, item.report.sides) for item in wanted)


class ReportsRefused(ExchangeError):
    """Files were refused, so nothing is published: a site that leaves a jurisdiction out without anybody's will is
    worse than none. ``refused``: each, with what to do."""

    code = "reports-refused"

    def __init__(self, refused: Sequence[RefusedFile]) -> None:
        names = ", ".join(item.file for item in refused)
        super().__init__(f"Nothing is published, since these files are refused: {names}.")
        self.refused = tuple(refused)


def publication_of(
    files: Iterable[tuple[str, bytes]], wanted: Sequence[Period], keys: DeskKeys, indicators: Indicators
) -> Publication:
    """``files``: reports as nodes released them and public regional reports, in any order. ``wanted``: which periods;
    none: all of which there is a report.

    1. What is for named recipients alone is set aside, unread.
    2. Each report verifies and is the only one of its node and jurisdiction; the same file twice counts once.
    3. The public figures are worked out of the reports.
    4. A public regional report is what is written of these, field by field; what it tells of times may be told.

    Raises ReportsRefused; InvalidInput, codes "nothing-to-publish", "invalid-regional" and "regional-differs".
    """
    # 1.
    sorted_files = _sorted(files)

    # 2. to 4.
    asked = {str(period) for period in wanted} or set(sorted_files.reports)
    unknown = sorted_files.reports.pop("", [])
    refused = list(read_reports(unknown, parse_period("2000"), keys.who).refused)
    asked.discard("")
    periods = []
    checked: dict[tuple[str, str], RegionalReport] = {}
    for name in sorted(asked):
        reports = sorted_files.reports.get(name)
        if not reports:
            raise InvalidInput(f"No report of {name} is among the files.", code="nothing-to-publish")
        read = read_reports(reports, parse_period(name), keys.who)
        refused += [item for item in read.refused if item.code != "doubled"]
        if not refused:
            report = combine_reports(read, parse_period(name), indicators).public
            regional = sorted_files.regionals.get(name)
            if regional is not None:
                report = held_against_files(report, regional, read, checked, keys.directory)
                checked[name, regional.sha256] = report
            given = dict(reports)
            signed = tuple(SignedReport(item.report, public_files(given[item.file])) for item in read.accepted)
            periods.append(PublishedPeriod(parse_period(name), report, signed, regional))
    if refused:
        raise ReportsRefused(refused)
    if not periods:
        raise InvalidInput("No report's file is among the files.", code="nothing-to-publish")
    trust = keys.who.trust
    registered = (
        frozenset(str(node.jurisdiction) for node in trust.registry.nodes) if trust is not None else frozenset()
    )
    return Publication(tuple(periods), keys.directory, registered, tuple(sorted_files.not_read))


@dataclass(frozen=True)
class _Sorted:
    reports: dict[str, list[tuple[str, bytes]]]
    regionals: dict[str, ReadRegional]
    not_read: list[str]


def _sorted(files: Iterable[tuple[str, bytes]]) -> _Sorted:
    """By what each says it is. What says nothing stands under the period of no name, to be refused by its own."""
    found = _Sorted(defaultdict(list), {}, [])
    for path_name, data in files:
        name = shown(path_name, 255)
        kind, period, edition = _claims(data)
        if kind != REGION_FORMAT:
            found.reports[period].append((name, data))
        elif edition == "restricted":
            found.not_read.append(name)
        else:
            regional = read_public_region(data, name)
            known = found.regionals.setdefault(regional.period, regional)
            if known.data != data:
                raise InvalidInput(
                    f"{name} is a second public regional report of {regional.period}, and another one: give one of "
                    "them alone.",
                    code="regional-differs",
                )
    return found


def _claims(data: bytes) -> tuple[str, str, str]:
    """Format, period and edition as the file states them, believed by nobody; empty where it states none."""
    try:
        check_json(data, max_bytes=MAX_FILE_BYTES, max_values=_MOST_VALUES)
        fields = json.loads(data)
    except ContractError:
        return "", "", ""
    told = fields if isinstance(fields, dict) else {}
    kind, period, edition = (str(told.get(name, "")) for name in ("format", "period", "edition"))
    try:
        parse_period(period)
    except InvalidInput:
        period = ""
    return kind, period, edition
