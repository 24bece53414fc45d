"""Write down what the first contract version has, name by name, so that nothing is added to it without a version:

    python -m tests.schemas.write_contract

``make contract`` runs it until 0.1.0 is released. A later addition gets a version in ``schemas.versions.ADDED``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from schemas import AnyStatement
from schemas.versions import ADDED

FIRST = Path(__file__).with_name("contract_1_0.json")


def names_of_the_contract() -> set[str]:
    """Each field by the class that declares it, and each word of a vocabulary, as ``ADDED`` names them."""
    return {name for kind in get_args(AnyStatement) for name in _of_model(kind)}


def _of_model(model: type[BaseModel]) -> Iterator[str]:
    for base in model.__mro__:
        if issubclass(base, BaseModel) and base is not BaseModel:
            declared = base.__annotations__.keys() & model.model_fields.keys()
            for name in declared:
                place = f"{base.__name__}.{name}"
                yield place
                yield from _of_type(model.model_fields[name].annotation, place)


def _of_type(annotation: Any, place: str) -> Iterator[str]:
    if isinstance(annotation, EnumType):
        yield from (f"{annotation.__name__}={word.value}" for word in annotation)  # type: ignore[var-annotated]
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _of_model(annotation)
    elif get_origin(annotation) is Literal:
        if not place.endswith(".contract"):  # which says the version, and is no addition of one
            yield from (f"{place}={word}" for word in get_args(annotation))
    else:
        for part in get_args(annotation):
            yield from _of_type(part, place)


def main() -> None:
    first = sorted(names_of_the_contract() - ADDED.keys())
    FIRST.write_text(json.dumps(first, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
