"""What a coordinator has on the desk: a folder of reports' files, and keys. No node, no database."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.coordination.half_year.half_years import Period, parse_period
from exchange.coordination.region.combine import Combined, combine_reports
from exchange.coordination.region.indicators import Indicators
from exchange.coordination.region_files.read_reports import ReadReports, read_reports
from exchange.coordination.region_files.recipient import RecipientKey
from exchange.coordination.region_files.report_file import (
    MAX_FILE_BYTES,
    Believed,
    ReportRefused,
    VerifiedReport,
    verify_report_file,
)
from exchange.coordination.region_files.seen_files import SeenFiles
from exchange.errors import InvalidInput, TooLarge
from exchange.home import read_bounded
from exchange.jurisdictions.directory import Directory, shipped_directory
from schemas.errors import shown

MOST_FILES: Final = 500


@dataclass(frozen=True)
class DeskKeys:
    """Whose identities are believed, and what opens restricted editions; ``key``: None of whoever has none."""

    who: Believed
    key: RecipientKey | None

    @property
    def directory(self) -> Directory:
        """The names of jurisdictions, also of those that the trust root names beyond the release's."""
        return shipped_directory() if self.who.trust is None else self.who.trust.registry.directory


@dataclass(frozen=True)
class DeskFile:
    """A file in the folder: verified, or refused with the reason."""

    name: str
    report: VerifiedReport | None
    refused: ReportRefused | None

    @property
    def shown_name(self) -> str:
        """Fit for a page: a sender may have chosen the name, and not each is text."""
        return shown(self.name, 255)


class RegionDesk:
    """``files`` is the folder. A file is verified whenever it is read: the folder is anybody's who can write there."""

    def __init__(self, files: Path, keys: DeskKeys, indicators: Indicators) -> None:
        self.folder, self.keys, self.indicators = files, keys, indicators
        self._seen = SeenFiles(self._verify)

    def listed(self) -> list[DeskFile]:
        """Each file of the folder by name, at most ``MOST_FILES``; without those of another kind."""
        return self._seen.of(path for path in self.paths() if not self.is_of_another_kind(path))

    def is_of_another_kind(self, path: Path) -> bool:
        """Something that lies in the folder for another purpose than a report."""
        del path
        return False

    def periods(self) -> list[Period]:
        """Those of which a verified report is there, the newest first, a year before its half-years."""
        found = {item.report.manifest.period for item in self.listed() if item.report is not None}
        return [parse_period(text) for text in sorted(found, key=lambda text: (text[:4], "H" not in text, text))[::-1]]

    def read(self, period: Period) -> ReadReports:
        """All files, held against each other for one period, and against those of earlier ones; those of other periods
        are left out and not refused."""
        wanted = [item for item in self.listed() if item.report is None or self._is_of(item, period)]
        before = [item for item in self.listed() if item.report is not None and self._is_before(item.report, period)]
        data, earlier = (self.contents(self.folder / item.name for item in items) for items in (wanted, before))
        return read_reports(data, period, self.keys.who, self.keys.key, earlier)

    def combined(self, period: Period) -> Combined:
        """Raises InvalidInput, code "nothing-to-combine_reports"."""
        return combine_reports(self.read(period), period, self.indicators)

    def put(self, name: str, content: bytes) -> str:
        """Keep a file in the folder under its name, or the next free one; returns that. Raises InvalidInput,
        TooLarge."""
        if len(content) > MAX_FILE_BYTES:
            raise TooLarge(f"A report's file has at most {MAX_FILE_BYTES} bytes.")
        if len(list(self.folder.glob("*.json"))) >= MOST_FILES:
            raise InvalidInput(f"The folder holds {MOST_FILES} files already; take some away.", code="too-many-files")
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(name).name.removesuffix(".json")).strip(".-")[:80] or "report"
        for number in range(1, MOST_FILES + 2):
            free = f"{stem}.json" if number == 1 else f"{stem}-{number}.json"
            try:
                descriptor = os.open(self.folder / free, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            return free
        raise InvalidInput("No name is free for the file.", code="too-many-files")

    def take_away(self, name: str) -> None:
        """Remove a file of the folder. Raises InvalidInput for what is no name of one."""
        found = next((path for path in self.paths() if path.name == name), None)
        if found is None:
            raise InvalidInput("This is no file of the folder.", code="invalid-field")
        found.unlink(missing_ok=True)

    def paths(self) -> Iterator[Path]:
        paths = sorted(self.folder.glob("*.json"))[:MOST_FILES]
        return (path for path in paths if path.is_file() and not path.is_symlink())

    @staticmethod
    def contents(paths: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
        """One after another, without what was taken away meanwhile."""
        for path in paths:
            try:
                content = read_bounded(path, MAX_FILE_BYTES)
            except FileNotFoundError:
                continue
            yield path.name, content

    def _verify(self, path: Path) -> DeskFile:
        try:
            return DeskFile(
                path.name, verify_report_file(read_bounded(path, MAX_FILE_BYTES), self.keys.who, self.keys.key), None
            )
        except ReportRefused as error:
            return DeskFile(path.name, None, error.words_alone())

    @staticmethod
    def _is_before(report: VerifiedReport, period: Period) -> bool:
        return parse_period(report.manifest.period).end <= period.start

    @staticmethod
    def _is_of(item: DeskFile, period: Period) -> bool:
        return item.report is not None and item.report.manifest.period == str(period)
