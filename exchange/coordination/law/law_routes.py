"""``/v1/law``: the law of each side as its node published it, and what it says between two."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter, Path
from pydantic import BaseModel

from exchange.coordination.law.compendium import Compendium
from exchange.coordination.law.law_report import law_report
from exchange.coordination.law.pair_of_law import LackFound, OneWay, SideSays, in_force
from exchange.web.access.caller import AnyUser, OpenNode
from exchange.web.rest import response_models
from schemas import LawArticle
from schemas.vocabulary import Jurisdiction

router = APIRouter(prefix="/v1/law", tags=["law"])

SideInPath = Annotated[
    Jurisdiction, Path(description="The code of a jurisdiction: this node's, or an enrolled partner's.")
]


class CompendiumSummary(BaseModel):
    """``statement_id``: of the edition in force; None, and no article, while nothing was published. ``known_since``:
    when it came here."""

    jurisdiction: response_models.JurisdictionAnswer
    node_id: str
    own: bool
    statement_id: str | None
    known_since: str | None
    stated_at: str | None
    articles_in_force: int

    @classmethod
    def fields_of(cls, law: Compendium, in_force_now: int) -> dict[str, object]:
        edition = law.edition
        return {
            "jurisdiction": response_models.jurisdiction(law.jurisdiction),
            "node_id": law.node_id,
            "own": law.own,
            "statement_id": edition.statement_id if edition else None,
            "known_since": edition.at if edition else None,
            "stated_at": edition.stated_at if edition else None,
            "articles_in_force": in_force_now,
        }


class CompendiumAnswer(CompendiumSummary):
    articles: list[LawArticle]


class SideSaysAnswer(BaseModel):
    """What the law of ``side`` says of one direction towards ``other``: ``allowed``, ``needs_approval``, ``blocked``,
    ``differs`` from one kind of exhibit to another, or ``not_entered``; in all, and by kind. ``articles`` by their
    ids."""

    side: str
    other: str
    direction: str
    state: str
    by_kind: dict[str, str]
    articles: list[str]

    @classmethod
    def of(cls, said: SideSays) -> Self:
        return cls(
            side=said.side,
            other=said.other,
            direction=said.direction,
            state=said.state,
            by_kind={str(kind): str(state) for kind, state in said.by_kind.items()},
            articles=[article.article_id for article in said.articles],
        )


class OneWayAnswer(BaseModel):
    giver: response_models.JurisdictionAnswer
    receiver: response_models.JurisdictionAnswer
    give: SideSaysAnswer
    receive: SideSaysAnswer
    ask: SideSaysAnswer

    @classmethod
    def of(cls, way: OneWay) -> Self:
        return cls(
            giver=response_models.jurisdiction(way.giver),
            receiver=response_models.jurisdiction(way.receiver),
            give=SideSaysAnswer.of(way.give),
            receive=SideSaysAnswer.of(way.receive),
            ask=SideSaysAnswer.of(way.ask),
        )


class LackAnswer(BaseModel):
    """What is missing on one side: of a direction, or of an article."""

    side: str
    lack: str
    direction: str | None
    article_id: str | None

    @classmethod
    def of(cls, found: LackFound) -> Self:
        return cls(side=found.side, lack=found.lack, direction=found.direction, article_id=found.article_id)


class PairOfLawAnswer(BaseModel):
    there: OneWayAnswer
    back: OneWayAnswer
    missing: list[LackAnswer]


@router.get("", response_model=list[CompendiumSummary])
def list_compendia(node: OpenNode, _caller: AnyUser) -> list[CompendiumSummary]:
    """This side's first, then that of each enrolled partner, whether it published anything or not."""
    report = law_report(node)
    return [
        CompendiumSummary.model_validate(
            CompendiumSummary.fields_of(law, sum(in_force(article, report.day) for article in law.articles))
        )
        for law in report.laws
    ]


@router.get("/{jurisdiction}", response_model=CompendiumAnswer)
def read_compendium(node: OpenNode, _caller: AnyUser, jurisdiction: SideInPath) -> CompendiumAnswer:
    """All articles of one side, those among them that are not in force too. It informs: who may have what is decided by
    the policy alone."""
    report = law_report(node)
    law = report.law_of(jurisdiction)
    valid = sum(in_force(article, report.day) for article in law.articles)
    return CompendiumAnswer.model_validate(
        CompendiumSummary.fields_of(law, valid) | {"articles": [article.model_dump() for article in law.articles]}
    )


@router.get("/{jurisdiction}/{other}", response_model=PairOfLawAnswer)
def read_law_between(node: OpenNode, _caller: AnyUser, jurisdiction: SideInPath, other: SideInPath) -> PairOfLawAnswer:
    """What the law of two sides says of both directions between them today, and what is missing on which side."""
    pair = law_report(node).pair(jurisdiction, other)
    return PairOfLawAnswer(
        there=OneWayAnswer.of(pair.there),
        back=OneWayAnswer.of(pair.back),
        missing=[LackAnswer.of(found) for found in pair.lacks],
    )
