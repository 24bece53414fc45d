"""Where the head enters this side's law: the draft, the form of an article, and its publication."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from exchange.clock import today
from exchange.coordination.law import law_words as wording
from exchange.coordination.law.article_form import (
    MOST_ARTICLE_BYTES,
    MOST_ARTICLE_FIELDS,
    ArticleForm,
    article_of,
    choices,
    problems_by_field,
    typed_of,
)
from exchange.coordination.law.law_draft import (
    discard_law_draft,
    end_article,
    law_draft,
    publish_law,
    remove_article,
    save_article,
    undo_draft_step,
)
from exchange.coordination.law.rulings import in_force
from exchange.errors import Conflict, InvalidInput, NotFound, TooLarge
from exchange.flows.node.node import Node
from exchange.web.access.caller import OpenNode
from exchange.web.http.problems import status_of
from exchange.web.pages.layout import Heading, SentForm, Visitor, page, sent_form

router = APIRouter()

_DRAFT = "/app/law/draft"
ArticleAsked = Annotated[str, Query(max_length=40)]
ArticleSent = Annotated[dict[str, str], sent_form(most_bytes=MOST_ARTICLE_BYTES, most_fields=MOST_ARTICLE_FIELDS)]


@router.get("/law/draft")
def law_draft_page(node: OpenNode, who: Heading) -> Response:
    """What is entered, what of it is not published yet, and the forms that change it."""
    draft = law_draft(node)
    return page(
        "law_draft",
        who,
        draft=draft,
        here=node.settings.jurisdiction,
        say=wording,
        in_force=in_force,
        day=today(),
    )


@router.post("/law/draft")
def change_law_draft(node: OpenNode, who: Heading, fields: SentForm) -> Response:
    """End an article, take one out, undo, discard, or sign and publish."""
    mark, name = fields.get("mark", ""), fields.get("article_id", "")
    match fields.get("act"):
        case "end":
            end_article(node, who.caller.maker, name, _day(fields), mark=mark)
        case "remove":
            remove_article(node, who.caller.maker, name, mark=mark)
        case "undo":
            undo_draft_step(node, mark=mark)
        case "discard":
            discard_law_draft(node, mark=mark)
        case "publish":
            publish_law(node, who.caller.maker, mark)
            return RedirectResponse(f"/app/law/of/{node.settings.jurisdiction}", 303)
        case _:
            raise InvalidInput("Choose what to do with the draft.", code="invalid-field")
    return RedirectResponse(_DRAFT, 303)


@router.get("/law/draft/article")
def article_form_page(node: OpenNode, who: Heading, name: ArticleAsked = "") -> Response:
    """The form of a new article, or of one of the draft."""
    draft = law_draft(node)
    typed = typed_of(draft.article(name)) if name else {}
    return _form(node, who, ArticleForm(typed, name, draft.mark))


@router.post("/law/draft/article")
def send_article(node: OpenNode, who: Heading, fields: ArticleSent) -> Response:
    """Keep the article in the draft; where something is wrong with it, the form again with what was typed."""
    mark, before = fields.pop("mark", ""), fields.pop("before", "")
    try:
        save_article(node, who.caller.maker, article_of(fields), mark=mark, before=before or None)
    except InvalidInput as error:
        return _form(node, who, ArticleForm(fields, before, mark, problems_by_field(error)), status_of(error))
    except (Conflict, NotFound, TooLarge) as error:  # what was typed is not lost; it is sent again to the newer draft
        return _form(node, who, ArticleForm(fields, before, law_draft(node).mark, {"": str(error)}), status_of(error))
    return RedirectResponse(_DRAFT, 303)


def _form(node: Node, who: Visitor, form: ArticleForm, status: int = 200) -> Response:
    return page("law_article", who, status=status, form=form, sides=form.sides(node), say=wording, **choices())


def _day(fields: dict[str, str]) -> date:
    try:
        return date.fromisoformat(fields.get("last_day", ""))
    except ValueError as error:
        raise InvalidInput("State the last day on which the article is in force.", code="invalid-field") from error
