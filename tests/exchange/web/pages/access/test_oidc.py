"""Sign-in at a provider that keeps to the letter, and at one that lies: refused with a page that says why."""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwk
from sqlalchemy import select, update

from exchange.clock import stamp_in
from exchange.errors import ProviderUnavailable
from exchange.flows.access.sign_in import invite_user
from exchange.net.oidc import MAX_ANSWER, Provider
from exchange.store.access.user_rows import add_user, revoke_user
from exchange.store.tables.sign_in_tables import BegunRow, SessionRow
from exchange.trust.id_token import MAX_TOKEN
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.lying_provider import CLIENT, SECRET, LyingProvider, compact, lying_provider, rsa, unsigned
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow
NAME = "Test <Keycloak>"


@pytest.fixture(scope="module")
def standing() -> Iterator[LyingProvider]:
    with lying_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode], standing: LyingProvider) -> RunningNode:
    """Serbia's, whose users sign in there."""
    settings: dict[str, Any] = {"issuer": standing.issuer, "client_id": CLIENT, "client_secret": SECRET, "name": NAME}
    started = start_shared(Jurisdiction.RS, **{f"oidc_{name}": value for name, value in settings.items()})
    with started.node.store.write() as session:
        for name in ("examiner-1", "gone"):
            add_user(session, name, Role.EXAMINER)
        revoke_user(session, "gone")
    return started


@pytest.fixture
def provider(standing: LyingProvider, node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> LyingProvider:
    """It tells the truth again, and nothing is kept of what it said before."""
    told = replace(LyingProvider(standing.issuer, key=standing.key), name="examiner-1")
    standing.__dict__.update(told.__dict__)
    monkeypatch.setattr("exchange.net.oidc.KEPT_S", 0)
    monkeypatch.setattr("exchange.net.oidc.FRESH_S", 0)
    return standing


@pytest.fixture
def browser(node: RunningNode) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=node.url, timeout=30, trust_env=False) as http:
        yield http


def sent_back(browser: httpx.Client) -> str:
    """To the provider, and back to this address."""
    there = browser.get("/app/sign-in/provider")
    assert there.status_code == 303, there.text
    back = browser.get(there.headers["location"])
    assert back.status_code == 303
    return back.headers["location"]


def sign_in(browser: httpx.Client) -> httpx.Response:
    return browser.get(sent_back(browser))


def check_refused(browser: httpx.Client, answer: httpx.Response, status: int, said: str) -> None:
    """A page with a sentence and both ways to sign in; nobody is in."""
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert 'role="alert"' in answer.text
    assert "/app/sign-in/provider" in answer.text
    assert "ffp" not in browser.cookies
    assert browser.get("/app/").status_code == 303


def test_in_and_out_again(node: RunningNode, provider: LyingProvider, browser: httpx.Client) -> None:
    page = browser.get("/app/sign-in").text
    assert "Sign in with Test &lt;Keycloak&gt;" in page
    assert 'name="password"' in page
    there = browser.get("/app/sign-in/provider")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(there.headers["location"]).query).items()}
    assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", CLIENT, "S256")
    assert asked["redirect_uri"] == f"{node.url}/app/sign-in/callback"
    begun = there.headers["set-cookie"].lower()
    assert "httponly" in begun
    assert "samesite=lax" in begun
    answer = browser.get(browser.get(there.headers["location"]).headers["location"])
    assert answer.status_code == 200, answer.text
    assert '<meta http-equiv="refresh" content="0; url=/app/">' in answer.text
    assert any("samesite=strict" in line.lower() and "ffp=" in line for line in answer.headers.get_list("set-cookie"))
    home = browser.get("/app/")
    assert "examiner-1</bdi> · examiner" in home.text
    with node.node.store.read() as session:
        assert session.scalars(select(SessionRow.signed_in)).all() == [SignedInBy.OIDC]
        assert session.scalars(select(BegunRow)).all() == []
    tokens = browser.get("/app/tokens").text
    assert "the node's operator makes the token" in tokens.replace("&#39;", "'")
    assert 'name="code"' not in tokens
    csrf = re.findall(r'name="csrf" value="([0-9a-f]{64})"', home.text)[0]
    out = browser.post("/app/sign-out", data={"csrf": csrf})
    assert out.headers["location"] == "/app/sign-in?left=provider"
    left = browser.get(out.headers["location"]).text
    assert "still signed in with Test &lt;Keycloak&gt;" in left
    assert 'href="/app/sign-out/provider"' in left
    ending = urlsplit(browser.get("/app/sign-out/provider").headers["location"])
    assert f"{ending.scheme}://{ending.netloc}{ending.path}" == f"{provider.issuer}/logout"
    assert parse_qs(ending.query) == {
        "from": ["node"],
        "client_id": [CLIENT],
        "post_logout_redirect_uri": [f"{node.url}/app/sign-in"],
    }
    assert browser.get("/app/").status_code == 303


@pytest.mark.parametrize(
    ("back", "led"),
    [("/app/register", "/app/register"), ("//evil.example", "/app/"), ("/app/sign-in/callback?code=1", "/app/")],
)
def test_by_the_provider_one_goes_on_where_one_was(
    provider: LyingProvider, browser: httpx.Client, back: str, led: str
) -> None:
    shown = browser.get("/app/sign-in", params={"back": back}).text
    (link,) = re.findall(r'href="(/app/sign-in/provider[^"]*)"', shown)
    there = browser.get(link)
    answer = browser.get(browser.get(there.headers["location"]).headers["location"])
    assert f'<meta http-equiv="refresh" content="0; url={led}">' in answer.text
    assert "ffp-back" not in browser.cookies


def test_a_cookie_of_anybody_leads_nowhere_else(provider: LyingProvider, browser: httpx.Client) -> None:
    address = sent_back(browser)
    browser.cookies.set("ffp-back", "https%3A//evil.example")
    assert "url=/app/" in browser.get(address).text


def public_as_secret(provider: LyingProvider, claims: dict[str, Any]) -> str:
    """What a verifier without an allow-list takes the public key for: a secret that it shares."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "one"}, claims)]
    text = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    made = hmac.digest(provider.key.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def altered(provider: LyingProvider, claims: dict[str, Any]) -> str:
    header, _, signature = compact({**claims, "preferred_username": "gone"}, provider.key).split(".")
    return ".".join((header, compact(claims, provider.key).split(".")[1], signature))


def of_another_key(provider: LyingProvider, claims: dict[str, Any]) -> str:
    return compact(claims, rsa("one"))


def of_no_shown_key(provider: LyingProvider, claims: dict[str, Any]) -> str:
    return compact(claims, rsa("other"))


NOT_BELIEVED: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"changes": {"nonce": "0" * 43}}, "another nonce"),
    "no nonce": ({"changes": {"nonce": None}}, "another nonce"),
    "another audience": ({"changes": {"aud": "ffp-mk"}}, "another audience"),
    "two audiences": ({"changes": {"aud": [CLIENT, "ffp-mk"]}}, "another audience"),
    "no audience": ({"changes": {"aud": None}}, "another audience"),
    "another party": ({"changes": {"azp": "ffp-mk"}}, "another authorised party"),
    "another issuer": ({"changes": {"iss": "http://localhost:1"}}, "another issuer"),
    "expired": ({"changes": {"exp": 1_700_000_000}}, "a time that is over"),
    "never expires": ({"changes": {"exp": None}}, "no exp"),
    "expires in words": ({"changes": {"exp": "tomorrow"}}, "no exp"),
    "of tomorrow": ({"changes": {"iat": 4_000_000_000}}, "a time to come"),
    "no time": ({"changes": {"iat": None}}, "no iat"),
    "alg none": ({"sign": unsigned}, "a signature of the kind none"),
    "alg HS256": ({"sign": public_as_secret}, "a signature of the kind HS256"),
    "altered": ({"sign": altered}, "a signature that does not verify"),
    "another key": ({"sign": of_another_key}, "a signature that does not verify"),
    "key not shown": ({"sign": of_no_shown_key}, "signed with none of its keys"),
    "short key": ({"key": rsa("one", 1024)}, "less than 2048 bits"),
    "no keys": ({"hides_key": True}, "signed with none of its keys"),
    "keys that are none": ({"hides_key": True, "shown_keys": [{"kty": "RSA", "kid": "one"}]}, "does not verify"),
    "no token": ({"sign": lambda *_: "three words long"}, "not the form of one"),
    "dots": ({"sign": lambda *_: ".."}, "not the form of one"),
    "large token": ({"changes": {"more": "x" * MAX_TOKEN}}, "not the form of one"),
    "no name": ({"changes": {"preferred_username": None}}, "no preferred_username"),
    "name that is none": ({"changes": {"preferred_username": ["examiner-1"]}}, "no preferred_username"),
    "unknown user": ({"name": "nobody"}, "no active user of this node"),
    "revoked user": ({"name": "gone"}, "no active user of this node"),
    "other letters": ({"name": "Examiner-1"}, "no active user of this node"),
    "long name": ({"name": "e" * 3000}, "no active user of this node"),
    "name with a zero byte": ({"name": "examiner-1\x00"}, "no active user of this node"),
    "refused there": ({"back": {"error": "access_denied", "code": ""}}, "did not sign you in: access_denied"),
    "refused in markup": ({"back": {"error": "<b>", "code": ""}}, "it gives no reason"),
    "no code": ({"back": {"code": ""}}, "it gives no reason"),
    "made-up code": ({"back": {"code": "made-up"}}, "invalid_grant This code is not yours"),
    "another provider": ({"back": {"iss": "http://localhost:1"}}, "Another provider"),
    "a provider without name": ({"back": {"iss": ""}}, "Another provider"),
    "state of another": ({"back": {"state": "A" * 43}}, "was used already, took too long"),
    "no state": ({"back": {"state": ""}}, "was used already, took too long"),
}


@pytest.mark.parametrize("lie", NOT_BELIEVED)
def test_what_is_not_believed(provider: LyingProvider, browser: httpx.Client, lie: str) -> None:
    changes, said = NOT_BELIEVED[lie]
    truth = {name: getattr(provider, name) for name in changes}
    for name, value in changes.items():
        setattr(provider, name, value)
    check_refused(browser, sign_in(browser), 401, said)
    for name, value in truth.items():
        setattr(provider, name, value)
    assert sign_in(browser).status_code == 200, "the next, true, sign-in is not in the way of the lie"


LARGE = b'{"issuer": "' + b"x" * MAX_ANSWER + b'"}'
ELSEWHERE = "http://provider.example/there"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, LARGE, f"more than {MAX_ANSWER} bytes"),
        (200, b"<html>", "does not answer with JSON"),
        (200, b"[]", "object of JSON"),
        (200, b"[" * 5000, "does not answer with JSON"),
        (200, b'{"a": 1, "a": 2}', "does not answer with JSON"),
        (302, b"", "answered with 302"),
        (503, b'{"error": "busy"}', "answered with 503: busy"),
        (200, b"{}", ""),
    ],
    ids=["large", "html", "list", "deep", "twice", "redirect", "busy", "empty"],
)
def test_answers_that_are_none(
    provider: LyingProvider, browser: httpx.Client, path: str, status: int, body: bytes, said: str
) -> None:
    back = sent_back(browser)
    provider.answers[path] = (status, body)
    answer = browser.get(back)
    check_refused(browser, answer, 502, said)
    if path.startswith("/.well-known"):
        check_refused(browser, browser.get("/app/sign-in/provider"), 502, said)


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"issuer": "http://localhost:1"}, "names itself otherwise"),
        ({"authorization_endpoint": ELSEWHERE}, "authorization_endpoint is no address over TLS"),
        ({"token_endpoint": ELSEWHERE}, "token_endpoint is no address over TLS"),
        ({"jwks_uri": "file:///etc/passwd"}, "jwks_uri is no address over TLS"),
        ({"end_session_endpoint": "javascript:alert(1)"}, "end_session_endpoint is no address over TLS"),
        ({"token_endpoint": None}, "token_endpoint is no address over TLS"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"code_challenge_methods_supported": "S256 and others"}, "PKCE"),
    ],
)
def test_a_description_that_leads_astray(
    provider: LyingProvider, browser: httpx.Client, described: dict[str, Any], said: str
) -> None:
    provider.described = described
    check_refused(browser, browser.get("/app/sign-in/provider"), 502, said)
    assert "/token" not in provider.asked


def test_a_provider_that_is_away_or_slow(provider: LyingProvider, browser: httpx.Client) -> None:
    provider.described = {"token_endpoint": "http://localhost:1/token"}
    check_refused(browser, sign_in(browser), 502, "was not asked")
    provider.described = {}
    provider.delay_s = 2
    slow = Provider(provider.issuer, CLIENT, SECRET, guard=ANYWHERE, timeout_s=0.5)
    with pytest.raises(ProviderUnavailable, match=r"took longer than 0.5 s|ReadTimeout"):
        slow.description()


def test_a_state_is_good_once_in_one_browser_and_not_for_long(
    node: RunningNode, provider: LyingProvider, browser: httpx.Client
) -> None:
    back = sent_back(browser)
    with httpx.Client(base_url=node.url, timeout=30, trust_env=False) as other:
        check_refused(other, other.get(back), 401, "in another browser")
        check_refused(browser, browser.get(back), 401, "was used already")
        theirs = sent_back(other)
        mine = sent_back(browser)
        check_refused(browser, browser.get(theirs), 401, "in another browser")
        assert mine != theirs
    back = sent_back(browser)
    assert browser.get(back).status_code == 200
    browser.cookies.clear()
    check_refused(browser, browser.get(back), 401, "was used already")
    late = sent_back(browser)
    with node.node.store.write() as session:
        session.execute(update(BegunRow).values(ends_at=stamp_in(-1)))
    check_refused(browser, browser.get(late), 401, "took too long")


def test_a_new_key_is_fetched_and_no_more_often_than_need_be(
    provider: LyingProvider, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.net.oidc.KEPT_S", 3600)
    assert sign_in(browser).status_code == 200
    before = provider.asked.count("/keys")
    assert sign_in(browser).status_code == 200
    assert provider.asked.count("/keys") == before
    provider.key = rsa("two")
    monkeypatch.setattr("exchange.net.oidc.FRESH_S", 3600)
    browser.cookies.clear()
    check_refused(browser, sign_in(browser), 401, "none of its keys")
    assert provider.asked.count("/keys") == before
    monkeypatch.setattr("exchange.net.oidc.FRESH_S", 0)
    assert sign_in(browser).status_code == 200
    assert provider.asked.count("/keys") == before + 1


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "PS256", "RS512"])
def test_other_algorithms_of_the_list(provider: LyingProvider, browser: httpx.Client, algorithm: str) -> None:
    curve = {"ES256": "P-256", "ES384": "P-384"}.get(algorithm)
    key = jwk.ECKey.generate_key(curve, {"kid": "ec", "use": "sig"}, private=True) if curve else rsa("ec")
    provider.shown_keys = [key.as_dict(private=False)]
    provider.sign = lambda _provider, claims: compact(claims, key, algorithm=algorithm)
    assert sign_in(browser).status_code == 200


def test_a_second_factor_can_be_demanded(
    standing: LyingProvider, provider: LyingProvider, start_node: Callable[..., RunningNode]
) -> None:
    demanding = start_node(
        Jurisdiction.MK,
        oidc_issuer=standing.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_required_acr="2",
        oidc_required_amr="otp",
        oidc_claim="staff_number",
        oidc_only="true",
    )
    with demanding.node.store.write() as session:
        add_user(session, "e-7", Role.HEAD)
    with httpx.Client(base_url=demanding.url, timeout=30, trust_env=False) as browser:
        assert 'name="password"' not in browser.get("/app/sign-in").text
        refused = browser.post("/app/sign-in", data={"pseudonym": "e-7", "password": "x" * 12, "code": "000000"})
        assert refused.status_code == 403
        assert "people sign in at the provider alone" in refused.text
        assert browser.get(invite_user(demanding.node, "e-7")).status_code == 403
        for said in (
            {},
            {"acr": "1", "amr": ["otp"]},
            {"acr": "2", "amr": ["pwd"]},
            {"acr": "2", "amr": "otp"},
            {"acr": 2, "amr": ["otp"]},
        ):
            provider.changes = {"staff_number": "e-7", **said}
            check_refused(browser, sign_in(browser), 401, "the second factor that this node demands")
        assert "acr_values=2" in browser.get("/app/sign-in/provider").headers["location"]
        provider.changes = {"staff_number": "e-7", "acr": "2", "amr": ["pwd", "otp"]}
        assert sign_in(browser).status_code == 200
        assert "e-7</bdi> · head" in browser.get("/app/").text


def test_without_a_provider_there_is_none(start_node: Callable[..., RunningNode]) -> None:
    plain = start_node(Jurisdiction.MK)
    with httpx.Client(base_url=plain.url, timeout=30, trust_env=False) as browser:
        assert "/app/sign-in/provider" not in browser.get("/app/sign-in?left=provider").text
        for path in ("/app/sign-in/provider", "/app/sign-in/callback?state=x&code=y", "/app/sign-out/provider"):
            assert browser.get(path).status_code == 404
