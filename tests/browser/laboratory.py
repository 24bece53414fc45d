"""A node with a few scans that were compared, and an examiner at its pages: for tests of the workbench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import enter, settle, wait_ready
from tests.exchange.running_nodes import RunningNode, node_starter

WINDOW = {"width": 1280, "height": 720}

Sent: TypeAlias = tuple[Path, dict[str, Any]]
"""A scan, and what is stated of it."""


@dataclass
class Laboratory:
    """``records``: in the order in which they were sent."""

    node: RunningNode
    records: list[str]

    @property
    def record(self) -> str:
        """The one whose candidates are looked at."""
        return self.records[0]


def topographies(scans: Path, *names: str) -> list[Sent]:
    """Of Fadul's set, each in a case of its own."""
    return [
        (scans / "fadul" / f"Fadul {name}.x3p", {"case_reference": f"CASE-{number}"})
        for number, name in enumerate(names, start=1)
    ]


@contextmanager
def laboratory_with(folder: Path, sent: Sequence[Sent], **settings: Any) -> Iterator[Laboratory]:
    with pytest.MonkeyPatch.context() as monkeypatch, node_starter(folder, monkeypatch) as start:
        node = start(Jurisdiction.RS, **settings)
        answers = [node.submit(scan, **fields) for scan, fields in sent]
        node.wait_correlated(len(sent))
        yield Laboratory(node, [answer.json()["statement_id"] for answer in answers])


@contextmanager
def examiner_at(browser: Any, laboratory: Laboratory) -> Iterator[Any]:
    """A page of an examiner's who has signed in; nothing may be left on the console, nor break the policy."""
    context = browser.new_context(viewport=WINDOW)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    enter(page, laboratory.node, Role.EXAMINER)
    yield page
    context.close()
    assert said == []


def open_first(page: Any, laboratory: Laboratory, record: str | None = None) -> Any:
    """The best candidate of a record, with the rail of all."""
    page.goto(f"{laboratory.node.url}/app/records/{record or laboratory.record}/candidates")
    address = page.locator("a[href*='/app/pairs/']").first.get_attribute("href")
    page.goto(f"{laboratory.node.url}{address}")
    wait_ready(page)
    settle(page)
    return page.locator("ffp-comparison")


def mark_here(page: Any, words: str) -> None:
    """A mark in the middle of the view."""
    page.locator(".ffp-stage").focus()
    for key in ("n", "Enter"):
        page.keyboard.press(key)
        settle(page)
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    settle(page)
