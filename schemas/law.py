"""What a jurisdiction's law says of the exchange, article by article, in its own words and in English: a compendium,
which its node publishes to all. It informs. Who may have what is decided by the policy alone (``schemas.sharing``)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schemas.exhibit import Contract, Day, ShortText, plain_line
from schemas.jurisdiction import MAX_JURISDICTIONS
from schemas.statement_base import LongText, Statement
from schemas.vocabulary import ExhibitKind, Jurisdiction, SharingRule

MAX_ARTICLES = 128
"""Of one compendium. What all of it may take is bounded by the statement (``strict_json.MAX_STATEMENT_BYTES``): some
forty articles with both texts at their longest, or all of them with texts of usual length."""
MAX_LAW_RULES = 8
MAX_PROVISIONS = 8

ArticleId = Annotated[str, Field(max_length=40, pattern=r"^[A-Za-z][A-Za-z0-9]*([._-][A-Za-z0-9]+)+$")]
"""By which the policy, and other pages, name an article: ``RS-police-27.2``. ASCII alone, so that no two look alike in
other letters, and of at least two parts, so that it is no word of a sentence."""
LanguageTag = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")]
"""BCP 47, with the script where that matters: ``sr-Cyrl``."""
ProvisionId = Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""Of a provision of the European Union, or a treaty, by the table of concordance. A reader may not know it."""
LawTitle = Annotated[
    str,
    Field(min_length=1, max_length=300, description="One line of printable characters, with no space at either end."),
    AfterValidator(plain_line),
]


class LawDirection(StrEnum):
    """In which direction between two jurisdictions an article speaks, seen from the one whose law it is."""

    GIVE = "give"
    ASK = "ask"
    RECEIVE = "receive"


class LawRule(Contract):
    """What an article says of one direction: allowed, needs an approval, or blocked.

    ``kinds`` of exhibits and ``jurisdictions`` of the other side; None: all of them. ``words``: what exactly, where the
    rule alone does not say it.
    """

    direction: LawDirection
    rule: SharingRule
    kinds: tuple[ExhibitKind, ...] | None = Field(default=None, min_length=1, max_length=len(ExhibitKind))
    jurisdictions: tuple[Jurisdiction, ...] | None = Field(default=None, min_length=1, max_length=MAX_JURISDICTIONS)
    words: ShortText | None = None

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        for named in (self.kinds or (), self.jurisdictions or ()):
            if len(set(named)) != len(named):
                raise ValueError("a rule names a kind of exhibit or a jurisdiction twice")
        return self


class LawArticle(Contract):
    """One article, in force from ``in_force_since`` to ``in_force_until``, both days inclusive; None: it has no end.

    ``title`` is that of the law and ``article`` its place there; ``title`` and ``text`` are in ``language``. What is
    not translated yet has no English. ``provisions`` are what it answers of the law of the European Union, by their
    ids; ``provision_words`` what no id says. After ``review_by`` somebody is to look at it again.
    """

    article_id: ArticleId
    title: LawTitle
    title_en: LawTitle | None = None
    article: ShortText
    language: LanguageTag
    text: LongText
    text_en: LongText | None = None
    in_force_since: Day
    in_force_until: Day | None = None
    review_by: Day
    provisions: tuple[ProvisionId, ...] = Field(default=(), max_length=MAX_PROVISIONS)
    provision_words: ShortText | None = None
    rules: tuple[LawRule, ...] = Field(min_length=1, max_length=MAX_LAW_RULES)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.in_force_until is not None and self.in_force_until < self.in_force_since:
            raise ValueError("an article ends before it is in force")
        if len(set(self.provisions)) != len(self.provisions):
            raise ValueError("an article names a provision twice")
        return self


class Law(Statement):
    """The compendium of the issuer's jurisdiction, whole: the newest replaces the ones before, which every holder
    keeps, so that what changed can be told."""

    type: Literal["law"]
    articles: tuple[LawArticle, ...] = Field(max_length=MAX_ARTICLES)

    @model_validator(mode="after")
    def _unambiguous(self) -> Self:
        ids = [article.article_id for article in self.articles]
        if len(set(ids)) != len(ids):
            raise ValueError("two articles have the same id")
        return self
