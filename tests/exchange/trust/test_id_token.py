"""ID tokens: whatever is no token of the provider is refused in one way, and never as an error that nobody foresaw."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk

from exchange.errors import Unauthenticated
from exchange.trust.id_token import ExpectedClaims, signing_key, verify_id_token
from tests.exchange.lying_provider import compact, rsa

KEY = rsa("one")
PUBLIC = KEY.as_dict(private=False)
NOW = 1_800_000_000
EXPECTED = ExpectedClaims(issuer="https://id.example", client_id="ffp-rs", nonce="n" * 43, claim="preferred_username")
CLAIMS: dict[str, Any] = {
    "iss": "https://id.example",
    "aud": ["ffp-rs"],
    "iat": NOW - 5,
    "exp": NOW + 60,
    "nonce": "n" * 43,
    "preferred_username": "examiner-1",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def verified(token: str, keys: list[dict[str, Any]] | None = None) -> str:
    key = signing_key(token, [PUBLIC] if keys is None else keys)
    if key is None:
        raise Unauthenticated("None of the keys.")
    return verify_id_token(token, key, EXPECTED, now=NOW, skew_s=30)


def test_a_true_one_is_believed() -> None:
    assert verified(compact(CLAIMS, KEY)) == "examiner-1"
    assert verified(compact({**CLAIMS, "aud": "ffp-rs", "azp": "ffp-rs", "exp": NOW - 29, "iat": NOW + 29}, KEY))


@given(st.text() | st.lists(JSON.map(lambda part: encoded(json.dumps(part).encode())), max_size=4).map(".".join))
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        verified(text)


@given(JSON)
def test_signed_but_no_claims_of_ours(claims: object) -> None:
    with pytest.raises(Unauthenticated):
        verified(compact(claims, KEY))  # type: ignore[arg-type]


@given(st.sampled_from(sorted(CLAIMS)), JSON)
def test_each_claim_is_looked_at(name: str, value: object) -> None:
    if value == CLAIMS[name] or (name == "preferred_username" and isinstance(value, str)):
        return
    if name in ("iat", "exp") and isinstance(value, int) and not isinstance(value, bool):
        value = {"iat": NOW + 31, "exp": NOW - 30}[name]
    with pytest.raises(Unauthenticated):
        verified(compact({**CLAIMS, name: value}, KEY))


@given(st.dictionaries(st.sampled_from(["kty", "n", "e", "kid", "use", "crv", "x", "y", "k"]), JSON, max_size=6))
def test_keys_that_are_none(made_up: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        verified(compact(CLAIMS, KEY), [{"kty": "RSA", "kid": "one", **made_up}])


def test_two_keys_of_one_name_are_none() -> None:
    token = compact(CLAIMS, KEY)
    assert signing_key(token, [PUBLIC, rsa("one").as_dict(private=False)]) is None
    assert signing_key(token, [{**PUBLIC, "use": "enc"}]) is None


def test_a_curve_that_is_not_the_algorithms() -> None:
    key = jwk.ECKey.generate_key("P-384", {"kid": "one"}, private=True)
    header = encoded(json.dumps({"alg": "ES256", "kid": "one"}).encode())
    forged = ".".join((header, encoded(json.dumps(CLAIMS).encode()), encoded(b"\x01" * 64)))
    with pytest.raises(Unauthenticated):
        verified(forged, [key.as_dict(private=False)])


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
