"""Where a dropped file goes once it is known what became of it: moved into ``taken`` or ``refused``; or, of a share
that cannot be written, left, and written down in a journal.

A file is moved by its name, and only what was read may go: when another one has taken the name meanwhile, it is put
back.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Final, Protocol

import structlog

from exchange.clock import stamp
from exchange.errors import ConfigurationError
from exchange.flows.entry.watch.dropped import SCAN_SUFFIXES, DropFolder, FolderEntry
from exchange.flows.entry.watch.file_outcome import DropOutcome, Dropped, report_name, report_of

log = structlog.get_logger(__name__)

TAKEN_FOLDER, REFUSED_FOLDER = "taken", "refused"
JOURNAL = "journal.jsonl"
MAX_NAMES: Final = 100
"""How many files of one name are told apart that are moved in one millisecond."""
MAX_FILE_NAME_BYTES: Final = 255
"""Of any file system that a share may have."""


class Places(Protocol):
    """``put`` says what became of a scan or a lone sidecar, and puts it away with the sidecar that belongs to it. When
    it returns, nothing of them is looked at again. Raises OSError: then they are where they were, and are put away
    later."""

    def is_done(self, entry: FolderEntry, sidecar: FolderEntry | None) -> bool: ...
    def put(
        self, folder: DropFolder, told: Dropped, entry: FolderEntry, sidecar: FolderEntry | None, file: IO[bytes] | None
    ) -> None: ...
    def refused(self) -> tuple[int, str]:
        """How many scans that were refused lie there, and since when the first. Raises OSError."""
        ...


class MovedAside:
    """Into ``taken`` and ``refused`` within the folder, a report beside what was refused."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigurationError when files cannot be moved there."""
        self._refused = folder / REFUSED_FOLDER
        if not folder.is_dir():
            raise ConfigurationError(f"{folder} is no folder that is there. A share must be mounted first.")
        for name in (TAKEN_FOLDER, REFUSED_FOLDER):
            place = folder / name
            try:
                place.mkdir(exist_ok=True)
                with _subfolder(None, folder) as above, _subfolder(None, place) as within:
                    _let_in(within, above)
            except OSError as error:
                raise ConfigurationError(
                    f"{place} cannot be used ({error.strerror}). Files are moved there: let this user write in the "
                    "folder, or have what became of them written elsewhere: --journal FOLDER"
                ) from error
            if not os.access(place, os.W_OK | os.X_OK) or not os.access(folder, os.W_OK | os.X_OK):
                raise ConfigurationError(
                    f"{folder} cannot be written by this user, and files are moved within it: let the user write "
                    "there, or have what became of them written elsewhere: --journal FOLDER"
                )

    def is_done(self, entry: FolderEntry, sidecar: FolderEntry | None) -> bool:  # noqa: ARG002 - the journal asks by them
        """What is done is not here any more."""
        return False

    def put(
        self, folder: DropFolder, told: Dropped, entry: FolderEntry, sidecar: FolderEntry | None, file: IO[bytes] | None
    ) -> None:
        """The report first, then the scan, its sidecar last: a scan never lies here without what is stated of it."""
        refused = told.outcome is DropOutcome.REFUSED
        name = REFUSED_FOLDER if refused else TAKEN_FOLDER
        with contextlib.suppress(FileExistsError):  # somebody cleared it away
            os.mkdir(name, dir_fd=folder.descriptor)
        with _subfolder(folder.descriptor, Path(name)) as place:
            _let_in(place, folder.descriptor)
            if refused:
                _write(place, report_name(told.name), report_of(told))
            for each in (entry, sidecar):
                if each is not None:
                    _move(folder.descriptor, place, each, file if each is entry else None)

    def refused(self) -> tuple[int, str]:
        """Since when, by the clock of the share: when each was moved there."""
        moved = []
        with _subfolder(None, self._refused) as place, os.scandir(place) as entries:
            for each in entries:
                if each.name.lower().endswith(SCAN_SUFFIXES):
                    with contextlib.suppress(FileNotFoundError):  # it is put back at this moment
                        moved.append(each.stat(follow_symlinks=False).st_ctime)
        return len(moved), stamp(datetime.fromtimestamp(min(moved), UTC)) if moved else ""


class Journal:
    """One line of JSON for each file, in a folder of the operator's; the reports lie beside it."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._done: dict[str, tuple[object, ...]] = {}
        for line in _lines(folder / JOURNAL):
            self._done[str(line.get("name"))] = _mark(line)

    def is_done(self, entry: FolderEntry, sidecar: FolderEntry | None) -> bool:
        return self._done.get(entry.name) == _mark(_line(entry, sidecar))

    def put(
        self,
        folder: DropFolder,  # noqa: ARG002 - nothing is changed there
        told: Dropped,
        entry: FolderEntry,
        sidecar: FolderEntry | None,
        file: IO[bytes] | None,  # noqa: ARG002
    ) -> None:
        if told.outcome is DropOutcome.REFUSED:
            with _subfolder(None, self._folder) as place:
                _write(place, report_name(told.name), report_of(told))
        line = {"at": stamp(), **_line(entry, sidecar), "sha256": told.sha256, "outcome": told.outcome}
        line |= {"statement_id": told.statement_id, "why": list(told.why)}
        with (self._folder / JOURNAL).open("a", encoding="ascii") as journal:
            if journal.tell() and not _ends_a_line(self._folder / JOURNAL):
                journal.write("\n")
            journal.write(json.dumps(line) + "\n")
            journal.flush()
            os.fsync(journal.fileno())
        self._done[entry.name] = _mark(line)

    def refused(self) -> tuple[int, str]:
        """Nothing is moved, so that nobody knows of what was mended elsewhere."""
        return 0, ""


def _line(entry: FolderEntry, sidecar: FolderEntry | None) -> dict[str, object]:
    beside = None if sidecar is None else [sidecar.name, sidecar.size, sidecar.mtime_ns]
    return {"name": entry.name, "size": entry.size, "mtime_ns": entry.mtime_ns, "sidecar": beside}


def _mark(line: Mapping[str, object]) -> tuple[object, ...]:
    """By which a file and its sidecar are the same as before."""
    beside = line.get("sidecar")
    return line.get("size"), line.get("mtime_ns"), tuple(beside) if isinstance(beside, list) else None


def _lines(path: Path) -> Iterator[dict[str, object]]:
    """Whatever was written whole: the last line may have been cut off with the power."""
    if not path.exists():
        return
    with path.open(encoding="ascii", errors="replace") as file:
        for text in file:
            with contextlib.suppress(ValueError):
                line = json.loads(text)
                if isinstance(line, dict):
                    yield line


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


@contextmanager
def _subfolder(within: int | None, path: Path) -> Iterator[int]:
    """A folder that is no link to another. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=within)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _let_in(descriptor: int, above: int, *, but: int = 0) -> None:
    """Whoever may read in the folder above may read this too: the station's people read the reports. A share may have
    modes of its own."""
    mode = stat.S_IMODE(os.fstat(above).st_mode) & ~but
    with contextlib.suppress(OSError):
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)


def _write(place: int, name: str, text: str) -> None:
    """Whole or not at all, over what was told of an earlier file of this name."""
    part = f".{name}.part"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part, dir_fd=place)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, dir_fd=place), "w", encoding="utf-8") as file:
        _let_in(file.fileno(), place, but=0o111)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, name, src_dir_fd=place, dst_dir_fd=place)


def _move(source: int, target: int, entry: FolderEntry, file: IO[bytes] | None) -> None:
    """Raises OSError of what cannot be moved now: a station may hold it open."""
    name = _free_name(target, entry.name)
    try:
        os.rename(entry.name, name, src_dir_fd=source, dst_dir_fd=target)
    except FileNotFoundError:
        return
    moved = os.stat(name, dir_fd=target, follow_symlinks=False)
    same = (moved.st_size, moved.st_mtime_ns) == (entry.size, entry.mtime_ns)
    if file is not None and same:
        same = stat.S_ISREG(moved.st_mode) and os.path.samestat(moved, os.fstat(file.fileno()))
    if entry.regular and not same:
        back = _free_name(source, entry.name)
        os.rename(name, back, src_dir_fd=target, dst_dir_fd=source)
        log.warning("another file took the name meanwhile: it stays", name=ascii(entry.name), stays_as=ascii(back))


def _free_name(place: int, name: str) -> str:
    """The name, or where it is taken the same with the time before its suffix, cut so that a folder takes it: stations
    begin to count anew each day. Raises ConfigurationError."""
    path = PurePosixPath(name)
    at = "".join(filter(str.isalnum, stamp()))
    ends = [f"~{at}-{number}{path.suffix}" for number in range(MAX_NAMES)]
    for wanted in (name, *(f"{_cut(path.stem, MAX_FILE_NAME_BYTES - len(os.fsencode(end)))}{end}" for end in ends)):
        try:
            os.stat(wanted, dir_fd=place, follow_symlinks=False)
        except FileNotFoundError:
            return wanted
    raise ConfigurationError(f"{MAX_NAMES} files have the name {name!a}: clear taken/ and refused/ away.")


def _cut(text: str, most: int) -> str:
    """To so many bytes of a name, between two characters."""
    while len(os.fsencode(text)) > most:
        text = text[:-1]
    return text
