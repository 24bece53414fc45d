"""The observer that is an examiner: may be asked to verify, and reads every page and every route until then."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI
from starlette.routing import Mount, Route

from exchange.flows.access.sign_in import csrf_of
from exchange.scopes import ROLES, Scope
from exchange.web.app import create_app
from exchange.web.pages.layout import cookie_name
from schemas.vocabulary import Role
from tests.observers.coverage import Coverage
from tests.observers.seen.description import Description, Seen, kind_of
from tests.observers.seen.peer import description_of
from tests.observers.seen.wire import OUTSIDE, Exchange
from tests.observers.trial import Meanwhile, Told
from tests.observers.world import EXAMINER, World

MOST = 3
"""Values of one route, beside those that it was told."""
MOST_ALIKE, MOST_DRAWN = 10, 1
"""Pages of one kind; of those that are drawn, which take long and show scans alone."""
_DRAWN = ("picture", "heights", "report.pdf", "bundle.zip", "bundle")
HALF_YEAR = "2026H1"
FIRST = ("/v1/status", "/v1/log/checkpoint")
"""Routes that say how long the log is, for those that take a size."""
_LEADS = re.compile(r'(?:href|src|data-[a-z-]+|[a-z]+-heights|hx-get)="(/(?:app|v1)/[^"#]*)')
_FORMS = re.compile(r'<form(?![^>]*method="post")[^>]*action="(/app/[^"#]*)')
_ELSEWHERE = re.compile(r"^/app/(static|language|sign-|welcome)")
"""Not for somebody who is signed in, or the same for all."""


class CuriousExaminer:
    """Signed in to the pages, and with a token for programs."""

    def __init__(self, world: World, told: Told, coverage: Coverage) -> None:
        self._world, self._told, self._coverage = world, told, coverage
        self._browser = world.browser(EXAMINER)
        self._program = world.wire.client()
        self._seen = Seen(told.values)
        self._pages = pages_of(world)

    @property
    def _csrf(self) -> str:
        return csrf_of(self._browser.cookies[cookie_name(self._world.rs)])

    def crawl_pages(self, start: str = "/app/", *, alike: int = MOST_ALIKE) -> None:
        """Every page that one leads to, and those that no link leads to with what was told."""
        waiting, been, kinds = [start, *self._guessed()], set(), Counter[str]()
        while waiting:
            target = waiting.pop(0)
            kind = self._template(target)
            most = min(MOST_DRAWN, alike) if any(word in kind for word in _DRAWN) else alike
            if target in been or _ELSEWHERE.match(target) or kinds[kind] >= most:
                continue
            been.add(target)
            kinds[kind] += 1
            answer = self._get(target)
            if answer.headers.get("content-type", "").startswith("text/html"):
                self._seen.text(answer.text)
                waiting += [html.unescape(found) for led in (_LEADS, _FORMS) for found in led.findall(answer.text)]

    def _guessed(self) -> list[str]:
        """Return pages of the records and hits that the observer was told, of a half-year, and of other roles."""
        told = [f"/app/{what}/{value}" for value in self._told.values for what in ("hits", "records")]
        return told + [page for path in self._pages if "{" not in (page := path.replace("{half}", HALF_YEAR))]

    def _get(self, target: str) -> httpx.Response:
        answer = self._browser.get(self._world.rs.settings.url + target)
        self._coverage.note(self._template(target), answer.status_code)
        return answer

    def get(self, target: str) -> None:
        """One page, or one route of programs."""
        if target.startswith("/app"):
            self._get(target)
        else:
            self._api("GET", target, target)

    def _template(self, target: str) -> str:
        path = urlsplit(target).path
        return next((page for page, found in self._pages.items() if found.fullmatch(path)), path)

    def crawl_api(self, description: Description) -> None:
        """Every GET route of the description with every value that was seen, and page by page."""
        for path in sorted(description.routes(), key=lambda path: path not in FIRST):
            most, each = (MOST_DRAWN, 0) if "picture" in path else (MOST, 1)
            for asked in description.requests(path, self._seen, most=most, each=each):
                target: str | None = asked.target
                for _ in range(3):
                    answer = self._api("GET", path, target, headers=dict(asked.headers))
                    self._coverage.note(path, answer.status_code, asked.parameters)
                    target = answer.links.get("next", {}).get("url")
                    if target is None:
                        break

    def _api(self, method: str, path: str, target: str | None, **more: Any) -> httpx.Response:
        headers = {**self._world.token(EXAMINER), **more.pop("headers", {})}
        answer = self._program.request(method, f"{self._world.rs.settings.url}{target}", headers=headers, **more)
        if answer.headers.get("content-type", "").startswith("application/json"):
            self._seen.text(answer.text, kind_of(path))
        return answer

    def take_tasks(self) -> None:
        """Take whatever waits, look at it as a person and as a program, give it back, and take it by the routes of
        programs."""
        shown = self._get("/app/verifications").text
        for task in re.findall(r"action=\"/app(/verifications/[0-9a-f]{32})/take\"", shown):
            self._post(f"/app{task}/take")
            self._get(f"/app{task}")
            for method, path in (("GET", ""), ("POST", "/give-back"), ("GET", ""), ("POST", "/take"), ("GET", "")):
                answer = self._api(method, "/v1/verifications/{task_id}" + path, f"/v1{task}{path}")
                if method == "GET":
                    self._coverage.note("/v1/verifications/{task_id}", answer.status_code, ("task_id",))
            self._api("GET", "/v1/verifications", "/v1/verifications")

    def try_what_may_be_said(self) -> None:
        """Drafts that name what it was told: what is refused must be refused in the same way, whatever that is."""
        pairs = re.findall(r"/app/pairs/\d+", self._get("/app/candidates").text)[:2]
        for value in self._told.values:
            for pair in pairs:
                self._post(f"{pair}/conclusion/{value}/retraction", reason="A slip.")
                self._post(f"{pair}/conclusion/{value}/hit")
            for draft in (
                {"type": "feedback", "hit": value, "outcome": "disputed"},
                {"type": "message", "to": "ffp-mk", "about": value, "text": "What is it?"},
                {"type": "retraction", "retracts": value, "reason": "A slip."},
            ):
                answer = self._api("POST", "/v1/statements", "/v1/statements", json=draft)
                self._coverage.note("POST /v1/statements", answer.status_code)

    def _post(self, target: str, **fields: str) -> httpx.Response:
        url = self._world.rs.settings.url + target
        answer = self._browser.post(url, data={"csrf": self._csrf, **fields})
        self._coverage.note(f"POST {self._template(target)}", answer.status_code)
        return answer

    def close(self) -> None:
        self._browser.close()
        self._program.close()


def observe_as_examiner(world: World, told: Told, meanwhile: Meanwhile, coverage: Coverage) -> Sequence[Exchange]:
    """1. Read everything, as a person and as a program.
    2. Take what waits, and read again: now one knows of which pairs.
    3. Try what only those could do who know, and read a last time.
    """
    description = description_of(world)
    examiner = CuriousExaminer(world, told, coverage)
    begun = len(world.wire.told)
    try:
        examiner.crawl_pages()
        examiner.crawl_api(description)
        meanwhile()
        examiner.take_tasks()
        examiner.crawl_pages(alike=1)
        examiner.try_what_may_be_said()
        examiner.crawl_pages("/app/verifications", alike=1)
    finally:
        examiner.close()
    return [exchange for exchange in world.wire.told[begun:] if exchange.asker == OUTSIDE]


def pages_of(world: World) -> dict[str, re.Pattern[str]]:
    """Every page that one may ask for, by the path that the code gives it."""
    app: FastAPI = create_app(world.rs, works=False)
    mounted = next(route for route in app.routes if isinstance(route, Mount) and route.path == "/app")
    inner: Iterable[Any] = mounted.app.routes  # type: ignore[union-attr]  # an application of its own
    found: dict[str, re.Pattern[str]] = {}
    for route in inner:
        if isinstance(route, Route) and "GET" in (route.methods or ()):
            found["/app" + route.path] = re.compile("/app" + re.sub(r"\{[^}]+\}", "[^/]+", route.path))
    return found


def pages_for_examiners(pages: Iterable[str], coverage: Coverage) -> list[str]:
    """Return the pages that were not refused for the role."""
    return [page for page in pages if not _ELSEWHERE.match(page) and not coverage.answers[page, 403]]


def routes_for_examiners(description: Description, coverage: Coverage) -> list[str]:
    """Return the GET routes that were not refused for the role, which the scope alone does not decide."""
    routes = (path for path in description.routes() if _is_for_examiners(description, path))
    return [path for path in routes if not coverage.answers[path, 403]]


def _is_for_examiners(description: Description, path: str) -> bool:
    """Return whether an examiner's token opens the route, or no token is needed."""
    scope = description.scope(path)
    if scope is None:
        return not path.startswith(("/v1/lane", "/v1/mirror", "/v1/log/witnessed"))  # for peers alone
    return Role.EXAMINER in ROLES[Scope(scope)]
