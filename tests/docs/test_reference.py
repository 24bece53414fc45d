"""The reference documents list what the code has: every field, every vocabulary, every table."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from exchange.jurisdictions.directory import shipped_directory
from exchange.store.tables.columns import Base
from schemas import Calibre, Submission, vocabulary
from schemas.jurisdiction import Jurisdiction

FLOORS = ("exchange/store", "exchange/web", "exchange/web/pages", "exchange/cli")


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
    known = shipped_directory()
    assert all(f"{code} {known.name(code)}" in text for code in known)


def tables_of(package: str) -> list[str]:
    """Return the names of the tables that this package declares."""
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    return sorted(one.__tablename__ for one in classes if one.__module__.startswith(package))


def explained_tables(text: str, heading: str) -> list[str]:
    section = re.split(r"\n##+ ", text.split(f"{heading}\n")[1])[0]
    first_columns = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    return sorted(re.findall(r"`(\w+)`", " ".join(first_columns)))


def test_every_table_is_explained(architecture: Any) -> None:
    assert explained_tables(architecture.text, "## The tables") == tables_of("exchange.store"), "each table once"


@pytest.mark.parametrize("floor", ["exchange/flows", "matcher"])
def test_every_room_is_in_the_architecture(architecture: Any, root: Path, floor: str) -> None:
    """Each row of the tables of rooms links to the room, and to every room of the same word on another floor."""
    rooms = {path.name for path in (root / floor).iterdir() if (path / "__init__.py").is_file()}
    section = architecture.text.split("## The rooms")[1].split("\n## ")[0]
    rows = re.findall(rf"^\| \[(\w+)\]\(\.\./{floor}/\1\) \| (.+) \|$", section, re.MULTILINE)
    assert {name for name, _ in rows} == rooms
    for name, told in rows:
        there = (
            {f"../{other}/{name}" for other in FLOORS if (root / other / name).is_dir()} if "flows" in floor else set()
        )
        assert set(re.findall(r"\]\((.+?)\)", told)) == there, name


def test_every_decision_is_listed_by_its_number_and_title(architecture: Any, root: Path) -> None:
    section = architecture.text.split("## Decisions")[1]
    told = re.findall(r"^- \[(\d+)\]\(adr/(.+?)\) (.+)\.$", section, re.MULTILINE)
    heads = {path.name: path.read_text(encoding="utf-8").partition("\n")[0] for path in root.glob("docs/adr/*.md")}
    assert {name: f"# {number}. {title}" for number, name, title in told} == heads
    assert all(name.startswith(f"{int(number):04}-") for number, name, _ in told)


def _fields(model: type[BaseModel], prefix: str = "", optional: bool = False) -> Iterator[tuple[str, str, str]]:
    """Each field down to the leaves, as (path, default as told, name of its vocabulary or nothing)."""
    for name, field in model.model_fields.items():
        kinds = _classes(field.annotation)
        group = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        if group is not None:
            several = "[]" if typing.get_origin(field.annotation) is tuple else ""
            yield from _fields(group, f"{prefix}{name}{several}.", optional or _may_be_absent(field))
            continue
        kind = next((kind.__name__ for kind in kinds if issubclass(kind, StrEnum | Jurisdiction)), "")
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
