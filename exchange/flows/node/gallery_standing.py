"""How far each gallery is, for whoever asks from any process: told by small files beside it, without the matcher."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from exchange.clock import seconds_between, stamp
from exchange.home import delete_entry

_STANDING: Final = "standing"
_CHECKED: Final = "checked"


@dataclass(frozen=True)
class CheckRound:
    """All references are read again in rounds. ``ended``: None while shards are left; ``shards``: by name, those that
    were read."""

    began: str
    shards: tuple[str, ...] = ()
    ended: str | None = None


@dataclass(frozen=True)
class GalleryStanding:
    """``references``: how many it held after the last change. ``of``: how many it holds when it is filled, None where
    nobody fills it. ``shards``, ``checked``: how many there are, and how many of them were read again in the round that
    began at ``check_began``."""

    gallery: str
    references: int
    of: int | None
    shards: int
    checked: int = 0
    check_began: str | None = None

    @property
    def in_words(self) -> str:
        filled = f" of {self.of:,}, being filled" if self.of is not None else ""
        again = f", {self.checked} of {self.shards} shards read again" if self.check_began is not None else ""
        return f"{self.gallery}: {self.references:,}{filled}{again}"


def note_standing(folder: Path, standing: GalleryStanding) -> None:
    """Not made to last: the next change tells it anew. What is told of stands, also where the disk is full."""
    with contextlib.suppress(OSError):
        _replace(folder / _STANDING, standing)


def standing_of_galleries(galleries: Path) -> tuple[GalleryStanding, ...]:
    """By name; one that was never filled is not among them."""
    found = [_standing(path.parent) for path in galleries.glob(f"*/{_STANDING}")]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.gallery))


def note_round(folder: Path, done: CheckRound) -> None:
    _replace(folder / _CHECKED, done)


def last_round(folder: Path) -> CheckRound | None:
    """None where none was begun, or nobody can read of it: then the next begins anew."""
    try:
        told = json.loads((folder / _CHECKED).read_bytes())
        began = str(told["began"])
        seconds_between(began, stamp())  # ValueError, TypeError where it is no time
        return CheckRound(began, tuple(map(str, told["shards"])), told["ended"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _replace(path: Path, told: GalleryStanding | CheckRound) -> None:
    """At once: who reads sees the old or the new one."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(told)), encoding="utf-8")
    if path.is_dir():
        delete_entry(path)
    part.replace(path)


def _standing(folder: Path) -> GalleryStanding | None:
    try:
        told = json.loads((folder / _STANDING).read_bytes())
        name, references, of, shards = str(told["gallery"]), int(told["references"]), told["of"], int(told["shards"])
        known = last_round(folder)
        return GalleryStanding(
            name,
            references,
            None if of is None else int(of),
            shards,
            min(len(known.shards), shards) if known is not None else 0,
            known.began if known is not None else None,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # the next change writes it anew
