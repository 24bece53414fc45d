"""A word with its meaning: once on a page, where it can be reached, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from markupsafe import Markup

from exchange.web.languages.terms_glossary import own_glossary
from exchange.web.wording.explained_terms import explain, sign_of
from exchange.web.wording.meanings import MEANINGS, meaning_name
from schemas.vocabulary import HandlingCode, RegionOfInterest, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

LEAD = sign_of("lead", "stage.lead")
TOLD = re.compile(
    r'<dfn( tabindex="0")? aria-describedby="([\w-]+)">([^<]+)<span role="tooltip" id="\2">([^<]+)</span></dfn>'
)


def test_each_term_with_a_meaning_is_in_the_glossary() -> None:
    terms = own_glossary().terms
    named = [name.split(".") for name in MEANINGS if "." in name]
    assert [(section, value) for section, value in named if (section, value) not in terms] == []
    assert len(named) > 30


def test_a_term_is_known_by_its_type_its_vocabulary_or_the_first_that_has_it() -> None:
    assert meaning_name(RegionOfInterest.BREECH_FACE) == "region_of_interest.breech_face"
    assert meaning_name("H1", "handling_code") == "handling_code.H1"
    assert meaning_name(HandlingCode.H1) == "handling_code.H1"
    assert meaning_name("topography") == "modality.topography"
    assert meaning_name("yes") is None
    assert meaning_name("RS", "jurisdiction") is None


def test_a_word_has_its_meaning_where_the_page_has_it_first() -> None:
    page = explain(f"<p>{LEAD}</p><p>{LEAD}, {sign_of('blind', 'blind')}</p>")
    found = TOLD.findall(page)
    assert [(focus, word) for focus, _, word, _ in found] == [(' tabindex="0"', "lead"), (' tabindex="0"', "blind")]
    assert found[0][3] == MEANINGS["stage.lead"]
    assert page.endswith("</dfn></p>")
    assert "<p>lead, <dfn" in page


@pytest.mark.parametrize(
    "around",
    [
        '<a href="/app/hits">{}</a>',
        '<a href="/app/hits"><b>{}</b></a>',
        "<button>{}</button>",
        "<label>{} <input></label>",
        "<select><option>{}</option></select>",
        "<title>{}</title>",
        "<svg><text>{}</text></svg>",
        '<img alt="{} of it">',
        '<td title="a, {}">x</td>',
    ],
)
def test_where_it_cannot_stand_the_word_alone_is_left(around: str) -> None:
    page = explain(f"{around.format(LEAD)}<p>{LEAD}</p>")
    assert page.startswith(around.format("lead"))
    assert len(TOLD.findall(page)) == 1, "it is told where it can be"


def test_in_what_folds_it_is_no_stop_of_its_own() -> None:
    (found,) = TOLD.findall(explain(f"<summary>{LEAD}</summary>"))
    assert found[0] == ""


def test_a_sign_that_somebody_typed_tells_nothing() -> None:
    assert explain(f"<p>{sign_of('x', 'no.such')}</p>") == "<p>x</p>"
    assert explain("<p>\ue000stage.lead\ue001 without an end</p>").startswith("<p>")
    assert sign_of(Markup("a &amp; b"), "hit") == Markup("\ue000hit\ue001a &amp; b\ue002")


@pytest.mark.slow
def test_terms_of_a_record_have_their_meanings(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    made = node.submit(tiny_scan(), case_reference="TERMS-1")
    page = signed_in(Role.INVESTIGATOR).get(f"/app/records/{made.json()['statement_id']}").text
    told = {word: meaning for _, _, word, meaning in TOLD.findall(page)}
    assert "breech face" in told
    assert "crime prevention use; no further restriction" in told, "the handling code, spelled out"
    assert len(TOLD.findall(page)) == page.count("<dfn") == len(set(re.findall(r'id="(meaning-[^"]+)"', page)))
    assert not re.search("[\ue000-\ue002]", page)
