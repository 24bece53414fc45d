"""Signed requests between nodes and their answers: HTTP Message Signatures (RFC 9421).

One narrow profile, so that there is nothing to negotiate and nothing to forget:

- exactly one signature in a message, Ed25519, labelled `ffp`, with the tag `ffp-node-v1`;
- a request covers @method, @authority, @path, @query, content-digest if it has a body, and each of `COVERED_FIELDS`
  that it carries; it carries created, expires (at most 60 s later), a fresh nonce (a GET too), keyid and tag;
- path and query have one spelling: nothing percent-encoded, no empty segment, no parameter twice. So what was signed is
  what the route is given, and what is kept as evidence says the same to everybody;
- an answer covers @status, content-digest, and of its request @method, @authority, @path, @query and the signature
  itself (`req`, RFC 9421 2.4), so that it answers this one request; it carries created, expires, keyid and tag;
- `keyid` names the node and its transport key, `NODE:ed25519:DIGEST` (`trust.keys.requester_id`): both identify a
  requester, so a node that names another node's key speaks for itself alone;
- components and parameters stand in any order, in the canonical spelling of RFC 8941 and no other.

Fields are used as they came, never parsed into something richer and written again: what was signed is what is read.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from exchange.errors import DigestDiffers, KeyUnknown, RequestExpired, SignatureInvalid
from exchange.net.content_digest import byte_sequence, content_digest, parse_byte_sequence, parse_content_digest

LABEL: Final = "ffp"
TAG: Final = "ffp-node-v1"
LIFETIME_S: Final = 60
"""How long after `created` a signature may be used at the most; it bounds how long nonces are remembered."""
MAX_SKEW_S: Final = 30
"""How far the clocks of two nodes may be apart."""
MAX_FIELD_CHARS: Final = 1024
"""Bounded before it is parsed: the longest field of this profile has some 400 characters."""

COVERED_FIELDS: Final = ("content-type", "ffp-contract", "if-none-match", "if-range", "range")
"""Fields by which a route decides what it answers to a peer. All others mean nothing in a peer's request."""

_METHOD: Final = re.compile(r"[A-Z]{1,20}")
_AUTHORITY: Final = re.compile(r"[a-z0-9._:\[\]-]+")
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
_PARAMETER: Final = re.compile(r"([a-z][a-z_]*)=[A-Za-z0-9._~,-]*")
_VALUE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_SECONDS: Final = re.compile(r"[1-9][0-9]{0,9}")
_FORMS: Final = {
    "created": _SECONDS,
    "expires": _SECONDS,
    "nonce": re.compile(r'"[A-Za-z0-9_-]{22,64}"'),  # 22 characters of base64url hold 128 bits
    "keyid": re.compile(r'"[A-Za-z0-9._:-]{1,128}"'),
    "tag": re.compile(re.escape(f'"{TAG}"')),
    "alg": re.compile(r'"ed25519"'),  # may stand, must not: the key tells its algorithm
}
_ANSWER_PARAMETERS: Final = frozenset({"created", "expires", "keyid", "tag"})
_REQUEST_PARAMETERS: Final = _ANSWER_PARAMETERS | {"nonce"}


class Headers(Protocol):
    """The header fields of a message: a dict, or the class of any web framework."""

    def items(self) -> Iterable[tuple[str, str]]: ...


@dataclass(frozen=True)
class SignedRequest:
    """What an answer is bound to.

    `authority` is host[:port] in lower case without the scheme's default port, `path` and `query` are as they were
    sent, the query without its question mark. Raises SignatureInvalid for what no request has, and for another spelling
    of path or query than the one.
    """

    method: str
    authority: str
    path: str
    query: str
    signature: bytes

    def __post_init__(self) -> None:
        if not _METHOD.fullmatch(self.method):
            raise SignatureInvalid("the method is not a word in capitals")
        if not _AUTHORITY.fullmatch(self.authority):
            raise SignatureInvalid("the authority is not host[:port] in lower case")
        # Another spelling could be read as another request, now or by whoever reads the evidence (RFC 9421 7.5.6).
        if not _PATH.fullmatch(self.path):
            raise SignatureInvalid("the path must be written without percent-encoding, empty segments and dots")
        found = [_PARAMETER.fullmatch(parameter) for parameter in self.query.split("&")] if self.query else []
        names = [parameter[1] for parameter in found if parameter is not None]
        if len(names) != len(found) or len(set(names)) != len(names):
            raise SignatureInvalid("the query must be name=value&name=value, each name once, without percent-encoding")

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True)
class RequestProof:
    """What proves to others that the owner of a key sent a request: the bytes that were signed, as they were verified.

    `base` is the signature base (RFC 9421 2.5), `signature` the Ed25519 signature over it.
    """

    key_id: str
    base: bytes
    signature: bytes

    def verify(self, key: Ed25519PublicKey) -> None:
        """Raises SignatureInvalid."""
        try:
            key.verify(self.signature, self.base)
        except InvalidSignature as error:
            raise SignatureInvalid("the signature is not good: something that it covers was altered") from error

    def as_json(self) -> dict[str, str]:
        return {
            "key_id": self.key_id,
            "signature_base": self.base.decode("ascii"),
            "signature": base64.b64encode(self.signature).decode(),
        }

    @property
    def query(self) -> str:
        """The query that was signed, without its question mark."""
        [line] = re.findall(rb'^"@query": \?(.*)$', self.base, re.MULTILINE)
        return bytes(line).decode("ascii")


@dataclass(frozen=True)
class VerifiedRequest:
    """An authentic request; times are POSIX seconds by the sender's clock.

    (`key_id`, `nonce`) must be remembered until the clock here is more than `max_skew_s` beyond `expires`.
    """

    request: SignedRequest
    nonce: str
    created: int
    expires: int
    proof: RequestProof

    @property
    def key_id(self) -> str:
        return self.proof.key_id


def authority_of(url: str) -> str:
    """host[:port] of a node's configured URL, as it is signed: lower case, without the scheme's default port."""
    return httpx.URL(url).netloc.decode("ascii")


def sign_request(
    key: Ed25519PrivateKey,
    key_id: str,
    *,
    method: str,
    url: str,
    body: bytes | None,
    now: int,
    fields: Mapping[str, str] | None = None,
    nonce: str | None = None,
    body_sha256: bytes | None = None,
) -> dict[str, str]:
    """The headers to add to a request, `fields` among them; keep them, `verify_response` asks for them.

    `url` is absolute, and signed as httpx sends it. An empty body is no body. `now` is in POSIX seconds. `fields` are
    those of `COVERED_FIELDS` that the request carries. `nonce` is given by tests alone. `body_sha256` stands for a body
    that is too large for the memory, whose digest it is.
    """
    request, fields = _unsigned(method, url), dict(fields or {})
    digest = hashlib.sha256(body).digest() if body else body_sha256
    parameters = f'{_times(now)};nonce="{nonce or secrets.token_hex(16)}";keyid="{key_id}";tag="{TAG}"'
    headers = fields | _sign(key, _request_components(request, digest) | _covered(fields), parameters)
    return headers if digest is None else {**headers, "Content-Digest": content_digest(digest)}


def verify_request(
    *,
    method: str,
    authority: str,
    path: str,
    query: str,
    headers: Headers,
    body: bytes | None,
    now: int,
    key_for: Callable[[str], Ed25519PublicKey | None],
    max_skew_s: int = MAX_SKEW_S,
) -> VerifiedRequest:
    """Verify that an enrolled node sent exactly this request, to this node, just now.

    `authority` is `authority_of` this node's configured URL, never the Host field, which the sender chooses. `path` and
    `query` are as they came over the wire, before any decoding (ASGI: `raw_path`, `query_string`). `body` is all
    that was received. `key_for` gives the key of a key id, or None when no enrolled node has it.

    1. Path and query have their one spelling; there is one signature in the form of this profile, with all its
       parameters and no other.
    2. It covers what it must, each of `COVERED_FIELDS` that came among it, and nothing else.
    3. The key is known (else KeyUnknown), and the signature is good.
    4. The clock here is between created and expires, give or take `max_skew_s` (else RequestExpired).
    5. The body is the one that was signed (else DigestDiffers).

    Everything else raises SignatureInvalid. The caller must then, before it acts:

    6. refuse the request when (key id, nonce) is remembered, and remember it, in one transaction (RequestReplayed);
    7. ask the policy what the owner of the key may do.
    """
    digest = parse_content_digest(_field(headers, "content-digest")) if body else None
    verified = _verify_head(
        SignedRequest(method, authority, path, query, b""), digest, headers, now, key_for, max_skew_s
    )
    if body and hashlib.sha256(body).digest() != digest:
        raise DigestDiffers("the body is not the one that was signed")
    return verified


def verify_request_head(
    *,
    method: str,
    authority: str,
    path: str,
    query: str,
    headers: Headers,
    now: int,
    key_for: Callable[[str], Ed25519PublicKey | None],
    max_skew_s: int = MAX_SKEW_S,
) -> tuple[VerifiedRequest, bytes]:
    """Steps 1 to 4 of `verify_request` for a request whose body is yet to be read, and the SHA-256 that this body must
    have: step 5 is the caller's, before it believes anything of it."""
    digest = parse_content_digest(_field(headers, "content-digest"))
    signed = SignedRequest(method, authority, path, query, b"")
    return _verify_head(signed, digest, headers, now, key_for, max_skew_s), digest


def sign_response(
    key: Ed25519PrivateKey, key_id: str, *, status: int, body: bytes, request: SignedRequest, now: int
) -> dict[str, str]:
    """The headers to add to the answer to `request`; an empty body is covered like any other."""
    digest = hashlib.sha256(body).digest()
    parameters = f'{_times(now)};keyid="{key_id}";tag="{TAG}"'
    headers = _sign(key, _response_components(status, digest, request), parameters)
    return {**headers, "Content-Digest": content_digest(digest)}


def verify_response(
    key: Ed25519PublicKey,
    *,
    status: int,
    headers: Headers,
    body: bytes,
    request_method: str,
    request_url: str,
    request_headers: Headers,
    now: int,
    max_skew_s: int = MAX_SKEW_S,
) -> None:
    """Verify that this is the answer of the asked node, whose pinned key is `key`, to this very request.

    `request_headers` are those that `sign_request` gave. The checks and their errors are steps 1 to 5 of
    `verify_request`; the answer to another request is refused, since its signature covers another nonce.
    """
    sent = _unsigned(request_method, request_url)
    signature = _parse_signature(_field(request_headers, "signature"))
    request = SignedRequest(sent.method, sent.authority, sent.path, sent.query, signature)
    digest = parse_content_digest(_field(headers, "content-digest"))
    components = _response_components(status, digest, request)
    parameters, _ = _verify(headers, components, _ANSWER_PARAMETERS, lambda _: key)
    _check_times(parameters, now, max_skew_s)
    if hashlib.sha256(body).digest() != digest:
        raise DigestDiffers("the body of the answer is not the one that was signed")


def signature_base(components: Iterable[str], values: Mapping[str, str], signature_params: str) -> bytes:
    """The bytes that are signed: a line for each component identifier, the parameters last (RFC 9421 2.5)."""
    lines = [f"{component}: {values[_normal(component)]}" for component in components]
    return "\n".join([*lines, f'"@signature-params": {signature_params}']).encode("ascii")


def _verify_head(
    request: SignedRequest,
    digest: bytes | None,
    headers: Headers,
    now: int,
    key_for: Callable[[str], Ed25519PublicKey | None],
    max_skew_s: int,
) -> VerifiedRequest:
    components = _request_components(request, digest) | _covered(headers)
    parameters, proof = _verify(headers, components, _REQUEST_PARAMETERS, key_for)
    _check_times(parameters, now, max_skew_s)
    return VerifiedRequest(
        replace(request, signature=proof.signature),
        parameters["nonce"],
        int(parameters["created"]),
        int(parameters["expires"]),
        proof,
    )


def _unsigned(method: str, url: str) -> SignedRequest:
    path, _, query = httpx.URL(url).raw_path.decode("ascii").partition("?")
    return SignedRequest(method, authority_of(url), path, query, b"")


def _request_components(request: SignedRequest, digest: bytes | None) -> dict[str, str]:
    components = {
        '"@method"': request.method,
        '"@authority"': request.authority,
        '"@path"': request.path,
        '"@query"': f"?{request.query}",  # without a query the question mark stands alone (RFC 9421 2.2.7)
    }
    return components if digest is None else {**components, '"content-digest"': content_digest(digest)}


def _covered(headers: Headers) -> dict[str, str]:
    """Those of COVERED_FIELDS that a request carries, as components."""
    carried = {title.lower() for title, _ in headers.items()}
    components = {f'"{name}"': _field(headers, name) for name in COVERED_FIELDS if name in carried}
    for component, value in components.items():
        if not _VALUE.fullmatch(value):
            raise SignatureInvalid(f"the field {component} is empty, or holds other characters than ASCII")
    return components


def _response_components(status: int, digest: bytes, request: SignedRequest) -> dict[str, str]:
    return {
        '"@status"': str(status),
        '"content-digest"': content_digest(digest),
        **{f"{name};req": value for name, value in _request_components(request, None).items()},
        f'"signature";key="{LABEL}";req': byte_sequence(request.signature),
    }


def _times(now: int) -> str:
    return f";created={now};expires={now + LIFETIME_S}"


def _sign(key: Ed25519PrivateKey, values: Mapping[str, str], parameters: str) -> dict[str, str]:
    signature_params = f"({' '.join(values)}){parameters}"
    signature = key.sign(signature_base(values, values, signature_params))
    return {
        "Signature-Input": f"{LABEL}={signature_params}",
        "Signature": f"{LABEL}={byte_sequence(signature)}",
    }


def _verify(
    headers: Headers,
    values: Mapping[str, str],
    names: frozenset[str],
    key_for: Callable[[str], Ed25519PublicKey | None],
) -> tuple[dict[str, str], RequestProof]:
    """Steps 1 to 3 of `verify_request`: gives the parameters without their quotes, and what was verified."""
    found = re.fullmatch(
        rf"{LABEL}=(?P<params>\((?P<listed>[^()]*)\)(?P<rest>;.*))", _field(headers, "signature-input")
    )
    if found is None:
        raise SignatureInvalid(f"Signature-Input must hold one signature, labelled {LABEL}")
    parameters = _parse_parameters(found["rest"], names)
    signature = _parse_signature(_field(headers, "signature"))

    components = found["listed"].split(" ")
    if sorted(_normal(component) for component in components) != sorted(values):
        raise SignatureInvalid(f"the signature must cover {' '.join(values)} and nothing else")

    key = key_for(parameters["keyid"])
    if key is None:
        raise KeyUnknown(f"no enrolled node has the key {parameters['keyid']}")
    proof = RequestProof(parameters["keyid"], signature_base(components, values, found["params"]), signature)
    proof.verify(key)
    return parameters, proof


def _normal(component: str) -> str:
    """A component identifier with its parameters sorted: their order means nothing (RFC 9421 2)."""
    name, *parameters = component.split(";")
    return ";".join([name, *sorted(parameters)])


def _parse_parameters(text: str, names: frozenset[str]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for parameter in text.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name in parameters or name not in _FORMS or not _FORMS[name].fullmatch(value):
            raise SignatureInvalid(f"a signature with this parameter is not taken: {parameter[:80]!r}")
        parameters[name] = value.strip('"')
    if parameters.keys() - {"alg"} != names:
        raise SignatureInvalid(f"a signature must have the parameters {', '.join(sorted(names))}")
    return parameters


def _parse_signature(field: str) -> bytes:
    found = re.fullmatch(rf"{LABEL}=(:[A-Za-z0-9+/=]{{88}}:)", field)
    signature = parse_byte_sequence(found[1], 64) if found else None
    if signature is None:
        raise SignatureInvalid(f"Signature must hold one Ed25519 signature, labelled {LABEL}")
    return signature


def _field(headers: Headers, name: str) -> str:
    """The value of a field that must stand exactly once."""
    found = [value.strip(" \t") for title, value in headers.items() if title.lower() == name]
    if len(found) != 1 or len(found[0]) > MAX_FIELD_CHARS:
        raise SignatureInvalid(f"the field {name} must stand once, with at most {MAX_FIELD_CHARS} characters")
    return found[0]


def _check_times(parameters: Mapping[str, str], now: int, max_skew_s: int) -> None:
    created, expires = int(parameters["created"]), int(parameters["expires"])
    if not created <= expires <= created + LIFETIME_S:
        raise SignatureInvalid(f"a signature is good for {LIFETIME_S} s at the most")
    if not created - max_skew_s <= now <= expires + max_skew_s:
        raise RequestExpired(
            f"signed at {_utc(created)} by the sender's clock and good until {_utc(expires)}, "
            f"but the clock here says {_utc(now)}: compare both clocks with the true time",
            ahead_s=created - now,
        )


def _utc(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
