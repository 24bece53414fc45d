"""What lies in the folder of an assessment: files that assessors filled in, and signed snapshots of the node's
maturity, and monitoring reports with their approvals.

Nothing in the folder is trusted. At most ``MAX_FILES`` files are looked at, ordinary ones alone, each bounded; what is
neither is named and left.
"""

from __future__ import annotations

import itertools
import json
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.maturity.answers import EVALUATION_FORMAT, AnswersFile, parse_answers, read_toml, read_whole
from exchange.coordination.maturity.maturity_snapshot import (
    MAX_SIGNED_SNAPSHOT_BYTES,
    VerifiedSnapshot,
    verify_signed_snapshot,
)
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, Believed, ReportRefused, verify_report_file
from exchange.errors import InvalidInput, LogError, NotFound, RootInvalid, StatementInvalid
from schemas import ContractError
from schemas.strict_json import check_json

MAX_FILES: Final = 200
_KNOW_IT: Final = (
    "Write the node's 40 digits, as its operator reads them out, into node_fingerprint of the assessment, or put a "
    "signed snapshot of its maturity here."
)
_FORMATS: Final = ("ffp-monitoring-report/", "ffp-report-file/")


@dataclass(frozen=True)
class ReleasedReport:
    """``figures``: the public figures of the report, medians of stages as ``search_median_h``. ``sha256``: of what the
    approval concerns."""

    name: str
    half: Half
    node_id: str
    jurisdiction: str
    sha256: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class LeftFile:
    """A file that is not read, and why."""

    name: str
    why: str


def released_reports(
    files: Sequence[Path], snapshots: Sequence[VerifiedSnapshot], digits: str | None
) -> tuple[list[ReleasedReport], list[LeftFile]]:
    """The reports among the files, the earliest first; and those that are left. ``digits``: the fingerprint of the
    assessed node's identity as the assessor knows it, whatever the node is called in its reports."""
    reports, left = list[ReleasedReport](), list[LeftFile]()
    known = [f"{item.snapshot.node_id}={item.fingerprint}" for item in snapshots]
    for path in files:  # one at a time in the memory
        body = read_whole(path, MAX_FILE_BYTES)
        own = [f"{json.loads(body).get('node')}={digits}"] if digits else known
        try:
            found = verify_report_file(body, Believed(fingerprints=own))
        except ReportRefused as error:
            step = _KNOW_IT if error.code == "unknown-identity" else error.next_step
            left.append(LeftFile(path.name, f"{error} {step}"[:600]))
            continue
        except InvalidInput as error:
            left.append(LeftFile(path.name, str(error)[:300]))
            continue
        period, trend = found.document.period, found.document.trend
        if isinstance(period, Half):
            reports.append(ReleasedReport(path.name, period, found.node_id, found.jurisdiction, found.sha256, trend))
        else:
            why = f"It is the report of the year {period}; put the files of its half-years here."
            left.append(LeftFile(path.name, why))
    return sorted(reports, key=lambda item: item.half), left


def _is_report(path: Path) -> bool:
    """By its format; a file that is too large or no JSON is none."""
    try:
        body = read_whole(path, MAX_FILE_BYTES)
        check_json(body, max_bytes=MAX_FILE_BYTES)
    except (InvalidInput, ContractError):
        return False
    fields = json.loads(body)
    return isinstance(fields, dict) and str(fields.get("format", "")).startswith(_FORMATS)


@dataclass(frozen=True)
class AssessmentFolder:
    """``assessments``: of one jurisdiction, the earliest first. ``snapshots``: of that jurisdiction, verified, and
    ``reports`` of it that an approval concerns, the earliest first."""

    name: str
    jurisdiction: str
    assessments: tuple[AnswersFile, ...]
    snapshots: tuple[VerifiedSnapshot, ...]
    reports: tuple[ReleasedReport, ...]
    left: tuple[LeftFile, ...]

    def chosen(self, half: Half | None) -> AnswersFile:
        """That of a half-year; the last one, if none is named. Raises NotFound."""
        for given in reversed(self.assessments):
            if half is None or given.half == half:
                return given
        raise NotFound(f"There is no assessment of {half} in {self.name}.")

    def before(self, given: AnswersFile) -> AnswersFile | None:
        """The last one before."""
        return next((item for item in reversed(self.assessments) if item.half < given.half), None)

    def snapshot_of(self, half: Half) -> VerifiedSnapshot | None:
        return next((item for item in self.snapshots if item.snapshot.half == half), None)


def read_folder(folder: Path) -> AssessmentFolder:
    """Raises NotFound where there is no assessment; InvalidInput for one that cannot be read, for two of one half-year,
    and for two jurisdictions in one folder."""
    found = _files(folder)
    filled = (_assessment(path) for path in found if path.suffix == ".toml")
    assessments = [given for given in filled if given is not None]
    if not assessments:
        name = folder.resolve().name
        raise NotFound(f"There is no assessment in {name}. Begin one with: ffp assess new {name}")
    assessments.sort(key=lambda item: item.half)
    for one, other in itertools.pairwise(assessments):
        if one.half == other.half:
            raise InvalidInput(f"{one.file} and {other.file} are both of {one.half}; leave one of them.")
    first = assessments[0]
    for given in assessments:
        if given.jurisdiction != first.jurisdiction:
            raise InvalidInput(f"{first.file} is of {first.jurisdiction}, {given.file} of {given.jurisdiction}.")
    digits = next((item.node_fingerprint for item in reversed(assessments) if item.node_fingerprint), None)
    documents = [path for path in found if path.suffix == ".json"]
    released = [path for path in documents if _is_report(path)]
    snapshots, refused = _snapshots([path for path in documents if path not in released], first.jurisdiction, digits)
    reports, unfit = released_reports(released, snapshots, digits)
    own = tuple(report for report in reports if report.jurisdiction == first.jurisdiction)
    elsewhere = [LeftFile(item.name, f"It is of {item.jurisdiction}.") for item in reports if item not in own]
    left = (*unfit, *refused, *elsewhere)
    return AssessmentFolder(folder.name, first.jurisdiction, tuple(assessments), snapshots, own, left)


def _files(folder: Path) -> list[Path]:
    """Ordinary files by their names; what is linked to is not followed. Raises NotFound, InvalidInput."""
    try:
        found = sorted(path for path in folder.iterdir() if stat.S_ISREG(path.lstat().st_mode))
    except FileNotFoundError as error:
        raise NotFound(f"There is no folder {folder}.") from error
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be read: {error.strerror}.") from error
    if len(found) > MAX_FILES:
        raise InvalidInput(f"{folder} holds {len(found)} files; at most {MAX_FILES} are looked at.")
    return found


def _assessment(path: Path) -> AnswersFile | None:
    fields = read_toml(path)
    return None if fields.get("format") == EVALUATION_FORMAT else parse_answers(fields, path.name)


def _snapshots(
    files: list[Path], jurisdiction: str, digits: str | None
) -> tuple[tuple[VerifiedSnapshot, ...], list[LeftFile]]:
    """Of two of one half-year neither is read: a node keeps one. A path is that of one node: the newest one's."""
    by_half: dict[Half, list[tuple[str, VerifiedSnapshot]]] = {}
    left = []
    for path in files:
        try:
            found = verify_signed_snapshot(read_whole(path, MAX_SIGNED_SNAPSHOT_BYTES), confirmed=digits)
        except (StatementInvalid, LogError, RootInvalid, InvalidInput) as error:
            left.append(LeftFile(path.name, str(error)[:300]))
            continue
        if found.snapshot.jurisdiction != jurisdiction:
            left.append(LeftFile(path.name, f"It is of {found.snapshot.jurisdiction}, not of {jurisdiction}."))
            continue
        by_half.setdefault(found.snapshot.half, []).append((path.name, found))
    kept = []
    for half, items in sorted(by_half.items()):
        if len({item.sha256 for _, item in items}) > 1:
            left += [LeftFile(name, f"Another file is a snapshot of {half} too.") for name, _ in items]
        else:
            kept.append(items[0][1])
    newest = kept[-1].snapshot.node_id if kept else ""
    left += [
        LeftFile(by_half[item.snapshot.half][0][0], f"It is of {item.snapshot.node_id}, the newest one of {newest}.")
        for item in kept
        if item.snapshot.node_id != newest
    ]
    return tuple(item for item in kept if item.snapshot.node_id == newest), left
