"""Serbia and North Macedonia, enrolled with each other, with people at their pages and programs at their routes; and
those who sit down at a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import matcher
from matcher.synthetic import breech_face
from schemas.vocabulary import Jurisdiction
from tests.browser.conftest import browser
from tests.exchange.conftest import (
    _logs_where_pytest_keeps_them,
    _nodes_take_shortcuts,
    _what_a_test_left_is_spare,
    databases,
    node_shortcuts,
    postgresql,
    start_node,
)
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.journeys.day import MK_DAY, RS_DAY
from tests.journeys.hands import HANDS
from tests.journeys.laboratories import Laboratories
from tests.journeys.people import Side
from tests.journeys.somebody import Somebody
from tests.journeys.speech import Speech
from tests.journeys.watch import Watch

__all__ = [
    "_logs_where_pytest_keeps_them",
    "_nodes_take_shortcuts",
    "_what_a_test_left_is_spare",
    "browser",
    "databases",
    "node_shortcuts",
    "postgresql",
    "start_node",
]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], bytes]:
    """The scans of the day, by the seeds of firearm and shot."""
    path = tmp_path_factory.mktemp("day") / "scan.x3p"
    found = {}
    for firearm, shot in (one.drawn for day in (RS_DAY, MK_DAY) for one in day.entered):
        matcher.write_topography(breech_face.draw(firearm, shot), path, instrument="synthetic")
        found[firearm, shot] = path.read_bytes()
    return found


@pytest.fixture
def sides(start_node: Callable[..., RunningNode]) -> Iterator[tuple[Side, Side]]:
    """Each node with its people; no control is drawn among the blind verifications, which the day has no time for."""
    rs, mk = (start_node(one, control_share=0.0) for one in (Jurisdiction.RS, Jurisdiction.MK))
    enrol_each_other(rs, mk)
    made = Side(rs, RS_DAY), Side(mk, MK_DAY)
    yield made
    for side in made:
        side.close()


WINDOW = {"width": 1280, "height": 720}


@pytest.fixture
def sits_down(browser: Any) -> Iterator[Callable[..., Somebody]]:
    """Somebody at a browser of their own, at Serbia's node: ``sits_down(labs, language, hand)``."""
    contexts = []

    def someone(labs: Laboratories, language: str, hand: str, window: dict[str, int] | None = None) -> Somebody:
        context = browser.new_context(viewport=window or WINDOW, locale="en-US", accept_downloads=True)
        contexts.append(context)
        page, speech = context.new_page(), Speech(language)
        return Somebody(page, labs.rs, speech, HANDS[hand](page), Watch(page, speech, labs.data()))

    yield someone
    for context in contexts:
        context.close()
