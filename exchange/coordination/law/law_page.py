"""The law of all sides, for everybody who is signed in: the picture, one side's articles, a pair, the table of
concordance, what changed; and the PDF of each. And where the head enters this side's
law: the draft, the form of an article, and its publication."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from exchange.clock import today
from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_year_report import halves
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.law import law_words as wording
from exchange.coordination.law.law_draft import (
    discard_law_draft,
    end_article,
    law_draft,
    publish_law,
    remove_article,
    save_article,
    undo_draft_step,
)
from exchange.coordination.law.law_paper import law_caution, render_law, render_law_pair
from exchange.coordination.law.law_report import LawReport, law_report
from exchange.coordination.law.law_words import HeldBack, held_back_now
from exchange.coordination.law.pair_of_law import LawState, LinkFinding, PairOfLaw, in_force, link_findings
from exchange.coordination.law.provisions import eu_provisions
from exchange.errors import Conflict, InvalidInput, NotFound, TooLarge
from exchange.flows.node.node import Node
from exchange.flows.terms.terms import policy_of
from exchange.web.access.caller import OpenNode
from exchange.web.http.compute_threads import WorkKind, heavily
from exchange.web.http.problems import status_of
from exchange.web.languages import NAMES, spoken
from exchange.web.pages.layout import Heading, SentForm, SignedIn, Visitor, page, sent_form
from schemas import LawArticle
from schemas.law import MAX_LAW_RULES, MAX_PROVISIONS, LawDirection
from schemas.strict_json import contract_error
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule

router = APIRouter()

HalfAsked = Annotated[str | None, Query(pattern="^20[0-9]{2}H[12]$")]
_COUNTED_FOR = frozenset({Role.HEAD, Role.AUDITOR})
"""Who is shown figures: those who have the monitoring report."""


@router.get("/law")
def law_overview(node: OpenNode, who: SignedIn) -> Response:
    """All sides at a glance."""
    report = law_report(node)
    links = _links(node, report) if who.caller.role is Role.HEAD else ()
    return page("law", who, report=report, links=links, **_drawn())


@router.get("/law/concordance")
def law_concordance(node: OpenNode, who: SignedIn) -> Response:
    return page("law_concordance", who, report=law_report(node), note=wording.all_provisions_note(), **_drawn())


@router.get("/law/changes")
def law_changes(node: OpenNode, who: SignedIn, half: HalfAsked = None) -> Response:
    """What changed in the half-year that lasts, or in an earlier one."""
    wanted = Half.parse(half) if half is not None else None
    known = [item for item, _ in halves(node)]
    return page("law_changes", who, report=law_report(node, wanted), halves=known, **_drawn())


@router.get("/law/report.pdf")
async def law_pdf(request: Request, node: OpenNode, _who: SignedIn, half: HalfAsked = None) -> Response:
    wanted = Half.parse(half) if half is not None else None
    made = await heavily(request, WorkKind.REPORTS, _whole_pdf, node, wanted)
    return _as_file(made, f"{node.node_id}-law-{spoken().code}.pdf")


@router.get("/law/of/{jurisdiction}")
def law_of_side(node: OpenNode, who: SignedIn, jurisdiction: Jurisdiction) -> Response:
    """The articles of one side, in its own words and in English."""
    report = law_report(node)
    law = report.law_of(jurisdiction)
    return page("law_of", who, report=report, law=law, **_drawn())


@router.get("/law/pair/{one}/{other}")
def law_pair(node: OpenNode, who: SignedIn, one: Jurisdiction, other: Jurisdiction) -> Response:
    """Both directions of two sides beside each other."""
    report = law_report(node)
    pair = report.pair(one, other)
    held = _held(node, who, report, pair)
    partner = other if one == report.here else one
    links = [item for item in _links(node, report) if partner in item.partners] if held is not None else []
    return page("law_pair", who, report=report, pair=pair, held=held, partner=partner, links=links, **_drawn())


@router.get("/law/pair/{one}/{other}/report.pdf")
async def law_pair_pdf(
    request: Request, node: OpenNode, _who: SignedIn, one: Jurisdiction, other: Jurisdiction
) -> Response:
    made = await heavily(request, WorkKind.REPORTS, _pair_pdf, node, one, other)
    return _as_file(made, f"{node.node_id}-law-{one}-{other}-{spoken().code}.pdf")


def _whole_pdf(node: Node, half: Half | None) -> bytes:
    return render_law(law_report(node, half))


def _pair_pdf(node: Node, one: Jurisdiction, other: Jurisdiction) -> bytes:
    report = law_report(node)
    return render_law_pair(report.pair(one, other), report)


def _as_file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)


def _held(node: Node, who: Visitor, report: LawReport, pair: PairOfLaw) -> HeldBack | None:
    """Of a pair that this side is one of, for those who have the monitoring report."""
    if report.here not in (pair.one.jurisdiction, pair.other.jurisdiction) or who.caller.role not in _COUNTED_FOR:
        return None
    return held_back_now(node, report.law_of(report.here).articles)


def _links(node: Node, report: LawReport) -> tuple[LinkFinding, ...]:
    """Nothing where no policy was made, or nothing was entered: there is nothing to hold against each other."""
    found, own = policy_of(node), report.law_of(report.here)
    if found is None or not own.is_entered:
        return ()
    partners = [law.jurisdiction for law in report.laws if not law.own]
    return link_findings(found[1].bases, own.articles, partners, report.day)


def _drawn() -> dict[str, Any]:
    """What the templates say it with."""
    return {
        "say": wording,
        "marks": wording.LAW_MARKS,
        "states": tuple(LawState),
        "directions": tuple(LawDirection),
        "figure": words,
        "in_force": in_force,
        "caution": law_caution(),
    }


_TEXTS: Final = ("article_id", "title", "article", "language", "text", "in_force_since", "review_by")
_OPTIONAL: Final = ("title_en", "text_en", "in_force_until", "provision_words")
_SIDE: Final = re.compile("rule-[0-9]-side-([A-Z]{2})")
_MORE_RULES: Final = 2
"""Empty ones, behind those that an article has."""
MOST_ARTICLE_FIELDS: Final = 1024
MOST_ARTICLE_BYTES: Final = 96 * 1024
"""Both texts at their longest, in Cyrillic, as a form writes them."""


@dataclass(frozen=True)
class ArticleForm:
    """What is typed of an article, and what is wrong with it, by field; by "" what is wrong with all of it.

    ``before``: the id of the article that it takes the place of; empty for a new one. ``mark``: of the draft that it
    was drawn from.
    """

    typed: Mapping[str, str]
    before: str
    mark: str
    problems: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str) -> str:
        return self.typed.get(name, "")

    @property
    def rules(self) -> range:
        """The numbers of the rules that the form has room for."""
        typed = [number for number in range(MAX_LAW_RULES) if self.value(f"rule-{number}-direction")]
        return range(min(MAX_LAW_RULES, (max(typed) + 1 if typed else 1) + _MORE_RULES))

    @property
    def languages(self) -> dict[str, str]:
        """By tag, with one of a file that no page is in."""
        own = self.value("language")
        return NAMES if not own or own in NAMES else {**NAMES, own: own}

    @property
    def further_provisions(self) -> list[str]:
        """Those that the article names, and this release does not know."""
        found = [name.removeprefix("provision-") for name in self.typed if name.startswith("provision-")]
        return [name for name in found if name not in eu_provisions()]

    def sides(self, node: Node) -> list[Jurisdiction]:
        """The other sides that a rule may name, with those that it names already."""
        here = node.settings.jurisdiction
        named = {found[1] for name in self.typed if (found := _SIDE.fullmatch(name))}
        return sorted({code for code in node.jurisdictions if code != here} | set(map(Jurisdiction, named)))


def typed_of(article: LawArticle) -> dict[str, str]:
    """What the form shows of an article that is in the draft."""
    written = article.model_dump(mode="json")
    typed = {name: written[name] or "" for name in (*_TEXTS, *_OPTIONAL)}
    typed |= {f"provision-{name}": "on" for name in article.provisions}
    for number, rule in enumerate(article.rules):
        typed |= {
            f"rule-{number}-direction": rule.direction,
            f"rule-{number}-rule": rule.rule,
            f"rule-{number}-words": rule.words or "",
        }
        typed |= {f"rule-{number}-kind-{kind}": "on" for kind in rule.kinds or ()}
        typed |= {f"rule-{number}-side-{code}": "on" for code in rule.jurisdictions or ()}
    return typed


def article_of(fields: Mapping[str, str]) -> LawArticle:
    """The article that was typed. Raises InvalidInput naming each field that holds what it may not."""
    said: dict[str, Any] = {name: _clean(fields, name) for name in _TEXTS}
    said |= {name: _clean(fields, name) or None for name in _OPTIONAL}
    provisions = [name.removeprefix("provision-") for name in fields if name.startswith("provision-")]
    said["provisions"] = provisions[: MAX_PROVISIONS + 1]
    numbers = [number for number in range(MAX_LAW_RULES) if _clean(fields, f"rule-{number}-direction")]
    said["rules"] = [_rule(fields, number) for number in numbers]
    try:
        return LawArticle.model_validate(said)
    except ValidationError as error:
        refused = contract_error(error)
        raise InvalidInput(str(refused), code="invalid-field", problems=refused.problems) from error


def problems_by_field(error: InvalidInput) -> dict[str, str]:
    """Beside which field each problem stands; those of rules stand together."""
    found: dict[str, str] = {}
    for place, what in error.problems or (("", str(error)),):
        name = place.partition(".")[0]
        shown = name if name in (*_TEXTS, *_OPTIONAL, "provisions", "rules") else ""
        found.setdefault(shown, what)
    return found


def choices() -> dict[str, Any]:
    """What the form offers."""
    return {
        "rule_directions": tuple(LawDirection),
        "rule_words": tuple(SharingRule),
        "kinds": tuple(ExhibitKind),
        "provisions": eu_provisions(),
    }


def _rule(fields: Mapping[str, str], number: int) -> dict[str, Any]:
    start = f"rule-{number}-"
    kinds = [kind for kind in ExhibitKind if f"{start}kind-{kind}" in fields]
    sides = [name.removeprefix(f"{start}side-") for name in fields if name.startswith(f"{start}side-")]
    return {
        "direction": _clean(fields, f"{start}direction"),
        "rule": _clean(fields, f"{start}rule"),
        "kinds": kinds or None,
        "jurisdictions": sides or None,
        "words": _clean(fields, f"{start}words") or None,
    }


def _clean(fields: Mapping[str, str], name: str) -> str:
    lines = fields.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip()
    return "\n".join(line.rstrip() for line in lines.split("\n"))


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
