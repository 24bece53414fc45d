"""Every field of every form that anybody is shown, filled with script, path, template and formula: it comes back as
text or is refused, and never as an error that nobody foresaw.

The forms are found by walking the pages, so that a new one is tried without being named here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from exchange.flows.blind.visibility import pair_of
from exchange.flows.node.pipelines import PIPELINES
from exchange.store.review.candidate_rows import CandidateView, Page, open_candidates
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.pages.conftest import Person
from tests.schemas.results import INCONCLUSIVE

pytestmark = pytest.mark.slow

SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
HOSTILE = (SCRIPT, "../../../../etc/passwd", '=HYPERLINK("http://x.example","y")', "{{7*7}} ${7*7} #{7*7} %(x)s")
RAW = re.compile(r"<script>alert|<img src=x|onerror=alert\(2\)>")
BESIDE = {"/app/sign-out", "/app/language"}
"""Sent by hand in other tests: after the one nobody is signed in any more."""
TYPED = {"text", "search", "url", "password", "email", "number", "date", "tel"}


@dataclass
class Form:
    """One form of a page: where it goes, what its fields hold, and which of them a person types into."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)

    def filled(self, hostile: str) -> dict[str, str]:
        return self.values | dict.fromkeys(self.typed, hostile)


class Forms(HTMLParser):
    """The forms of a page, with a choice made in each list: the last that is offered."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self.found.append(Form(given.get("action", ""), given.get("method", "get")))
        elif not self.found or not name:
            if tag == "option" and self.found and self._select and given.get("value"):
                self.found[-1].values[self._select] = given["value"]
        elif tag == "textarea" or (tag == "input" and given.get("type", "text") in TYPED):
            self.found[-1].typed.add(name)
        elif tag == "select":
            self._select = name
        elif tag in ("input", "button"):
            self.found[-1].values.setdefault(name, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode], scans: dict[str, Path]) -> RunningNode:
    """Serbia's, with a record of its own and one of North Macedonia's that it was compared with."""
    rs, mk = start_shared(Jurisdiction.RS, control_share=0), start_shared(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    for at, to, name in ((rs, "MK", "1-1"), (mk, "RS", "1-2"), (mk, "RS", "2-1")):
        assert at.submit(scans[name], level="full", audience=[to], case_reference=f"{to}-{name}").status_code == 201
    rs.wait_correlated(3)
    with rs.node.store.read() as session:
        best = open_candidates(session, CandidateView(PIPELINES, None), Page(1))[0]
    pair = pair_of(best).model_dump(mode="json")
    concluded = {"type": "conclusion", "pair": pair, **INCONCLUSIVE}
    assert rs.post("/v1/statements", concluded).status_code == 201  # waits for whoever comes to verify it
    return rs


def pages(person: Person) -> dict[str, str]:
    """All that a person is led to, by its address; each kind of page once or twice."""
    found: dict[str, str] = {}
    waiting, kinds = ["/app/"], dict[str, int]()
    while waiting:
        path = waiting.pop(0)
        kind = re.sub(r"[0-9a-f]{8,}|\d+", "#", path.partition("?")[0])
        if path in found or kinds.get(kind, 0) >= 2 or "/static/" in path:
            continue
        kinds[kind] = kinds.get(kind, 0) + 1
        answer = person.get(path)
        assert answer.status_code < 500, path
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        found[path] = answer.text
        assert not RAW.search(answer.text), path
        waiting += [link.replace("&amp;", "&") for link in re.findall(r'href="(/app/[^"#]*)', answer.text)]
    return found


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NODE])
def test_every_field_of_every_form(signed_in: Callable[[Role], Person], role: Role) -> None:
    person, tried = signed_in(role), set[tuple[str, str]]()
    for _round in range(3):  # what one form makes, the next round finds
        for page in pages(person).values():
            for form in Forms(page).found:
                kind = re.sub(r"[0-9a-f]{8,}|\d+", "#", form.action)
                if (kind, form.method) in tried or form.action in BESIDE or not form.action:
                    continue
                tried.add((kind, form.method))
                for hostile in HOSTILE:
                    fields = form.filled(hostile)
                    if form.method == "get":
                        answer = person.http.get(person.node.url + form.action, params=fields)
                    else:
                        answer = person.post(form.action, fields)
                    assert answer.status_code < 500, (form.action, hostile, answer.text[:500])
                    assert answer.headers.get("location", "/app/").startswith("/app/"), form.action
                    assert not RAW.search(answer.text), (form.action, hostile)
    after = pages(person)
    assert after["/app/"]
    expected = {
        Role.EXAMINER: {"/app/pairs/#/conclusion", "/app/register", "/app/verifications/#", "/app/candidates"},
        Role.OPERATOR: {"/app/peers/meet"},
        Role.AUDITOR: {"/app/audit"},
    }
    assert expected.get(role, {"/app/purpose"}) <= {kind for kind, _ in tried}
