"""Who may do what: every route that the API describes, with every kind of caller and every scope of a token."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import text

from exchange.clock import stamp_in
from exchange.scopes import Scope
from exchange.store.access.token_rows import add_token, find_token, minute, revoke_token
from exchange.store.access.user_rows import add_user, revoke_user
from exchange.store.tables.sign_in_tables import TokenRow
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem
from tests.exchange.web.test_who_may import described, kept_table

PEOPLE = [role for role in Role if role is not Role.NODE]
DOORS = {
    f"{method} {path.replace(':path}', '}')}": door
    for (method, path), door in kept_table().items()
    if path.startswith("/v1/")
}
WITH_SCOPE = [route for route, door in DOORS.items() if door.scope]

FILLED = {
    "statement_id": "ab" * 32,
    "sha256": "ab" * 32,
    "hit_id": "ab" * 32,
    "task_id": "ab" * 16,
    "conclusion": "ab" * 32,
    "candidate_id": "999999",
    "tile_path": "0/000",
    "firearm_id": "F-1999-0001",
    "proposal_id": "999999",
    "size": "999999",
    "jurisdiction": "UA",
    "other": "MD",
}
BODIES = {
    "POST /v1/policy/held": {"jurisdiction": "UA", "decision": "take_back", "because": "The agreement ended."},
    "POST /v1/records/{statement_id}/queries": {"purpose": "investigation", "legal_basis": "Article 1"},
    "POST /v1/verifications/{task_id}": {"conclusion": "no_association_indicated"},
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


def ask(node: RunningNode, route: str, headers: dict[str, str]) -> httpx.Response:
    method, path = route.split(" ")
    filled = re.sub(r"\{(\w+)\}", lambda name: FILLED[name[1]], path)
    params = {"/v1/lane": LANE, "/v1/lane/news": {**LANE, "wait": "1"}}.get(path)
    body = BODIES.get(route)
    return node.http.request(method, node.url + filled, headers=headers, params=params, json=body)


@pytest.fixture(scope="module")
def of_one_scope(node: RunningNode) -> dict[tuple[Role, Scope], dict[str, str]]:
    """For each role and each scope a token of that alone, also those that no user of the role is given."""
    with node.node.store.write() as session:
        for role in PEOPLE:
            add_user(session, f"{role}-scoped", role)
        tokens = {
            (role, scope): add_token(session, f"{role}-scoped", name=scope, scopes=[scope], days=1)
            for role in PEOPLE
            for scope in Scope
        }
    return {who: {"Authorization": f"Bearer {token}"} for who, token in tokens.items()}


@pytest.mark.slow
@pytest.mark.parametrize("route", WITH_SCOPE)
def test_the_matrix_of_scopes(
    node: RunningNode, of_one_scope: dict[tuple[Role, Scope], dict[str, str]], route: str
) -> None:
    """Role and scope must both allow; whoever lacks the scope alone is told which."""
    door = DOORS[route]
    for (role, scope), headers in of_one_scope.items():
        response = ask(node, route, headers)
        if role not in door.roles:
            problem(response, 403, "forbidden")
        elif scope != door.scope:
            assert f"the scope {door.scope}" in problem(response, 403, "scope-missing")["detail"]
            assert f'error="insufficient_scope", scope="{door.scope}"' in response.headers["www-authenticate"]
        else:
            assert response.status_code in {200, 404, 415, 422}, response.text


def test_what_anybody_may_see_names_no_folder(node: RunningNode) -> None:
    for path in ("/v1/node", "/healthz", "/readyz", "/v1/openapi.json"):
        assert str(node.node.settings.home) not in node.http.get(node.url + path).text


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted({path for _, path in described()}))
def test_other_methods_are_refused_with_those_that_are_possible(node: RunningNode, path: str) -> None:
    described_here = {method for method, other in described() if other == path}
    possible = sorted(described_here | ({"HEAD"} if "GET" in described_here else set()))
    for method in {"PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} - described_here:
        response = ask(node, f"{method} {path}", node.bearer(Role.EXAMINER))
        problem(response, 405, "method-not-allowed")
        assert response.headers["allow"].split(", ") == possible


@pytest.mark.parametrize("change", ["update \"user\" set role = 'head'", "update token set scopes = 'release'"])
def test_nobody_is_let_in_by_a_row_that_somebody_else_changed(node: RunningNode, change: str) -> None:
    """Neither in a role that the operator never gave, nor for what the token was never for."""
    name = f"altered-{len(change)}"
    with node.node.store.write() as session:
        token = add_user(session, name, Role.INVESTIGATOR)
        session.flush()
        session.execute(text(f"{change} where pseudonym = '{name}'"))
    answer = node.http.get(f"{node.url}/v1/records", headers={"Authorization": f"Bearer {token}"})
    assert "ffp log check" in problem(answer, 401, "row-altered")["detail"]


def test_a_token_ends_at_once_by_revocation_expiry_or_with_its_user(node: RunningNode) -> None:
    with node.node.store.write() as session:
        token = add_user(session, "short-lived", Role.EXAMINER)
        other = add_token(session, "short-lived", name="other", scopes=[Scope.READ], days=1)

    def asked(presented: str) -> httpx.Response:
        return node.http.get(f"{node.url}/v1/records", headers={"Authorization": f"Bearer {presented}"})

    def change(presented: str, **values: str | None) -> None:
        with node.node.store.write() as session:
            found = find_token(session, presented)
            assert found
            for name, value in values.items():
                setattr(found[0], name, value)

    assert [asked(token).status_code, asked(other).status_code] == [200, 200]
    change(token, expires_at=stamp_in(-1))
    assert "/app/tokens" in problem(asked(token), 401, "token-expired")["detail"]
    change(token, expires_at=stamp_in(60))
    with node.node.store.write() as session:
        found = find_token(session, token)
        assert found
        revoke_token(session, found[0].token_id)
    assert "/app/tokens" in problem(asked(token), 401, "token-revoked")["detail"]
    assert asked(other).status_code == 200
    with node.node.store.write() as session:
        revoke_user(session, "short-lived")
    assert "operator" in problem(asked(other), 401, "unauthenticated")["detail"]


def test_when_a_token_was_used_is_kept_to_the_minute(node: RunningNode) -> None:
    with node.node.store.write() as session:
        token = add_user(session, "often", Role.EXAMINER)

    def used() -> tuple[int, str | None]:
        with node.node.store.read() as session:
            row: TokenRow = (find_token(session, token) or pytest.fail("it is there"))[0]
            return row.token_id, row.used_at

    token_id, before = used()
    assert before is None
    began = minute()
    headers = {"Authorization": f"Bearer {token}", "FFP-Purpose": "investigation"}
    assert node.http.get(f"{node.url}/v1/records", headers=headers).status_code == 200
    assert used()[1] in {began, minute()}
    rows = node.get("/v1/audit", Role.AUDITOR, params={"actor": "often"}).json()["items"]
    assert [(row["actor"], row["token"]) for row in rows] == [("often", token_id)]


def test_who_fails_too_often_waits_and_good_tokens_do_not(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.web.access.login_rate_limit.TRIES_A_MINUTE", 3)
    wrong = [
        node.http.get(f"{node.url}/v1/status", headers={"Authorization": f"Bearer ffp_{number}"}) for number in range(5)
    ]
    assert "retry-after" in wrong[-1].headers
    problem(wrong[-1], 429, "too-many")
    assert node.get("/v1/status").status_code == 200


@pytest.mark.parametrize("claim", ["keyid", "sig1=()", "\x00", "x" * 5000])
def test_a_claimed_signature_opens_no_blob(node: RunningNode, claim: str) -> None:
    headers = {"Signature-Input": claim.replace("\x00", "%00"), **node.bearer(Role.EXAMINER)}
    response = ask(node, "GET /v1/blobs/{sha256}", headers)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.sqlite
def test_a_token_is_kept_as_its_hash_alone(node: RunningNode) -> None:
    stored = b"".join(path.read_bytes() for path in node.node.settings.home.glob("node.db*"))
    assert b"examiner" in stored
    assert all(token.encode() not in stored for token in node.tokens.values())
