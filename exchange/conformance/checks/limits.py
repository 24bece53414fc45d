"""What a node must not be held up by: too much, too long, too slow. Each once, and gently."""

from __future__ import annotations

from exchange.conformance.check import Check, Part
from exchange.conformance.checks.check_card import CARD
from exchange.conformance.targets import WITNESS
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from schemas.witness import MAX_REPORT_BYTES

HEADER_BYTES = 256 * 1024
DROP_S = 1.0
REFUSED = (400, 401, 403, 408, 411, 413, 414, 422, 431)


def _header(visit: Visit) -> str:
    return _refused(visit, "GET", CARD, {"X-Conformance": "x" * HEADER_BYTES}, None, f"{HEADER_BYTES} bytes of header")


def _body(visit: Visit) -> str:
    body = b" " * (2 * MAX_REPORT_BYTES)
    return _refused(visit, "POST", WITNESS, {"Content-Type": "application/json"}, body, f"{len(body)} bytes of report")


def _slow(visit: Visit) -> str:
    if visit.slow_body_s <= 0:
        raise NotTried("Left out, as it takes up to two minutes (--quick).")
    try:
        told = visit.wire.drip(WITNESS, length=1000, every_s=DROP_S, most_s=visit.slow_body_s)
    except TimeoutError as error:
        raise NotKept(f"After {visit.slow_body_s:.0f} s the node still waited for a body that drips.") from error
    except ConnectionRefusedError:
        raise
    except ConnectionError as error:
        return f"The connection was closed: {type(error).__name__}."
    if told.status not in REFUSED:
        raise NotKept(f"{told.asked}: {told.status} to a body that never came.")
    return f"Refused with {told.status} after {told.seconds:.0f} s."


def _alive(visit: Visit) -> str:
    told = visit.wire.ask("GET", CARD).expect(200)
    return f"The card came in {told.seconds:.2f} s."


def _refused(visit: Visit, method: str, target: str, headers: dict[str, str], body: bytes | None, what: str) -> str:
    try:
        told = visit.wire.ask(method, target, headers, body)
    except TimeoutError as error:
        raise NotKept(f"{what}: {error}.") from error
    except ConnectionRefusedError:
        raise  # there is nobody who could refuse anything
    except ConnectionError as error:
        return f"{what}: the connection was closed ({type(error).__name__})."
    if told.status not in REFUSED:
        raise NotKept(f"{what} was answered with {told.status}.")
    return f"{what}: {told.status} after {told.seconds:.1f} s."


CHECKS = (
    Check(
        "header-bounded",
        Part.STRANGER,
        "A header that is too large is refused in bounded time.",
        "RFC 6585, 5; RFC 9112, 3 and 5",
        f"A header field of {HEADER_BYTES // 1024} KiB",
        _header,
    ),
    Check(
        "body-bounded",
        Part.STRANGER,
        f"A report has at most {MAX_REPORT_BYTES} bytes; more is refused, whoever sends it.",
        "schemas/json/witness-report.json; RFC 9110, 15.5.14",
        "A report of twice that size, without a signature",
        _body,
    ),
    Check(
        "slow-body-bounded",
        Part.STRANGER,
        "Whoever sends a byte now and then is not waited for.",
        "RFC 9110, 15.5.9",
        "A body of which one byte a second comes, until the node ends it",
        _slow,
    ),
    Check(
        "alive",
        Part.STRANGER,
        "After all that was tried the node answers as before.",
        "RFC 9110, 15.3.1",
        "GET /v1/node",
        _alive,
    ),
)
