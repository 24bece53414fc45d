"""How a node answers whatever it is asked: problems in one form, no banner, nothing kept on the way."""

from __future__ import annotations

import re

from exchange.conformance.check import Check, Part
from exchange.conformance.checks.check_card import CARD
from exchange.conformance.verdicts import NotKept, NotTried
from exchange.conformance.visit import Visit
from exchange.conformance.wire import WireAnswer

_VERSION = re.compile(r"[0-9/]")


def _unknown_path(visit: Visit) -> str:
    told = visit.wire.ask("GET", "/v1/there-is-nothing-here").expect(404)
    return _said(told)


def _unknown_method(visit: Visit) -> str:
    told = visit.wire.ask("DELETE", CARD).expect(405)
    if "GET" not in {name.strip() for name in (told.headers.get("allow") or "").split(",")}:
        raise NotKept(f"{told.asked}: 405 without naming GET in Allow.")
    return _said(told)


def _unknown_parameter(visit: Visit) -> str:
    told = visit.wire.ask("GET", f"{CARD}?no-such-parameter=1")
    if told.status not in (400, 422):
        raise NotKept(f"{told.asked}: {told.status} in place of 400 or 422; what is not understood was passed over.")
    return _said(told)


def _banner(visit: Visit) -> str:
    found = {_boast(told) for told in _all(visit)} - {""}
    if found:
        raise NotKept(f"Told to anybody: {'; '.join(sorted(found))}.")
    names = {told.headers.get("server") or "" for told in visit.wire.told} - {""}
    return f"{len(visit.wire.told)} answers, no version in any" + (
        f" (Server: {', '.join(sorted(names))})." if names else "."
    )


def _caches(visit: Visit) -> str:
    for told in _all(visit):
        asked = (told.headers.get("cache-control") or "").lower()
        if not {"no-store", "private"} & {name.strip() for name in asked.split(",")}:
            raise NotKept(f"{told.asked}: {told.status} with Cache-Control: {asked or 'nothing'}.")
    return f"{len(visit.wire.told)} answers, none that a cache on the way may keep."


def _sniffing(visit: Visit) -> str:
    for told in _all(visit):
        if (told.headers.get("x-content-type-options") or "").lower() != "nosniff":
            raise NotKept(f"{told.asked}: {told.status} without X-Content-Type-Options: nosniff.")
    return f"{len(visit.wire.told)} answers, each to be taken as the type that it states."


def _all(visit: Visit) -> list[WireAnswer]:
    """Of all answers so far those that the node itself gave; what its server refuses unread is in nobody's form."""
    ours = [told for told in visit.wire.told if told.status not in (400, 414, 431)]
    if not ours:
        raise NotTried("The node gave no answer at all.")
    return ours


def _boast(told: WireAnswer) -> str:
    server, powered = (", ".join(told.headers.get_all(name) or ()) for name in ("server", "x-powered-by"))
    if powered:
        return f"X-Powered-By: {powered[:100]}"
    return f"Server: {server[:100]}" if _VERSION.search(server) else ""


def _said(told: WireAnswer) -> str:
    return f"{told.status} {told.code}: {str(told.problem['detail'])[:200]}"


FORM_CHECKS = (
    Check(
        "problem-of-a-path",
        Part.STRANGER,
        "What is not there is a problem in the one form: type, title, status, detail.",
        "RFC 9457, 3",
        "GET of a path that no node has",
        _unknown_path,
    ),
    Check(
        "problem-of-a-method",
        Part.STRANGER,
        "A method that is not possible is a problem that names those that are.",
        "RFC 9110, 15.5.6; RFC 9457, 3",
        "DELETE /v1/node",
        _unknown_method,
    ),
    Check(
        "problem-of-a-parameter",
        Part.STRANGER,
        "A parameter that is not known is refused as a problem, not passed over.",
        "RFC 9457, 3",
        "GET /v1/node?no-such-parameter=1",
        _unknown_parameter,
    ),
)
"""What is asked for here."""
HEADERS = (
    Check(
        "no-banner",
        Part.STRANGER,
        "No answer tells which software in which version gives it.",
        "RFC 9110, 10.2.4 and 17.12",
        "Server and X-Powered-By of all answers so far",
        _banner,
    ),
    Check(
        "no-caches",
        Part.STRANGER,
        "No answer may be kept by a cache that others share.",
        "RFC 9111, 5.2.2",
        "Cache-Control of all answers so far",
        _caches,
    ),
    Check(
        "no-sniffing",
        Part.STRANGER,
        "Every answer is to be taken as the media type that it states.",
        "Fetch standard, 3.6 (X-Content-Type-Options)",
        "That header of all answers so far",
        _sniffing,
    ),
)
"""What is looked at in all that was answered before."""
