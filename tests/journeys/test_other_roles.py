"""The journeys of investigator, head, operator and auditor: each in two languages, one of them in Cyrillic, by keyboard
alone and by pointer; one of them on a telephone, one at twice the size."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schemas.vocabulary import Role
from tests.browser.pages import person
from tests.journeys.hands import HANDS
from tests.journeys.laboratories import Laboratories, for_others, set_something_aside
from tests.journeys.somebody import Somebody
from tests.journeys.stories import auditor, head, investigator, operator

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

TELEPHONE = {"width": 400, "height": 800}
ZOOMED = {"width": 640, "height": 360}
"""What a window of 1280 x 720 has of a page at 200 per cent."""

NUMBERS = itertools.count(1)
by_each_hand = pytest.mark.parametrize("hand", HANDS)


@pytest.fixture(scope="module")
def labs(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratories]:
    with for_others(tmp_path_factory.mktemp("roles"), ffp_data / "fadul") as made:
        yield made


@by_each_hand
@pytest.mark.parametrize("language", ["uk", "bs"])
def test_an_investigator_answers_a_lead_and_asks_another_node(
    sits_down: Callable[..., Somebody], labs: Laboratories, language: str, hand: str
) -> None:
    investigator(sits_down(labs, language, hand), f"{language}-{hand}", next(NUMBERS))


def test_an_investigator_does_it_on_a_telephone(sits_down: Callable[..., Somebody], labs: Laboratories) -> None:
    investigator(sits_down(labs, "ro", "pointer", TELEPHONE), "telephone", next(NUMBERS))


@by_each_hand
@pytest.mark.parametrize("language", ["sr-Cyrl", "hr"])
def test_a_head_decides_and_looks_at_the_half_year(
    sits_down: Callable[..., Somebody], labs: Laboratories, language: str, hand: str
) -> None:
    head(sits_down(labs, language, hand), f"{language.lower()}-{hand}")


@by_each_hand
@pytest.mark.parametrize("language", ["mk", "ro"])
def test_an_operator_sees_what_is_to_be_mended(
    sits_down: Callable[..., Somebody], labs: Laboratories, language: str, hand: str
) -> None:
    set_something_aside(labs)
    operator(sits_down(labs, language, hand), f"{language}-{hand}")


@by_each_hand
@pytest.mark.parametrize("language", ["uk", "cnr"])
def test_an_auditor_reads_who_saw_what(
    sits_down: Callable[..., Somebody], labs: Laboratories, language: str, hand: str
) -> None:
    auditor(sits_down(labs, language, hand), f"{language}-{hand}", person(labs.rs, Role.INVESTIGATOR))


def test_an_auditor_does_it_at_twice_the_size(sits_down: Callable[..., Somebody], labs: Laboratories) -> None:
    auditor(sits_down(labs, "mk", "keyboard", ZOOMED), "zoomed", person(labs.rs, Role.INVESTIGATOR))
