"""Enter this side's law: a draft that is kept until it is published, each change of which can be undone.

    add, change, end or remove an article -> the draft, a step more -> shown what changed -> signed and published

There is one draft of a node, for all its heads. ``mark`` says which draft a change was made from: when somebody else
has changed it meanwhile, nothing is changed, and nothing is lost.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeAlias

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.draft_steps import DraftStepRow, add_step, draft_steps, drop_steps
from exchange.coordination.law.compendium import LawEdition, compendia_in, enrolled_nodes
from exchange.coordination.law.law_report import ArticleChange, article_changes
from exchange.errors import Conflict, InvalidInput, NotFound, TooLarge
from exchange.flows.node.node import Node
from exchange.flows.statement.named import check_named
from exchange.flows.statement.sign_statement import enter, made, signed
from schemas import ContractError, Law, LawArticle, Maker, statement_payload
from schemas.exhibit import Contract
from schemas.law import MAX_ARTICLES
from schemas.strict_json import MAX_STATEMENT_BYTES, check_json, contract_error, read_strict

LAW: Final = "law"
"""The name of the draft."""
MOST_LAW_STEPS: Final = 50
"""How many steps can be undone; earlier ones are deleted."""
_ARTICLES: Final = TypeAdapter(tuple[LawArticle, ...])
Articles: TypeAlias = tuple[LawArticle, ...]


class ArticlesFile(Contract):
    """What a file of articles holds."""

    articles: tuple[LawArticle, ...] = Field(max_length=MAX_ARTICLES)


class DraftAct(StrEnum):
    """What a step of the draft did."""

    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"
    REMOVED = "removed"
    REPLACED = "replaced"
    """All articles, by those of a file."""


@dataclass(frozen=True)
class LawDraftStep:
    act: DraftAct
    article_id: str | None
    changed_by: str
    changed_at: str


@dataclass(frozen=True)
class LawDraft:
    """``published`` is the edition in force. ``steps``: what can be undone, the last first; without any, the articles
    are those that were published."""

    published: LawEdition | None
    articles: Articles
    steps: tuple[LawDraftStep, ...]

    @property
    def changes(self) -> tuple[ArticleChange, ...]:
        return article_changes(self.published.articles if self.published else (), self.articles)

    @property
    def mark(self) -> str:
        """Which draft this is, of which edition: a SHA-256. It confirms the publication of this very draft."""
        last = self.steps[0] if self.steps else None
        named = (self.published.statement_id if self.published else "", f"{last}", _written(self.articles))
        return hashlib.sha256("\n".join(named).encode()).hexdigest()

    def article(self, article_id: str) -> LawArticle:
        """Raises NotFound."""
        for article in self.articles:
            if article.article_id == article_id:
                return article
        raise NotFound(f"The draft has no article {article_id}.")


def law_draft(node: Node) -> LawDraft:
    with node.store.read() as session:
        return _draft(session, node)


def save_article(
    node: Node, maker: Maker, article: LawArticle, *, mark: str | None = None, before: str | None = None
) -> LawDraft:
    """Put an article into the draft: a new one, or in the place of the one that was called ``before``.

    Raises Conflict, code "draft-changed"; code "article-known", of a new one or another name where an article has that
    id already; NotFound; InvalidInput, code "unknown-jurisdiction"; TooLarge.
    """
    _check_sides(node, [article])

    def change(draft: LawDraft) -> Articles:
        if before is not None:
            draft.article(before)
        if article.article_id != before and any(item.article_id == article.article_id for item in draft.articles):
            raise Conflict(f"The draft has an article {article.article_id} already.", code="article-known")
        if before is None:
            return (*draft.articles, article)
        return tuple(article if item.article_id == before else item for item in draft.articles)

    act = DraftAct.ADDED if before is None else DraftAct.CHANGED
    return _step(node, maker, act, article.article_id, change, mark)


def end_article(node: Node, maker: Maker, article_id: str, last_day: date, *, mark: str | None = None) -> LawDraft:
    """State the last day on which an article is in force; it stays in the compendium. Raises as ``save_article``."""

    def change(draft: LawDraft) -> Articles:
        found = draft.article(article_id)
        if last_day < found.in_force_since:
            raise InvalidInput("An article does not end before it is in force.", code="invalid-field")
        ended = found.model_copy(update={"in_force_until": last_day})
        return tuple(ended if item is found else item for item in draft.articles)

    return _step(node, maker, DraftAct.ENDED, article_id, change, mark)


def remove_article(node: Node, maker: Maker, article_id: str, *, mark: str | None = None) -> LawDraft:
    """Take out of the draft what was entered in error. Raises as ``save_article``."""

    def change(draft: LawDraft) -> Articles:
        found = draft.article(article_id)
        return tuple(item for item in draft.articles if item is not found)

    return _step(node, maker, DraftAct.REMOVED, article_id, change, mark)


def replace_articles(node: Node, maker: Maker, articles: Sequence[LawArticle], *, mark: str | None = None) -> LawDraft:
    """Put these in the place of all articles of the draft. Raises as ``save_article``."""
    _check_sides(node, articles)
    return _step(node, maker, DraftAct.REPLACED, None, lambda _draft: tuple(articles), mark)


def undo_draft_step(node: Node, *, mark: str | None = None) -> LawDraft:
    """Take back the last step. Raises Conflict, code "nothing-to-undo", "draft-changed"."""
    with node.store.write() as session:
        _check_mark(_draft(session, node), mark)
        steps = draft_steps(session, LAW)
        if not steps:
            raise Conflict("Nothing of the draft is left to undo.", code="nothing-to-undo")
        drop_steps(session, steps[:1])
        return _draft(session, node)


def discard_law_draft(node: Node, *, mark: str | None = None) -> LawDraft:
    """Go back to what was published. Raises Conflict, code "draft-changed"."""
    with node.store.write() as session:
        _check_mark(_draft(session, node), mark)
        drop_steps(session, draft_steps(session, LAW))
        return _draft(session, node)


def publish_law(node: Node, maker: Maker, confirmed: str) -> str:
    """Sign the draft as this side's compendium, for all peers. Returns the statement's id.

    1. What is published is what was shown, whose mark is ``confirmed``.
    2. Sign it.
    3. In one transaction: hold the draft against the mark once more, the statement into the log and on each lane, and
       the draft away.

    Raises Conflict, code "draft-changed", "nothing-to-publish"; TooLarge.
    """
    # 1.
    draft = law_draft(node)
    _check_mark(draft, confirmed)
    if not draft.changes and draft.published is not None:
        raise Conflict("The draft says what was published already.", code="nothing-to-publish")
    if draft.published is None and not draft.articles:
        raise Conflict("The draft has no article.", code="nothing-to-publish")

    # 2.
    said = signed(node, _as_statement(node, maker, draft.articles))

    # 3.
    with node.store.write() as session:
        _check_mark(_draft(session, node), confirmed)
        enter(session, said, to=enrolled_nodes(session))
        drop_steps(session, draft_steps(session, LAW))
    return said.statement_id


def read_articles(data: bytes) -> Articles:
    """The articles of a file: one, a list of them, or an object with the list ``articles``. Raises InvalidInput, which
    names what the contract refuses."""
    try:
        check_json(data)
        found = json.loads(data)
        if isinstance(found, list):
            return _ARTICLES.validate_json(data, strict=True)
        if isinstance(found, dict) and "article_id" in found:
            return (read_strict(LawArticle, data),)
        return read_strict(ArticlesFile, data).articles
    except ValidationError as error:
        refused = contract_error(error)
        raise InvalidInput(str(refused), code=refused.reason, problems=refused.problems) from error
    except ContractError as error:
        raise InvalidInput(str(error), code=error.reason, problems=error.problems) from error


def _step(
    node: Node,
    maker: Maker,
    act: DraftAct,
    article_id: str | None,
    change: Callable[[LawDraft], Articles],
    mark: str | None,
) -> LawDraft:
    """One change of the draft, as it is in this transaction."""
    with node.store.write() as session:
        draft = _draft(session, node)
        _check_mark(draft, mark)
        articles = change(draft)
        _as_statement(node, maker, articles)  # what cannot be published is not kept either
        step = f"{act} {article_id or ''}".strip()
        add_step(session, LAW, step, _written(articles), maker.pseudonym, most=MOST_LAW_STEPS)
        return _draft(session, node)


def _as_statement(node: Node, maker: Maker, articles: Articles) -> Law:
    law = made(node, Law, maker, articles=articles, stated_at=stamp())
    size = len(statement_payload(law))
    if size > MAX_STATEMENT_BYTES:
        raise TooLarge(
            f"The compendium takes {size} bytes, and a statement has at most {MAX_STATEMENT_BYTES}. Shorten texts, or "
            "take out articles that ended long ago: earlier editions keep them."
        )
    return law


def _check_sides(node: Node, articles: Sequence[LawArticle]) -> None:
    named = [code for article in articles for rule in article.rules for code in rule.jurisdictions or ()]
    check_named(node, named, "rules")


def _check_mark(draft: LawDraft, mark: str | None) -> None:
    if mark is not None and not hmac.compare_digest(draft.mark.encode(), mark.encode()):
        raise Conflict(
            "Nothing was changed: somebody else has changed the draft meanwhile. Look at it, then do this again.",
            code="draft-changed",
        )


def _draft(session: Session, node: Node) -> LawDraft:
    published = compendia_in(session, node)[0].edition
    steps = draft_steps(session, LAW)
    if steps:
        articles = _ARTICLES.validate_json(steps[0].content)
    else:
        articles = published.articles if published is not None else ()
    return LawDraft(published, articles, tuple(map(_told, steps)))


def _told(row: DraftStepRow) -> LawDraftStep:
    act, _, article_id = row.act.partition(" ")
    return LawDraftStep(DraftAct(act), article_id or None, row.made_by, row.made_at)


def _written(articles: Articles) -> str:
    return _ARTICLES.dump_json(articles).decode()
