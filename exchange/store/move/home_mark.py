"""The mark of a move in the home: while it is there, no command but ``ffp migrate --to`` opens the node."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from exchange.errors import ConfigurationError, MoveUnfinished
from exchange.store.scan.copies import sync, write_file

MOVING: Final = "moving"
SQLITE: Final = "sqlite"
"""In place of an address: the file in the home."""


@dataclass(frozen=True)
class MoveMark:
    """``move`` is its name, in the databases too; ``source`` and ``target`` are addresses without user and password,
    or SQLITE. ``size`` and ``root`` (hexadecimal) are of the last signed head when it began; 0 and none before any."""

    move: str
    source: str
    target: str
    begun_at: str
    size: int
    root: str

    @property
    def command(self) -> str:
        return f"ffp migrate --to '{self.target}'"


def new_name() -> str:
    return secrets.token_hex(8)


def read_mark(home: Path) -> MoveMark | None:
    """None where no move is under way. Raises ConfigurationError of a mark that cannot be read."""
    path = home / MOVING
    try:
        found = MoveMark(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, OSError) as error:
        raise ConfigurationError(
            f"{path} says that a move of the database is under way, and cannot be read ({error}). Nothing is served. "
            "The file is written whole or not at all: find out who changed it, and put it back from a copy."
        ) from error
    if not re.fullmatch(r"[0-9a-f]{16}", found.move):
        raise ConfigurationError(f"{path} names no move; it is left as it is.")
    return found


def write_mark(home: Path, mark: MoveMark) -> None:
    """On disk when it returns. Raises OSError."""
    write_file(home / MOVING, (json.dumps(asdict(mark), indent=1) + "\n").encode())


def remove_mark(home: Path) -> None:
    (home / MOVING).unlink(missing_ok=True)
    sync(home)


def refuse_unfinished_move(home: Path) -> None:
    """Raises MoveUnfinished where a move is under way, with the command that goes on with it."""
    mark = read_mark(home)
    if mark is not None:
        raise MoveUnfinished(sentence(mark))


def sentence(mark: MoveMark) -> str:
    return (
        f"The move of this node's database from {mark.source} to {mark.target}, begun at {mark.begun_at}, has not "
        f"ended. Go on with it: {mark.command} - with the user and password that the address needs. Or, as long as the "
        "node has not been handed over, give it up: the same with --give-up."
    )
