"""ID tokens of a provider (OpenID Connect Core 1.0): one ordered list of checks, no I/O, the pseudonym or an error.

Signatures are read by joserfc, of the extra ``oidc``.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exchange.errors import Unauthenticated
from schemas.errors import ContractError, shown
from schemas.strict_json import check_json

ALGORITHMS: Final = {
    "RS256": "RSA",
    "RS384": "RSA",
    "RS512": "RSA",
    "PS256": "RSA",
    "ES256": "EC",
    "ES384": "EC",
}
"""Each with the type of its keys. Never ``none``, and none whose key the node would share with the provider."""
MAX_TOKEN: Final = 16 * 1024
_MAX_HEADER: Final = 4 * 1024
MIN_RSA_BITS: Final = 2048

Jwk = Mapping[str, Any]


@dataclass(frozen=True)
class ExpectedClaims:
    """What an ID token must say. ``acr`` and ``amr`` are None where no second factor is demanded of the provider."""

    issuer: str
    client_id: str
    nonce: str
    claim: str
    acr: str | None = None
    amr: str | None = None


def signing_key(token: str, keys: Sequence[Jwk]) -> Jwk | None:
    """The provider's key that a token names; None when the provider has it not, or not any more.

    Raises Unauthenticated when it is no token, or of no algorithm of the list.
    """
    header = _header(token)
    kind = ALGORITHMS[_algorithm(header)]
    fitting = [key for key in keys if key.get("kty") == kind and key.get("use", "sig") == "sig"]
    if "kid" in header:
        fitting = [key for key in fitting if key.get("kid") == header["kid"]]
    return fitting[0] if len(fitting) == 1 else None


def verify_id_token(token: str, key: Jwk, expected: ExpectedClaims, *, now: int, skew_s: int) -> str:
    """What the claim says of whose token it is, or Unauthenticated. The numbers are those of Core 1.0, 3.1.3.7.

    1. Its algorithm is one of the list, and its signature is of the provider's key (6, 8).
    2. The provider issued it (2), for this node and no other party (3, 4, 5).
    3. It has not expired (9), and was not issued in the future (10).
    4. It answers the sign-in that began with this nonce (11).
    5. The provider states the second factor that the node demands (12).
    6. The claim is a text. Whether there is such a user, the caller must look up.
    """
    claims = _signed_claims(token, key)
    if claims.get("iss") != expected.issuer:
        raise refused("another issuer")
    audience = claims.get("aud")
    if audience not in (expected.client_id, [expected.client_id]):
        raise refused("another audience")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise refused("another authorised party")
    if _moment(claims, "exp") <= now - skew_s:
        raise refused("a time that is over")
    if _moment(claims, "iat") > now + skew_s:
        raise refused("a time to come; compare the clocks")
    if not hmac.compare_digest(str(claims.get("nonce")).encode(), expected.nonce.encode()):
        raise refused("another nonce")
    _check_factor(claims, expected)
    named = claims.get(expected.claim)
    if not isinstance(named, str):
        raise refused(f"no {expected.claim}, which is to name the user")
    return named


def refused(what: str) -> Unauthenticated:
    """The error to raise, with what the token has and should not."""
    return Unauthenticated(f"The provider's ID token is not accepted: it has {what}.", code="provider-refused")


def _signed_claims(token: str, key: Jwk) -> dict[str, Any]:
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import ECKey, RSAKey
    from joserfc.util import urlsafe_b64decode

    algorithm = _algorithm(_header(token))
    try:
        public: RSAKey | ECKey
        if ALGORITHMS[algorithm] == "RSA":
            if int.from_bytes(urlsafe_b64decode(key["n"].encode())).bit_length() < MIN_RSA_BITS:
                raise refused(f"a signature of a key with less than {MIN_RSA_BITS} bits")
            public = RSAKey.import_key({"kty": "RSA", "n": key["n"], "e": key["e"]})
        else:
            public = ECKey.import_key({"kty": "EC", "crv": key["crv"], "x": key["x"], "y": key["y"]})
        payload = jws.deserialize_compact(token, public, algorithms=[algorithm]).payload
    except (JoseError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise refused("a signature that does not verify") from error
    return _object(payload, MAX_TOKEN)


def _header(token: str) -> dict[str, Any]:
    from joserfc.util import urlsafe_b64decode

    first = token.partition(".")[0]
    if len(token) > MAX_TOKEN or not token.isascii() or token.count(".") != 2:
        raise refused("not the form of one")
    try:
        return _object(urlsafe_b64decode(first.encode()), _MAX_HEADER)
    except ValueError as error:
        raise refused("not the form of one") from error


def _algorithm(header: Mapping[str, Any]) -> str:
    found = str(header.get("alg"))
    if found not in ALGORITHMS:
        raise refused(f"a signature of the kind {shown(found, 20)}, which is none of {', '.join(ALGORITHMS)}")
    return found


def _object(raw: bytes, most: int) -> dict[str, Any]:
    try:
        check_json(raw, max_bytes=most)
    except ContractError as error:
        raise refused("not the form of one") from error
    found = json.loads(raw)
    if not isinstance(found, dict):
        raise refused("not the form of one")
    return found


def _moment(claims: Mapping[str, Any], name: str) -> float:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise refused(f"no {name}")
    return found


def _check_factor(claims: Mapping[str, Any], expected: ExpectedClaims) -> None:
    methods = claims.get("amr")
    if expected.acr is not None and claims.get("acr") != expected.acr:
        raise _too_weak(f"acr is not {expected.acr}")
    if expected.amr is not None and not (isinstance(methods, list) and expected.amr in methods):
        raise _too_weak(f"amr does not name {expected.amr}")


def _too_weak(what: str) -> Unauthenticated:
    return Unauthenticated(
        f"The provider did not check the second factor that this node demands: {what}.", code="second-factor-missing"
    )
