"""What comes from outside is said in the reader's language as far as it is this software's; else it is marked."""

from __future__ import annotations

from exchange.coordination.incidents.platform_words import sources
from exchange.coordination.maturity.questionnaire import headings, standards
from exchange.coordination.outside_words import OWN_SOURCES, fact_words, outside_words
from exchange.coordination.region.indicators import goal_texts, indicators_in, shipped_indicators
from exchange.coordination.region.regional_lines import number_words
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from exchange.web.wording.messages import collect


def test_titles_of_foreign_documents_are_marked_in_other_languages() -> None:
    fact = standards()["iso_17025"]
    plain = fact_words(fact)
    assert plain == f"{fact.text}. Source: {fact.source} (unverified)"
    with speaking(Spoken("mk")):
        marked = fact_words(fact)
    assert fact.text in marked
    assert marked != plain


def test_what_is_this_softwares_own_is_collected_for_the_translators() -> None:
    collected = {message.id for catalogue in collect() for message in catalogue}
    assert len(goal_texts()) == 7
    assert set(goal_texts()) <= collected
    assert set(OWN_SOURCES) <= collected
    said = {heading.fact.source for heading in headings()} | set(sources())
    assert set(OWN_SOURCES) <= said, "as the data has them"


def test_a_goal_in_a_coordinators_words_stays_as_it_is() -> None:
    own = indicators_in(b'[{"id": "goal-3", "text": "100 % of what we agreed on", "source": "Ours", "verified": true}]')
    assert "100 % of what we agreed on" in number_words(own.of("leads", 3))
    assert "Reduced illicit flows" in number_words(shipped_indicators().of("leads", 3))


def test_english_says_nothing_of_english() -> None:
    assert outside_words("Title of a decree") == "Title of a decree"
