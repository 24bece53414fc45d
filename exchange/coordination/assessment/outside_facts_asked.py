"""What an assessment takes from outside: the criteria of an evaluation and the names of norms, each with its source and
whether somebody held it against that source."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from exchange.coordination.assessment.questionnaire import Criterion
from exchange.coordination.outside_facts import OutsideFact, read_facts


@dataclass(frozen=True)
class EvaluationQuestion:
    id: str
    text: str


@dataclass(frozen=True)
class CriterionHeading:
    """A criterion as a heading: ``asks`` is its question in the source's words, ``questions`` are those that evaluators
    answer, in the words of this software."""

    criterion: Criterion
    fact: OutsideFact
    asks: str
    questions: tuple[EvaluationQuestion, ...]


@functools.cache
def headings() -> tuple[CriterionHeading, ...]:
    facts = read_facts(__package__, "criteria.json")
    return tuple(
        CriterionHeading(
            Criterion(fact.id),
            fact,
            fact.more["asks"],
            tuple(EvaluationQuestion(item["id"], item["text"]) for item in fact.more["questions"]),
        )
        for fact in facts.values()
    )


@functools.cache
def standards() -> Mapping[str, OutsideFact]:
    return read_facts(__package__, "standards.json")


def outside_texts() -> list[str]:
    """What of them a paper says in the reader's language."""
    found = []
    for heading in headings():
        found += [heading.fact.text, heading.asks, *(question.text for question in heading.questions)]
    return found
