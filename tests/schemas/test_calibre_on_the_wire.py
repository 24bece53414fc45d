"""What the list of calibres is in statements: ``other`` with its words, refusals that name the place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas import Calibre, ContractError, parse_statement, parse_submission, statement_payload
from tests.schemas.examples import encoded, exhibit_fields, record_fields, submission_fields
from tests.schemas.statement_examples import statement_fields


def _record(**exhibit: Any) -> Any:
    return parse_statement(encoded(record_fields(exhibit=exhibit_fields(**exhibit))))


def test_a_query_states_the_designation() -> None:
    asked = parse_statement(encoded(statement_fields()["query"] | {"calibre": "7,62х54 R"}))
    written = json.loads(statement_payload(asked))
    assert written["calibre"] == "7.62x54R"


def test_other_is_named_in_words() -> None:
    found = _record(calibre="other", calibre_words="11 mm Werndl")
    assert found.exhibit.calibre is Calibre.OTHER
    written = json.loads(statement_payload(found))
    assert written["exhibit"]["calibre_words"] == "11 mm Werndl"


@pytest.mark.parametrize(
    "exhibit",
    [
        {"calibre": "other"},
        {"calibre": "other", "calibre_words": None},
        {"calibre": "9x19", "calibre_words": "9 mm Luger"},
        {"calibre": "unknown", "calibre_words": "11 mm Werndl"},
        {"calibre": "not_examined", "calibre_words": "11 mm Werndl"},
    ],
)
def test_other_without_words_and_words_without_other_are_refused(exhibit: dict[str, Any]) -> None:
    for refused in (
        lambda: _record(**exhibit),
        lambda: parse_submission(encoded(submission_fields(exhibit={"kind": "test_fire"} | exhibit))),
    ):
        with pytest.raises(ContractError, match="calibre_words") as caught:
            refused()
        assert caught.value.reason == "invalid-field"


@pytest.mark.parametrize("words", ["", " ", "11 mm\nWerndl", "\u202eldnreW", "a" * 121, "\x00", 11, ["11 mm"], True])
def test_words_are_one_short_line(words: object) -> None:
    with pytest.raises(ContractError) as caught:
        _record(calibre="other", calibre_words=words)
    assert caught.value.reason == "invalid-field"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("calibre", ["9 mm", "7.62", "", "9x91", "9x19\x00", "x" * 5_000, "'; DROP TABLE record; --"])
def test_a_calibre_that_is_none_is_refused_at_its_place(calibre: str) -> None:
    with pytest.raises(ContractError) as caught:
        _record(calibre=calibre)
    assert caught.value.reason == "unknown-calibre"
    assert [place for place, _ in caught.value.problems] == ["record.exhibit.calibre"]
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("calibre", [9, None, ["9x19"], {"name": "9x19"}, True])
def test_a_calibre_is_text(calibre: object) -> None:
    with pytest.raises(ContractError) as caught:
        _record(calibre=calibre)
    assert caught.value.reason == "invalid-field"
