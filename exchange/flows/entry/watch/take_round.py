"""One look at a watched folder, and what follows from it: exhibits that are complete are submitted as a program's are.

A scan is taken when it was seen unchanged for the settle time, its sidecar too, and its end is there. Scans that name
the same exhibit wait for each other, and are one record. What was taken is noted in the transaction that stores the
record, and only then moved: killed at any instant, the next run finds each scan either new or already here.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from sqlalchemy.orm import Session

from exchange.errors import ComputeFailed, InfrastructureAway, InvalidInput, TooLarge
from exchange.flows.entry.bulk_import import EXHIBIT_REFUSALS, doubts_in_lines, faults_of, metadata_of, take_scan
from exchange.flows.entry.draft_form import FileOf
from exchange.flows.entry.import_table import FILE_COLUMN, ExhibitLines, TableLine
from exchange.flows.entry.submit import submit_record
from exchange.flows.entry.watch.dropped import (
    MAX_LOOKED_AT,
    OF_THE_FILE,
    DropFolder,
    FileChanged,
    FolderEntry,
    Settling,
    open_folder,
)
from exchange.flows.entry.watch.file_outcome import NO_SCAN, DropOutcome, Dropped
from exchange.flows.entry.watch.known_scans import Known, known_scan, note_taken
from exchange.flows.entry.watch.pairing import sidecars_of
from exchange.flows.entry.watch.places import Places
from exchange.flows.entry.watch.put_away import PuttingAway
from exchange.flows.entry.watch.sidecar import MAX_SIDECAR_BYTES
from exchange.flows.entry.watch.stated_in_file import ScanStatement, Stating
from exchange.flows.entry.watch.whole import begins_as_scan, looks_whole
from exchange.flows.node.node import Node
from exchange.flows.statement.received_scan import ReceivedScan
from exchange.store.entry.watched_scans import is_sidecar_of_taken
from schemas import Maker
from schemas.record import MAX_ACQUISITIONS

PATIENCE_SETTLES: Final = 10
"""So many settle times a scan may lack its end or its sidecar, and a sidecar its scan, before that is believed."""
MOST_TRIES: Final = 3
"""Of a scan over which a worker process died or took too long."""
MOST_UNREAD: Final = 5
"""So many files in a row that a share does not give: it is away, and none of the others is asked for."""


@dataclass(frozen=True)
class Waits:
    """``settle_s``: for how long a file is unchanged before it is opened. ``exhibit_s``: for how long nothing is added
    to an exhibit of which scans name each other. ``once``: what is there is all there is, and a file is as old as the
    share says."""

    settle_s: float
    exhibit_s: float
    once: bool = False


@dataclass(frozen=True)
class DroppedScan:
    """A dropped scan at rest, with its sidecar and what both state."""

    entry: FolderEntry
    sidecar: FolderEntry | None
    statement: ScanStatement


@dataclass(frozen=True)
class _Taken:
    """A scan whose bytes are in the node's incoming folder."""

    scan: DroppedScan
    file: IO[bytes]
    received: ReceivedScan
    line: TableLine
    of: FileOf


class _Unread:
    """What the share did not give in one round."""

    def __init__(self) -> None:
        self.last: OSError | None = None
        self._in_a_row = 0

    def note(self, error: OSError) -> None:
        """Raises it, when it is one of many."""
        self.last, self._in_a_row = error, self._in_a_row + 1
        if self._in_a_row == MOST_UNREAD:
            raise error

    def given(self) -> None:
        self._in_a_row = 0


class FolderWatch:
    """A folder that is watched. ``tell`` is called of each file as soon as what became of it is known; ``stopping`` is
    asked between exhibits, and between scans that are looked through: tens of thousands on a slow share take long, and
    whoever asks knows meanwhile that the watch lives."""

    def __init__(
        self,
        folder: Path,
        stating: Stating,
        waits: Waits,
        places: Places,
        *,
        tell: Callable[[Dropped], None],
        stopping: Callable[[], bool],
    ) -> None:
        self._path, self._stating, self._waits, self._places = folder, stating, waits, places
        self._away = PuttingAway(places, tell)
        self._folder_name = os.fsencode(folder).decode("utf-8", "backslashreplace")
        self._stopping = stopping
        self._settling = Settling()
        self._tries: dict[str, int] = {}
        self._more = False

    @property
    def fault(self) -> str:
        """What the last round could not do; empty where it did all."""
        more = f"It has more than {MAX_LOOKED_AT} scans and sidecars: clear it, the others are not seen."
        return " ".join(part for part in (self._away.fault, more if self._more else "") if part)

    def refused(self) -> tuple[int, str]:
        """How many scans that were refused wait for whoever dropped them, and since when the first. Raises OSError."""
        return self._places.refused()

    def look(self) -> int:
        """Only note what is there, for the next round to know what is unchanged. Returns how many scans there are."""
        with open_folder(self._path) as folder:
            looked = folder.look()
        self._settling.note(looked)
        return sum(entry.is_scan for entry in looked.values())

    def round(self, node: Node, who: Callable[[], Maker]) -> int:
        """Look once, and take or refuse what is at rest. Returns how many scans still wait.

        ``who``: in whose name, asked before each exhibit: a round may take hours, and somebody be revoked meanwhile.
        Raises InfrastructureAway, OSError when the folder is away, whatever ``who`` does: everything is as before, and
        the next round goes on. An exhibit that the share does not give keeps no other waiting.
        """
        who()
        unread = _Unread()
        with open_folder(self._path) as folder:
            looked = folder.look()
            self._settling.note(looked)
            self._more = folder.more
            self._away.only(looked)
            sidecars = sidecars_of(looked)
            self._refuse_lone_sidecars(node, folder, looked, sidecars)
            exhibits, waiting = self._exhibits(folder, looked, sidecars, unread)
            for scans in exhibits:
                if self._stopping():
                    break
                try:
                    waiting += self._take(node, who(), folder, scans)
                    unread.given()
                except OSError as error:
                    unread.note(error)
        if unread.last is not None:
            raise unread.last
        return waiting

    def _exhibits(
        self,
        folder: DropFolder,
        looked: Mapping[str, FolderEntry],
        sidecars: Mapping[str, FolderEntry | str],
        unread: _Unread,
    ) -> tuple[list[list[DroppedScan]], int]:
        """The exhibits of which every scan that is here is at rest; and how many scans wait."""
        groups: dict[str, list[DroppedScan]] = {}
        moving: set[str] = set()
        waiting = 0
        for entry in (each for each in looked.values() if each.is_scan):
            if self._stopping():
                return [], sum(each.is_scan for each in looked.values())  # an exhibit may lack scans that come later
            beside = sidecars.get(entry.name)
            sidecar = beside if isinstance(beside, FolderEntry) else None
            if self._away.is_done(folder, entry, sidecar):
                continue
            if fault := entry.fault or (beside if isinstance(beside, str) else None):
                if self._settling.quiet_s(entry) < self._waits.settle_s:
                    waiting += 1
                else:
                    told = Dropped(entry.name, DropOutcome.REFUSED, why=(fault,))
                    self._away.put(folder, told, entry, sidecar, None)
                continue
            try:
                statement = self._stating.of(folder, entry, sidecar)
                unread.given()
            except (FileChanged, OSError) as error:
                if isinstance(error, OSError):
                    unread.note(error)
                waiting += 1
                continue
            key = statement.exhibit or f"file {entry.name}"
            if not self._is_at_rest(folder, entry, sidecar, statement):
                moving.add(key)
                waiting += 1
            else:
                groups.setdefault(key, []).append(DroppedScan(entry, sidecar, statement))
        ready = [scans for key, scans in groups.items() if key not in moving and self._is_complete(scans)]
        return ready, waiting + sum(map(len, groups.values())) - sum(map(len, ready))

    def _is_at_rest(
        self, folder: DropFolder, entry: FolderEntry, sidecar: FolderEntry | None, statement: ScanStatement
    ) -> bool:
        both = [entry] if sidecar is None else [entry, sidecar]
        if any(self._settling.quiet_s(each) < self._waits.settle_s for each in both):
            return False
        lacks_sidecar = sidecar is None and (self._stating.needs_sidecar or bool(statement.faults))
        unread = sidecar is not None and bool(statement.faults)
        if not lacks_sidecar and not unread:
            with contextlib.suppress(FileChanged, OSError), folder.open(entry) as file:
                if looks_whole(file):
                    return True
        return all(self._is_old(each) for each in both)

    def _is_old(self, entry: FolderEntry) -> bool:
        quiet_s = time.time() - entry.changed_at if self._waits.once else self._settling.quiet_s(entry)
        return quiet_s >= PATIENCE_SETTLES * self._waits.settle_s

    def _is_complete(self, scans: Sequence[DroppedScan]) -> bool:
        if self._waits.once or scans[0].statement.exhibit is None:
            return True
        return all(self._settling.quiet_s(scan.entry) >= self._waits.exhibit_s for scan in scans)

    def _take(self, node: Node, maker: Maker, folder: DropFolder, scans: Sequence[DroppedScan]) -> int:
        """1. Take the scans in. 2. Say which are here already. 3. Submit the others as one record, or refuse them.
        Returns how many wait, since somebody is at them."""
        with contextlib.ExitStack() as stack:
            # 1.
            taken: list[_Taken] = []
            for scan in scans:
                try:
                    taken.append(self._receive(node, folder, scan, stack))
                except FileChanged:
                    return len(scans)
                except (InvalidInput, TooLarge, OSError) as error:
                    if isinstance(error, OSError) and error.errno not in OF_THE_FILE:
                        raise
                    why = f"It cannot be read ({error.strerror})." if isinstance(error, OSError) else str(error)
                    if isinstance(error, OSError) and not self._is_old(scan.entry):  # a station may hold it yet
                        return len(scans)
                    faults = [(why if each is scan else f"{scan.entry.name}: {why}",) for each in scans]
                    self._refuse(folder, [(each, None) for each in scans], faults)
                    return 0

            # 2.
            new: list[_Taken] = []
            twins: list[_Taken] = []
            for one in taken:
                if any(other.received.sha256 == one.received.sha256 for other in new):
                    twins.append(one)
                elif (known := self._known(node, one)) is None:
                    new.append(one)
                else:
                    self._put_known(folder, one, known)

            # 3.
            if new and (waiting := self._submit(node, maker, folder, new)):
                return waiting + len(twins)
            for one in twins:
                known = self._known(node, one)
                self._put_known(folder, one, known or Known("", "It is the same scan as another that was refused."))
        return 0

    def _receive(self, node: Node, folder: DropFolder, scan: DroppedScan, stack: contextlib.ExitStack) -> _Taken:
        """Raises FileChanged, OSError, and what is refused."""
        file = stack.enter_context(folder.open(scan.entry))
        arrival = stack.enter_context(node.blobs.arrival(secrets.token_hex(16), node.settings.max_scan_bytes))
        modality = take_scan(file, arrival)
        sha256 = arrival.finish()
        folder.check(file, scan.entry)
        if not begins_as_scan(file):
            raise InvalidInput(
                "It is neither a topography (x3p) nor a PNG, TIFF or JPEG image: export it as one. `ffp convert` "
                "writes some other formats as x3p.",
                code="not-a-scan",
            )
        line = TableLine(1, {**scan.statement.cells, FILE_COLUMN: sha256}, scan.entry.name)
        part = ExhibitLines("", [line]).file_id(line)
        return _Taken(scan, file, ReceivedScan(part, arrival, sha256), line, FileOf(part, modality))

    def _known(self, node: Node, one: _Taken) -> Known | None:
        metadata = metadata_of(node, ExhibitLines("", [one.line]).fields(), [one.of])
        scan = one.scan
        return known_scan(node, self._folder_name, scan.entry.name, one.received.sha256, scan.statement, metadata)

    def _submit(self, node: Node, maker: Maker, folder: DropFolder, taken: Sequence[_Taken]) -> int:
        group = ExhibitLines("", [one.line for one in taken])
        stated = [one.scan.statement.faults for one in taken]
        both = [(one.scan, one) for one in taken]
        if any(stated):
            others = "Another scan of its exhibit is refused."
            self._refuse(folder, both, [faults or (others,) for faults in stated])
            return 0

        def note(session: Session, statement_id: str) -> None:
            for one in taken:
                entry, statement = one.scan.entry, one.scan.statement
                note_taken(session, statement_id, self._folder_name, entry.name, one.received.sha256, statement)

        try:
            if len(taken) > MAX_ACQUISITIONS:
                raise InvalidInput(f"An exhibit has at most {MAX_ACQUISITIONS} scans.", code="too-many-files")
            metadata = metadata_of(node, group.fields(), [one.of for one in taken])
            scans = [one.received for one in taken]
            receipt = submit_record(node, maker, metadata, scans, None, also=note)
            if not receipt.created:
                with node.store.write() as session:
                    note(session, receipt.statement_id)
        except InfrastructureAway:
            raise
        except EXHIBIT_REFUSALS as error:
            if isinstance(error, ComputeFailed) and self._is_tried_again(taken):
                return len(taken)
            self._refuse(folder, both, [tuple(faults) for faults in faults_of(group, error)])
            return 0
        outcome = DropOutcome.TAKEN if receipt.created else DropOutcome.ALREADY_HERE
        doubts = doubts_in_lines(group, node.jurisdictions)
        for one in taken:
            told = Dropped(one.scan.entry.name, outcome, receipt.statement_id, one.received.sha256, doubts=doubts)
            self._put(folder, told, one.scan, one.file)
        return 0

    def _is_tried_again(self, taken: Sequence[_Taken]) -> bool:
        key = " ".join(one.received.sha256 for one in taken)
        tries = self._tries.pop(key, 0) + 1  # of what is refused now, and put back, it is counted anew
        if tries < MOST_TRIES:
            self._tries[key] = tries
        return tries < MOST_TRIES

    def _put_known(self, folder: DropFolder, one: _Taken, known: Known) -> None:
        outcome = DropOutcome.REFUSED if known.why else DropOutcome.ALREADY_HERE
        why = (known.why,) if known.why else ()
        told = Dropped(one.scan.entry.name, outcome, known.statement_id, one.received.sha256, why, known.step)
        self._put(folder, told, one.scan, one.file)

    def _refuse(
        self, folder: DropFolder, scans: Sequence[tuple[DroppedScan, _Taken | None]], why: Sequence[tuple[str, ...]]
    ) -> None:
        for (scan, one), faults in zip(scans, why, strict=True):
            sha256 = "" if one is None else one.received.sha256
            told = Dropped(scan.entry.name, DropOutcome.REFUSED, sha256=sha256, why=faults)
            self._put(folder, told, scan, None if one is None else one.file)

    def _put(self, folder: DropFolder, told: Dropped, scan: DroppedScan, file: IO[bytes] | None) -> None:
        self._away.put(folder, told, scan.entry, scan.sidecar, file)

    def _refuse_lone_sidecars(
        self,
        node: Node,
        folder: DropFolder,
        looked: Mapping[str, FolderEntry],
        sidecars: Mapping[str, FolderEntry | str],
    ) -> None:
        """What was left behind by a scan that was moved when the process was killed goes after it."""
        owned = {beside.name for beside in sidecars.values() if isinstance(beside, FolderEntry)}
        shared = {entry.stem for name, entry in looked.items() if isinstance(sidecars.get(name), str)}
        for entry in (each for each in looked.values() if each.is_sidecar):
            if entry.name in owned or entry.stem in shared or self._away.is_done(folder, entry, None):
                continue
            if self._settling.quiet_s(entry) < self._waits.settle_s or not self._is_old(entry):
                continue
            with contextlib.suppress(FileChanged, OSError), folder.open(entry) as file:
                digest = hashlib.sha256(file.read(MAX_SIDECAR_BYTES + 1)).hexdigest()  # a longer one was never read
                with node.store.read() as session:
                    follows = is_sidecar_of_taken(session, digest)
                if follows:
                    told = Dropped(entry.name, DropOutcome.ALREADY_HERE, sha256=digest)
                else:
                    why = ("There is no scan beside it that it speaks of.",)
                    told = Dropped(entry.name, DropOutcome.REFUSED, sha256=digest, why=why, step=NO_SCAN)
                self._away.put(folder, told, entry, None, file)
