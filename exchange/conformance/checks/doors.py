"""Whom a node must not answer: a request without a signature, or with one that it cannot or may not believe."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from exchange.conformance.check import Check, Part
from exchange.conformance.targets import LANE, REPORT, WITNESS, blob, unknown_digest
from exchange.conformance.verdicts import NotKept
from exchange.conformance.visit import Visit
from exchange.conformance.wire import WireAnswer
from exchange.net.message_signatures import sign_request
from exchange.trust.keys import raw_public, requester_id

LOG = "/v1/log/checkpoint"
TILE = "/v1/log/tile/0/000.p/1"
MIRROR = "/v1/mirror/leaves"
_DIGEST = re.compile(rb"[0-9a-f]{64}")
UNKNOWN_NODE = "ffp-zz"
_ELSEWHERE = "https://ffp-conformance.invalid"
MAX_REFUSAL_BYTES = 4096
REFUSALS = (401, 403, 404, 429)
"""429 of a node that counts tries: who visits it twice within a minute tried often."""

HeadersOf = Callable[[str, str, bytes | None], dict[str, str]]
"""The headers of a request, from its method, target and body."""


def _unsigned(visit: Visit) -> str:
    return _refused_everywhere(visit, lambda _method, _target, _body: {}, log=True)


def _garbage(visit: Visit) -> str:
    tries: tuple[dict[str, str], ...] = (
        {"Signature-Input": "ffp=()", "Signature": "ffp=::"},
        {"Signature-Input": "\x7f;;;=(((", "Signature": "AAAA"},
        {"Signature-Input": 'ffp=("@method");created=x;keyid="";tag="ffp-node-v1"', "Signature": f"ffp=:{'A' * 86}==:"},
        {"Signature-Input": f"ffp=({'x' * 4000})", "Signature": "ffp=:AAAA:"},
        {"Authorization": f"Bearer ffp_{'A' * 43}"},
    )
    for headers in tries:
        _refused_everywhere(visit, lambda _method, _target, _body, told=headers: told)  # type: ignore[misc]  # bound here
    return f"{len(tries)} kinds of garbage, at five doors each: refused, and nothing told."


def _stranger(visit: Visit) -> str:
    return _refused_everywhere(visit, _signed(visit))


def _expired(visit: Visit) -> str:
    for age_s in (600, -600):
        said = _refused_everywhere(visit, _signed(visit, age_s=age_s))
    return said


def _elsewhere(visit: Visit) -> str:
    return _refused_everywhere(visit, _signed(visit, url=_ELSEWHERE))


def _replayed(visit: Visit) -> str:
    headers = _signed(visit)("GET", LANE, None)
    told = [_refused(visit.wire.ask("GET", LANE, headers), b"") for _ in range(2)]
    return f"Twice the same request of a stranger: {told[0]}, {told[1]}."


def _alike(visit: Visit) -> str:
    told = []
    for digest in (unknown_digest(), "0" * 64):
        answer = visit.wire.ask("GET", blob(digest))
        told.append((answer.status, answer.media_type, _DIGEST.sub(b"", answer.body)))
    if told[0] != told[1]:
        raise NotKept(f"Two digests are answered differently: {told[0][:2]} and {told[1][:2]}.")
    return f"{told[0][0]}, the same words whatever the digest."


def _signed(visit: Visit, *, age_s: int = 0, url: str | None = None) -> HeadersOf:
    """As a stranger signs, with a key that nobody has seen."""
    key = Ed25519PrivateKey.generate()
    base = url or visit.wire.url

    def sign(method: str, target: str, body: bytes | None) -> dict[str, str]:
        name = requester_id(UNKNOWN_NODE, raw_public(key))
        now, fields = int(time.time()) - age_s, {"Content-Type": "application/json"} if body else {}
        return sign_request(key, name, method=method, url=base + target, body=body, now=now, fields=fields)

    return sign


def _refused_everywhere(visit: Visit, headers: HeadersOf, *, log: bool = False) -> str:
    digest = unknown_digest()
    doors: list[tuple[str, str, bytes | None]] = [
        ("GET", LANE, None),
        ("GET", blob(digest), None),
        ("POST", WITNESS, REPORT),
        ("GET", MIRROR, None),
        ("GET", TILE, None),
    ]
    if log:
        doors.append(("GET", LOG, None))
    said = []
    for method, target, body in doors:
        more = {"Content-Type": "application/json"} if body else {}
        told = visit.wire.ask(method, target, {**headers(method, target, body), **more}, body)
        said.append(f"{target.partition('?')[0][:12]} {_refused(told, digest.encode())}")
    return "; ".join(said) + "."


def _refused(told: WireAnswer, asked_digest: bytes) -> str:
    """Refused in the one form, and nothing told. Raises NotKept."""
    if told.status not in REFUSALS:
        raise NotKept(f"{told.asked}: {told.status} in place of a refusal (401, 403, 404, or 429 after many tries).")
    code = told.code
    if len(told.body) > MAX_REFUSAL_BYTES:
        raise NotKept(f"{told.asked}: a refusal of {len(told.body)} bytes tells more than that it is one.")
    if set(_DIGEST.findall(told.body)) - {asked_digest}:
        raise NotKept(f"{told.asked}: the refusal names a digest that was not asked for.")
    return f"{told.status} {code}"


CHECKS = (
    Check(
        "unsigned-refused",
        Part.STRANGER,
        "Nobody is answered who does not say who asks: no lane, no scan, no witness, no log.",
        "RFC 9421, 3.2; docs/architecture.md, the lanes",
        "Requests without any signature",
        _unsigned,
    ),
    Check(
        "garbage-refused",
        Part.STRANGER,
        "What is no signature of the one profile is refused, however it is written.",
        "RFC 9421, 3.2; RFC 8941, 4.2",
        "Broken, overlong and borrowed fields in place of a signature",
        _garbage,
    ),
    Check(
        "stranger-refused",
        Part.STRANGER,
        "A good signature of somebody who is not enrolled opens nothing.",
        "RFC 9421, 3.2, step 4",
        "Requests signed with a key that was just made",
        _stranger,
    ),
    Check(
        "stranger-expired",
        Part.STRANGER,
        "A stranger's request of ten minutes ago, or ahead, is refused like any other.",
        "RFC 9421, 2.3 and 7.2.2",
        "The same, with times that are over and times to come",
        _expired,
    ),
    Check(
        "stranger-elsewhere",
        Part.STRANGER,
        "A stranger's request that was signed for another node is refused like any other.",
        "RFC 9421, 2.2.3 and 7.3.1",
        "The same, signed for another authority",
        _elsewhere,
    ),
    Check(
        "stranger-replayed",
        Part.STRANGER,
        "A stranger's request that is repeated is refused each time.",
        "RFC 9421, 7.2.2",
        "One signed request sent twice",
        _replayed,
    ),
    Check(
        "unknown-alike",
        Part.STRANGER,
        "The answer to a stranger does not depend on what the node holds.",
        "docs/architecture.md, the lanes",
        "Two digests asked for, the answers compared",
        _alike,
    ),
)
