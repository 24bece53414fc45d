"""HEAD: the answer of GET with all its headers and without its body, wherever GET is; nothing more is allowed by it."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from exchange.web.http import ranges
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.served import eventually
from tests.exchange.web.conftest import tiny_scan

CHANGING = {"date", "ffp-request-id", "request-id", "x-request-id", "set-cookie", "content-length"}


def both(node: RunningNode, path: str, headers: dict[str, str] | None = None) -> Any:
    """GET and HEAD, which must agree; returns the latter."""
    got, headed = (node.http.request(method, node.url + path, headers=headers) for method in ("GET", "HEAD"))
    assert headed.status_code == got.status_code, path
    assert headed.content == b""
    assert set(headed.headers) == set(got.headers)
    same = {name: value for name, value in got.headers.items() if name not in CHANGING}
    assert {name: headed.headers[name] for name in same} == same
    assert headed.headers["content-length"] == got.headers["content-length"], "what a GET would bring"
    return headed


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/healthz", "/v1/node", "/v1/node/keys", "/v1/openapi.json", "/app/sign-in"])
def test_of_what_anybody_may_see(node: RunningNode, path: str) -> None:
    assert both(node, path).status_code == 200


def test_a_load_balancer_learns_that_a_node_is_not_ready(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node.http.head(f"{node.url}/readyz").status_code == 200
    monkeypatch.setattr("exchange.web.rest.node_routes.readiness", lambda _node: {"database": "away"})
    assert both(node, "/readyz").status_code == 503


def test_the_front_door_and_static_files(node: RunningNode) -> None:
    assert both(node, "/").headers["location"] == "/app/"
    assert both(node, "/app/static/node.css").status_code == 200


@pytest.mark.slow
def test_a_download_tells_its_size_and_is_not_read(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = tiny_scan()
    record = node.submit(scan).json()["statement_id"]
    [acquisition] = node.get(f"/v1/records/{record}").json()["acquisitions"]
    path, bearer = f"/v1/blobs/{acquisition['sha256']}", node.bearer(Role.EXAMINER)
    headed = both(node, path, bearer)
    assert int(headed.headers["content-length"]) == len(scan)
    assert headed.headers["etag"] == f'"{acquisition["sha256"]}"'
    read: list[object] = []
    monkeypatch.setattr(ranges, "_pieces", lambda *place: read.append(place) or iter(()))
    assert node.http.head(node.url + path, headers=bearer).status_code == 200
    assert read == []
    tag = {**bearer, "If-None-Match": headed.headers["etag"]}
    assert node.http.head(node.url + path, headers=tag).status_code == 304


def test_it_opens_no_door_that_get_does_not(node: RunningNode) -> None:
    assert node.http.head(f"{node.url}/v1/records").status_code == 401
    assert node.http.head(f"{node.url}/v1/peers", headers=node.bearer(Role.EXAMINER)).status_code == 403
    assert node.http.head(f"{node.url}/app/records").status_code in (303, 404)
    refused = node.http.head(f"{node.url}/v1/witness", headers=node.bearer(Role.EXAMINER))
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_it_is_logged_and_counted_as_what_it_is(node: RunningNode) -> None:
    def counted() -> float:
        name, labels = "ffp_http_requests_total", {"method": "HEAD", "route": "/v1/node", "status": "200"}
        return node.node.meters.registry.get_sample_value(name, labels) or 0.0

    before = counted()
    with capture_logs() as lines:
        assert node.http.head(f"{node.url}/v1/node").status_code == 200
        eventually(lambda: counted() == before + 1)  # noted once the answer has left
    answered = [(line["method"], line["route"]) for line in lines if line["event"] == "answered"]
    assert ("HEAD", "/v1/node") in answered
