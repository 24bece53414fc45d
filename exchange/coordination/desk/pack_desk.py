"""The coordinator's desk with the meeting pack: inputs, and counts of exercises, lie in the same folder as reports, and
are verified or read whenever they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from exchange.coordination.exercises.exercise_counts import MAX_COUNTS_BYTES, ExerciseCounts, read_counts
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.pack.exercise_files import exercises_of_half, is_counts
from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack.regional_pack import read_pack_files, regional_pack
from exchange.coordination.meetings.pack.signed_inputs import VerifiedInputs, is_inputs, verify_inputs
from exchange.coordination.region.indicators import Indicators
from exchange.coordination.region.region_desk import DeskKeys, RegionDesk
from exchange.coordination.region_files.report_file import MAX_FILE_BYTES, RefusedFile, ReportRefused
from exchange.coordination.region_files.seen_files import SeenFiles
from exchange.errors import InvalidInput
from exchange.home import read_bounded
from schemas.errors import shown

_HEAD_BYTES = 4096


@dataclass(frozen=True)
class InputsOnDesk:
    """A file of inputs in the folder: verified, or refused with the reason."""

    name: str
    found: VerifiedInputs | None
    refused: ReportRefused | None

    @property
    def shown_name(self) -> str:
        return shown(self.name, 255)


@dataclass(frozen=True)
class ExercisesOnDesk:
    """A file with counts of exercises in the folder, which nobody signs: read, or refused."""

    name: str
    counts: ExerciseCounts | None
    refused: RefusedFile | None

    @property
    def shown_name(self) -> str:
        return shown(self.name, 255)

    @property
    def people(self) -> int:
        return 0 if self.counts is None else sum(sum(one.people.values()) for one in self.counts.sets)


class PackDesk(RegionDesk):
    """Half-years of whose inputs or reports something is there have a pack."""

    def __init__(self, files: Path, keys: DeskKeys, indicators: Indicators) -> None:
        super().__init__(files, keys, indicators)
        self._seen_inputs, self._seen_exercises = SeenFiles(self._inputs), SeenFiles(_exercises)

    def is_of_another_kind(self, path: Path) -> bool:
        begin = _begin(path)
        return is_inputs(begin) or is_counts(begin)

    def inputs_listed(self) -> list[InputsOnDesk]:
        return self._seen_inputs.of(path for path in self.paths() if is_inputs(_begin(path)))

    def exercises_listed(self) -> list[ExercisesOnDesk]:
        begun = ((path, _begin(path)) for path in self.paths())
        return self._seen_exercises.of(path for path, begin in begun if is_counts(begin) and not is_inputs(begin))

    def pack_halves(self) -> list[Half]:
        """The newest first."""
        halves = {period for period in self.periods() if isinstance(period, Half)}
        halves |= {item.found.inputs.half_year for item in self.inputs_listed() if item.found is not None}
        return sorted(halves, reverse=True)

    def pack(self, half: Half) -> Pack:
        """Of all files of the folder. Raises InvalidInput, code "nothing-to-combine"."""
        exercises = self.exercises_listed()
        apart = {item.name for item in exercises}
        data = self.contents(path for path in self.paths() if path.name not in apart)
        found = read_pack_files(data, self.keys.who, self.keys.key)
        read = [(item.shown_name, item.counts) for item in exercises if item.counts is not None]
        counted, doubled = exercises_of_half(read, half)
        made = regional_pack(found, half, self.keys, self.indicators, exercises=counted)
        unread = [item.refused for item in exercises if item.refused is not None]
        return replace(made, refused=(*made.refused, *unread, *doubled))

    def _inputs(self, path: Path) -> InputsOnDesk:
        try:
            return InputsOnDesk(path.name, verify_inputs(read_bounded(path, MAX_FILE_BYTES), self.keys.who), None)
        except ReportRefused as error:
            return InputsOnDesk(path.name, None, error.words_alone())


def _begin(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except FileNotFoundError:  # taken away meanwhile: of no kind
        return b""


def _exercises(path: Path) -> ExercisesOnDesk:
    try:
        return ExercisesOnDesk(path.name, read_counts(read_bounded(path, MAX_COUNTS_BYTES)), None)
    except InvalidInput as error:
        next_step = "Ask whoever gave the training for the file that ffp exercise counts writes."
        refused = RefusedFile(shown(path.name, 255), None, error.code, str(error), next_step)
        return ExercisesOnDesk(path.name, None, refused)
