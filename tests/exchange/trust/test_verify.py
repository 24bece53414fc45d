"""Verification of an envelope: the checks in their order, and nothing that gets past them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exchange.errors import StatementInvalid
from exchange.trust.keys import ED25519, ML_DSA_65, key_id
from exchange.trust.verify import verify_envelope, verify_statement
from schemas import Envelope, HybridKey, Record, open_envelope, seal, statement_id
from tests.schemas.examples import ISSUER, OTHERS, STATEMENT, encoded, record_fields

PAYLOAD = encoded(record_fields())
GOOD = STATEMENT.sign(PAYLOAD)
KEY = STATEMENT.public
ED25519_ID, ML_DSA_ID = key_id(ED25519, KEY.ed25519), key_id(ML_DSA_65, KEY.ml_dsa)


def code_of(raw: bytes, *, issuer: str = ISSUER, key: HybridKey = KEY) -> str | None:
    try:
        verify_statement(raw, issuer=issuer, key=key)
    except StatementInvalid as error:
        return error.code
    return None


def test_a_good_statement_comes_back_with_its_exact_bytes() -> None:
    verified = verify_statement(GOOD.raw, issuer=ISSUER, key=KEY)
    assert isinstance(verified.statement, Record)
    assert verified.statement.case_reference == "RS-2026-0001"
    assert verified.statement_id == statement_id(PAYLOAD)
    assert verified.envelope == open_envelope(GOOD.raw)


def test_both_signatures_are_required_by_name() -> None:
    assert set(GOOD.signatures) == {ED25519_ID, ML_DSA_ID}
    for kept in (ED25519_ID, ML_DSA_ID):
        assert code_of(seal(PAYLOAD, {kept: GOOD.signatures[kept]}).raw) == "unknown-key"


@pytest.mark.parametrize("forged", [ED25519_ID, ML_DSA_ID])
@pytest.mark.parametrize("signature", [b"", b"\x00", bytes(64), bytes(3309), b"\xff" * 3309, bytes(6144)])
def test_neither_signature_alone_is_enough(forged: str, signature: bytes) -> None:
    assert code_of(seal(PAYLOAD, {**GOOD.signatures, forged: signature}).raw) == "bad-signature"


def test_the_order_of_signatures_does_not_matter() -> None:
    turned = seal(PAYLOAD, dict(reversed(GOOD.signatures.items())))
    assert code_of(turned.raw) is None


def test_signatures_of_another_statement_do_not_serve() -> None:
    other = STATEMENT.sign(encoded(record_fields(case_reference="RS-2026-0002")))
    assert code_of(seal(PAYLOAD, other.signatures).raw) == "bad-signature"


def test_another_nodes_keys_do_not_serve() -> None:
    assert code_of(OTHERS.sign(PAYLOAD).raw) == "unknown-key"
    assert code_of(GOOD.raw, key=OTHERS.public) == "unknown-key"
    mixed = HybridKey(ed25519=KEY.ed25519, ml_dsa=OTHERS.public.ml_dsa)
    assert code_of(GOOD.raw, key=mixed) == "unknown-key"


def test_a_third_signature_is_refused_even_when_good() -> None:
    first = dict([next(iter(OTHERS.sign(PAYLOAD).signatures.items()))])
    assert code_of(seal(PAYLOAD, {**GOOD.signatures, **first}).raw) == "unknown-key"


def test_the_issuer_inside_is_the_one_that_signed() -> None:
    assert code_of(GOOD.raw, issuer="ffp-mk") == "wrong-issuer"
    assert code_of(STATEMENT.sign(encoded(record_fields(issuer="ffp-mk"))).raw) == "wrong-issuer"


def test_signatures_come_before_the_payload() -> None:
    """What is not signed is never parsed: the fault inside is not the one that is told."""
    nonsense = b"[" * 100
    assert code_of(seal(nonsense, GOOD.signatures).raw) == "bad-signature"
    assert code_of(OTHERS.sign(nonsense).raw) == "unknown-key"
    assert code_of(STATEMENT.sign(nonsense).raw) == "too-deep"


def test_the_form_comes_before_the_signatures() -> None:
    assert code_of(GOOD.raw[:-1]) == "not-json"
    assert code_of(b"{}") == "not-an-envelope"


def test_a_key_that_is_no_key_is_refused() -> None:
    """Keys come from cards that were checked; a caller that did not check still gets an answer, not a crash."""
    short = HybridKey.model_construct(ed25519="AAAA", ml_dsa=KEY.ml_dsa)
    envelope = Envelope(b"", PAYLOAD, {key_id(ED25519, "AAAA"): b"", ML_DSA_ID: b""})
    with pytest.raises(StatementInvalid, match="not a key") as caught:
        verify_envelope(envelope, short)
    assert caught.value.code == "unknown-key"


FIELDS = ("payload", ED25519_ID, ML_DSA_ID)


@given(st.sampled_from(FIELDS), st.integers(min_value=0))
@example("payload", 0)
@example(ED25519_ID, 0)
@example(ML_DSA_ID, 0)
@example(ED25519_ID, 511)
@example(ML_DSA_ID, 3309 * 8 - 1)
def test_every_flipped_bit_is_refused(field: str, position: int) -> None:
    """In what was signed and in both signatures, wherever the bit stands."""
    signatures = dict(GOOD.signatures)
    if field == "payload":
        altered = seal(_flipped(PAYLOAD, position), signatures)
    else:
        signatures[field] = _flipped(signatures[field], position)
        altered = seal(PAYLOAD, signatures)
    assert code_of(altered.raw) == "bad-signature"


@given(st.integers(min_value=0, max_value=len(GOOD.raw) * 8 - 1))
def test_every_flipped_bit_of_the_envelope_is_refused(position: int) -> None:
    """Wherever it stands in the bytes that travel: no envelope says the same in another spelling by one bit."""
    assert code_of(_flipped(GOOD.raw, position)) is not None


def _flipped(content: bytes, position: int) -> bytes:
    byte, bit = divmod(position % (len(content) * 8), 8)
    return content[:byte] + bytes([content[byte] ^ (1 << bit)]) + content[byte + 1 :]


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused(raw: bytes) -> None:
    assert code_of(raw) is not None


@given(st.binary(max_size=60))
def test_arbitrary_payloads_under_good_signatures_are_refused(payload: bytes) -> None:
    """The issuer itself may sign anything; what is no statement is refused with its reason."""
    assert code_of(STATEMENT.sign(payload).raw) is not None


JSON = st.none() | st.integers() | st.text(max_size=12) | st.lists(st.text(max_size=4), max_size=3)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "payload": st.just(base64.b64encode(PAYLOAD).decode()) | JSON,
        "payloadType": st.just("application/vnd.ffp.statement+json") | JSON,
        "signatures": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "keyid": st.sampled_from([ED25519_ID, ML_DSA_ID]) | JSON,
                    "sig": st.binary(max_size=70).map(lambda raw: base64.b64encode(raw).decode()) | JSON,
                },
            ),
            max_size=4,
        ),
        "other": JSON,
    },
)


@given(ENVELOPES)
def test_anything_like_an_envelope_is_refused(form: dict[str, Any]) -> None:
    assert code_of(json.dumps(form).encode()) is not None
