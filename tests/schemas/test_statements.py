"""Statements, submissions and pages as they are read: strictly, with a reason and a place for each fault."""

from __future__ import annotations

import hashlib
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from schemas import (
    ContractError,
    KeyEvent,
    Record,
    Submission,
    parse_statement,
    parse_submission,
    statement_id,
    statement_payload,
)
from schemas.exhibit import Contract
from schemas.kinds import AnyStatement
from schemas.lane import MAX_PAGE_ITEMS, parse_lane_page
from schemas.strict_json import MAX_PROBLEMS, MAX_STATEMENT_BYTES
from schemas.versions import ADDED
from schemas.vocabulary import ReleaseLevel
from tests.schemas.examples import (
    acquisition_fields,
    card_fields,
    encoded,
    page_fields,
    record_fields,
    submission_fields,
)
from tests.schemas.statement_examples import statement_fields

NAMED = {"pseudonym": "Name Surname", "role": "examiner", "signed_in": "token"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def refused(payload: bytes) -> ContractError:
    with pytest.raises(ContractError) as caught:
        parse_statement(payload)
    return caught.value


def test_a_record_and_a_card_are_read() -> None:
    assert isinstance(parse_statement(encoded(record_fields())), Record)
    assert isinstance(parse_statement(encoded(card_fields())), KeyEvent)


def test_the_id_is_the_digest_of_the_exact_payload() -> None:
    payload = encoded(record_fields())
    assert statement_id(payload) == hashlib.sha256(payload).hexdigest()
    assert statement_id(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_what_a_node_writes_it_reads_back() -> None:
    for fields in (record_fields(), card_fields()):
        statement = parse_statement(encoded(fields))
        assert statement_payload(statement) == encoded(fields)
        assert parse_statement(statement_payload(statement)) == statement


@pytest.mark.parametrize("model", get_args(AnyStatement), ids=lambda model: model.__name__)
def test_only_fields_that_a_later_version_adds_are_left_out_where_they_are_unset(model: type[BaseModel]) -> None:
    """An older node refuses a field that it does not know, even an empty one: declare it with ``added_later()``."""
    left_out = {name for name, field in model.model_fields.items() if field.exclude_if is not None}
    assert left_out == {name for name in model.model_fields if f"{model.__name__}.{name}" in ADDED}


@pytest.mark.parametrize("kind", ["hit", "physical-comparison"])
def test_what_a_statement_answers_and_when_it_says_it_was_made(kind: str) -> None:
    fields = statement_fields()[kind] | {"stated_at": "2026-11-25T09:00:10.000Z", "answers": "ab" * 32}
    statement = parse_statement(encoded(fields))
    assert json.loads(statement_payload(statement)) == fields
    for wrong in ("2026-02-31T09:00:10.000Z", "2026-11-25T09:00:10Z", "2026-11-25T09:00:10.000+01:00", 0):
        with pytest.raises(ContractError):
            parse_statement(encoded(fields | {"stated_at": wrong}))


def _models(kind: type[BaseModel] = Contract) -> list[type[BaseModel]]:
    return [model for child in kind.__subclasses__() for model in (child, *_models(child))]


@pytest.mark.parametrize("model", _models(), ids=lambda model: model.__name__)
def test_everything_on_the_wire_is_frozen_and_closed(model: type[BaseModel]) -> None:
    assert model.model_config["frozen"] is True
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["allow_inf_nan"] is False


def test_a_statement_cannot_be_changed() -> None:
    record = parse_statement(encoded(record_fields()))
    with pytest.raises(ValidationError, match="frozen"):
        record.issuer = "ffp-mk"


@pytest.mark.parametrize(
    ("payload", "reason", "place"),
    [
        (b"null", "invalid-field", "statement"),
        (b"[]", "invalid-field", "statement"),
        (b"{}", "unknown-type", "statement"),
        (encoded(record_fields(type="rumour")), "unknown-type", "statement"),
        (encoded(record_fields(type="rumour", contract="2.0")), "unknown-contract", "statement"),
        (encoded(record_fields(contract="2.0")), "unknown-contract", "record.contract"),
        (encoded(record_fields(contract="2.0", colour="grey")), "unknown-contract", "record.contract"),
        (encoded({**record_fields(), "subcontract": "x"}), "unknown-field", "record.subcontract"),
        (encoded(record_fields(colour="grey", level="all")), "unknown-field", "record.level"),
        (encoded(record_fields(level="all")), "invalid-field", "record.level"),
        (encoded(record_fields(nonce="0" * 63)), "invalid-field", "record.nonce"),
        (encoded(record_fields(issuer="ffp-rs\n")), "invalid-field", "record.issuer"),
        (encoded(record_fields(made_by=NAMED)), "invalid-field", "record.made_by.pseudonym"),
        (encoded(card_fields(url="javascript:alert(1)")), "invalid-field", "key-event.url"),
        (encoded(card_fields(url="https://user@ffp.example")), "invalid-field", "key-event.url"),
        (encoded(card_fields(log_origin="a b")), "invalid-field", "key-event.log_origin"),
        (b'{"type":"\\ud800"}', "not-json", "statement"),
        (encoded(record_fields()) + b" " * MAX_STATEMENT_BYTES, "too-large", None),
    ],
)
def test_the_reason_and_the_place(payload: bytes, reason: str, place: str | None) -> None:
    error = refused(payload)
    assert error.reason == reason
    assert place is None or place in [where for where, _ in error.problems]


@pytest.mark.parametrize("size", [0, -1, 512 * 1024 * 1024 + 1, 1.5, "1", True])
def test_a_scan_has_a_size_that_can_be(size: object) -> None:
    blob = acquisition_fields()["blob"] | {"size": size}
    error = refused(encoded(record_fields(acquisitions=[acquisition_fields(blob=blob)])))
    assert "record.acquisitions.0.blob.size" in [where for where, _ in error.problems]


def test_a_hostile_statement_gets_a_short_and_printable_answer() -> None:
    names = {f"\u202e{number}" + "k" * 400: 1 for number in range(500)}
    error = refused(encoded({**record_fields(), **names}))
    assert error.reason == "unknown-field"
    assert str(error).isprintable()
    assert len(str(error)) < 3000
    assert len(error.problems) == MAX_PROBLEMS


def test_a_refusal_does_not_repeat_the_values() -> None:
    error = refused(encoded(record_fields(case_reference="Name Surname")))
    assert "Surname" not in str(error) + str(error.problems)


@given(st.binary(max_size=120))
def test_any_bytes_are_refused_with_a_reason(data: bytes) -> None:
    for parse in (parse_statement, parse_submission, parse_lane_page):
        with pytest.raises(ContractError):
            parse(data)


@pytest.mark.slow
@given(field=st.sampled_from(sorted(record_fields())), value=JSON)
def test_any_value_in_any_field_is_taken_or_refused(field: str, value: object) -> None:
    payload = json.dumps(record_fields() | {field: value}).encode()
    try:
        statement = parse_statement(payload)
    except ContractError:
        return
    assert json.loads(statement_payload(statement))[field] == json.loads(payload)[field]


def test_a_submission_shares_with_nobody_unless_it_says_so() -> None:
    fields = submission_fields()
    del fields["level"], fields["audience"]
    submission = parse_submission(encoded(fields))
    assert submission.level is ReleaseLevel.NONE
    assert submission.audience == ()


@pytest.mark.parametrize("name", ["../scan", "", "a b", "x" * 41, "scan.x3p"])
def test_a_submission_names_its_files_plainly(name: str) -> None:
    with pytest.raises(ContractError) as caught:
        parse_submission(
            encoded(submission_fields(acquisitions=[{"roi": "breech_face", "modality": "topography", "file": name}]))
        )
    assert caught.value.reason == "invalid-field"


def test_a_submission_is_read_strictly() -> None:
    classes = {"kind": "seized", "calibre": "9x19", "classes": {"ejector_hour": "3"}}
    with pytest.raises(ContractError, match=r"exhibit\.classes\.ejector_hour"):
        parse_submission(encoded(submission_fields(exhibit=classes)))


def test_a_submission_has_all_that_a_record_takes_from_it() -> None:
    only_the_node_says = {
        "contract",
        "nonce",
        "issuer",
        "made_by",
        "type",
        "jurisdiction",
        "stated_at",
        "first_version",
    }
    assert set(Record.model_fields) - only_the_node_says == set(Submission.model_fields)


def _page(**changes: Any) -> bytes:
    return encoded(page_fields() | changes)


def test_a_page_is_read() -> None:
    page = parse_lane_page(_page())
    assert [item.position for item in page.items] == [0]


@pytest.mark.parametrize(
    "changes",
    [
        {"lane": "anybody"},
        {"start": -1},
        {"count": "1"},
        {"head": "0" * 63},
        {"checkpoint": "*"},
        {"consistency": ["0" * 64] * 65},
        {"items": page_fields()["items"] * (MAX_PAGE_ITEMS + 1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_page_out_of_bounds_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ContractError) as caught:
        parse_lane_page(_page(**changes))
    assert caught.value.reason == "invalid-field"
