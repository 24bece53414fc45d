"""Every receipt says which free texts may tell of a person; nothing is refused for it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

import schemas
from exchange.flows.entry.free_text import FREE, Doubt, doubts_in
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan

OF_LAW = {
    *("legal_basis", "article", "authority", "matcher", "specimen"),
    *("title", "text_en", "words", "provision_words"),
}
"""Which name a law, a court, a program, or a reference specimen, or are the text of a law. The title of an action is
looked at where it is typed."""
_SUBMITTED: dict[str, Any] = {
    "exhibit": {
        "kind": "crime_scene",
        "calibre": "9 mm Luger",
        "headstamp": "Петар Петровић",
        "municipality": "Novi Pazar, 0101990710008",
    },
}
_FOUND = {"exhibit.headstamp": ["name"], "exhibit.municipality": ["identity_number"]}


def test_the_receipt_of_a_submission_says_it_the_first_and_every_other_time(node: RunningNode) -> None:
    scan = tiny_scan()
    for _ in range(2):
        sent = node.submit(scan, key="warned-of-once", **_SUBMITTED)
        assert sent.status_code < 300, sent.text
        assert sent.json()["text_warnings"] == _FOUND
    plain = node.submit(tiny_scan(), case_reference="RS-2").json()
    assert plain["text_warnings"] == {}


def test_every_free_text_of_the_contract_is_looked_at() -> None:
    """A field that is added to a statement is either looked at, or names no person."""
    fields = {name for model in _models() for name, kind in _annotations(model) if _is_free(kind)}
    assert fields - FREE == OF_LAW
    assert fields | {"case_reference", "incident", "firearm_id"} >= FREE


def test_texts_within_lists_are_found() -> None:
    class Inner(BaseModel):
        remark: str

    class Outer(BaseModel):
        parts: tuple[Inner, ...]

    assert doubts_in(Outer(parts=(Inner(remark="fine"), Inner(remark="Ion Popescu")))) == {
        "parts.1.remark": (Doubt.NAME,)
    }


def _models() -> list[type[BaseModel]]:
    found, waiting = [], [BaseModel]
    while waiting:
        waiting += (below := waiting.pop().__subclasses__())
        found += [model for model in below if model.__module__.startswith(schemas.__name__ + ".")]
    return found


def _annotations(model: type[BaseModel]) -> list[tuple[str, Any]]:
    return list(vars(model).get("__annotations__", {}).items())


def _is_free(kind: Any) -> bool:
    return any(word in str(kind) for word in ("ShortText", "LongText", "CalibreWords", "ItemNumber"))
