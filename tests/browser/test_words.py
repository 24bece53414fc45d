"""Each page for each role in a language in Cyrillic and one in Latin letters: nothing of it was left in English."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from exchange.store.access.user_rows import all_users
from schemas.record import ScanMediaType
from schemas.vocabulary import Role
from tests.browser.pages import person, sign_in
from tests.browser.world import World, made, pages_of
from tests.journeys.speech import Speech
from tests.journeys.watch import Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

LANGUAGES = ("mk", "sq")
WRITTEN = (
    "Parallel striae agree in position and spacing from hour two to hour five.",
    "May our examiner come on Thursday with both exhibits?",
    "The prosecutor asks for it: order 12/2026.",
    "Criminal Procedure Code, article 286",
    "Test agreement, article 1",
    "synthetic 9x19",
    "9 mm Luger",
    "SRM 2461-7",
    "Test Profiler",
    "RS-2026-0911 breech face.x3p",
    "RS-2026-0911 breech face, ring light.png",
    "Skopje",
    "https://",
    *get_args(ScanMediaType),
)
"""By people on the pages of this small world, or by programs: what is in no language."""


@pytest.fixture(scope="module")
def world(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made(tmp_path_factory.mktemp("words"), ffp_data / "fadul") as found:
        yield found


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NODE])
def test_no_page_leaves_anything_in_english(browser: Any, world: World, role: Role) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    sign_in(page, world.rs, world.first if role is Role.EXAMINER else person(world.rs, role))
    data = [*WRITTEN, *_names(world)]
    found = []
    for code in LANGUAGES:
        context.add_cookies([{"name": "ffp-language", "value": code, "url": world.rs.url}])
        watch = Watch(page, Speech(code), data)
        for name, path in pages_of(world)[role]:
            page.goto(world.rs.url + path)
            found += [f"{name} in {code}: {fault}" for fault in watch.faults()]
    context.close()
    assert found == []


def _names(world: World) -> list[str]:
    """Of nodes and of people."""
    found = []
    for lab in (world.rs, world.mk, world.xk):
        found += [lab.node.node_id, lab.url]
        with lab.node.store.read() as session:
            found += [user.pseudonym for user in all_users(session)]
    return found
