"""The questionnaire holds together, and one that does not is refused."""

from __future__ import annotations

import re

from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS
from exchange.coordination.maturity.questionnaire import (
    AnswerKind,
    Criterion,
    headings,
    outside_texts,
    questionnaire,
    questionnaire_texts,
    standards,
)
from exchange.flows.entry.free_text import doubts


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


def test_its_parts_hold_together() -> None:
    asked, ids = questionnaire(), list(questionnaire().by_id)
    names = [*(question.id for question in asked), *(area.id for area in asked.areas)]
    assert len(set(names)) == len(names), "an id stands once"
    for question in asked:
        number = question.kind in (AnswerKind.COUNT, AnswerKind.MONTHS)
        scaled = question.zero_at is not None and question.full_at is not None
        assert (question.kind is AnswerKind.CHOICE) == bool(question.choices), question.id
        assert scaled == (number and question.weight > 0), question.id
        assert not scaled or question.zero_at != question.full_at, question.id
        assert question.kind is not AnswerKind.TEXT or not (question.weight or question.advice), question.id
        assert question.of is None or question.kind is AnswerKind.COUNT, question.id
        assert question.of is None or question.of in ids[: ids.index(question.id)], "the whole is asked for first"
        assert {word for advice in question.advice for word in advice.when} <= set(question.words), question.id
