"""The node's galleries, one for each pipeline: their writers, and whether they hold all that they should."""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
from array import array
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import matcher
from exchange.errors import ComputeAway, StoreUnavailable
from exchange.flows.node.gallery_standing import GalleryStanding, note_standing, standing_of_galleries
from exchange.home import delete_entry
from matcher.errors import GalleryDamaged, GalleryInUse, NotComparable

if TYPE_CHECKING:
    from matcher import GalleryWriter, Parameters

TURN_S = 120.0
"""The longest that a process waits for another to be done with a gallery; one that fills it takes minutes."""
_LOOK_S = 0.05
_UNREADABLE = -1
_TURN, _TIMES_EMPTIED = "turn", "times-emptied"


@dataclass
class MissingAcquisitions:
    """The acquisitions that are still to be put into a gallery, as it was when it had been emptied so often and had
    ``held`` references."""

    times_emptied: int
    held: int
    acquisitions: array[int]
    done: int = 0

    def next(self, count: int) -> list[int]:
        return self.acquisitions[self.done : self.done + count].tolist()

    @property
    def whole(self) -> int:
        """How many references it has when it is filled."""
        return self.held + len(self.acquisitions)

    @property
    def left(self) -> int:
        return len(self.acquisitions) - self.done


class Galleries:
    """One process at a time writes to a gallery. The only worker of a node keeps its writers open; where there are
    others, or none is known yet, a writer is closed after each change, for whoever waits. Opened again, it reads what
    the others changed.

    A gallery holds nothing that the scans do not, so whatever is doubtful about one is mended by emptying it. It is
    *whole* once this process has held it against the database; ``times_emptied``, which all processes count in one
    file, tells whoever asked it meanwhile that the answer may lack something, and that it is whole no more.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, GalleryWriter] = {}
        self._closed_writers: dict[str, GalleryWriter] = {}
        self._lacking: dict[str, MissingAcquisitions] = {}
        self._whole: dict[str, int] = {}
        self._distrusted: set[str] = set()
        self._turns: dict[str, int] = {}
        self._shared, self._changing = True, 0
        self._closed = threading.Event()
        self._lock = threading.RLock()

    def folder(self, parameters: Parameters) -> Path:
        """Where worker processes find it. Parameters have folders of their own: scans of two are never mixed."""
        return self._folder / parameters.digest

    @contextmanager
    def changing(self, parameters: Parameters) -> Iterator[GalleryWriter]:
        """The writer, while nobody else changes it.

        Raises ComputeAway when the node is stopping, StoreUnavailable on a fault of the disk, and when another
        process does not come to an end with it.
        """
        with self._lock:
            self.check_open()
            self._changing += 1
            try:
                if self._changing == 1 and self.times_emptied(parameters) == 0:
                    self._forget(parameters)  # somebody deleted the folder
                writer = self._writers.get(parameters.digest)
                if writer is None:
                    writer = self._open(parameters)
                yield writer
                self._note_standing(parameters, writer)
            except GalleryInUse as error:  # nobody of this node: they have turns
                raise StoreUnavailable(f"{error} Tried again later.") from error
            except OSError as error:
                raise StoreUnavailable(
                    f"The gallery cannot be written ({error.strerror}); tried again later."
                ) from error
            finally:
                self._changing -= 1
                self._let_go()

    def share(self, *, with_others: bool) -> None:
        """Whether other processes write to these galleries too. Returns at once: whoever changes one at this moment
        closes it thereafter."""
        self._shared = with_others
        if self._lock.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self._lock.release()

    def check_open(self) -> None:
        """Raises ComputeAway when the node is stopping."""
        if self._closed.is_set():
            raise ComputeAway("The node is stopping; the scan is correlated when it runs again.")

    def is_whole(self, parameters: Parameters) -> bool:
        return self._whole.get(parameters.digest) == self.times_emptied(parameters)

    def now_whole(self, parameters: Parameters) -> None:
        self._whole[parameters.digest] = self.times_emptied(parameters)
        self._lacking.pop(parameters.digest, None)

    def lacking(self, parameters: Parameters) -> MissingAcquisitions | None:
        """What it was found to lack, and does still; None where it is to be held against the database first."""
        found = self._lacking.get(parameters.digest)
        return found if found is not None and found.times_emptied == self.times_emptied(parameters) else None

    def found_lacking(self, parameters: Parameters, held: int, acquisitions: array[int]) -> MissingAcquisitions:
        found = MissingAcquisitions(self.times_emptied(parameters), held, acquisitions)
        self._lacking[parameters.digest] = found
        return found

    def standing(self) -> tuple[GalleryStanding, ...]:
        return standing_of_galleries(self._folder)

    def times_emptied(self, parameters: Parameters) -> int:
        try:
            return int(self._count(parameters).read_bytes())
        except FileNotFoundError:
            return 0
        except (ValueError, IsADirectoryError):  # after a loss of power it may be empty; nobody remembers this number
            return _UNREADABLE

    def distrust(self, parameters: Parameters, times_emptied: int) -> None:
        """Empty it when it is next needed; nothing happens when somebody has emptied it since."""
        with self._lock:
            if self.times_emptied(parameters) == times_emptied:
                self._whole.pop(parameters.digest, None)
                self._distrusted.add(parameters.digest)
                writer = self._writers.pop(parameters.digest, None)
                self._closed_writers.pop(parameters.digest, None)
                if writer is not None:
                    writer.close()

    def delete_others(self, kept: Collection[Parameters]) -> None:
        """Delete those of other releases, whose results nobody is shown any more."""
        names = {parameters.digest for parameters in kept}
        with self._lock:
            for folder in self._folder.glob("*"):
                if folder.name not in names:
                    delete_entry(folder)

    def close(self) -> None:
        self._closed.set()  # before the lock: whoever fills a gallery holds it for long, and looks here in between
        with self._lock:
            self._shared = True
            self._let_go()

    def _note_standing(self, parameters: Parameters, writer: GalleryWriter) -> None:
        held, lacking = len(writer), self.lacking(parameters)
        of = max(held, lacking.whole) if lacking is not None and lacking.left else None
        name = f"{parameters.region}, {parameters.channel}"
        note_standing(self.folder(parameters), GalleryStanding(name, held, of, writer.shards))

    def _let_go(self) -> None:
        if self._shared and not self._changing:
            self._close_writers()

    def _forget(self, parameters: Parameters) -> None:
        """Its writer, and the turn at files that are gone."""
        self._closed_writers.pop(parameters.digest, None)
        if (writer := self._writers.pop(parameters.digest, None)) is not None:
            writer.close()
        if (turn := self._turns.pop(parameters.digest, None)) is not None:
            os.close(turn)

    def _open(self, parameters: Parameters) -> GalleryWriter:
        folder, name = self.folder(parameters), parameters.digest
        for each in (self._folder, folder):
            each.mkdir(mode=0o700, exist_ok=True)
        self._take_turn(folder, name)
        if self.times_emptied(parameters) == 0:  # new, or its folder was deleted: who held it for whole learns that
            self._note_emptied(parameters)
        if name not in self._distrusted:
            try:
                self._writers[name] = self._reopened(folder, parameters)
            except (GalleryDamaged, NotComparable):  # the latter for the layout of another release
                self._distrusted.add(name)
        if name in self._distrusted:
            self._note_emptied(parameters)  # before: this process may end in the middle
            for path in folder.iterdir():  # whatever lies there: altered, it would be refused even afresh
                if path.name not in (_TURN, _TIMES_EMPTIED):
                    delete_entry(path)
            self._writers[name] = matcher.GalleryWriter(folder, parameters, afresh=True)
            self._distrusted.discard(name)
        return self._writers[name]

    def _reopened(self, folder: Path, parameters: Parameters) -> GalleryWriter:
        writer = self._closed_writers.pop(parameters.digest, None)
        if writer is None:
            return matcher.GalleryWriter(folder, parameters, tidy=not self._shared)
        writer.reopen(tidy=not self._shared)
        return writer

    def _take_turn(self, folder: Path, name: str) -> None:
        """Wait for whoever else has it open; the kernel lets go for a process that died."""
        if name in self._turns:
            return
        if (path := folder / _TURN).is_dir():
            delete_entry(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + TURN_S
        while not _locked(descriptor):
            late = time.monotonic() >= deadline
            if late or self._closed.wait(_LOOK_S):
                os.close(descriptor)
                self.check_open()
                raise StoreUnavailable("Another worker is busy with the gallery for long; tried again later.")
        self._turns[name] = descriptor

    def _close_writers(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._closed_writers |= self._writers
        self._writers.clear()
        for descriptor in self._turns.values():
            os.close(descriptor)
        self._turns.clear()

    def _count(self, parameters: Parameters) -> Path:
        return self.folder(parameters) / _TIMES_EMPTIED

    def _note_emptied(self, parameters: Parameters) -> None:
        path = self._count(parameters)
        before = self.times_emptied(parameters)
        count = before + 1 if before > 0 else 1 + secrets.randbits(48)  # none that anybody remembers
        if path.is_dir():
            delete_entry(path)
        part = path.with_suffix(".part")
        with part.open("w", encoding="ascii") as file:
            file.write(str(count))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
