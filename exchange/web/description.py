"""What the description of the API says beside what FastAPI finds out by itself.

Routes that take a body apart themselves, or answer with a statement as it was signed, know its form only as bytes or as
a ``dict``. The form is that of the contract, so it is taken from there: a program that was made from the description
(docs/client.md) has a class for it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import BaseModel

from exchange.web.http.problems import Problem
from schemas import Calibre, Record, Submission
from schemas.bundle import Bundle
from schemas.envelope import EnvelopeForm
from schemas.key_chain import KeyChain
from schemas.kinds import KINDS, Kind
from schemas.lane import LaneNews, LanePage
from schemas.mirror import MirroredLane, MirroredLeaves, MirroredStatements
from schemas.query_request import QueryRequest
from schemas.witness import WitnessAnswer, WitnessedLog, WitnessReport

SAID_BY_PEOPLE: Final = tuple(kind for kind in KINDS.values() if kind.said_by)
"""The kinds of statements that people say at ``/v1/statements``."""
NODE_SAYS: Final = frozenset({"contract", "nonce", "issuer", "made_by", "stated_at"})
"""What of a statement only the node knows."""

BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
"""A body that is neither JSON nor text."""

_REFERENCED: Final[tuple[type[BaseModel], ...]] = (
    *(Bundle, EnvelopeForm, KeyChain, LaneNews, LanePage, MirroredLane, MirroredLeaves, MirroredStatements),
    *(Problem, QueryRequest, Record, Submission, WitnessAnswer, WitnessedLog, WitnessReport),
)


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def json_answer(model: type[BaseModel], told: str, media_type: str = "application/json") -> dict[str, Any]:
    """What an answer holds whose bytes were made, and often signed, before the framework sees them."""
    return {"content": {media_type: {"schema": reference(model.__name__)}}, "description": told}


def any_of_forms(names: list[str]) -> dict[str, Any]:
    """One of these forms of statements, told apart by their type."""
    found = {kind.name: reference(name)["$ref"] for kind, name in zip(SAID_BY_PEOPLE, names, strict=True)}
    return {
        "oneOf": [{"$ref": place} for place in found.values()],
        "discriminator": {"propertyName": "type", "mapping": found},
    }


def draft_name(kind: Kind) -> str:
    return f"{kind.model.__name__}Draft"


DRAFT: Final = any_of_forms([draft_name(kind) for kind in SAID_BY_PEOPLE]) | {
    "description": f"A statement of the contract without {', '.join(sorted(NODE_SAYS))}: the node adds these."
}
"""What a person says, as it is sent to a node."""


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The description with the forms that no route states: those of parts of a multipart body, of statements, of
    problems; and with names for the calibres."""
    forms: dict[str, Any] = document["components"]["schemas"]
    for model in (*_REFERENCED, *(kind.model for kind in SAID_BY_PEOPLE)):
        forms[model.__name__] = _form(model, forms)
    for kind in SAID_BY_PEOPLE:
        forms[draft_name(kind)] = _draft(forms[kind.model.__name__])
    forms["RecordAnswer"]["properties"]["statement"] = reference("Record")
    forms["StatementAnswer"]["properties"]["statement"] = any_of_forms([kind.model.__name__ for kind in SAID_BY_PEOPLE])
    forms["Calibre"]["x-enum-varnames"] = calibre_names()
    return document


def _form(model: type[BaseModel], forms: dict[str, Any]) -> dict[str, Any]:
    """The schema of a model; those that it refers to are added where they are not there yet."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, definition in schema.pop("$defs", {}).items():
        forms.setdefault(name, definition)
    return schema


def _draft(statement: dict[str, Any]) -> dict[str, Any]:
    return {
        **statement,
        "title": f"{statement['title']}Draft",
        "properties": {name: form for name, form in statement["properties"].items() if name not in NODE_SAYS},
        "required": [name for name in statement["required"] if name not in NODE_SAYS],
    }


def calibre_names() -> list[str]:
    """A name in a programming language for each calibre, in the order of the list: that of the first release, or the
    designation without what no name has. Generators of clients would number them, and anew with each that is added."""
    return [
        name if name.isidentifier() else "CALIBRE_" + re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
        for name in Calibre.__members__
    ]
