"""Who began a set already, so that one person counts once. A folder of exercises knows a person at a node by a mark for
each set, made with a key that the node alone has: the folder names nobody, and the marks of two sets cannot be joined.
Nothing joins a mark to an attempt."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from exchange.errors import TooMany
from exchange.flows.access.sealed_secrets import sealing_key
from exchange.flows.exercises.folder import KeptSet
from exchange.flows.node.node import Node

MOST_OF_ONE_PERSON: Final = 10
"""Attempts at one set: more would take it from the others of a class."""


def participant_mark(node: Node, pseudonym: str, set_id: str) -> str:
    """Of somebody who is signed in at ``node``, for one set: 64 hex digits."""
    said = f"exercises {node.node_id} {pseudonym} {set_id}"
    return hmac.new(sealing_key(node), said.encode(), hashlib.sha256).hexdigest()


def note_beginning(kept: KeptSet, mark: str) -> bool:
    """One attempt more of this person; whether it is the first one. Raises TooMany."""
    there = kept.path.parent.parent / "participants" / kept.set_id
    there.mkdir(mode=0o700, parents=True, exist_ok=True)
    noted = there / mark
    try:
        with noted.open("x", encoding="ascii") as file:
            file.write(".")
    except FileExistsError:
        if noted.stat().st_size >= MOST_OF_ONE_PERSON:
            raise TooMany(
                f"You began this set {MOST_OF_ONE_PERSON} times; go on with an attempt by its code."
            ) from None
        with noted.open("a", encoding="ascii") as file:
            file.write(".")
        return False
    return True


def has_begun(kept: KeptSet, mark: str) -> bool:
    return (kept.path.parent.parent / "participants" / kept.set_id / mark).exists()
