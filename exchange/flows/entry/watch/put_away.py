"""What became of a dropped file is told, and the file put away; where that cannot be done, a full share or a station
that holds it open, it is kept in mind and tried again, and the file is not taken anew meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO, Final

import structlog

from exchange.flows.entry.watch.dropped import DropFolder, FolderEntry
from exchange.flows.entry.watch.file_outcome import Dropped
from exchange.flows.entry.watch.places import Places

log = structlog.get_logger(__name__)

MOVED_AGAIN_S: Final = 30.0


@dataclass(frozen=True)
class _Kept:
    """A file that could not be put away. ``again`` is when that is tried again, by the clock of this process."""

    entry: FolderEntry
    sidecar: FolderEntry | None
    told: Dropped
    why: str
    again: float


class PuttingAway:
    """``tell`` is called of each file as soon as what became of it is known, and once."""

    def __init__(self, places: Places, tell: Callable[[Dropped], None]) -> None:
        self._places, self._tell = places, tell
        self._told: dict[str, tuple[FolderEntry, Dropped]] = {}
        self._kept: dict[str, _Kept] = {}

    @property
    def fault(self) -> str:
        """Empty where everything was put away."""
        if not self._kept:
            return ""
        why = next(iter(self._kept.values())).why
        return (
            f"{len(self._kept)} files cannot be moved or written down ({why}): what became of them is known, and they "
            "are put away when that is mended."
        )

    def only(self, there: Collection[str]) -> None:
        """What is in the folder no more is forgotten."""
        self._told = {name: told for name, told in self._told.items() if name in there}
        self._kept = {name: kept for name, kept in self._kept.items() if name in there}

    def is_done(self, folder: DropFolder, entry: FolderEntry, sidecar: FolderEntry | None) -> bool:
        """Whether it is known what became of a file that is unchanged since; it is put away, where that is due."""
        if self._places.is_done(entry, sidecar):
            return True
        kept = self._kept.get(entry.name)
        if kept is None or (kept.entry, kept.sidecar) != (entry, sidecar):
            return False
        if time.monotonic() >= kept.again:
            self.put(folder, kept.told, entry, sidecar, None)
        return True

    def put(
        self, folder: DropFolder, told: Dropped, entry: FolderEntry, sidecar: FolderEntry | None, file: IO[bytes] | None
    ) -> None:
        before = self._kept.pop(entry.name, None)
        try:
            self._places.put(folder, told, entry, sidecar, file)
        except OSError as error:
            why = error.strerror or type(error).__name__
            self._kept[entry.name] = _Kept(entry, sidecar, told, why, time.monotonic() + MOVED_AGAIN_S)
            if before is None:
                log.warning("file not put away", name=ascii(entry.name), detail=why)
        if self._told.get(entry.name) != (entry, told):
            self._told[entry.name] = (entry, told)
            self._tell(told)
