"""Pages in the language that a visitor chose, and not one word of them that no catalogue knows."""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest
from pypdf import PdfReader

from exchange import errors
from exchange.errors import ExchangeError, InvalidInput
from exchange.flows.access import oidc, sign_in
from exchange.flows.access import tokens as token_flows
from exchange.flows.blind import visibility
from exchange.flows.review import statements
from exchange.flows.scan import heights
from exchange.flows.witness.verify_pair_bundle import verify_pair_bundle
from exchange.jurisdictions.directory import Directory
from exchange.net import oidc as net_oidc
from exchange.store.access import token_rows as stored_tokens
from exchange.trust import id_token
from exchange.web.languages import CODES, NAMES, Spoken, spoken
from exchange.web.languages.catalogue import translations
from exchange.web.languages.spoken import chosen, local_page, speaking
from exchange.web.languages.terms_glossary import Glossary, own_glossary
from exchange.web.pages import home_pages as home
from exchange.web.pages import language, layout
from exchange.web.pages.access import sign_in_pages as sign_in_pages
from exchange.web.pages.access import token_pages as tokens
from exchange.web.pages.extended import folders
from exchange.web.pages.review import hit_pages as hits
from exchange.web.pages.review import review_pages as reviews
from exchange.web.wording.sentences import SENTENCES, model_for, reason, refusal_of
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import PART_WITH_WHOLE, PARTS_OF_MARKS, WHOLE_MARKS, CalibrationModel
from matcher.likelihood.mark_limits import MarkExtent
from matcher.likelihood.ratio import NoValidatedLR, PairConditions, likelihood_ratio
from schemas.record import ScanMediaType
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person
from tests.matcher.likelihood.test_ratio import INSIDE, MODEL

TEMPLATES = Path(layout.__file__).parent / "templates"
ATTRIBUTES = ("alt", "title", "aria-label", "placeholder")
JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
OPEN, CLOSE = "⟦", "⟧"


@pytest.fixture(scope="module")
def node(start_shared: Callable[..., RunningNode]) -> RunningNode:
    """Of this module alone: what other tests wrote onto the pages is in no catalogue."""
    return start_shared(Jurisdiction.RS)


class _Words(HTMLParser):
    """What a visitor reads or hears, without what is said to be English and what was written by others."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._left_out: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"input", "meta", "link", "img", "br", "hr"}:
            self.said += [values.get(name) or "" for name in ATTRIBUTES]
            return
        foreign = values.get("lang") in {"en", *CODES} and tag not in {"html", "ffp-comparison"}
        if self._left_out or foreign or tag in {"pre", "code", "time", "script"} or values.get("class") == "data":
            self._left_out.append(tag)
            return
        self.said += [values.get(name) or "" for name in ATTRIBUTES]

    def handle_endtag(self, tag: str) -> None:
        if self._left_out and self._left_out[-1] == tag:
            self._left_out.pop()

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            self.said.append(data)


def words_of(html: str) -> list[str]:
    parsed = _Words()
    parsed.feed(html)
    return [text.strip() for text in parsed.said if re.search(r"[^\W\d_]", text)]


WITH_WORDS = [
    path
    for folder in (TEMPLATES, *folders("templates"))
    for path in sorted(folder.glob("*.html"))
    if path.stem != "viewer_words"  # attributes alone
]


@pytest.mark.parametrize("path", WITH_WORDS, ids=lambda path: path.stem)
def test_no_template_has_words_of_its_own(path: Path) -> None:
    """Also in the branches that no test comes to."""
    words = words_of(JINJA.sub(" ", path.read_text(encoding="utf-8")))
    attributes = [text for text in words if re.match(r'[a-z-]+="', text)]  # of a macro that writes nothing else
    assert set(words) - set(attributes) <= {"MB", "https://", "Cllr", "SHA-256"}


class _Bracketed(NullTranslations):
    def gettext(self, message: str) -> str:
        return f"{OPEN}{message}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"{OPEN}{msgid1 if n == 1 else msgid2}{CLOSE}"


@pytest.fixture
def bracketed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which every text and every term stands in brackets: Macedonian, for as long as the test runs."""
    monkeypatch.setattr(sys.modules[Spoken.__module__], "translations", lambda _code: _Bracketed())
    monkeypatch.setattr(Directory, "names", lambda _self, code: {"en": f"{OPEN}{code}{CLOSE}"})
    monkeypatch.setattr(Directory, "footnotes_of", lambda _self, code: {"en": f"{OPEN}{code}{CLOSE}"})
    monkeypatch.setattr(Glossary, "term", lambda _self, value, _language, _of=None: f"{OPEN}{value}{CLOSE}")


MEANING = re.compile(r'<dfn[^>]*>(.*?)<span role="tooltip"[^>]*>(.*?)</span></dfn>', re.DOTALL)
WITHIN = re.compile(r"<time[^>]*>(.*?)</time>", re.DOTALL)
"""A term with its meaning, and a moment, may stand within a sentence."""


def outside_of_brackets(html: str, data: list[str]) -> list[str]:
    assert all(meaning.startswith(OPEN) for _, meaning in MEANING.findall(html))
    html = WITHIN.sub(r"\1", MEANING.sub(r"\1", html))
    found = []
    for text in words_of(html):
        rest = text
        while OPEN in rest:  # a text may have a term within
            rest, before = re.sub(rf"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", rest), rest
            assert rest != before, text
        rest = re.sub(r"\b[0-9a-f]{64}\b", "", rest)  # a digest
        for value in data:
            rest = rest.replace(value, "")
        if re.search(r"[^\W\d_]", rest):
            found.append(text)
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("bracketed")
def test_no_page_says_what_no_catalogue_knows(
    node: RunningNode, scans: dict[str, Path], signed_in: Callable[[Role], Person], invited: Callable[[Role], Person]
) -> None:
    records = [
        node.submit(scans[name], case_reference=f"RS-2026-{name}").json()["statement_id"] for name in ("1-1", "1-2")
    ]
    node.wait_for(lambda status: status["acquisitions"].get("queued", 0) == 0)
    found = node.get(f"/v1/records/{records[0]}/candidates", Role.INVESTIGATOR).json()["items"]
    pair = next(item["candidate_id"] for item in found if item["other"]["statement_id"] == records[1])
    for role in (Role.EXAMINER, Role.INVESTIGATOR):
        person = signed_in(role)
        person.http.cookies.set("ffp-language", "mk")
        data = [
            node.node.node_id,
            person.pseudonym,
            "9 mm Luger",
            "RS-2026-1-1",
            "RS-2026-1-2",
            "examiner-",
            "UTC",
            "H0",
        ]
        paths = [
            "/app/",
            "/app/candidates",
            "/app/search",
            "/app/queries",
            "/app/hits",
            "/app/alerts",
            "/app/nothing",
        ]
        paths += [f"/app/records/{records[0]}", f"/app/records/{records[0]}/candidates", f"/app/pairs/{pair}"]
        paths += ["/app/verifications", "/app/exhibits"] if role is Role.EXAMINER else []
        for path in paths:
            answer = person.get(path)
            assert answer.status_code in {200, 404}, path
            assert OPEN in answer.text
            assert outside_of_brackets(answer.text, [*data, *NAMES.values(), *get_args(ScanMediaType)]) == [], path
    stranger = invited(Role.HEAD)
    stranger.http.cookies.set("ffp-language", "mk")
    for path in ("/app/sign-in", "/app/guide"):
        whole = re.sub(r'<b class="named">(.*?)</b>', r"\1", stranger.get(path).text)  # bold words within a sentence
        assert outside_of_brackets(whole, list(NAMES.values())) == [], path


@pytest.mark.slow
def test_the_report_and_the_bundle_are_downloaded(
    node: RunningNode, scans: dict[str, Path], signed_in: Callable[[Role], Person]
) -> None:
    records = [node.submit(scans[n], case_reference=f"RS-R-{n}").json()["statement_id"] for n in ("2-1", "2-2")]
    node.wait_for(lambda status: status["acquisitions"].get("queued", 0) == 0)
    found = node.get(f"/v1/records/{records[0]}/candidates", Role.INVESTIGATOR).json()["items"]
    pair = next(item["candidate_id"] for item in found if item["other"]["statement_id"] == records[1])
    person = signed_in(Role.INVESTIGATOR)
    person.http.cookies.set("ffp-language", "uk")
    page = person.get(f"/app/pairs/{pair}").text
    assert f"/app/pairs/{pair}/report.pdf" in page
    first, second = (person.get(f"/app/pairs/{pair}/report.pdf") for _ in range(2))
    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf")
    assert first.content == second.content
    assert f'filename="{node.node.node_id}-pair-{pair}-uk.pdf"' in first.headers["content-disposition"]
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(first.content)).pages)
    for said in ("Звіт про можливий", "RS-R-2-1", "RS-R-2-2", *records):
        assert said in text
    row = node.get("/v1/audit", Role.AUDITOR, params={"subject": records[1], "actor": person.pseudonym}).json()
    assert [item["act"] for item in row["items"]].count("read-report") == 2
    assert f"/app/pairs/{pair}/bundle.zip" in page
    whole = person.get(f"/app/pairs/{pair}/bundle.zip")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "application/zip")
    assert {fact.statement_id for fact in verify_pair_bundle(whole.content).facts} == set(records)
    by_token = node.get(f"/v1/candidates/{pair}/bundle", Role.INVESTIGATOR)
    assert verify_pair_bundle(by_token.content).contents.records == verify_pair_bundle(whole.content).contents.records
    bundle = person.get(f"/app/records/{records[0]}/bundle")
    assert (bundle.status_code, "attachment" in bundle.headers["content-disposition"]) == (200, True)
    assert bundle.json()["log_index"] == node.get(f"/v1/records/{records[0]}").json()["log_index"]


def test_each_request_is_answered_in_its_own_language(invited: Callable[[Role], Person]) -> None:
    """Also what a template says as a constant, which is not to be worked out once for all."""
    person = invited(Role.EXAMINER)
    for code in ("en", "mk", "sr-Cyrl", "en"):
        person.http.cookies.set("ffp-language", code)
        page = person.get("/app/sign-in").text
        assert Spoken(code).footnotes()[0] in page
        assert translations(code).gettext("Password") in page


def test_the_choice_is_kept_and_leads_back(node: RunningNode, invited: Callable[[Role], Person]) -> None:
    person = invited(Role.EXAMINER)
    assert '<html lang="en">' in person.get("/app/sign-in").text
    answer = person.post("/app/language", {"language": "sr-Latn", "back": "/app/sign-in"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/sign-in")
    cookie = answer.headers["set-cookie"].lower()
    for part in ("ffp-language=sr-latn", "httponly", "samesite=strict", "path=/app", "max-age=34560000"):
        assert part in cookie
    page = person.get("/app/sign-in").text
    assert '<html lang="sr-Latn">' in page
    assert translations("sr-Latn").gettext("Password") in page
    assert all(name in page for name in NAMES.values())


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"language": "xx"}, {}, 422),
        ({}, {}, 422),
        ({"language": "mk"}, {"Origin": "https://evil.example"}, 403),
    ],
)
def test_what_is_no_choice_changes_nothing(
    invited: Callable[[Role], Person], fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    person = invited(Role.EXAMINER)
    answer = person.post("/app/language", {"back": "/app/", **fields}, **headers)
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/app/",
        "https://evil.example/app/",
        "/app",
        "/v1/records",
        "/app/\\evil",
        "/app/\r\nx",
        "/app/" * 999,
        "/app/sign-in/callback?state=x&code=y",
    ],
)
def test_it_leads_nowhere_else(path: str) -> None:
    assert local_page(path) == "/app/"
    assert local_page("/app/records?x=1") == "/app/records?x=1"


@pytest.mark.parametrize(
    ("cookie", "accepts", "default", "code"),
    [
        (None, "", "en", "en"),
        (None, "", "sq", "sq"),
        ("mk", "uk", "sq", "mk"),
        ("xx", "uk", "sq", "uk"),
        (None, "fr, sr-Latn-RS;q=0.9, en;q=0.8", "sq", "sr-Latn"),
        (None, "sr-RS", "sq", "sr-Cyrl"),
        (None, "en;q=0.2, ro-MD;q=0.7", "sq", "ro"),
        (None, "CNR-Latn", "sq", "cnr"),
        (None, "uk;q=0, fr", "sq", "sq"),
        (None, "mk;q=a lot, *;q=0.5", "sq", "sq"),
        (None, "," * 100_000 + "uk", "sq", "sq"),
    ],
)
def test_the_language_is_the_visitors_then_the_browsers_then_the_nodes(
    cookie: str | None, accepts: str, default: str, code: str
) -> None:
    assert chosen(cookie, accepts, default) == code


@pytest.mark.parametrize(
    ("code", "said"),
    [("en", "1,234.50"), ("sq", "1\xa0234,50"), ("hr", "1.234,50"), ("cnr", "1.234,50"), ("ro", "1.234,50")],
)
def test_numbers_are_written_as_the_language_does(code: str, said: str) -> None:
    assert Spoken(code).number(1234.5, 2) == said
    assert Spoken(code).number(-0.5, 1)[0] == "−"


def test_a_refusal_is_said_in_the_language_of_the_page(signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    person.http.cookies.set("ffp-language", "hr")
    page = person.get(f"/app/records/{'ab' * 32}").text
    assert translations("hr").gettext(SENTENCES["not-found"]) in page
    assert '<p class="hint" lang="en">There is no such record on this node.</p>' in page


def _codes(module: object) -> Iterator[str]:
    for found in ast.walk(ast.parse(inspect.getsource(module))):  # type: ignore[arg-type]
        if isinstance(found, ast.keyword) and found.arg == "code" and isinstance(found.value, ast.Constant):
            yield str(found.value.value)


def test_every_refusal_that_a_page_can_meet_has_its_sentence() -> None:
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ExchangeError)]
    codes = {kind.code for kind in classes}
    flows = (sign_in, statements, visibility, heights, token_flows, stored_tokens, oidc, net_oidc, id_token)
    for module in (*flows, hits, home, language, layout, reviews, sign_in_pages, tokens):
        codes |= set(_codes(module))
    assert codes - set(SENTENCES) == set()
    with speaking(Spoken("mk")):
        unknown = refusal_of(InvalidInput("The scan is cut off.", code="truncated"))
    assert unknown.sentence == translations("mk").gettext(SENTENCES["invalid-input"])
    assert unknown.detail == "The scan is cut off."
    assert refusal_of(InvalidInput("Said in English.")).sentence is None


WHY_NOT = [
    (MODEL, replace(INSIDE, region="firing_pin_impression")),
    (MODEL, replace(INSIDE, modality="reflectance")),
    (MODEL, replace(INSIDE, calibres=("unknown", "9 mm Luger"))),
    (MODEL, replace(INSIDE, calibres=("12 gauge", "12 gauge"))),
    (MODEL, replace(INSIDE, lateral_resolutions_um=(99.0, 99.0))),
    (MODEL, replace(INSIDE, matcher_version="0")),
    (MODEL, replace(INSIDE, parameters_digest="0" * 64)),
    (replace(MODEL, population=replace(MODEL.population, lateral_resolution_um=None)), INSIDE),
    (replace(MODEL, population=replace(MODEL.population, limits=None)), INSIDE),
    (MODEL, replace(INSIDE, marks=None)),
    (MODEL, replace(INSIDE, marks=(MarkExtent(0.1, 0.0, 0.5),) * 2)),
    (MODEL, replace(INSIDE, marks=(MarkExtent(9.0, 0.0, 0.5), MarkExtent(3.0, 0.0, 0.5)))),
    (MODEL, replace(INSIDE, marks=(MarkExtent(3.0, 0.0, 0.0),) * 2)),
    (MODEL, replace(INSIDE, marks=(MarkExtent(3.0, 2.0, 0.5),) * 2)),
]


@pytest.mark.parametrize(("model", "conditions"), WHY_NOT)
def test_why_there_is_no_likelihood_ratio_is_said_too(model: CalibrationModel, conditions: PairConditions) -> None:
    judged = likelihood_ratio(CalibrationModels.of(model), 0.5, conditions)
    assert isinstance(judged, NoValidatedLR)
    with speaking(Spoken("uk")):
        said = reason(judged.reason).replace("Makarov", "")
        assert not re.search("[A-Za-z]{6,}", said), judged.reason


def test_which_model_a_likelihood_ratio_is_by_is_said_too() -> None:
    for marks in (WHOLE_MARKS, PART_WITH_WHOLE, PARTS_OF_MARKS):
        assert model_for(marks)
        with speaking(Spoken("uk")):
            assert not re.search("[A-Za-z]{6,}", model_for(marks))


def test_outside_of_a_request_english_is_spoken() -> None:
    assert spoken().code == "en"
    assert spoken().glossary is own_glossary()
