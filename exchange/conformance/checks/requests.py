"""What an enrolled peer must not get either: by a request that was used, altered, misdated, or asks beyond its lane."""

from __future__ import annotations

import hashlib
import re
import time
from base64 import b64decode
from collections.abc import Callable

from exchange.conformance.check import Check, Part
from exchange.conformance.checks.owning import refused_scan
from exchange.conformance.checks.reading import lane_target, read_or_untried
from exchange.conformance.targets import LANE, REPORT, WITNESS, blob, unknown_digest
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from exchange.conformance.wire import WireAnswer
from exchange.net.content_digest import byte_sequence
from exchange.net.message_signatures import COVERED_FIELDS, LIFETIME_S, TAG, authority_of, signature_base
from exchange.trust.keys import ED25519, key_id, raw_public, requester_id
from schemas import CONTRACT_VERSION, ContractError, Record, open_envelope, parse_statement
from schemas.lane import EMPTY_HEAD
from schemas.record import Blob

MAX_SCAN_BYTES = 32 * 1024 * 1024
_TARGET = (LANE.partition("?")[0], LANE.partition("?")[2])
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d.\d\d:\d\d")


def _replay(visit: Visit) -> str:
    guest = visit.guest
    headers = guest.signed(LANE)
    guest.wire.ask("GET", LANE, headers).expect(200)
    told = guest.wire.ask("GET", LANE, headers).expect(401, "request-replayed")
    guest.get(LANE).expect(200)
    return f"Answered once, then {told.status} {told.code}; a new request is answered."


def _clock(visit: Visit) -> str:
    guest, said = visit.guest, ""
    for age_s in (600, -600):
        told = guest.wire.ask("GET", LANE, guest.signed(LANE, age_s=age_s)).expect(401, "request-expired")
        said = str(told.problem["detail"])
        if len(_MOMENT.findall(said)) < 2:
            raise NotKept(f"The clocks are not named, sender's and node's, so that nobody sees which is wrong: {said}")
    return said


def _elsewhere(visit: Visit) -> str:
    guest = visit.guest
    for url in ("https://ffp-conformance.invalid", "http://localhost:1"):
        _refused(guest.wire.ask("GET", LANE, guest.signed(LANE, url=url)))
    return "Two other authorities: refused."


def _altered(visit: Visit) -> str:
    guest = visit.guest
    targets = (
        lane_target(0, EMPTY_HEAD, 1),
        LANE + "&known_size=0",
        blob(unknown_digest()),
        LANE.replace("=0", "=%30"),
    )
    for target in targets:
        _refused(guest.wire.ask("GET", target, guest.signed(LANE)), also=(404, 422))
    _refused(guest.wire.ask("GET", LANE, guest.signed(LANE, method="POST")))
    return f"{len(targets)} other targets and another method: refused."


def _spelling(visit: Visit) -> str:
    """With good signatures over the spelling that is sent: it could be read as another request."""
    path, _, query = LANE.partition("?")
    targets = (
        (path.replace("lane", "%6Cane"), query),
        (f"{path}/", query),
        (f"/{path}", query),
        (f"{path};x=1", query),
        (path, query.replace("start=0", "start=%30")),
        (path, f"{query}&start=0"),
        (path, f"{query}&"),
    )
    for target in targets:
        told = visit.guest.wire.ask("GET", "?".join(target), _freely(visit, _good_parameters(), target=target))
        _refused(told, also=(307, 404, 422))
    return f"{len(targets)} other spellings of a request, each signed as it was sent: refused."


def _fields(visit: Visit) -> str:
    guest = visit.guest
    for name, value in (("FFP-Contract", CONTRACT_VERSION), ("Range", "bytes=0-9"), ("Content-Type", "text/plain")):
        _refused(guest.wire.ask("GET", LANE, {**guest.signed(LANE), name: value}), what=f"{name} not covered")
        covered = guest.signed(LANE, fields={name: value})
        _refused(guest.wire.ask("GET", LANE, {**covered, name: f"{value}9"}), what=f"{name} altered")
        left = {title: told for title, told in covered.items() if title != name}
        _refused(guest.wire.ask("GET", LANE, left), what=f"{name} left out")
    guest.get(LANE, **{"FFP-Contract": CONTRACT_VERSION}).expect(200)
    return f"Three fields of {len(COVERED_FIELDS)}, each not covered, altered and left out: refused."


def _parameters(visit: Visit) -> str:
    now = int(time.time())
    nonce = f'nonce="{time.time_ns():022d}"'
    tries = {
        "no nonce": f"created={now};expires={now + LIFETIME_S}",
        "a short nonce": f'created={now};expires={now + LIFETIME_S};nonce="1"',
        "no end": f"created={now};{nonce}",
        "good for an hour": f"created={now};expires={now + 3600};{nonce}",
    }
    for name, parameters in tries.items():
        _refused(visit.guest.wire.ask("GET", LANE, _freely(visit, parameters)), what=name)
    good = _good_parameters()
    for name in ('"@authority"', '"@query"', '"@method"'):
        _refused(visit.guest.wire.ask("GET", LANE, _freely(visit, good, without=name)), what=f"{name} not covered")
    key = raw_public(visit.guest.node.keys.transport)
    for keyid in (requester_id("ffp-zz", key), requester_id(visit.guest.tested.issuer, key), key_id(ED25519, key)):
        _refused(visit.guest.wire.ask("GET", LANE, _freely(visit, good, keyid=keyid)), what=f"as {keyid}")
    visit.guest.wire.ask("GET", LANE, _freely(visit, good)).expect(200)
    return f"{', '.join(tries)}, three parts not covered, and other nodes' names: refused; the whole one is answered."


def _digest(visit: Visit) -> str:
    guest = visit.guest
    headers = guest.signed(WITNESS, method="POST", body=REPORT)
    told = _refused(guest.wire.ask("POST", WITNESS, headers, REPORT + b" "), also=(422,))
    bare = guest.signed(WITNESS, method="POST", fields={"Content-Type": "application/json"})
    _refused(guest.wire.ask("POST", WITNESS, bare, REPORT), also=(422,))
    return f"Another body and an unsigned one: refused ({told.code})."


def _future(visit: Visit) -> str:
    told = visit.guest.get(lane_target(2**40, EMPTY_HEAD, 0)).expect(409, "cursor-from-the-future")
    return str(told.problem["detail"])


def _another_head(visit: Visit) -> str:
    told = visit.guest.get(lane_target(0, b"\xff" * 32, 0)).expect(409, "lane-differs")
    return str(told.problem["detail"])


def _withheld(visit: Visit) -> str:
    """Bytes that the node once got, under their own digest: a digest is no key."""
    guest = visit.guest
    seen = refused_scan(guest)
    told = {}
    for digest in (unknown_digest(), *((seen,) if seen else ())):
        answer = guest.get(blob(digest)).expect(404, "not-found")
        told[digest] = answer.body.replace(digest.encode(), b"")
    if len(set(told.values())) > 1:
        raise NotKept("Bytes that the node has seen, and such as nobody has, are answered in different words.")
    return "404 for a scan that nobody has" + (
        ", the same for bytes that the node was given and refused." if seen else "."
    )


def _range(visit: Visit) -> str:
    guest, scan = visit.guest, _shared_scan(visit)
    target, tag = blob(scan.sha256), f'"{scan.sha256}"'
    begin = max(0, scan.size - 1024)
    part = guest.get(target, Range=f"bytes={begin}-", **{"If-Range": tag}).expect(206)
    if (part.headers.get("content-range") or "") != f"bytes {begin}-{scan.size - 1}/{scan.size}":
        raise NotKept(f"{part.asked}: 206 with Content-Range {part.headers.get('content-range') or 'missing'}.")
    if scan.size > MAX_SCAN_BYTES:
        return f"The last {len(part.body)} of {scan.size} bytes; the whole is too large to be tried."
    whole = guest.get(target).expect(200)
    if hashlib.sha256(whole.body).hexdigest() != scan.sha256:
        raise NotKept(f"{whole.asked}: the bytes are not those of the digest.")
    if part.body != whole.body[begin:]:
        raise NotKept(f"{part.asked}: the part is not that of the whole.")
    other = guest.get(target, Range=f"bytes={begin}-", **{"If-Range": '"another"'})
    if other.status != 200 or other.body != whole.body:
        raise NotKept(f"{other.asked}: If-Range with another tag gave {other.status}, not the whole.")
    return f"{scan.size} bytes whole, the last {len(part.body)} of them by Range, the whole for another If-Range."


def _shared_scan(visit: Visit) -> Blob:
    for item in read_or_untried(visit).items:
        if item.envelope is None:
            continue
        try:
            statement = parse_statement(open_envelope(b64decode(item.envelope)).payload)
        except ContractError:
            continue  # said by the check of the statements
        if isinstance(statement, Record):
            return statement.acquisitions[0].blob
    jurisdiction = visit.guest.node.settings.jurisdiction
    raise NotTried(f"The lane has no record: submit one with the audience {jurisdiction} on the tested node first.")


def _good_parameters() -> str:
    now = int(time.time())
    return f'created={now};expires={now + LIFETIME_S};nonce="{time.time_ns():022d}"'


def _freely(
    visit: Visit, parameters: str, *, without: str = "", target: tuple[str, str] = _TARGET, keyid: str | None = None
) -> dict[str, str]:
    """A good signature over whatever is wanted, with whatever parameters."""
    key = visit.guest.node.keys.transport
    values = {
        '"@method"': "GET",
        '"@authority"': authority_of(visit.guest.keys.url),
        '"@path"': target[0],
        '"@query"': f"?{target[1]}",
    }
    values.pop(without, None)
    parts = f'({" ".join(values)});{parameters};keyid="{keyid or visit.guest.node.requester_id}";tag="{TAG}"'
    signature = byte_sequence(key.sign(signature_base(values, values, parts)))
    return {"Signature-Input": f"ffp={parts}", "Signature": f"ffp={signature}"}


def _refused(told: WireAnswer, *, also: tuple[int, ...] = (), what: str = "") -> WireAnswer:
    if told.status not in (401, *also):
        raise NotKept(f"{what or told.asked}: {told.status} in place of a refusal (401).")
    told.problem  # noqa: B018 - refused in the one form
    return told


def _check(name: str, asks: str, source: str, how: str, attempt: Callable[[Visit], str]) -> Check:
    return Check(name, Part.READER, asks, source, how, attempt)


CHECKS = (
    _check(
        "replay-refused",
        "A request is answered once; its nonce is remembered until it expires.",
        "RFC 9421, 7.2.2",
        "One signed request sent twice, then a new one",
        _replay,
    ),
    _check(
        "clock-skew-named",
        "A request from the past or the future is refused, and the refusal names both clocks.",
        "RFC 9421, 2.3",
        "Requests signed ten minutes ago, and ten minutes ahead",
        _clock,
    ),
    _check(
        "elsewhere-refused",
        "A request that was signed for another node is not answered.",
        "RFC 9421, 2.2.3 and 7.3.1",
        "The lane asked for with signatures over other authorities",
        _elsewhere,
    ),
    _check(
        "altered-refused",
        "What is served is what was signed: method, path and query as they were written.",
        "RFC 9421, 2.2 and 7.5.6",
        "A signature over one request sent with others",
        _altered,
    ),
    _check(
        "spelling-refused",
        "Path and query have one spelling: nothing percent-encoded, no empty segment, no parameter twice.",
        "RFC 9421, 7.5.6; exchange/net/message_signatures.py",
        "The lane asked for in other spellings, each signed as it was sent",
        _spelling,
    ),
    _check(
        "fields-covered",
        f"The signature covers each of the fields {', '.join(COVERED_FIELDS)} that a request carries.",
        "RFC 9421, 7.2.1; exchange/net/message_signatures.py",
        "The lane asked for with such fields not covered, altered and left out",
        _fields,
    ),
    _check(
        "parameters-refused",
        "A signature has nonce, created, expires (60 s at most), tag and keyid, its own, and covers the whole request.",
        "RFC 9421, 2.3 and 7.2.1",
        "Good signatures that lack something",
        _parameters,
    ),
    _check(
        "body-covered",
        "The signature covers the digest of the body.",
        "RFC 9530, 2; RFC 9421, 7.2.8",
        "A report with another body than was signed, and with none signed",
        _digest,
    ),
    _check(
        "cursor-from-the-future",
        "Whoever asks for what follows more than the lane has is told so: one of the two lost something.",
        "docs/architecture.md, the lanes; RFC 9110, 15.5.10",
        "The lane asked for from a place that it does not have",
        _future,
    ),
    _check(
        "lane-differs",
        "Whoever has another running head is told so, and given nothing.",
        "docs/architecture.md, the lanes; RFC 9110, 15.5.10",
        "The lane asked for with a head that it never had",
        _another_head,
    ),
)
BLOB_CHECKS = (
    _check(
        "digest-is-no-key",
        "A scan is given through a record on the peer's lane, or of its own, and nothing else; else all sounds alike.",
        "docs/architecture.md, the lanes",
        "A digest of nothing, and that of bytes which the node got from this peer and refused",
        _withheld,
    ),
    _check(
        "scan-in-parts",
        "A shared scan is given whole or from any byte on, and whole when it is another than was begun.",
        "RFC 9110, 13.1.5 and 14",
        "The scan of the lane's first record: whole, its end by Range and If-Range, and with another If-Range",
        _range,
    ),
)
