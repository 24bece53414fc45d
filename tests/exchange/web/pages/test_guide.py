"""The user guide: for everybody; each page's help leads to a chapter that is there; what it shows and names exists."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.web.pages import layout
from exchange.web.pages.extended import folders, pages_parts
from exchange.web.pages.help import CHAPTERS, FIRST_CHAPTER, chapter_of, guide_keys
from exchange.web.pages.layout import page
from exchange.web.pages.static_files import STATIC
from exchange.web.wording.messages import collect, texts
from schemas.vocabulary import Role
from tests.exchange.web.pages.conftest import Person

TEMPLATES = Path(layout.__file__).parent / "templates"
MOST_TEXTS = 85
"""An examiner reads the guide in five minutes, a translator does it in a morning."""

EXTENDING = [path for folder in folders("templates") for path in folder.glob("*.html")]


def drawn() -> str:
    return bytes(page("guide", None, keys=guide_keys()).body).decode()


def test_every_page_leads_to_a_chapter_that_is_there() -> None:
    chapters = set(re.findall(r'<section class="chapter" id="([a-z-]+)"', drawn()))
    assert {FIRST_CHAPTER, *CHAPTERS.values()} <= chapters
    assert chapter_of("candidates") == "candidates"
    assert chapter_of("home") == FIRST_CHAPTER
    assert set(re.findall(r'<li><a href="#([a-z-]+)"', drawn())) == chapters, "the contents list each of them"


def test_its_pictures_are_there_and_small() -> None:
    shown = set(re.findall(r'src="/app/static/[0-9a-f]{16}/guide/([a-z]+)\.png"', drawn()))
    kept = {path.stem: path.stat().st_size for path in (STATIC / "guide").glob("*.png")}
    assert shown == set(kept)
    assert max(kept.values()) <= 100_000


def test_it_names_buttons_as_the_pages_do() -> None:
    """What stands in bold is said by another template too, or the guide speaks of what is not there."""
    guides = [TEMPLATES / "guide.html", *(path for path in EXTENDING if path.stem.endswith("_guide"))]
    source = "".join(path.read_text(encoding="utf-8") for path in guides)
    templates = {*TEMPLATES.glob("*.html"), *EXTENDING} - set(guides)
    others = "".join(path.read_text(encoding="utf-8") for path in templates)
    others += "".join(f'"{entry.label}"' for part in pages_parts() for entry in part.navigation)
    others += (STATIC / "viewer" / "controls.js").read_text(encoding="utf-8")
    named = re.findall(r'named\(_\("([^"]+)"\)\)', source)
    assert len(named) > 20
    assert [words for words in named if f'"{words}"' not in others] == []


def test_the_keys_are_listed_with_their_words() -> None:
    listed = [key.lower() for key, _ in guide_keys()]
    assert len(listed) == len(set(listed)) >= 30
    assert drawn().count("<kbd") == len(listed)


def test_it_is_short() -> None:
    node = texts(collect()[0])
    own = [text for text in node if {name for name, _ in text.locations} == {"pages/templates/guide.html"}]
    assert 40 < len(own) <= MOST_TEXTS


def test_it_is_there_before_the_sign_in(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    answer = person.get("/app/guide")
    assert answer.status_code == 200
    assert "Sign out" not in answer.text
    assert 'href="/app/guide#sign-in"' in person.get("/app/sign-in").text


@pytest.mark.slow
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.NODE])
def test_each_role_finds_its_part(signed_in: Callable[[Role], Person], role: Role) -> None:
    answer = signed_in(role).get("/app/guide")
    assert answer.status_code == 200
    part = {"auditor": "head"}.get(role, role)
    assert re.findall(r'<a href="#part-([a-z]+)" aria-current="true">', answer.text) == [part]
