"""How the contract grows: which version added what, which version a statement needs, and what is newer than this
release.

A version is two numbers, compared in their order. The first is "1.0". Until 0.1.0 is released the contract is changed
in place. A later addition, a field, a kind of statement, a word of a vocabulary, gets the version of the release that
adds it, in ``ADDED``:

    ADDED = {
        "Exhibit.colour": "1.1",  # a field, by the class that declares it
        "Notice.type=notice": "1.1",  # a kind of statement
        "CaseMaterial=polymer": "1.1",  # a word of a vocabulary
        "Blob.media_type=image/webp": "1.1",  # a word that one field lists
    }

A statement states the lowest version that has all that it uses. So an older node reads most statements of a newer node;
of the others it knows, once the signatures are verified, that the statement is valid and the reader too old.
``tests/schemas/test_versions.py`` fails for an addition that has no version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, get_args

from pydantic import BaseModel

from schemas.statement_base import CONTRACT_VERSION, ReadContract, Statement

VERSIONS: Final[tuple[str, ...]] = get_args(ReadContract)
"""The contract versions that this release reads, the oldest first."""
NEWEST: Final = VERSIONS[-1]

ADDED: dict[str, str] = {}
"""What was added after the first version, with the version that added it."""

_FORM: Final = re.compile(r"[1-9][0-9]{0,2}\.(0|[1-9][0-9]{0,2})")


def is_newer(version: str, than: str = NEWEST) -> bool:
    """Whether a version comes after another one; after all that this release reads, if none is named."""
    return _ordered(version) > _ordered(than)


def needed_version(statement: Statement) -> str:
    """The lowest version of the contract that has all that a statement uses."""
    return max((ADDED.get(name, CONTRACT_VERSION) for name in _used(statement)), key=_ordered)


def stated_version(payload: bytes) -> str | None:
    """The version that a payload states to need, whether this release reads it or not; None where it states none.

    For payloads that ``strict_json`` let pass.
    """
    found = json.loads(payload)
    stated = found.get("contract") if isinstance(found, dict) else None
    return stated if isinstance(stated, str) and _FORM.fullmatch(stated) else None


def _ordered(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _used(value: object, place: str = "") -> Iterator[str]:
    """The names, as ``ADDED`` has them, of each field that is set, a statement's kind among them, and of each
    word in it."""
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                if (held := getattr(value, name)) is not None:
                    places = [f"{declares.__name__}.{name}" for declares in type(value).__mro__]
                    yield from places
                    yield from _used(held, places[0])
        case StrEnum():
            yield f"{type(value).__name__}={value}"
        case str():
            yield f"{place}={value}"
        case tuple():
            for item in value:
                yield from _used(item, place)
