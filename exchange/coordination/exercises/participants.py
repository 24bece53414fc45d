"""Who began a set already, so that one person counts once. A folder of exercises knows a person at a node by a mark for
each set, made with a key that the node alone has: the folder names nobody, and the marks of two sets cannot be joined.
All marks of a set lie in one file that is written anew each time, in an order of its own: neither it nor its time joins
a mark to an attempt."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from exchange.coordination.exercises.exercise_folder import KeptSet
from exchange.errors import TooMany
from exchange.flows.access.sealed_secrets import sealing_key
from exchange.flows.node.node import Node

MOST_OF_ONE_PERSON: Final = 10
"""Attempts at one set: more would take it from the others of a class."""


def participant_mark(node: Node, pseudonym: str, set_id: str) -> str:
    """Of somebody who is signed in at ``node``, for one set: 64 hex digits."""
    return _digest(node, "exercises", pseudonym, set_id)


def attempt_name(node: Node, pseudonym: str, set_id: str) -> str:
    """Of this person's attempt at a set, for the own browser: 16 hex digits that say nothing of the mark."""
    return _digest(node, "attempt in a browser", pseudonym, set_id)[:16]


@contextmanager
def noted_beginning(kept: KeptSet, mark: str) -> Iterator[bool]:
    """One attempt more of this person, who is noted when it was made: whether it is the first one. Others who begin the
    set wait meanwhile. Raises TooMany."""
    there = _place(kept)
    there.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (there / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = _marks(kept)
        if known.get(mark, 0) >= MOST_OF_ONE_PERSON:
            raise TooMany(f"You began this set {MOST_OF_ONE_PERSON} times; go on with an attempt by its code.")
        yield mark not in known
        known[mark] = known.get(mark, 0) + 1
        _write(there, known)


def has_begun(kept: KeptSet, mark: str) -> bool:
    return mark in _marks(kept)


def _place(kept: KeptSet) -> Path:
    return kept.path.parent.parent / "participants" / kept.set_id


def _marks(kept: KeptSet) -> dict[str, int]:
    """How often each began."""
    try:
        lines = (_place(kept) / "marks").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return {}
    return {mark: int(times) for mark, _, times in (line.partition(" ") for line in lines)}


def _write(there: Path, known: dict[str, int]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=there, encoding="ascii", delete=False) as new:
        new.write("".join(f"{mark} {times}\n" for mark, times in sorted(known.items())))
        new.flush()
        os.fsync(new.fileno())
    Path(new.name).replace(there / "marks")


def _digest(node: Node, what: str, pseudonym: str, set_id: str) -> str:
    said = f"{what} {node.node_id} {pseudonym} {set_id}"
    return hmac.new(sealing_key(node), said.encode(), hashlib.sha256).hexdigest()
