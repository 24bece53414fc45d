"""The tour of a home: whom the first sign-in leads there, and what the page has of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest

from schemas.vocabulary import Role
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

STEPS = 5
PEOPLE = [role for role in Role if role is not Role.NODE]


@pytest.mark.parametrize("role", PEOPLE)
def test_each_role_has_five_steps_of_its_own(signed_in: Callable[[Role], Person], role: Role) -> None:
    """With script and without; and none where nobody asked for them."""
    person = signed_in(role)
    assert 'class="tour' not in person.get("/app/").text
    page = person.get("/app/?tour=1").text
    told = re.findall(r"<h2>([^<]+)</h2>\n<p>([^<]+)</p>\n</div>", page.partition("<noscript>")[0])
    listed = re.findall(r'<li>([^<]+) <span class="hint">([^<]+)</span></li>', page.partition("<noscript>")[2])
    assert len(set(told)) == STEPS
    assert listed == told
    for targets in re.findall(r'data-step="([^"]+)"', page):
        assert unescape(targets).strip()


def test_the_first_sign_in_leads_to_it_and_no_later_one(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.INVESTIGATOR)
    shown = person.accept().text
    assert 'name="back" value="/app/?tour=1"' in shown
    assert person.sign_in(back="/app/?tour=1").headers["location"] == "/app/?tour=1"
    assert 'name="back" value="/app/"' in person.get("/app/sign-in").text


def test_who_chooses_a_language_between_invitation_and_sign_in_is_led_on(invited: Callable[[Role], Person]) -> None:
    """Not back to the invitation, which is used up by then."""
    person = invited(Role.EXAMINER)
    (back,) = set(re.findall(r'name="back" value="(/app/sign-in[^"]*)"', person.accept().text))
    answer = person.post("/app/language", {"language": "sq", "back": unescape(back)})
    assert answer.status_code == 303
    person.post("/app/language", {"language": "en", "back": "/app/"})
    page = person.get(answer.headers["location"]).text
    assert "Your account is ready" in page
    assert 'name="back" value="/app/?tour=1"' in page


def test_who_comes_back_to_a_used_invitation_is_told_to_sign_in(invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    answer = person.accept()
    again = person.get(str(answer.request.url).removeprefix(person.node.url))
    assert again.status_code == 401
    assert "If you took it up yourself, sign in" in again.text
