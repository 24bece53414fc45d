"""Envelopes: what is signed, what is kept byte for byte, what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import ContractError, open_envelope, pre_authentication_encoding, seal
from schemas.envelope import MAX_ENVELOPE_BYTES, MAX_ENVELOPE_SIGNATURES

KEY_ID = "ed25519:" + "0" * 32
KEY_IDS = st.builds("{}:{:032x}".format, st.sampled_from(["ed25519", "ml-dsa-65"]), st.integers(0, 2**128 - 1))
SIGNATURES = st.dictionaries(KEY_IDS, st.binary(max_size=80), min_size=1, max_size=MAX_ENVELOPE_SIGNATURES)


def form(**changes: Any) -> bytes:
    good = json.loads(seal(b"{}", {KEY_ID: b"signature"}).raw)
    return json.dumps(good | changes).encode()


def reason_of(raw: bytes) -> str | None:
    try:
        open_envelope(raw)
    except ContractError as error:
        return error.reason
    return None


def test_what_is_signed_is_dsse_pre_authentication_encoding() -> None:
    """DSSE protocol.md: the lengths in decimal, of bytes and not of characters, single spaces between."""
    expected = b"DSSEv1 34 application/vnd.ffp.statement+json 4 " + "Nš\n".encode()
    assert pre_authentication_encoding("Nš\n".encode()) == expected
    assert pre_authentication_encoding(b"") == b"DSSEv1 34 application/vnd.ffp.statement+json 0 "


@given(payload=st.binary(max_size=300), signatures=SIGNATURES)
def test_what_was_sealed_is_found_again(payload: bytes, signatures: dict[str, bytes]) -> None:
    sealed = seal(payload, signatures)
    opened = open_envelope(sealed.raw)
    assert opened == sealed
    assert opened.payload == payload
    assert opened.signatures == signatures


def test_the_leaf_is_the_digest_of_the_exact_bytes() -> None:
    raw = form()
    assert open_envelope(raw).leaf_data == hashlib.sha256(raw).digest()
    assert open_envelope(raw + b" ").leaf_data != open_envelope(raw).leaf_data


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (form(), None),
        (form(payload=""), None),
        (b"", "not-json"),
        (b"[]", "not-an-envelope"),
        (b"{}", "not-an-envelope"),
        (form(payload=1), "not-an-envelope"),
        (form(payload=None), "not-an-envelope"),
        (form(payloadType="text/plain"), "not-an-envelope"),
        (form(signatures=[]), "not-an-envelope"),
        (form(signatures=[{"sig": "AA=="}]), "not-an-envelope"),
        (form(signatures=[{"keyid": KEY_ID.upper(), "sig": "AA=="}]), "not-an-envelope"),
        (form(signatures=[{"keyid": KEY_ID, "sig": "A" * 8196}]), "not-an-envelope"),
        (form(signatures=[{"keyid": f"k{n}k:" + "0" * 32, "sig": "AA=="} for n in range(5)]), "not-an-envelope"),
        (form(signatures=[{"keyid": KEY_ID, "sig": "AA=="}] * 2), "duplicate-signature"),
        (form(signatures=[{"keyid": KEY_ID, "sig": "AB=="}]), "not-base64"),
        (form(payload="e30"), "not-base64"),
        (form(payload="e31="), "not-base64"),
        (form(payload="e3 0="), "not-base64"),
        (form(payload="e30=\n"), "not-base64"),
        (form(payload="e30=="), "not-base64"),
        (form(payload="e3-_"), "not-base64"),
        (form(payload="š30="), "not-base64"),
        (form(payload="\ud800"), "not-an-envelope"),
        (form() + b" " * MAX_ENVELOPE_BYTES, "too-large"),
    ],
)
def test_taken_or_refused(raw: bytes, reason: str | None) -> None:
    assert reason_of(raw) == reason


@given(st.text(alphabet="ABCDefgh0189+/=-_ \n", max_size=12))
def test_a_payload_has_one_spelling(text: str) -> None:
    if reason_of(form(payload=text)) is None:
        assert base64.b64encode(open_envelope(form(payload=text)).payload).decode() == text
