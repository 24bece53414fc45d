"""The reference documents list what the code has: every field, every vocabulary, every table."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from exchange.store.tables.columns import Base
from schemas import Calibre, Submission, vocabulary


def test_every_field_of_a_submission_is_explained(submission_format: Any) -> None:
    rows = re.findall(
        r"^\| `([a-z_0-9\[\].]+)` \| (.+?) \| (?:\[(\w+)\]\(#vocabularies\))? *\|", submission_format.text, re.MULTILINE
    )
    told = {path: (default, kind) for path, default, kind in rows}
    assert told == {path: (default, kind) for path, default, kind in _fields(Submission)}


def test_every_vocabulary_is_listed_in_full(submission_format: Any) -> None:
    used = {kind for _, _, kind in _fields(Submission) if kind} - {"Jurisdiction"}
    listed = dict(re.findall(r"^\| (\w+) \| (`.+`) \|$", submission_format.text, re.MULTILINE))
    kinds: dict[str, type[StrEnum]] = {**vars(vocabulary), "Calibre": Calibre}
    assert listed == {name: ", ".join(f"`{item}`" for item in kinds[name]) for name in used}


def test_every_jurisdiction_is_named(submission_format: Any) -> None:
    text = " ".join(submission_format.text.split())
    assert all(f"{code} {code.display_name}" in text for code in vocabulary.Jurisdiction)


def test_every_table_is_explained(architecture: Any) -> None:
    section = architecture.text.split("## The tables")[1].split("\n## ")[0]
    first_columns = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(first_columns))) == set(Base.metadata.tables)


def _fields(model: type[BaseModel], prefix: str = "", optional: bool = False) -> Iterator[tuple[str, str, str]]:
    """Each field down to the leaves, as (path, default as told, name of its vocabulary or nothing)."""
    for name, field in model.model_fields.items():
        kinds = _classes(field.annotation)
        group = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        if group is not None:
            several = "[]" if typing.get_origin(field.annotation) is tuple else ""
            yield from _fields(group, f"{prefix}{name}{several}.", optional or _may_be_absent(field))
            continue
        kind = next((kind.__name__ for kind in kinds if issubclass(kind, StrEnum)), "")
        yield f"{prefix}{name}", _default(field, optional), kind


def _may_be_absent(field: FieldInfo) -> bool:
    return not field.is_required() and field.default is None


def _default(field: FieldInfo, optional: bool) -> str:
    if field.is_required():
        return "needed with its group" if optional else "**needed**"
    if field.default is None or field.default == ():
        return "-"
    first = field.default[0] if isinstance(field.default, tuple) else field.default
    return f"`{first}`"


def _classes(annotation: Any) -> list[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [kind for part in typing.get_args(annotation) for kind in _classes(part)]
