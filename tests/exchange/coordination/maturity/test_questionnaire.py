"""The questionnaire holds together, and one that does not is refused."""

from __future__ import annotations

import re

import pytest

from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS
from exchange.coordination.maturity.questionnaire import (
    AnswerKind,
    Criterion,
    headings,
    outside_texts,
    questionnaire,
    questionnaire_texts,
    read_questionnaire,
    standards,
)
from exchange.flows.entry.free_text import doubts

GOOD = """
[[area]]
id = "one"
title = "One"
criterion = "impact"
[[area.question]]
id = "whole"
text = "How many?"
look = "The list."
good = "Many."
kind = "count"
weight = 0
[[area.question]]
id = "part"
text = "How many of them?"
look = "The list."
good = "All."
kind = "count"
of = "whole"
zero_at = 0
full_at = 1
weight = 1
[[area]]
id = "two"
title = "Two"
criterion = "impact"
[[area.question]]
id = "degree"
text = "Is it so?"
look = "It."
good = "Yes."
kind = "degree"
weight = 1
[[area.question.advice]]
when = ["no"]
priority = 1
text = "Make it so."
[[area]]
id = "three"
title = "Three"
criterion = "impact"
[[area.question]]
id = "words"
text = "What?"
look = "It."
good = "This."
kind = "text"
weight = 0
"""


def test_it_asks_what_an_assessor_must_see() -> None:
    asked = questionnaire()
    assert len(asked.areas) == 12
    assert {"examiners_authorised", "iso_accredited", "iso_scope", "instruments_checked", "backlog_months"} <= set(
        asked.by_id
    )
    assert {question.kind for question in asked} == set(AnswerKind)
    assert {area.criterion_of(question) for area in asked.areas for question in area.questions} == set(Criterion)


def test_each_question_that_can_be_answered_badly_advises_something() -> None:
    silent = [question.id for question in questionnaire() if question.weight and not question.advice]
    assert silent == []


def test_what_a_node_proves_is_named_as_its_maturity_names_it() -> None:
    known = {name for level in MATURITY_LEVELS.values() for name in level.practices}
    named = {name for question in questionnaire() for name in question.practices}
    assert named
    assert named <= known


def test_norms_and_criteria_have_their_source_and_nobody_claims_to_have_checked() -> None:
    assert {question.standard for question in questionnaire()} - {None} == set(standards())
    assert [heading.criterion for heading in headings()] == list(Criterion)
    for fact in (*standards().values(), *(heading.fact for heading in headings())):
        assert fact.source
        assert not fact.verified
    ids = [question.id for heading in headings() for question in heading.questions]
    assert len(set(ids)) == len(ids)


def test_its_texts_are_whole_sentences_without_names() -> None:
    texts = [*questionnaire_texts(), *outside_texts()]
    assert len(texts) > 150
    for text in texts:
        assert text == text.strip()
        assert not re.search(r"[\n%{]", text), "nothing is put into them"
    assert [text for text in texts if doubts(text)] == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "part"', 'id = "whole"', "an id stands twice"),
        ('id = "three"', 'id = "degree"', "an id stands twice"),
        ('of = "whole"', 'of = "nothing"', "must be asked before"),
        ("zero_at = 0\n", "", "from where to where"),
        ("full_at = 1", "full_at = 0", "from where to where"),
        ('when = ["no"]', 'when = ["never"]', "not offered"),
        ('kind = "text"\nweight = 0', 'kind = "text"\nweight = 1', "free words"),
        ('kind = "degree"', 'kind = "choice"', "a choice, and nothing else"),
        ("priority = 1", "priority = 4", "less than or equal to 3"),
        ('good = "Many."', 'good = "Many."\nmore = 1', "more"),
        ("weight = 1\n[[area.question.advice]]", 'of = "whole"\nweight = 1\n[[area.question.advice]]', "only a count"),
    ],
)
def test_one_that_does_not_hold_together_is_refused(old: str, new: str, said: str) -> None:
    assert len(list(read_questionnaire(GOOD))) == 4
    assert old in GOOD
    with pytest.raises(ValueError, match=said):
        read_questionnaire(GOOD.replace(old, new, 1))
