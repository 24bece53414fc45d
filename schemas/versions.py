"""How the contract grows: which version brought what, which version a statement needs, and what is newer than this
release.

A version is two numbers, compared in their order. The first release of the contract is "1.0". Whatever is added later,
a field, a kind of statement, a word of a vocabulary, gets the version of the release that brings it, in ``ADDED``:

    ADDED = {
        "Exhibit.colour": "1.1",  # a field, by the class that declares it
        "Notice.type=notice": "1.1",  # a kind of statement
        "CaseMaterial=polymer": "1.1",  # a word of a vocabulary
        "Blob.media_type=image/webp": "1.1",  # a word that one field lists
        "Jurisdiction=*": "1.2",  # any code outside of the first release's eight, wherever a jurisdiction stands
    }

A statement states the lowest version that has all that it uses. So most statements of a newer node are read by an older
one, and of the others it knows, once the signatures are verified, that not the statement is wrong but the reader is too
old. ``tests/schemas/test_versions.py`` fails for an addition that has no version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, get_args

from pydantic import BaseModel

from schemas.calibre import Calibre
from schemas.calibre_list import CALIBRES
from schemas.calibres.entry import LIST_OF_CALIBRES
from schemas.coordination import Action, Onboarding, OnboardingLine
from schemas.exhibit import Firearm
from schemas.jurisdiction import FIRST_JURISDICTIONS, Jurisdiction
from schemas.law import LawArticle, LawDirection, LawRule
from schemas.statement_base import CONTRACT_VERSION, ReadContract, Statement
from schemas.vocabulary import (
    ActionState,
    FirearmKind,
    FirearmOrigin,
    MeetingKind,
    OfficeRole,
    OnboardingState,
    OnboardingStep,
)

VERSIONS: Final[tuple[str, ...]] = get_args(ReadContract)
"""What this release reads, the oldest first."""
NEWEST: Final = VERSIONS[-1]


def _declared(model: type[BaseModel]) -> Iterator[str]:
    """Its own fields, without those of what it is a kind of."""
    yield from (name for name in model.__annotations__ if name in model.model_fields)


ADDED: dict[str, str] = {
    "Acquisition.instrument_check": "1.1",
    **dict.fromkeys((f"InstrumentCheck.{name}" for name in ("specimen", "checked_on", "warning", "digest")), "1.1"),
    "Exhibit.calibre_words": LIST_OF_CALIBRES,
    "Query.calibre_words": LIST_OF_CALIBRES,
    f"Calibre={Calibre.OTHER}": LIST_OF_CALIBRES,
    "Jurisdiction=*": "1.2",
    **{f"Calibre={entry.designation}": entry.since for entry in CALIBRES if entry.since != CONTRACT_VERSION},
    **dict.fromkeys((f"Exhibit.{name}" for name in ("item", "seal", "incident", "firearm")), "1.2"),
    **dict.fromkeys((f"Firearm.{name}" for name in Firearm.model_fields), "1.2"),
    **dict.fromkeys((f"{words.__name__}={word}" for words in (FirearmKind, FirearmOrigin) for word in words), "1.2"),
    **dict.fromkeys((f"PhysicalComparison.{name}" for name in ("record", "seal", "seal_whole")), "1.2"),
    **dict.fromkeys((f"ComparisonStep={step}" for step in ("sent", "received", "returned")), "1.2"),
    **dict.fromkeys(("Law.type", "Law.type=law", "Law.articles"), "1.3"),
    **{f"{model.__name__}.{name}": "1.3" for model in (LawArticle, LawRule) for name in model.model_fields},
    **{f"LawDirection={word}": "1.3" for word in LawDirection},
    **dict.fromkeys(("Disclosure.channel", "ReferenceChannel=iarms", "ReferenceChannel=trace"), "1.2"),
    **dict.fromkeys(
        (f"{kind.__name__}.{name}" for kind in (Action, Onboarding, OnboardingLine) for name in _declared(kind)), "1.3"
    ),
    **dict.fromkeys(("Action.type=action", "Onboarding.type=onboarding"), "1.3"),
    **dict.fromkeys(
        (
            f"{words.__name__}={word}"
            for words in (ActionState, MeetingKind, OfficeRole, OnboardingState, OnboardingStep)
            for word in words
        ),
        "1.3",
    ),
}
"""What came after the first version, with the version that brought it."""

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
        case Jurisdiction():
            yield f"Jurisdiction={value if value in FIRST_JURISDICTIONS else '*'}"
        case StrEnum():
            yield f"{type(value).__name__}={value}"
        case str():
            yield f"{place}={value}"
        case tuple():
            for item in value:
                yield from _used(item, place)
