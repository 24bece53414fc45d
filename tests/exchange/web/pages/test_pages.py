"""Each page for each role; what is written by others is text and nothing else; forms are the node's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from exchange.web.pages.pages_app import POLICY
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.test_who_may import kept_table

PEOPLE = [role for role in Role if role is not Role.NODE]
NOTHING, NO_TASK = "ab" * 32, "ab" * 16
NO_DRAFT, NO_FILE = "cd" * 16, "ef" * 16
NO_FIREARM = "F-NOTHING"
NO_SET = "ab" * 8
NAMELESS = {"/app/separation"}
"""Of these those that name nothing, and so are done."""
FROM_SCRIPTS = ("/views", "/views/7", "999999/sheet", f"{NO_TASK}/sheet", "/compare/sheet", "/region")
"""What the pages' own scripts send to: how such an address ends. All others take a form."""
ABOUT = {"/app/compare/sheet": f"?a={NOTHING}&b={NOTHING}"}
"""What an address must say to be understood."""
FOR_SCRIPTS = {"/app/session", "/app/events", "/app/events/alerts"}
"""Nobody is led back to these."""
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def filled(path: str) -> str:
    """A route's path as it is in the tables: nothing has these names."""
    for name, value in (
        ("{statement_id}", NOTHING),
        ("{link_id}", NOTHING),
        ("{conclusion}", NOTHING),
        ("{sha256}", NOTHING),
        ("{task_id}", NO_TASK),
        ("{candidate_id}", "999999"),
        ("{check_id}", "999999"),
        ("{set_id}", NO_SET),
        ("{number}", "7"),
        ("{side}", "a"),
        ("{meeting_id}", "999999"),
        ("{code}", "MD"),
        ("{token_id}", "999999"),
        ("{search_id}", "999999"),
        ("{drawn}", "plain"),
        ("{action}", "message"),
        ("{jurisdiction}/{case_reference:path}", "UA/NOTHING-1"),
        ("{one}/{other}", "UA/MD"),
        ("of/{jurisdiction}", "of/UA"),
        ("{firearm_id:path}", NO_FIREARM),
        ("{node_id}", "ffp-uk"),
        ("{view_id}/{size}", "7/picture"),
        ("{position}", "0"),
        ("{view_id}", "7"),
        ("{draft_id}", NO_DRAFT),
        ("{file_id}", NO_FILE),
        ("{offset}", "0"),
        ("{half}", "2026H1"),
        ("{form}", "json"),
    ):
        path = path.replace(name, value)
    return f"/app{path}"


def sent_to() -> Iterator[tuple[str, str, set[Role]]]:
    """Yield method, address and roles of all that pages send, but what anyone may."""
    for (method, path), door in kept_table().items():
        if path.startswith("/app/") and method != "GET" and not door.is_open:
            yield method, filled(path.removeprefix("/app")), door.roles


FORMS = {path: roles for method, path, roles in sent_to() if not path.endswith(FROM_SCRIPTS)}
SCRIPTS = {(method, path): roles for method, path, roles in sent_to() if path.endswith(FROM_SCRIPTS)}
PAGES = [
    filled(path.removeprefix("/app"))
    for (method, path), door in kept_table().items()
    if path.startswith("/app/") and method == "GET" and not door.is_open
]


@pytest.mark.slow
@pytest.mark.parametrize("role", PEOPLE)
def test_the_matrix_of_forms(signed_in: Callable[[Role], Person], role: Role) -> None:
    person = signed_in(role)
    csrf = person.csrf()
    for path, allowed in FORMS.items():
        assert person.post(path, {"csrf": "0" * 64}).status_code == 403, path
        # some are for the pages' scripts, which send a header; a registration may start from a record that is not there
        answer = person.post(path, {"csrf": csrf, "act": "another", "record": NOTHING}, **{"X-CSRF": csrf})
        if role in allowed:
            assert answer.status_code in ({303} if path in NAMELESS else {404, 422}), (path, answer.text)
        else:
            assert answer.status_code == 403, path


@pytest.mark.slow
@pytest.mark.parametrize("role", PEOPLE)
def test_the_matrix_of_scripts(signed_in: Callable[[Role], Person], role: Role) -> None:
    person = signed_in(role)
    csrf = person.csrf()
    for (method, path), allowed in SCRIPTS.items():
        address = person.node.url + path + ABOUT.get(path, "")
        assert person.http.request(method, address, json={}).status_code == 403, path
        answer = person.http.request(method, address, json={}, headers={"X-CSRF": csrf})
        if role in allowed:
            assert answer.status_code in {404, 415, 422}, (path, answer.text)
        else:
            assert answer.status_code == 403, path


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_led_to_the_sign_in(invited: Callable[[Role], Person], path: str) -> None:
    person = invited(Role.EXAMINER)
    for cookie in ("", "garbage", "a" * 43):
        person.http.cookies.set("ffp", cookie)
        answer = person.get(path)
        led = urlsplit(answer.headers["location"])
        assert (answer.status_code, led.scheme, led.netloc, led.path) == (303, "", "", "/app/sign-in")
        back = parse_qs(led.query).get("back", ["/app/"])
        assert back == ["/app/" if path in FOR_SCRIPTS else path], "to go on there afterwards"


def test_a_token_for_machines_opens_no_page_and_a_session_no_rest(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    assert node.http.get(f"{node.url}/app/", headers=node.bearer(Role.EXAMINER)).status_code == 303
    assert signed_in(Role.EXAMINER).get("/v1/records").status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/app/", "/app/sign-in", "/app/nothing", "/app/static/node.css"])
def test_the_policy_is_on_every_answer(signed_in: Callable[[Role], Person], path: str) -> None:
    answer = signed_in(Role.EXAMINER).get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


def test_a_browser_keeps_style_and_scripts_for_good_and_pages_not_at_all(
    signed_in: Callable[[Role], Person],
) -> None:
    person = signed_in(Role.EXAMINER)
    page = person.get("/app/")
    (named,) = re.findall(r'href="(/app/static/[0-9a-f]{16}/node.css)"', page.text)
    style = person.get(named)
    assert (style.status_code, style.text) == (200, person.get("/app/static/node.css").text)
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert page.headers["cache-control"] == "no-store"
    assert person.get("/app/static/0123456789abcdef/node.css").status_code == 404, "of another release"


def test_by_its_bare_name_a_browser_asks_whether_style_is_the_same(signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    style, page = person.get("/app/static/node.css"), person.get("/app/")
    assert (style.headers["cache-control"], page.headers["cache-control"]) == ("no-cache", "no-store")
    again = person.http.get(style.url, headers={"If-None-Match": style.headers["etag"]})
    assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-cache")


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_what_others_wrote_is_text(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    made = node.submit(tiny_scan(), handling={"code": "H3", "restriction": HOSTILE})
    assert made.status_code == 201, made.text
    person = signed_in(Role.EXAMINER)
    basis = HOSTILE[-60:]
    assert (
        person.post(
            "/app/purpose", {"csrf": person.csrf(), "purpose": "investigation", "legal_basis": basis}
        ).status_code
        == 303
    )
    statement = made.json()["statement_id"]
    for path in ("/app/", "/app/search", f"/app/records/{statement}", f"/app/records/{statement}/candidates"):
        answer = person.get(path)
        assert answer.status_code == 200
        parsed = _Elements()
        parsed.feed(answer.text)
        scripts = [values for tag, values in parsed.found if tag == "script"]
        assert all((values.get("src") or "").startswith("/app/static/") for values in scripts)
        assert not [tag for tag, _ in parsed.found if tag == "style"]
        assert not [name for _, values in parsed.found for name in values if name.startswith("on") or name == "style"]
        assert all(values.get("src") != "x" for tag, values in parsed.found if tag == "img")
    assert "&lt;script&gt;alert(1)" in person.get(f"/app/records/{statement}").text
    assert "{{7*7}}" in person.get("/app/").text, "no template is made of what was typed"


@pytest.mark.slow
def test_what_is_stated_goes_into_the_audit_log(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    statement = node.submit(tiny_scan()).json()["statement_id"]
    person = signed_in(Role.INVESTIGATOR)
    stated = {"csrf": person.csrf(), "purpose": "prosecution", "legal_basis": "Član 5, K-17/26"}
    assert person.post("/app/purpose", stated).status_code == 303
    assert "prosecution of criminal offences: Član 5, K-17/26" in person.get("/app/").text
    assert person.get(f"/app/records/{statement}").status_code == 200
    asked = {"subject": statement, "actor": person.pseudonym}
    (row,) = node.get("/v1/audit", Role.AUDITOR, params=asked).json()["items"]
    assert (row["act"], row["purpose"], row["legal_basis"]) == ("read-record", "prosecution", "Član 5, K-17/26")


def test_a_form_that_is_not_the_nodes_own_changes_nothing(signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    own = {"csrf": person.csrf()}
    stated = {"purpose": "prosecution", "legal_basis": "Art. 1"}
    for fields, headers, status in (
        (stated, {}, 403),
        (stated | {"csrf": "0" * 64}, {}, 403),
        (stated | own | {"purpose": "gossip"}, {}, 422),
        (stated | own | {"legal_basis": " "}, {}, 422),
        (stated | own | {"legal_basis": "a" * 121}, {}, 422),
        (stated | own, {"Origin": "https://evil.example"}, 403),
        (stated | own, {"Origin": "null"}, 403),
        (own | {"purpose": "a" * 40_000}, {}, 413),
    ):
        assert person.post("/app/purpose", fields, **headers).status_code == status, fields
        assert "Not stated yet" in person.get("/app/").text


def test_no_file_beside_the_static_ones_is_given(signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    for path in ("../pages/app.py", "..%2fpages%2fapp.py", "%2e%2e/pages/app.py", "/etc/passwd"):
        assert person.get(f"/app/static/{path}").status_code in {303, 404}
