"""What is stated of a dropped scan: by its sidecar, by its name, and by what the watch fills in; and which scans are of
one exhibit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.errors import InvalidInput
from exchange.flows.entry.import_table import EXHIBIT_COLUMN, FILE_COLUMN, ColumnMap
from exchange.flows.entry.watch.dropped import OF_THE_FILE, DropFolder, FolderEntry
from exchange.flows.entry.watch.name_pattern import NamePattern
from exchange.flows.entry.watch.sidecar import MAX_SIDECAR_BYTES, names_another, read_sidecar

CASE_COLUMN = "case_reference"


@dataclass(frozen=True)
class ScanStatement:
    """``cells``: as a line of the import's table has them. ``stated``: SHA-256 of what name and sidecar say alone, so
    that a mapping that fills in more later makes no other scan of it. ``exhibit``: of case and exhibit, where one is
    named. ``faults``: a sentence each."""

    cells: Mapping[str, str]
    stated: str
    exhibit: str | None
    sidecar_sha256: str | None
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Stating:
    """How a watch reads what is stated. ``defaults`` hold where neither name nor sidecar says anything."""

    mapping: ColumnMap
    defaults: Mapping[str, str]
    pattern: NamePattern | None

    @property
    def needs_sidecar(self) -> bool:
        return self.pattern is None

    def of(self, folder: DropFolder, scan: FolderEntry, sidecar: FolderEntry | None) -> ScanStatement:
        """Raises FileChanged when somebody is at the sidecar, OSError when the share does not give it."""
        faults: list[str] = []
        by_name: dict[str, str] = {}
        beside: dict[str, str] = {}
        digest = None
        if self.pattern is not None:
            try:
                by_name = self.pattern.read(scan.stem)
            except InvalidInput as error:
                faults.append(str(error))
        if sidecar is not None:
            try:
                content = _content(folder, sidecar)
                digest = hashlib.sha256(content).hexdigest()
                beside = read_sidecar(content, sidecar.suffix, self.mapping)
            except InvalidInput as error:
                faults.append(f"{sidecar.name}: {error}")
            except OSError as error:
                if error.errno not in OF_THE_FILE:
                    raise
                faults.append(f"{sidecar.name} cannot be read ({error.strerror}).")
        elif self.needs_sidecar:
            faults.append(f"There is no sidecar: {scan.stem}.json or {scan.stem}.csv says of what the scan is.")
        if other := names_another(beside, scan.name):
            faults.append(f"file: the sidecar speaks of {other}, not of this file.")
        faults += [
            f"{name}: the file's name says {by_name[name]}, its sidecar {beside[name]}."
            for name in by_name
            if beside.get(name, by_name[name]) != by_name[name]
        ]
        said = {name: text for name, text in {**by_name, **beside}.items() if name != FILE_COLUMN}
        cells = {**self.mapping.defaults, **self.defaults, **said}
        cells.pop(FILE_COLUMN, None)
        return ScanStatement(cells, _digest(said), _exhibit(cells), digest, tuple(faults))


def _content(folder: DropFolder, sidecar: FolderEntry) -> bytes:
    if sidecar.fault:
        raise InvalidInput(sidecar.fault, code="sidecar-invalid")
    with folder.open(sidecar) as file:
        content = file.read(MAX_SIDECAR_BYTES + 1)
        folder.check(file, sidecar)
    if len(content) > MAX_SIDECAR_BYTES:
        raise InvalidInput(f"The sidecar has more than {MAX_SIDECAR_BYTES} bytes.", code="sidecar-invalid")
    return content


def _exhibit(cells: Mapping[str, str]) -> str | None:
    """Exhibits are numbered anew in each case."""
    name = cells.get(EXHIBIT_COLUMN)
    return _digest({CASE_COLUMN: cells.get(CASE_COLUMN, ""), EXHIBIT_COLUMN: name}) if name else None


def _digest(said: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
