"""What a coordinator has on the desk: keys, and a folder with files of reports, of inputs of the meeting pack and of
counts of exercises. No node, no database. A file is verified or read whenever it is asked for: the folder is anybody's
who can write there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Generic, TypeVar

from exchange.coordination.exercises.exercise_counts import MAX_COUNTS_BYTES, ExerciseCounts, read_counts
from exchange.coordination.half_year.half_years import Half, Period, parse_period
from exchange.coordination.meetings.pack.exercise_files import exercises_of_half, is_counts
from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack.regional_pack import read_pack_files, regional_pack
from exchange.coordination.meetings.pack.signed_inputs import VerifiedInputs, is_inputs, verify_inputs
from exchange.coordination.region.combine import Combined, combine_reports
from exchange.coordination.region.indicators import Indicators
from exchange.coordination.region_files.read_reports import ReadReports, read_reports
from exchange.coordination.region_files.report_file import (
    MAX_FILE_BYTES,
    DeskKeys,
    RefusedFile,
    ReportRefused,
    VerifiedReport,
    verify_report_file,
)
from exchange.errors import InvalidInput, TooLarge
from exchange.home import read_bounded
from schemas.errors import shown

MOST_FILES: Final = 500
_HEAD_BYTES: Final = 4096
_Found = TypeVar("_Found")
_Known = tuple[str, int, int, int]


@dataclass(frozen=True)
class DeskFile(Generic[_Found]):
    """A file in the folder: what was found in it, or why it is refused."""

    name: str
    found: _Found | None
    refused: RefusedFile | None

    @property
    def shown_name(self) -> str:
        """Fit for a page: a sender may have chosen the name, and not each is text."""
        return shown(self.name, 255)


class _Kept(Generic[_Found]):
    """Files of one kind. ``read`` is asked once for each, and what it returns is kept for as long as the file lies
    there as it was: nothing in it may hold the file itself. It raises ReportRefused."""

    def __init__(self, read: Callable[[Path], _Found]) -> None:
        self._read = read
        self._seen: dict[_Known, DeskFile[_Found]] = {}

    def of(self, paths: Iterable[Path]) -> list[DeskFile[_Found]]:
        """In their order. What was taken away meanwhile is passed over, and what is not among them is forgotten."""
        found: dict[_Known, DeskFile[_Found]] = {}
        for path in paths:
            try:
                stat = path.stat()
                known = path.name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
                found[known] = self._seen[known] if known in self._seen else self._file(path)
            except FileNotFoundError:
                continue
        self._seen = found
        return list(found.values())

    def _file(self, path: Path) -> DeskFile[_Found]:
        try:
            return DeskFile(path.name, self._read(path), None)
        except ReportRefused as error:
            return DeskFile(path.name, None, error.of(shown(path.name, 255)))


class PackDesk:
    """``files`` is the folder. Half-years of whose inputs or reports something is there have a pack."""

    def __init__(self, files: Path, keys: DeskKeys, indicators: Indicators) -> None:
        self.folder, self.keys, self.indicators = files, keys, indicators
        self._reports = _Kept(
            lambda path: verify_report_file(read_bounded(path, MAX_FILE_BYTES), self.keys.who, self.keys.key)
        )
        self._inputs = _Kept(lambda path: verify_inputs(read_bounded(path, MAX_FILE_BYTES), self.keys.who))
        self._exercises = _Kept(_counts)

    def listed(self) -> list[DeskFile[VerifiedReport]]:
        """Each file of the folder by name, at most ``MOST_FILES``; without those of another kind."""
        begun = ((path, _begin(path)) for path in self.paths())
        return self._reports.of(path for path, begin in begun if not is_inputs(begin) and not is_counts(begin))

    def inputs_listed(self) -> list[DeskFile[VerifiedInputs]]:
        return self._inputs.of(path for path in self.paths() if is_inputs(_begin(path)))

    def exercises_listed(self) -> list[DeskFile[ExerciseCounts]]:
        """Return the files of exercise counts. They are not signed."""
        begun = ((path, _begin(path)) for path in self.paths())
        return self._exercises.of(path for path, begin in begun if is_counts(begin) and not is_inputs(begin))

    def periods(self) -> list[Period]:
        """Return the periods that have a verified report, the newest first, and each year before its half-years."""
        found = {item.found.manifest.period for item in self.listed() if item.found is not None}
        return [parse_period(text) for text in sorted(found, key=lambda text: (text[:4], "H" not in text, text))[::-1]]

    def pack_halves(self) -> list[Half]:
        """Return the half-years for which a pack can be made, the newest first."""
        halves = {period for period in self.periods() if isinstance(period, Half)}
        halves |= {item.found.inputs.half_year for item in self.inputs_listed() if item.found is not None}
        return sorted(halves, reverse=True)

    def read(self, period: Period) -> ReadReports:
        """All files, held against each other for one period, and against those of earlier ones; those of other periods
        are left out and not refused."""
        of_it, before = [], []
        for item in self.listed():
            found = period if item.found is None else parse_period(item.found.manifest.period)
            if found == period:
                of_it.append(self.folder / item.name)
            elif found.end <= period.start:
                before.append(self.folder / item.name)
        return read_reports(self.contents(of_it), period, self.keys.who, self.keys.key, self.contents(before))

    def combined(self, period: Period) -> Combined:
        """Raises InvalidInput, code "nothing-to-combine_reports"."""
        return combine_reports(self.read(period), period, self.indicators)

    def pack(self, half: Half) -> Pack:
        """Of all files of the folder. Raises InvalidInput, code "nothing-to-combine"."""
        exercises = self.exercises_listed()
        apart = {item.name for item in exercises}
        data = self.contents(path for path in self.paths() if path.name not in apart)
        found = read_pack_files(data, self.keys.who, self.keys.key)
        read = [(item.shown_name, item.found) for item in exercises if item.found is not None]
        counted, doubled = exercises_of_half(read, half)
        made = regional_pack(found, half, self.keys, self.indicators, exercises=counted)
        unread = [item.refused for item in exercises if item.refused is not None]
        return replace(made, refused=(*made.refused, *unread, *doubled))

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


def _begin(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except FileNotFoundError:  # taken away meanwhile: of no kind
        return b""


def _counts(path: Path) -> ExerciseCounts:
    try:
        return read_counts(read_bounded(path, MAX_COUNTS_BYTES))
    except InvalidInput as error:
        next_step = "Ask whoever gave the training for the file that ffp exercise counts writes."
        raise ReportRefused(str(error), code=error.code, next_step=next_step) from error
