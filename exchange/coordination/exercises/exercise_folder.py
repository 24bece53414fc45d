"""The folder of exercises of nodes to practise with. It is no part of any node: nothing in it is signed, logged,
shared, ranked or backed up, and the nodes of one region to practise in have the same.

    exercises.json          what the folder is
    sets/ID/                set.json, scans/, and answers.json as soon as the answers may be seen
    attempts/ID/DIGEST/     what somebody answered: no name, no user, no time (see attempts.py)
    participants/ID/marks   who began the set, and how often, without saying who (see participants.py)
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exchange.bounded_zip import open_bounded_zip
from exchange.coordination.exercises.draw_set import SET_DOCUMENT
from exchange.coordination.exercises.exercise_documents import (
    MAX_ANSWERS_BYTES,
    MAX_SET_BYTES,
    ExerciseAnswers,
    ExerciseSet,
    ItemAnswer,
    SetItem,
    open_seal,
    read_set_document,
)
from exchange.coordination.exercises.exercise_vocabulary import ExerciseUse
from exchange.errors import ConfigurationError, Conflict, InvalidInput, NotFound
from exchange.flows.node.node import Node
from exchange.home import read_bounded

MAX_EXHIBIT_BYTES: Final = 16 * 1024 * 1024
MAX_PACKED_BYTES: Final = 256 * 1024 * 1024
MOST_SETS: Final = 100
_FOLDER_MARK: Final = {"format": "ffp-exercise-folder/1"}
_SET_ID: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class KeptSet:
    """A set of the folder. ``answers``: None while they are sealed. ``use``: practice, where they were there from the
    first on."""

    path: Path
    document: ExerciseSet
    answers: ExerciseAnswers | None
    use: ExerciseUse

    @property
    def set_id(self) -> str:
        return self.document.set_id

    def item(self, number: int) -> SetItem:
        """Raises NotFound."""
        if not 1 <= number <= len(self.document.items):
            raise NotFound("There is no such exercise.")
        return self.document.items[number - 1]

    def answer(self, number: int) -> ItemAnswer | None:
        return None if self.answers is None else self.answers.answers[number - 1]


def folder_of(node: Node) -> Path | None:
    """The folder that a node to practise with names; None for every other."""
    named = node.settings.exercises
    return None if named is None else (node.settings.home / named).resolve()


def make_folder(folder: Path) -> None:
    """A new folder of exercises, or the one that is there. Raises ConfigurationError where it holds something else."""
    mark = folder / "exercises.json"
    if mark.is_file():
        check_exercises(folder)
        return
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(f"{folder} holds something else; name an empty folder for exercises.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("sets", "attempts", "participants"):
        (folder / name).mkdir(mode=0o700)
    mark.write_text(json.dumps(_FOLDER_MARK) + "\n", encoding="utf-8")


def check_exercises(folder: Path) -> None:
    """Raises ConfigurationError."""
    try:
        kept = (folder / "exercises.json").read_bytes()[:1000]
        is_one = json.loads(kept) == _FOLDER_MARK and (folder / "sets").is_dir()
    except (OSError, ValueError):
        is_one = False
    if not is_one:
        raise ConfigurationError(
            f"{folder} is no folder of exercises; make one with: ffp exercise put SET --into {folder}"
        )


def put_set(folder: Path, packed: bytes, answers: bytes | None = None) -> KeptSet:
    """Put a set into the folder; with its ``answers`` it is one to practise with.

    1. Read it within bounds: every scan that it names, byte for byte, and nothing else.
    2. The answers are those that were sealed with it.
    3. It appears in the folder whole, or not at all.

    Raises InvalidInput, Conflict where it is there, ConfigurationError.
    """
    # 1.
    check_exercises(folder)
    files, document = unpack_set(packed)

    # 2.
    if answers is not None:
        open_seal(answers, document)

    # 3.
    target = folder / "sets" / document.set_id
    if target.exists():
        raise Conflict(f"The set {document.set_id} is there already.")
    if len(_set_ids(folder)) >= MOST_SETS:
        raise InvalidInput(f"The folder holds {MOST_SETS} sets; remove one that is over.")
    with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as made:
        new = Path(made) / document.set_id
        (new / "scans").mkdir(mode=0o700, parents=True)
        for name, content in files.items():
            (new / name).write_bytes(content)
        if answers is not None:
            (new / "answers.json").write_bytes(answers)
            (new / "practice").touch()
        new.replace(target)
    return find_set(folder, document.set_id)


def open_set(folder: Path, answers: bytes) -> KeptSet:
    """Put the answers to a set that was sealed until now: nobody answers it any more, and everybody sees what was
    right. Raises InvalidInput where no set of the folder has these, ConfigurationError."""
    check_exercises(folder)
    seal = hashlib.sha256(answers).hexdigest()
    found = next((kept for kept in list_sets(folder) if kept.document.seal == seal), None)
    if found is None:
        raise InvalidInput("These are the answers of no set in this folder.", code="other-answers")
    open_seal(answers, found.document)
    if found.answers is None:
        _write_new(found.path / "answers.json", answers)
    return find_set(folder, found.set_id)


def list_sets(folder: Path) -> list[KeptSet]:
    """Those to practise with first, then by their names."""
    found = [find_set(folder, set_id) for set_id in _set_ids(folder)]
    return sorted(found, key=lambda kept: (kept.use is not ExerciseUse.PRACTICE, kept.document.audience, kept.set_id))


def find_set(folder: Path, set_id: str) -> KeptSet:
    """Raises NotFound."""
    path = folder / "sets" / set_id
    if not _SET_ID.fullmatch(set_id) or not path.is_dir():
        raise NotFound("There is no such set of exercises.")
    document = read_set_document(read_bounded(path / SET_DOCUMENT, MAX_SET_BYTES))
    kept = path / "answers.json"
    answers = open_seal(read_bounded(kept, MAX_ANSWERS_BYTES), document) if kept.is_file() else None
    is_practice = (path / "practice").exists()
    return KeptSet(path, document, answers, ExerciseUse.PRACTICE if is_practice else ExerciseUse.PROFICIENCY)


def remove_set(folder: Path, set_id: str) -> None:
    """With all that was answered. Raises NotFound."""
    kept = find_set(folder, set_id)
    for name in ("attempts", "participants"):
        shutil.rmtree(folder / name / set_id, ignore_errors=True)
    shutil.rmtree(kept.path)


def _set_ids(folder: Path) -> list[str]:
    sets = folder / "sets"
    return sorted(path.name for path in sets.iterdir() if _SET_ID.fullmatch(path.name)) if sets.is_dir() else []


def unpack_set(packed: bytes) -> tuple[dict[str, bytes], ExerciseSet]:
    """The files of a set by their names, and its document: each scan is the one that it names. Raises InvalidInput."""
    if len(packed) > MAX_PACKED_BYTES:
        raise InvalidInput(f"A set has at most {MAX_PACKED_BYTES} bytes.", code="no-exercises")
    try:
        with open_bounded_zip(io.BytesIO(packed), most_directory_bytes=MAX_SET_BYTES) as archive:
            document = read_set_document(_member(archive, SET_DOCUMENT, MAX_SET_BYTES))
            scans = [scan for item in document.items for scan in item.scans or ()]
            wanted = {SET_DOCUMENT, *(scan.file for scan in scans)}
            if sorted(archive.namelist()) != sorted(wanted):
                raise InvalidInput("This set holds other files than those that it names.", code="no-exercises")
            files = {scan.file: _member(archive, scan.file, MAX_EXHIBIT_BYTES) for scan in scans}
            for scan in scans:
                if hashlib.sha256(files[scan.file]).hexdigest() != scan.sha256:
                    raise InvalidInput(f"The file {scan.file} of this set was altered.", code="no-exercises")
            return {SET_DOCUMENT: _member(archive, SET_DOCUMENT, MAX_SET_BYTES), **files}, document
    except (zipfile.BadZipFile, NotImplementedError, EOFError, KeyError, OSError, RuntimeError) as error:
        raise InvalidInput(
            "This is no set of exercises: it is no zip file that is read here.", code="no-exercises"
        ) from error


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Not compressed, as it was written: so nothing unpacks to more than was read. Raises InvalidInput, KeyError."""
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > most:
        raise InvalidInput(f"The file {name} of this set is too large, or compressed.", code="no-exercises")
    return archive.read(entry)


def _write_new(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)


def exhibit_files(kept: KeptSet, number: int) -> Iterator[tuple[Path, str]]:
    """The two scans of an exercise, with their digests; none of a question. Raises NotFound."""
    for scan in kept.item(number).scans or ():
        yield kept.path / scan.file, scan.sha256
