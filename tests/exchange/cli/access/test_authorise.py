"""``ffp user authorise``: what a user is authorised for, in one line; never a person's name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exchange.flows.access.users import all_users
from exchange.flows.node.node import create_node, opened
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal

pytestmark = pytest.mark.slow

WORDS = "authorised for cartridge cases"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:8440", port=8440)
    with opened(home) as node, node.store.write() as session:
        add_user(session, "lab-1", Role.EXAMINER)
    return home


def stated(home: Path) -> str | None:
    with opened(home) as node:
        return {user.pseudonym: user.authorisation for user in all_users(node)}["lab-1"]


def test_stated_listed_and_taken_away(ffp: Ffp, home: Path) -> None:
    assert ffp("user", "authorise", "lab-1", WORDS, "--home", home).out.strip() == f"lab-1: {WORDS}"
    assert f"lab-1\texaminer\tactive\t{WORDS}" in ffp("user", "list", "--home", home).out
    [listed] = json.loads(ffp("user", "list", "--home", home, "--json").out)
    assert listed["authorisation"] == stated(home) == WORDS
    assert "no more" in ffp("user", "authorise", "lab-1", "--home", home).out
    assert stated(home) is None


def test_a_person_in_it_is_asked_about(ffp: Ffp, home: Path) -> None:
    said = ffp("user", "authorise", "lab-1", "Petar Petrović, cartridge cases", "--home", home)
    assert said.code == 0
    assert "Is there a person in it (name)?" in said.err


@pytest.mark.parametrize(
    ("pseudonym", "words", "why"),
    [
        ("lab-1", "two\nlines", "one line"),
        ("lab-1", "x" * 121, "120"),
        ("lab-1", " behind a space", "no space"),
        ("nobody", WORDS, "no active user nobody"),
    ],
)
def test_what_cannot_be_is_one_sentence(ffp: Ffp, home: Path, pseudonym: str, words: str, why: str) -> None:
    assert why in refusal(ffp("user", "authorise", pseudonym, words, "--home", home))
    assert stated(home) is None
