"""Each header field that a route reads of a peer is covered by its signature, or means nothing in its request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from exchange.net.message_signatures import COVERED_FIELDS
from exchange.web.access.caller import asking_peer, reading_peer, reporting_peer, signed_peer
from exchange.web.app import create_api

WEB = Path(__file__).parents[4] / "exchange" / "web"
PEERS_DOORS = {signed_peer, reading_peer, asking_peer, reporting_peer}
OF_THE_SIGNATURE = {"signature-input", "signature", "content-digest"}
OF_THE_BODY = {"content-length", "expect"}
"""How the body travels; the digest of what came is held against the covered one."""
IN_LOGS_ALONE = {"x-request-id", "traceparent"}
OF_A_PERSON = {"authorization", "idempotency-key", "ffp-purpose", "ffp-legal-basis"}
"""A request with a signature is a peer's: nobody is signed in, and no consultation is written down."""
OF_PAGES = {"accept-encoding", "sec-fetch-site"}
"""Decides how a page or a file of the pages is packed; no peer asks for these."""
MEANS_NOTHING = OF_THE_SIGNATURE | OF_THE_BODY | IN_LOGS_ALONE | OF_A_PERSON | OF_PAGES
_READ = re.compile(
    r'(?:request\.headers|asked)(?:\.get\(|\[)"([^"]+)"|alias="([^"]+)"|name == b"([^"]+)"|'
    r'"([^"]+)" in request\.headers'
)


def dependencies(of: Dependant) -> Iterator[Dependant]:
    yield of
    for one in of.dependencies:
        yield from dependencies(one)


def routes_of_peers() -> dict[str, list[Dependant]]:
    found = {}
    for route in create_api().state.routes:
        if isinstance(route, APIRoute):
            needed = list(dependencies(route.dependant))
            calls = {one.call for one in needed}
            if calls & PEERS_DOORS or any("door_or_peer" in getattr(call, "__qualname__", "") for call in calls):
                found[route.path] = needed
    return found


def test_the_routes_of_peers_are_those_that_the_client_asks() -> None:
    assert {path.partition("{")[0].rstrip("/") for path in routes_of_peers()} == {
        "/v1/blobs",
        "/v1/lane",
        "/v1/lane/news",
        "/v1/log/tile",
        "/v1/log/witnessed",
        "/v1/mirror/lane",
        "/v1/mirror/leaves",
        "/v1/mirror/statements",
        "/v1/queries",
        "/v1/scans",
        "/v1/witness",
    }


@pytest.mark.parametrize("path", routes_of_peers())
def test_a_route_of_peers_takes_fields_that_are_covered_or_mean_nothing(path: str) -> None:
    fields = {field.alias.lower() for one in routes_of_peers()[path] for field in one.header_params}
    assert fields <= {*COVERED_FIELDS, *OF_A_PERSON}


def test_every_field_that_is_read_below_the_pages_is_covered_or_means_nothing() -> None:
    files = [WEB / "app.py", *(file for room in ("access", "http", "rest") for file in (WEB / room).glob("*.py"))]
    read = {
        name.lower()
        for file in files
        for found in _READ.finditer(file.read_text(encoding="utf-8"))
        for name in found.groups()
        if name is not None
    }
    assert {"range", "if-range", "content-type", "if-none-match"} <= read, "the search finds what is read"
    assert read - {"cache-control"} <= {*COVERED_FIELDS, *MEANS_NOTHING}
