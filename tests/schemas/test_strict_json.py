"""Strict JSON: whatever comes, it is taken or refused with a reason, and never slowly."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import ContractError
from schemas.strict_json import BYTES_A_VALUE, MAX_DEPTH, MAX_STATEMENT_BYTES, check_json
from schemas.submission import parse_submission

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.lists(st.sampled_from([*'"\\[]{}:,1-a ', "e9", "NaN", "null", "\\u0061", "\ud800"]))


def reason_of(data: bytes) -> str | None:
    try:
        check_json(data)
    except ContractError as error:
        return error.reason if str(error).isprintable() else "its message is not printable"
    return None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1}', None),
        (b' [1, 2.5, -3e-7, "\\u0161", true, null]\n', None),
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"{} {}", "not-json"),
        (b"{'a':1}", "not-json"),
        (b"[1,]", "not-json"),
        (b"[01]", "not-json"),
        (b"[NaN]", "not-json"),
        (b"[Infinity]", "not-json"),
        (b"[-Infinity]", "not-json"),
        (b'["\xff"]', "not-json"),
        (b'\xef\xbb\xbf{"a":1}', "not-json"),
        ('{"a":1}'.encode("utf-16"), "not-json"),
        (b'["\x00"]', "not-json"),
        (b"[" + b"9" * 5000 + b"]", "not-json"),  # Python converts at most 4,300 digits
        (b'{"a":1,"a":1}', "duplicate-key"),
        (b'{"a":1,"\\u0061":2}', "duplicate-key"),
        (b'[{"b":{"a":1,"c":2,"a":3}}]', "duplicate-key"),
        (b'{"\\ud800":1,"\\ud800":2}', "duplicate-key"),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too-deep"),
        (b'{"a":' * (MAX_DEPTH + 1), "too-deep"),
        (b'["' + b"[" * 100 + b'","\\"' + b"{" * 100 + b'"]', None),
        (b'"\\\\"' + b"[" * 100, "too-deep"),
        (b" " * (MAX_STATEMENT_BYTES - 2) + b"{}", None),
        (b" " * (MAX_STATEMENT_BYTES - 1) + b"{}", "too-large"),
    ],
)
def test_taken_or_refused(data: bytes, reason: str | None) -> None:
    assert reason_of(data) == reason


def test_the_bound_is_the_callers() -> None:
    check_json(b"[1234]", max_bytes=6)
    with pytest.raises(ContractError, match="7 bytes; at most 6") as caught:
        check_json(b"[12345]", max_bytes=6)
    assert caught.value.reason == "too-large"


@pytest.mark.parametrize("value", [b"1", b'"a,[{"', b"[]", b"{}", b'{"a":1}'], ids=str)
def test_values_are_counted(value: bytes) -> None:
    most = MAX_STATEMENT_BYTES // BYTES_A_VALUE
    each = 1 + value.startswith((b"[", b"{"))  # the comma, and what opens
    fitting = b"[" + b",".join([value] * (most // each)) + b"]"
    check_json(fitting)
    with pytest.raises(ContractError, match="4097 values; at most 4096") as caught:
        check_json(fitting[:-1] + b",1]")
    assert caught.value.reason == "too-large"
    check_json(fitting[:-1] + b",1]", max_bytes=2 * MAX_STATEMENT_BYTES)


@pytest.mark.parametrize("value", [b"1", b"{}", b"[]"], ids=str)
def test_a_statement_full_of_values_is_refused_in_no_time(value: bytes) -> None:
    """Told what is wrong with each of 80,000 acquisitions, the sender would cost most of a second."""
    data = b'{"acquisitions":[' + b",".join([value] * 80_000) + b"]}"
    assert len(data) < MAX_STATEMENT_BYTES
    started = time.process_time()
    with pytest.raises(ContractError) as caught:
        parse_submission(data)
    assert caught.value.reason == "too-large"
    assert time.process_time() - started < 0.2


def test_a_refusal_shows_what_was_written_short_and_plain() -> None:
    with pytest.raises(ContractError) as caught:
        check_json(b'{"' + b"k" * 5000 + b'\\u202e":1,"' + b"k" * 5000 + b'\\u202e":2}')
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("unit", [b'\\"', b'"', b"\\", b'[\\"', b'"\\"', b"{", b"[]", b'{"'], ids=str)
@pytest.mark.parametrize("begin", [b"", b'"'], ids=["bare", "in-a-string"])
def test_a_large_input_is_read_in_no_time(begin: bytes, unit: bytes) -> None:
    """Were an unclosed string searched from each of its quotes, this would take ten seconds; it takes milliseconds."""
    data = (begin + unit * 65_536)[:65_536]
    started = time.process_time()
    reason_of(data)
    assert time.process_time() - started < 1


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(data: bytes) -> None:
    reason_of(data)


@given(PIECES)
@example(["[", '"', "\\"])
def test_what_is_taken_is_json(pieces: list[str]) -> None:
    data = "".join(pieces).encode("utf-8", "surrogatepass")
    if reason_of(data) is None:
        json.loads(data)


@given(JSON)
def test_json_without_fault_is_taken(value: object) -> None:
    assert reason_of(json.dumps(value).encode()) in {None, "too-deep"}
