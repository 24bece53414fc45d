"""What all pages share: who looks at them, the forms that they may send, and how they are drawn."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl, quote

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse, Response

from exchange.errors import ExchangeError, Forbidden, InvalidInput
from exchange.extras.known import extra_named
from exchange.flows.access.consultation import Caller, Consultation
from exchange.flows.access.sessions import open_session
from exchange.flows.access.sign_in import csrf_of
from exchange.flows.alerts.alerts import MOST_ALERTS, tell_fresh
from exchange.flows.blind.compared_sides import ComparedSide
from exchange.flows.entry.free_text import doubts_in
from exchange.flows.keys.suspicion import suspicions_of
from exchange.flows.node.likelihood_ratio import other_matcher, own_matcher
from exchange.flows.node.node import Node
from exchange.flows.review.records import StoredRecord
from exchange.flows.scan.listed_scans import ListedScan, listed_scan, pictured_scans
from exchange.flows.scan.scan_thumbnail import PICTURES_VERSION
from exchange.search_triggers import SearchTrigger
from exchange.web.access.caller import OpenNode
from exchange.web.languages import NAMES, spoken, term
from exchange.web.languages.days import clock_words, due_time, local_time, local_words, moment, moment_on_paper, period
from exchange.web.languages.spoken import local_page, page_before
from exchange.web.pages.extended import folders, guide_titles, navigation, pages_parts
from exchange.web.pages.help import chapter_of
from exchange.web.pages.own_requests import media_type_of, own_body
from exchange.web.pages.static_files import STATIC_ADDRESS
from exchange.web.pages.themes import chosen_theme
from exchange.web.wording.audited_acts import act_in_words, acts_in_words
from exchange.web.wording.calibres import CALIBRES_BY_KIND, HasCalibre, calibre_problem, calibre_words
from exchange.web.wording.exhibit_name import ListedExhibit, listed_name
from exchange.web.wording.explained_terms import explain, sign_of
from exchange.web.wording.instrument_check_words import doubt_words, named_check_words
from exchange.web.wording.meanings import meaning_name
from exchange.web.wording.sentences import ShownRefusal, model_for, reason, standing, suspicion
from exchange.web.wording.started_search import because_words
from exchange.web.wording.viewer_words import viewer_words
from schemas.calibre_list import ENTRY_OF
from schemas.vocabulary import LawfulPurpose, Role

_P = ParamSpec("_P")
_R = TypeVar("_R")

MAX_FORM_BYTES = 32 * 1024
MAX_FIELDS = 64
PURPOSE_MISSING = "purpose-missing"
"""The code of what is refused until somebody has stated why they ask."""
LIVE_HEADER = "x-live"
"""Of what an open page asks by itself (``static/live.js``): a session is not kept alive by a page that nobody reads."""
_pages = Environment(
    loader=ChoiceLoader([PackageLoader("exchange.web.pages"), FileSystemLoader(folders("templates"))]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    auto_reload=False,  # else each part of each page asks the disk whether it is another one by now
    extensions=["jinja2.ext.i18n"],
)
_I18N: Any = _pages  # the extension gives the environment this method
_I18N.install_gettext_callables(
    lambda text: spoken().gettext(text), lambda one, many, count: spoken().ngettext(one, many, count), newstyle=True
)
_pages.globals |= {
    "spoken": spoken,
    "languages": NAMES,
    "static": STATIC_ADDRESS,
    "theme": chosen_theme,
    "viewer_words": viewer_words,
    "own_matcher": own_matcher,
    "other_matcher": other_matcher,
    "model_for": model_for,
    "standing": standing,
    "named_check": named_check_words,
    "instrument_doubt": doubt_words,
    "suspicions_of": suspicions_of,
    "pictured_scans": pictured_scans,
    "calibres_by_kind": CALIBRES_BY_KIND,
    "calibre_problem": calibre_problem,
    "entry_of": ENTRY_OF,
    "purposes": tuple(LawfulPurpose),
    "pdf_extra": extra_named("pdf"),
    "navigation": navigation,
    "guide_titles": guide_titles,
    "guide_templates": lambda: [part.guide for part in pages_parts()],
}


def _turned(degrees: float) -> str:
    """A rotation of 353.6 degrees is one of 6.4 to the other side."""
    signed = (degrees + 180) % 360 - 180
    return ("+" if signed >= 0 else "") + spoken().number(signed, 1) + "°"


def _occurred(record: StoredRecord) -> str:
    return period(record.earliest, record.latest)


def _case_address(record: StoredRecord) -> str:
    """Where the graph of a record's case is; a reference may hold a slash."""
    return f"/app/cases/{record.jurisdiction}/{quote(record.case_reference, safe='')}"


def _heights_address(side: ComparedSide) -> str:
    """Where the comparison viewer gets what it draws of a specimen, turned as the matcher compared it."""
    drawn = "mirrored" if side.mirrored else "plain"
    address = f"/app/scans/{side.scan.sha256}/heights/{drawn}?form=filtered"
    return address if side.region is None else f"{address}&region={side.region}"


def _picture_address(scan: ListedScan, size: str) -> str:
    """At which a browser keeps the picture: it changes with whatever the picture follows from."""
    return f"/app/records/{scan.statement_id}/scans/{scan.position}/picture?size={size}&v={PICTURES_VERSION}"


@pass_context  # of a constant, Jinja would else keep what it was in the language of the first request
def _number(_context: Context, value: float, digits: int = 0) -> str:
    return spoken().number(value, digits)


@pass_context
def _local_time(_context: Context, when: str | datetime | None) -> str:
    return local_time(when)


@pass_context
def _on_paper(_context: Context, when: str) -> str:
    return moment_on_paper(when)


@pass_context
def _local_words(_context: Context, when: str | datetime | None) -> str:
    return local_words(when)


@pass_context
def _due_time(_context: Context, when: str | datetime | None) -> str:
    return due_time(when)


@pass_context
def _in_act(_context: Context, act: str) -> str:
    return act_in_words(act)


@pass_context
def _in_acts(_context: Context, acts: Mapping[str, int]) -> list[str]:
    return acts_in_words(acts)


@pass_context
def _explained(_context: Context, word: str, named: str) -> str:
    """A word of our own, with its meaning where it stands on the page for the first time."""
    return sign_of(word, named)


@pass_context
def _calibre(_context: Context, exhibit: HasCalibre) -> str:
    return calibre_words(exhibit)


@pass_context
def _term(_context: Context, value: str, of: str | None = None) -> str:
    """The term of a value, with its meaning where that is known and the page has it first."""
    named = meaning_name(value, of)
    return term(value, of) if named is None else sign_of(term(value, of), named)


@pass_context
def _plain_term(_context: Context, value: str, of: str | None = None) -> str:
    """The term alone, of which something else is made: its first letter a capital."""
    return term(value, of)


@pass_context
def _named(_context: Context, exhibit: ListedExhibit, with_incident: bool = True) -> str:
    return listed_name(exhibit, with_incident)


@pass_context
def _clock(_context: Context, when: str) -> str:
    return clock_words(when)


@pass_context
def _because(_context: Context, triggers: Collection[SearchTrigger]) -> str:
    return because_words(triggers)


_pages.filters |= {
    "moment": moment,
    "local_time": _local_time,
    "local_words": _local_words,
    "clock": _clock,
    "due_time": _due_time,
    "on_paper": _on_paper,
    "explained": _explained,
    "in_act": _in_act,
    "in_acts": _in_acts,
    "turned": _turned,
    "occurred": _occurred,
    "number": _number,
    "term": _term,
    "plain_term": _plain_term,
    "reason": reason,
    "suspicion": suspicion,
    "case_address": _case_address,
    "calibre": _calibre,
    "named": _named,
    "because": _because,
    "doubts": doubts_in,
    "picture_address": _picture_address,
    "heights_address": _heights_address,
    "listed_scan": listed_scan,
}


class SignInFirst(ExchangeError):
    """This page is for those who are signed in."""

    code = "sign-in-first"


@dataclass(frozen=True)
class Visitor:
    """Somebody who is signed in to the pages, with what was stated for this session."""

    node: Node
    caller: Caller
    csrf: str
    purpose: str | None
    legal_basis: str | None

    @property
    def may_consult(self) -> bool:
        """Whether what this node demands was stated: a purpose, where it does."""
        return not self.node.settings.purpose_required or (self.purpose is not None and bool(self.legal_basis))

    @property
    def consultation(self) -> Consultation:
        """To search and read: with the purpose, where this node demands one. Raises InvalidInput."""
        if not self.may_consult:
            raise InvalidInput("State on the first page why you ask, and under which law.", code=PURPOSE_MISSING)
        return Consultation(self.node, self.caller, self.purpose, self.legal_basis)


def cookie_name(node: Node) -> str:
    """With the prefix that binds it to this host and to TLS, where there is TLS."""
    return "__Host-ffp" if node.settings.url.startswith("https:") else "ffp"


def visitor(request: Request, node: OpenNode) -> Visitor:
    """Who asks, with a note that somebody is there unless a script of the page asks by itself. Raises SignInFirst."""
    return seen_visitor(request, node, is_there=LIVE_HEADER not in request.headers)


def seen_visitor(request: Request, node: Node, *, is_there: bool) -> Visitor:
    """Raises SignInFirst."""
    token = request.cookies.get(cookie_name(node), "")
    found = open_session(node, token, is_there=is_there)
    if found is None:
        raise SignInFirst("Sign in first.")
    caller = Caller(found.pseudonym, found.role, found.signed_in)
    return Visitor(node, caller, csrf_of(token), found.purpose, found.legal_basis)


SignedIn = Annotated[Visitor, Depends(visitor)]


def visitor_or_none(request: Request, node: OpenNode) -> Visitor | None:
    """For pages that are there before the sign-in too."""
    try:
        return visitor(request, node)
    except SignInFirst:
        return None


MaybeSignedIn = Annotated[Visitor | None, Depends(visitor_or_none)]


def only(*roles: Role) -> Callable[[Visitor], Awaitable[Visitor]]:
    """A dependency that lets these roles in. Raises Forbidden for the others."""

    async def check(who: SignedIn) -> Visitor:
        if who.caller.role not in roles:
            raise Forbidden(f"This page is for the roles {', '.join(roles)}; you are signed in as {who.caller.role}.")
        return who

    return check


Examining = Annotated[Visitor, Depends(only(Role.EXAMINER))]
Heading = Annotated[Visitor, Depends(only(Role.HEAD))]
Reading = Annotated[Visitor, Depends(only(Role.EXAMINER, Role.INVESTIGATOR, Role.HEAD))]


async def read_form(
    request: Request,
    node: Node,
    csrf: str | None,
    *,
    most_bytes: int = MAX_FORM_BYTES,
    most_fields: int = MAX_FIELDS,
) -> dict[str, str]:
    """A form of this node's own pages, its fields by name; ``csrf`` is what it must carry, None before sign-in.

    Raises InvalidInput, TooLarge, and Forbidden for what another site made the browser send.
    """
    if media_type_of(request) != "application/x-www-form-urlencoded":
        raise InvalidInput("This is no form of these pages.", code="no-form")
    body = await own_body(request, node, most_bytes)
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=most_fields))
    except ValueError as error:
        raise InvalidInput("This is no form of these pages.", code="no-form") from error
    if csrf is not None and not hmac.compare_digest(fields.pop("csrf", "").encode(), csrf.encode()):
        raise Forbidden("This form is of an earlier session. Go back, load the page anew, and send it again.")
    return fields


def sent_form(**bounds: int) -> Any:
    """A dependency: the form that somebody who is signed in sent, read as ``read_form`` does. A route that names it
    after who may send it reads nothing of anybody else."""

    async def read(request: Request, node: OpenNode, who: SignedIn) -> dict[str, str]:
        return await read_form(request, node, who.csrf, **bounds)

    return Depends(read)


SentForm = Annotated[dict[str, str], sent_form()]


def page(name: str, who: Visitor | None, *, status: int = 200, **values: Any) -> Response:
    """The page of a template. Every value is escaped where it is written."""
    template = _pages.get_template(f"{name}.html")
    drawn = template.render(
        who=who,
        template=name,
        help_chapter=chapter_of(name),
        fresh_alerts=partial(fresh_count, who),
        **values,
    )
    return HTMLResponse(explain(drawn), status)


def fresh_count(who: Visitor | None) -> str | None:
    """How many alerts are new, asked where a page has a head; None for none, and for roles that have no alerts."""
    if who is None:
        return None
    count = tell_fresh(who.node, who.caller.role, who.caller.pseudonym)
    return f"{MOST_ALERTS - 1}+" if count >= MOST_ALERTS else str(count) if count else None


def error_page(request: Request, status: int, refusal: ShownRefusal, *, code: str = "") -> Response:
    """An error in words, with what may be done about it: the way back to the page on which it was asked for, for
    whoever is signed in the way to all others, and where the purpose is missing the form for it. Where the node itself
    fails it is asked nothing more."""
    who = _asker(request) if status < 500 else None
    asks_purpose = code == PURPOSE_MISSING
    return page("error", who, status=status, refusal=refusal, back=_came_from(request), asks_purpose=asks_purpose)


def _asker(request: Request) -> Visitor | None:
    try:
        return visitor(request, request.app.state.node)
    except ExchangeError:
        return None


def _came_from(request: Request) -> str | None:
    """The page of this node that led here; None where it is not known, is the first one, or is this one again. A form
    may be sent to the address of its own page."""
    before = page_before(request.headers)
    again = request.method == "GET" and before == spoken().back
    return None if again or before == local_page("") else before


async def off_loop(function: Callable[_P, _R], *args: _P.args, **named: _P.kwargs) -> _R:
    """What waits for the database or a password's hash, in a thread of its own."""
    return await run_in_threadpool(function, *args, **named)
