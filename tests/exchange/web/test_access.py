"""Who may do what: every route that the API describes, with every kind of caller."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from exchange.store.users import add_user, revoke_user
from exchange.web.app import create_api
from schemas.vocabulary import Role
from tests.exchange.conftest import RunningNode
from tests.exchange.web.conftest import problem

EXAMINER, ANY_USER, HEAD = {Role.EXAMINER}, {*Role} - {Role.NODE}, {Role.HEAD}
READER = {Role.EXAMINER, Role.INVESTIGATOR, Role.HEAD}
OPERATOR, ASKER = {Role.OPERATOR}, {Role.EXAMINER, Role.INVESTIGATOR}
EVERYBODY, PEERS = None, "peers"

MATRIX: dict[str, set[Role] | str | None] = {
    "POST /v1/records": EXAMINER,
    "GET /v1/records": READER,
    "GET /v1/records/{statement_id}": READER,
    "GET /v1/records/{statement_id}/envelope": READER,
    "GET /v1/records/{statement_id}/bundle": READER,
    "GET /v1/records/{statement_id}/candidates": READER,
    "POST /v1/records/{statement_id}/withdrawal": EXAMINER | HEAD,
    "GET /v1/records/{statement_id}/withdrawal": EXAMINER | HEAD,
    "POST /v1/records/{statement_id}/grants": HEAD,
    "POST /v1/records/{statement_id}/hold": HEAD,
    "GET /v1/policy": ANY_USER,
    "POST /v1/policy": HEAD,
    "GET /v1/approvals": EXAMINER | HEAD,
    "POST /v1/approvals": HEAD,
    "GET /v1/statements": READER,
    "POST /v1/statements": READER,
    "GET /v1/statements/{statement_id}": READER,
    "GET /v1/candidates": READER,
    "GET /v1/candidates/{candidate_id}": READER,
    "GET /v1/candidates/{candidate_id}/picture": READER,
    "GET /v1/blobs/{sha256}": READER,
    "GET /v1/scans/{sha256}/heights": READER,
    "GET /v1/log/checkpoint": ANY_USER,
    "GET /v1/log/checkpoint/{size}": ANY_USER,
    "GET /v1/log/stamp/{size}": ANY_USER,
    "GET /v1/log/tile/{tile_path}": ANY_USER,
    "GET /v1/status": ANY_USER,
    "GET /v1/vocabularies": ANY_USER,
    "GET /v1/peers": OPERATOR,
    "GET /v1/audit": {Role.AUDITOR, Role.HEAD},
    "POST /v1/records/{statement_id}/queries": ASKER,
    "GET /v1/queries": READER,
    "POST /v1/queries": PEERS,
    "POST /v1/queries/{statement_id}/requests": ASKER,
    "GET /v1/lane": PEERS,
    "GET /v1/mirror/lane": PEERS,
    "GET /v1/mirror/leaves": PEERS,
    "GET /v1/mirror/statements": PEERS,
    "POST /v1/witness": PEERS,
    "GET /v1/node": EVERYBODY,
    "GET /v1/node/keys": EVERYBODY,
    "GET /healthz": EVERYBODY,
    "GET /readyz": EVERYBODY,
}

FILLED = {
    "statement_id": "ab" * 32,
    "sha256": "ab" * 32,
    "candidate_id": "999999",
    "tile_path": "0/000",
    "size": "999999",
}
BODIES = {
    "POST /v1/records/{statement_id}/queries": {"purpose": "investigation", "legal_basis": "Article 1"},
    "POST /v1/queries/{statement_id}/requests": {"handle": "ab" * 32, "because": "Asked for."},
    "POST /v1/approvals": {
        "concerns": "ab" * 32,
        "jurisdiction": "MK",
        "decision": "approved",
        "because": "Asked for.",
    },
}
"""What is asked for well, of what is not there."""
LANE = {"start": "0", "head": "00" * 32}


def described() -> list[str]:
    paths: dict[str, dict[str, Any]] = create_api().openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


def test_every_route_stands_in_the_matrix() -> None:
    assert sorted(described()) == sorted(MATRIX)


def ask(node: RunningNode, route: str, headers: dict[str, str]) -> httpx.Response:
    method, path = route.split(" ")
    filled = re.sub(r"\{(\w+)\}", lambda name: FILLED[name[1]], path)
    params = LANE if path == "/v1/lane" else None
    body = BODIES.get(route)
    return node.http.request(method, node.url + filled, headers=headers, params=params, json=body)


@pytest.mark.slow
@pytest.mark.parametrize("route", described())
@pytest.mark.parametrize("caller", ["nobody", "garbage", *sorted(ANY_USER)])
def test_the_matrix(node: RunningNode, route: str, caller: str) -> None:
    """Whoever may gets past the door, to whatever the route then says; the others are told why not."""
    headers = {
        "nobody": {},
        "garbage": {"Authorization": "Bearer ffp_" + "A" * 43},
        **{role: node.bearer(role) for role in ANY_USER},
    }[caller]
    response = ask(node, route, headers)
    allowed = MATRIX[route]
    if allowed is EVERYBODY:
        assert response.status_code == 200
    elif allowed == PEERS:
        problem(response, 401, "signature-invalid")
    elif caller in ("nobody", "garbage"):
        problem(response, 401, "unauthenticated")
        assert response.headers["www-authenticate"].startswith("Bearer")
    elif caller not in allowed:
        problem(response, 403, "forbidden")
    else:
        assert response.status_code in {200, 404, 415, 422}, response.text


def test_what_anybody_may_see_names_no_folder(node: RunningNode) -> None:
    for path in ("/v1/node", "/healthz", "/readyz", "/v1/openapi.json"):
        assert str(node.node.settings.home) not in node.http.get(node.url + path).text


@pytest.mark.slow
@pytest.mark.parametrize("route", described())
def test_other_methods_are_refused_with_those_that_are_possible(node: RunningNode, route: str) -> None:
    path = route.split(" ")[1]
    possible = sorted(other.split(" ")[0] for other in described() if other.split(" ")[1] == path)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        response = ask(node, f"{method} {path}", node.bearer(Role.EXAMINER))
        problem(response, 405, "method-not-allowed")
        assert response.headers["allow"].split(", ") == possible


def test_a_revoked_token_is_refused_at_once(node: RunningNode) -> None:
    with node.node.store.write() as session:
        token = add_user(session, "short-lived", Role.EXAMINER)
    headers = {"Authorization": f"Bearer {token}"}
    assert node.http.get(f"{node.url}/v1/records", headers=headers).status_code == 200
    with node.node.store.write() as session:
        revoke_user(session, "short-lived")
    problem(node.http.get(f"{node.url}/v1/records", headers=headers), 401, "unauthenticated")


@pytest.mark.parametrize("claim", ["keyid", "sig1=()", "\x00", "x" * 5000])
def test_a_claimed_signature_opens_no_blob(node: RunningNode, claim: str) -> None:
    headers = {"Signature-Input": claim.replace("\x00", "%00"), **node.bearer(Role.EXAMINER)}
    response = ask(node, "GET /v1/blobs/{sha256}", headers)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"


def test_a_token_is_kept_as_its_hash_alone(node: RunningNode) -> None:
    stored = b"".join(path.read_bytes() for path in node.node.settings.home.glob("node.db*"))
    assert b"examiner" in stored
    assert all(token.encode() not in stored for token in node.tokens.values())
