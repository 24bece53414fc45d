"""An investigator's way over two real nodes: search, ask the other jurisdiction, have what was found released, and see
what the case is linked to."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.flows.blind.visibility import pair_of
from exchange.flows.node.pipelines import PIPELINES
from exchange.flows.review.statements import speak
from exchange.store.access.user_rows import add_user, all_users
from exchange.store.review.candidate_rows import CandidateView, Page, open_candidates
from schemas import Maker
from schemas.vocabulary import Jurisdiction, Role, SignedInBy
from tests.browser.pages import sign_in
from tests.exchange.running_nodes import RunningNode, enrol_each_other, node_starter
from tests.schemas.results import SCREEN

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

ON_SCREEN = {**SCREEN}


@pytest.fixture(scope="module")
def nodes(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, RunningNode]]:
    """North Macedonia keeps its record at home; Serbia may have it searched."""
    with (
        pytest.MonkeyPatch.context() as monkeypatch,
        node_starter(tmp_path_factory.mktemp("investigator"), monkeypatch) as start,
    ):
        rs, mk = start(Jurisdiction.RS, control_share=0), start(Jurisdiction.MK)
        enrol_each_other(rs, mk)
        scan = {name: ffp_data / "fadul" / f"Fadul {name}.x3p" for name in ("1-1", "1-2")}
        exhibit = {"kind": "crime_scene", "calibre": "9x19", "municipality": "Чачак"}
        sent = rs.submit(scan["1-1"], case_reference="RS-1", level="search", audience=["MK"], exhibit=exhibit)
        assert sent.status_code == 201, sent.text
        assert mk.submit(scan["1-2"], case_reference="MK-1", level="search", audience=["RS"]).status_code == 201
        rs.wait_correlated(1)
        mk.wait_correlated(1)
        yield rs, mk


@pytest.fixture
def window(browser: Any) -> Iterator[Callable[[RunningNode, Role], Any]]:
    """Somebody's browser, signed in. What it says on its console must be nothing."""
    said: list[str] = []
    contexts: list[Any] = []

    def someone(node: RunningNode, role: Role) -> Any:
        with node.node.store.read() as session:
            pseudonym = next(user.pseudonym for user in all_users(session) if user.role == role)
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        sign_in(page, node, pseudonym)
        return page

    yield someone
    for context in contexts:
        context.close()
    assert said == []


def until(page: Any, text: str) -> None:
    """Load the page anew until the other node has answered."""
    for _ in range(120):
        if text in page.locator("main").inner_text():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"never said {text!r}: {page.locator('main').inner_text()}")


def test_from_the_search_to_the_linked_case(
    nodes: tuple[RunningNode, RunningNode], window: Callable[[RunningNode, Role], Any], tmp_path: Path
) -> None:
    rs, mk = nodes
    page = window(rs, Role.INVESTIGATOR)

    # search, kept in the address, and as a table
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Calibre", exact=True).fill("9 mm Parabellum")
    page.locator("input[name=municipality]").fill("cacak")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/app/search?calibre=9+mm+Parabellum&municipality=cacak")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as a table (CSV)").click()
    download.value.save_as(tmp_path / "records.csv")
    with (tmp_path / "records.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [line["case"] for line in csv.DictReader(file)] == ["RS-1"]

    # ask, with the purpose of the session
    page.get_by_role("link", name="RS-1", exact=True).click()
    page.get_by_role("link", name="Ask other jurisdictions").click()
    page.get_by_role("link", name="State what this session is for").click()
    page.get_by_label("Purpose").select_option("investigation")
    page.get_by_label("Law and case").fill("Article 286, case RS-1")
    page.get_by_role("button", name="Keep for this session").click()
    page.goto(f"{rs.url}/app/search?case_reference=RS-1")
    page.get_by_role("link", name="RS-1", exact=True).click()
    page.get_by_role("link", name="Ask other jurisdictions").click()
    assert "Article 286, case RS-1" in page.locator("main form").inner_text()
    assert page.get_by_label("North Macedonia").is_checked()
    page.get_by_role("button", name="Sign and send").click()
    page.wait_for_url("**/app/queries")
    until(page, "band: high")
    assert "MK-1" not in page.locator("main").inner_text()

    # ask for its release; the other side's head decides
    page.get_by_label("Why the owner should release it").fill("Prosecutor's order 12/2026")
    page.get_by_role("button", name="Ask for release").click()
    until(page, "requested")
    head = window(mk, Role.HEAD)
    head.get_by_label("More under Work").click()
    head.get_by_role("link", name="Approvals").click()
    until(head, "Prosecutor's order 12/2026")
    head.get_by_label("Reason, which is signed").fill("Article 5 of the agreement")
    head.get_by_role("button", name="Approve").click()
    until(head, "Nothing waits for a decision.")
    until(page, "granted")
    rs.wait_correlated(2)
    page.get_by_role("link", name="open it").click()
    assert "MK-1" in page.locator("h1").inner_text()

    # two examiners hold the pair for a lead: the case shows what it is linked to
    _lead(rs)
    page.get_by_role("link", name="Related").click()
    graph = page.locator("svg.graph")
    assert graph.locator("rect").count() == 2
    assert "Serbia" in (graph.text_content() or "")
    graph.get_by_role("link", name="lead").click()
    page.wait_for_url("**/app/hits/*")
    assert "RS-1" in page.locator("main").inner_text()

    # what is typed there outlives a reload and the way to another page; once it is signed, nothing of it is kept
    hit, form = page.url, page.locator("#form-message[data-conclude=kept]")
    page.get_by_role("heading", name="Write to North Macedonia").click()
    form.wait_for()
    message = page.get_by_label("Message", exact=True)
    message.fill(ASKED)
    page.get_by_label("Number", exact=True).fill("KTI 12/26")
    page.goto(f"{rs.url}/app/hits")
    page.goto(hit)
    form.wait_for()
    assert (message.input_value(), message.is_visible()) == (ASKED, True)
    page.reload()
    form.wait_for()
    assert page.get_by_label("Number", exact=True).input_value() == "KTI 12/26"
    page.get_by_label("Number", exact=True).fill("")  # without a channel it would be refused
    form.get_by_role("button", name="Sign and send").click()
    page.locator("#signed", has_text=ASKED).wait_for(state="attached")
    page.goto(hit)
    form.wait_for(state="attached")
    assert message.input_value() == ""
    assert not message.is_visible()


ASKED = "Can your laboratory receive the exhibit in March?"


def _lead(node: RunningNode) -> None:
    with node.node.store.write() as session:
        for name in ("examiner-1", "examiner-2"):
            add_user(session, name, Role.EXAMINER)
    with node.node.store.read() as session:
        (found,) = open_candidates(session, CandidateView(PIPELINES, None), Page(5))
    pair = pair_of(found).model_dump(mode="json")
    conclusion = _say(node, "examiner-1", "conclusion", pair=pair, **ON_SCREEN)
    with node.node.store.write() as session:
        (task,) = tasks_for(session, "examiner-2")
        take_task(session, "examiner-2", task.task_id)
    verification = _say(node, "examiner-2", "verification", verifies=conclusion, pair=pair, **ON_SCREEN)
    rests_on = {"conclusion": conclusion, "verification": verification}
    more = {"score": round(found.row.score, 4), "matcher": found.row.matcher_version}
    _say(node, "examiner-1", "hit", pair=pair, stage="lead", basis="screen", **rests_on, **more)


def _say(node: RunningNode, pseudonym: str, kind: str, **fields: Any) -> str:
    maker = Maker(pseudonym=pseudonym, role=Role.EXAMINER, signed_in=SignedInBy.PASSWORD_AND_TOTP)
    return speak(node.node, maker, json.dumps({"type": kind} | fields).encode()).statement_id
