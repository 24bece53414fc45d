"""The committed JSON Schema documents are those of the code, valid, and tell good from bad as far as a schema can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import schemas
from schemas import open_envelope
from schemas.json_schema import json_schema_documents
from schemas.vocabulary import KOSOVO_FOOTNOTE

FOLDER = Path(schemas.__file__).parent / "json"
VECTORS = Path(schemas.__file__).parent / "vectors"


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{name}.schema.json").read_bytes()))


def payload(file: str) -> Any:
    return json.loads(open_envelope((VECTORS / file).read_bytes()).payload)


def test_committed_documents_are_those_of_the_code() -> None:
    committed = {path.name: path.read_bytes() for path in FOLDER.iterdir()}
    generated = json_schema_documents()
    differ = sorted(name for name in committed | generated if committed.get(name) != generated.get(name))
    assert differ == [], "write them anew with: python -m tests.schemas.write_json_schema"


@pytest.mark.parametrize("name", sorted(json_schema_documents()))
def test_documents_are_json_schema_2020_12(name: str) -> None:
    document = json.loads((FOLDER / name).read_bytes())
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"urn:ffp:schema:1.0:{name.removesuffix('.schema.json')}"
    Draft202012Validator.check_schema(document)


def test_the_footnote_goes_with_the_name() -> None:
    for name, document in json_schema_documents().items():
        assert ("Kosovo*" in document.decode()) == (KOSOVO_FOOTNOTE in document.decode()), name


@pytest.mark.parametrize(
    "file",
    [
        "good/record.json",
        "good/record-smallest.json",
        "good/record-amended.json",
        "good/record-listed-calibre.json",
        "good/record-other-calibre.json",
    ],
)
def test_good_records_fit(file: str) -> None:
    validator("record").validate(payload(file))


def test_other_good_examples_fit() -> None:
    validator("key-event").validate(payload("good/key-event.json"))
    for name, file in (
        ("submission", "submission"),
        ("lane-page", "lane-page"),
        ("query-request",) * 2,
        ("witness-report",) * 2,
        ("witnessed-log",) * 2,
        ("envelope", "record"),
    ):
        validator(name).validate(json.loads((VECTORS / f"good/{file}.json").read_bytes()))


@pytest.mark.parametrize(
    "file",
    [
        "unknown-type",
        "unknown-contract",
        "unknown-field",
        "unknown-field-inside",
        "unknown-calibre",
        "unknown-word",
        "number-as-text",
        "digest-in-capitals",
        "no-acquisition",
    ],
)
def test_bad_records_do_not_fit(file: str) -> None:
    assert not validator("record").is_valid(payload(f"bad/{file}.json"))


@pytest.mark.parametrize("file", ["card-key-cut-short", "card-wrong-kind-of-log-key"])
def test_bad_cards_do_not_fit(file: str) -> None:
    assert not validator("key-event").is_valid(payload(f"bad/{file}.json"))


@pytest.mark.parametrize("file", ["another-payload-type", "envelope-unknown-field", "no-signatures"])
def test_bad_envelopes_do_not_fit(file: str) -> None:
    assert not validator("envelope").is_valid(json.loads((VECTORS / f"bad/{file}.json").read_bytes()))
