"""The form of an assessment as a person and a script use it: no node, one file."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from exchange.flows.assessment.answers import read_answers
from exchange.flows.assessment.form import AssessmentForm
from exchange.flows.assessment.questionnaire import questionnaire
from exchange.flows.monitoring.half_years import Half
from exchange.web.assessment.form_app import form_app
from exchange.web.wording.coordination.assessment_file import begun_assessment
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.flows.assessment.filled import all_best, write_filled

PORT = 8477
ADDRESS = f"http://127.0.0.1:{PORT}"
MARK = re.compile(r'name="mark-([a-z_]+)" value="([0-9a-f]+)"')
CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


def at_the_form(path: Path, act: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def run() -> None:
        app = form_app(AssessmentForm(path), PORT)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, follow_redirects=True) as person:
            assert (await person.get("/")).status_code == 403, "whoever has not the address that the command said"
            assert (await person.get("/another/")).status_code == 403
            person.base_url = httpx.URL(f"{ADDRESS}{app.state.base}")
            assert (await person.get("/", headers={"host": "evil.example"})).status_code == 421
            assert (await person.get("/")).status_code == 200
            await act(person)
            assert all(cookie.path == app.state.base for cookie in person.cookies.jar), "other ports get none of it"
            assert not any(app.state.base.strip("/") in str(cookie.value) for cookie in person.cookies.jar)

    asyncio.run(run())


ELSEWHERE = (
    "/",
    "/static/assessment.css",
    "/none/static/assessment.css",
    "/none/none",
    "/none/language",
    "/none",
    "/%ff/",
)
BELOW = ("/static/assessment.css", "/static/none.css", "/none", "/language", "", "/")


def test_nothing_at_all_is_answered_without_the_address_that_the_command_said(kosovo: Path) -> None:
    async def run() -> None:
        app = form_app(AssessmentForm(kosovo), PORT)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as person:
            for path in ELSEWHERE:
                answer = await person.get(path)
                assert (answer.status_code, answer.headers.get("location")) == (403, None), path
            assert (await person.post("/none/")).status_code == 403
            for path in BELOW:
                for host in ("evil.example", f"localhost:{PORT}", f"[::1]:{PORT}", "127.0.0.1", ""):
                    answer = await person.get(f"{app.state.base}{path}", headers={"host": host})
                    assert (answer.status_code, answer.headers.get("location")) == (421, None), (path, host)
                    assert host == "" or host not in answer.text.replace("answers to 127.0.0.1 alone", "")
            found = [(await person.get(f"{app.state.base}{path}")).status_code for path in BELOW]
            assert found == [200, 404, 404, 405, 307, 200]

    asyncio.run(run())


def form_of(html: str) -> dict[str, str]:
    """What the page sends beside what is typed."""
    found = CSRF.search(html)
    assert found is not None
    return {"csrf": found[1]} | {f"mark-{name}": mark for name, mark in MARK.findall(html)}


@pytest.fixture
def kosovo(tmp_path: Path) -> Path:
    write_filled(tmp_path, all_best(succession="no"), jurisdiction="XK")
    path = tmp_path / "assessment-XK-2026H2.toml"
    path.write_text(begun_assessment("XK", Half(2026, 2), None), encoding="utf-8")
    return path


def test_every_page_stands_and_asks_each_question_once(kosovo: Path) -> None:
    async def act(person: httpx.AsyncClient) -> None:
        asked = []
        for address in ("/", "/recommendations", *(f"/area/{area.id}" for area in questionnaire().areas)):
            shown = await person.get(address)
            assert shown.status_code == 200
            assert "Kosovo*" in shown.text
            assert KOSOVO_FOOTNOTE in shown.text
            assert "script-src 'self'" in shown.headers["content-security-policy"]
            asked += [name for name, _ in MARK.findall(shown.text)]
        assert asked == [question.id for question in questionnaire()]
        assert (await person.get("/area/nothing")).status_code == 422
        assert (await person.get("/radar.svg")).headers["content-type"] == "image/svg+xml"
        staff = (await person.get("/area/staff")).text
        assert "Looked at on the spot" in staff, "last time's evidence stands beside"

    at_the_form(kosovo, act)


def test_a_picture_is_drawn_once_an_area_has_a_figure(kosovo: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun" / "assessment-MD-2026H2.toml"
    begun.parent.mkdir()
    begun.write_text(begun_assessment("MD", Half(2026, 2), None), encoding="utf-8")

    async def drawn(person: httpx.AsyncClient) -> None:
        assert f'<a class="linked-radar" href="{person.base_url.path}radar.svg">' in (await person.get("/")).text, (
            "it is small: a press enlarges"
        )

    async def not_drawn(person: httpx.AsyncClient) -> None:
        assert "/radar.svg" not in (await person.get("/")).text

    at_the_form(kosovo, drawn)
    at_the_form(begun, not_drawn)


def test_without_a_script_save_keeps_what_is_right_and_shows_what_is_not(kosovo: Path) -> None:
    async def act(person: httpx.AsyncClient) -> None:
        shown = await person.get("/area/staff")
        sent = form_of(shown.text) | {
            "answer-posts_total": "6",
            "answer-posts_filled": "seven",
            "evidence-posts_filled": "The list <b>of</b> November.",
            "answer-succession": "no",
            "evidence-succession": "Asked Petar Petrović.",
        }
        refused = await person.post("/area/staff", data=sent)
        assert refused.status_code == 422
        assert "Not kept: answer with a whole number." in refused.text
        assert 'value="seven"' in refused.text
        assert "The list &lt;b&gt;of&lt;/b&gt; November." in refused.text
        assert "It may hold the name of a person." in refused.text
        given = read_answers(kosovo).answers
        assert (given["posts_total"].value, given["posts_filled"].value, given["succession"].value) == (6, "", "no")
        assert given["posts_filled"].evidence == "The list <b>of</b> November."
        mended = await person.post("/area/staff", data=sent | form_of(refused.text) | {"answer-posts_filled": "5"})
        assert mended.status_code == 200
        assert "Kept in the file." in mended.text
        assert read_answers(kosovo).answers["posts_filled"].value == 5
        undone = await person.post("/undo", data=form_of(mended.text))
        assert "Undone: " in undone.text
        assert read_answers(kosovo).answers["posts_filled"].value == ""
        assert (await person.post("/area/staff", data=sent | {"csrf": "0"})).status_code == 422

    at_the_form(kosovo, act)


def test_a_script_is_told_what_was_not_kept_and_what_follows(kosovo: Path) -> None:
    async def act(person: httpx.AsyncClient) -> None:
        wants = {"accept": "application/json"}
        sent = form_of((await person.get("/area/backlog")).text)
        told = (await person.post("/area/backlog", data=sent | {"answer-backlog_months": "9"}, headers=wants)).json()
        assert told["faults"] == {}
        assert read_answers(kosovo).answers["backlog_months"].value == 9
        assert "1 of 49 questions are answered." in told["beside"]
        assert "Work off the backlog" in told["beside"]
        assert told["problems"]["backlog_months"] == ["Say what you saw, as evidence."]
        assert told["marks"]["backlog_months"] != sent["mark-backlog_months"]
        stale = await person.post("/area/backlog", data=sent | {"answer-backlog_months": "3"}, headers=wants)
        assert "another window or program changed it" in stale.json()["faults"]["backlog_months"]["answer"]
        assert "backlog_months" not in stale.json()["marks"], "only Save puts it in the other's place"
        wrong = await person.post("/area/backlog", data={"csrf": "0"}, headers=wants)
        assert (wrong.status_code, list(wrong.json())) == (422, ["said"])

    at_the_form(kosovo, act)


def test_a_file_that_an_editor_broke_is_told_and_left(kosovo: Path) -> None:
    async def act(person: httpx.AsyncClient) -> None:
        sent = form_of((await person.get("/area/staff")).text)
        broken = kosovo.read_text(encoding="utf-8").replace('answer = ""', 'answer = "', 1)
        kosovo.write_text(broken, encoding="utf-8")
        for answer in (await person.get("/"), await person.post("/area/staff", data=sent)):
            assert answer.status_code == 422
            assert "is no TOML" in answer.text
        assert kosovo.read_text(encoding="utf-8") == broken

    at_the_form(kosovo, act)


def test_the_paper_and_the_languages(kosovo: Path) -> None:
    async def act(person: httpx.AsyncClient) -> None:
        paper = await person.get("/assessment.pdf")
        assert paper.content.startswith(b"%PDF-")
        assert "assessment-XK-2026H2.pdf" in paper.headers["content-disposition"]
        sent = form_of((await person.get("/")).text)
        back = f"{person.base_url.path}area/staff"
        shown = await person.post("/language", data=sent | {"language": "uk", "back": back})
        assert '<html lang="uk">' in shown.text
        assert str(shown.url) == f"{ADDRESS}{back}"

    at_the_form(kosovo, act)


def test_without_a_node_nobody_is_told_that_its_snapshot_answers(tmp_path: Path) -> None:
    path = tmp_path / "assessment-UA-2026H2.toml"
    path.write_text(begun_assessment("UA", Half(2026, 2), None), encoding="utf-8")

    async def act(person: httpx.AsyncClient) -> None:
        for area in questionnaire().areas:
            assert "snapshot answers this" not in (await person.get(f"/area/{area.id}")).text

    at_the_form(path, act)
