"""The coordinator's desk with the meeting pack: inputs lie in the same folder as reports, and are verified whenever
they are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exchange.flows.monitoring.half_years import Half
from exchange.flows.pack.pack import Pack
from exchange.flows.pack.regional_pack import read_pack_files, regional_pack
from exchange.flows.pack.signed_inputs import VerifiedInputs, is_inputs, verify_inputs
from exchange.flows.region.desk import RegionDesk, read_desk_file
from exchange.flows.region.report_file import ReportRefused
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


class PackDesk(RegionDesk):
    """Half-years of whose inputs or reports something is there have a pack."""

    def is_of_another_kind(self, path: Path) -> bool:
        with path.open("rb") as file:
            return is_inputs(file.read(_HEAD_BYTES))

    def inputs_listed(self) -> list[InputsOnDesk]:
        return [self._inputs(path) for path in self.paths() if self.is_of_another_kind(path)]

    def pack_halves(self) -> list[Half]:
        """The newest first."""
        halves = {period for period in self.periods() if isinstance(period, Half)}
        halves |= {item.found.inputs.half_year for item in self.inputs_listed() if item.found is not None}
        return sorted(halves, reverse=True)

    def pack(self, half: Half) -> Pack:
        """Of all files of the folder. Raises InvalidInput, code "nothing-to-combine"."""
        data = ((path.name, read_desk_file(path)) for path in self.paths())
        found = read_pack_files(data, self.keys.who, self.keys.key)
        return regional_pack(found, half, self.keys, self.indicators)

    def _inputs(self, path: Path) -> InputsOnDesk:
        try:
            return InputsOnDesk(path.name, verify_inputs(read_desk_file(path), self.keys.who), None)
        except ReportRefused as error:
            return InputsOnDesk(path.name, None, error)
