"""The people of one side of the day, at browsers and at programs, and all that its node answered to any of them."""

from __future__ import annotations

import base64
import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
from pypdf import PdfReader

from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Role
from tests.exchange.running_nodes import DONE_S, KEPT_S, RunningNode
from tests.exchange.web.pages.conftest import Person
from tests.journeys.day import SideOfTheDay


class Program:
    """Somebody with a token for programs, who never sees a page."""

    def __init__(self, side: Side, role: Role, pseudonym: str) -> None:
        self.pseudonym = pseudonym
        with side.node.node.store.write() as session:
            token = add_user(session, pseudonym, role)
        self._http = side.listening(
            base_url=side.node.url + "/v1",
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx.Limits(keepalive_expiry=KEPT_S),
        )

    def get(self, path: str, **asked: str | float) -> httpx.Response:
        return self._http.get(path, params=asked)

    def read(self, path: str, **asked: str | float) -> Any:
        """The answer to what must be there."""
        answer = self.get(path, **asked)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def say(self, kind: str, **fields: Any) -> str:
        """Sign a statement; returns its id."""
        answer = self._http.post("/statements", json={"type": kind, **fields})
        assert answer.status_code == 201, (kind, fields, answer.text)
        return str(answer.json()["statement_id"])

    def post(self, path: str, body: Any) -> httpx.Response:
        return self._http.post(path, json=body)

    def submit(self, metadata: dict[str, Any], scan: bytes) -> str:
        files = {"metadata": (None, json.dumps(metadata), "application/json"), "scan": ("scan.x3p", scan)}
        answer = self._http.post("/records", files=files)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["statement_id"])


class Visitor(Person):
    """Somebody at a browser without script, who never calls a route of programs."""

    def read(self, path: str) -> str:
        """A page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.text

    def send(self, path: str, **fields: str) -> str:
        """A form; returns where the browser is led to."""
        answer = self.post(path, {"csrf": self.csrf(), **fields})
        assert answer.status_code == 303, (path, fields, answer.status_code, answer.text)
        return answer.headers["location"]


class Side:
    """A node and what it has to do that day. Everything that it answers to its people is kept in ``heard``."""

    def __init__(self, node: RunningNode, day: SideOfTheDay) -> None:
        self.node, self.day = node, day
        self.heard: dict[str, str] = {}
        self._clients: list[httpx.Client] = []

    def program(self, role: Role, name: str) -> Program:
        return Program(self, role, f"{name}-{time.time_ns()}")

    def visitor(self, role: Role, name: str) -> Visitor:
        """Invited, and signed in with two factors."""
        person = Visitor(self.node, f"{name}-{time.time_ns()}", http=self.listening())
        with self.node.node.store.write() as session:
            add_user(session, person.pseudonym, role)
        assert person.accept().status_code == 200
        assert person.sign_in().status_code == 303
        return person

    def listening(self, **more: Any) -> httpx.Client:
        """A client whose answers are kept."""
        client = httpx.Client(timeout=DONE_S, trust_env=False, event_hooks={"response": [self._hear]}, **more)
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _hear(self, answer: httpx.Response) -> None:
        answer.read()
        said = f"{answer.headers}\n{words_in(answer.content)}"
        self.heard[f"{len(self.heard)} {answer.request.method} {answer.request.url}"] = said


def words_in(content: bytes) -> str:
    """All that can be read in an answer: of a PDF its text, of a ZIP all its files, of an envelope its payload too."""
    if content.startswith(b"%PDF-"):
        return text_of(content)
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return "\n".join(words_in(packed.read(name)) for name in packed.namelist())
    payloads = [base64.b64decode(found) for found in re.findall(rb'"payload":\s*"([A-Za-z0-9+/=]+)"', content)]
    return b"\n".join((content, *payloads)).decode(errors="replace")


def text_of(pdf: bytes) -> str:
    """All words of a report, with one space between two."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for what another node, or a worker, brings about."""
    deadline = time.monotonic() + DONE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not in {DONE_S} s"
        time.sleep(0.25)
