"""A hand in a hurry presses twice, goes on before it signed, chooses nothing, and works on after the session has ended:
nothing is done twice, and nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from exchange.store.tables.draft_tables import DraftRow
from schemas.vocabulary import Role
from tests.browser.laboratory import Laboratory, examiner_at, laboratory_with, open_first, topographies
from tests.browser.pages import end_sessions, enter, in_another_tab, person, settle, sign_in_again, wait_ready
from tests.exchange.running_nodes import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

ANOTHER = "button[value=another]"
LATE = {"offline": False, "latency": 900, "downloadThroughput": -1, "uploadThroughput": -1}
"""Milliseconds until a node far away answers."""
SEEN = "Parallel striae agree from hour two to hour five."


@pytest.fixture(scope="module")
def laboratory(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    sent = topographies(ffp_data, "1-1", "1-2", "2-1")
    with laboratory_with(tmp_path_factory.mktemp("hurry"), sent) as made:
        yield made


@pytest.fixture
def page(browser: Any, laboratory: Laboratory) -> Iterator[Any]:
    with examiner_at(browser, laboratory) as made:
        yield made


def drafts_in(node: RunningNode) -> int:
    with node.node.store.read() as session:
        return session.scalar(select(func.count()).select_from(DraftRow)) or 0


def wait_kept(page: Any) -> None:
    page.locator("form[data-conclude=kept]").wait_for()


def follow(page: Any, key: str, place: int) -> None:
    page.locator(".ffp-stage").focus()
    page.keyboard.press(key)
    page.locator(f".rail [aria-current][aria-label^='Candidate {place}']").wait_for()
    wait_ready(page)
    settle(page)
    wait_kept(page)


def test_what_is_typed_for_a_conclusion_outlives_the_way_to_the_next_pair(page: Any, laboratory: Laboratory) -> None:
    open_first(page, laboratory)
    seen, choice = page.get_by_label("What you saw"), page.get_by_label("inconclusive")
    seen.fill(SEEN)
    choice.check()
    wait_kept(page)
    follow(page, "j", 2)
    assert seen.input_value() == "", "of this pair nothing was typed"
    assert not choice.is_checked()
    follow(page, "k", 1)
    assert seen.input_value() == SEEN
    assert choice.is_checked()
    page.reload()
    wait_kept(page)
    assert seen.input_value() == SEEN

    # once it is signed, nothing of it is kept: taken back, the form is empty
    page.get_by_role("button", name="Sign my conclusion").click()
    page.locator("#review article", has_text=SEEN).wait_for()
    page.get_by_text("Take this conclusion back").click()
    page.get_by_label("Why").fill("The wrong pair.")
    page.get_by_role("button", name="Sign the retraction").click()
    wait_kept(page)
    assert seen.input_value() == ""
    assert not choice.is_checked()

    # nor of whoever signs out
    seen.fill(SEEN)
    page.locator("form[action='/app/sign-out']").evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/app/sign-in*")
    assert SEEN not in page.evaluate("() => JSON.stringify({...sessionStorage})")


def test_a_form_that_is_pressed_twice_is_sent_once(page: Any, laboratory: Laboratory) -> None:
    before = drafts_in(laboratory.node)
    page.goto(f"{laboratory.node.url}/app/records/{laboratory.record}")
    again = page.get_by_role("button", name="Another exhibit of this case")
    again.wait_for()
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.emulateNetworkConditions", LATE)
    page.evaluate(f"() => setTimeout(() => document.querySelector('{ANOTHER}').click(), 300)")
    page.evaluate(f"() => document.querySelector('{ANOTHER}').click()")
    page.locator("[data-register][data-state=ready]").wait_for()
    page.wait_for_timeout(500)
    assert drafts_in(laboratory.node) == before + 1

    # and it can be pressed again
    page.go_back()
    page.wait_for_timeout(1000)
    again.click()
    page.locator("[data-register][data-state=ready]").wait_for()
    assert drafts_in(laboratory.node) == before + 2


def test_a_draft_goes_by_two_presses_and_never_by_one(page: Any, laboratory: Laboratory) -> None:
    page.goto(f"{laboratory.node.url}/app/register")
    page.get_by_label("Case reference").fill("CASE-GONE")
    page.get_by_role("button", name="Begin").click()
    page.locator("[data-register][data-state=ready]").wait_for()
    before = drafts_in(laboratory.node)
    page.goto(f"{laboratory.node.url}/app/register")
    row = page.locator("tr", has_text="CASE-GONE")
    row.get_by_text("Discard").first.dblclick()
    page.wait_for_timeout(300)
    assert drafts_in(laboratory.node) == before
    row.get_by_text("Discard").first.click()
    row.get_by_role("button", name="Discard").click()
    page.wait_for_function("() => !document.querySelector('main').innerText.includes('CASE-GONE')")
    assert drafts_in(laboratory.node) == before - 1


def test_nothing_is_done_with_lines_that_nobody_chose(page: Any, laboratory: Laboratory) -> None:
    page.goto(f"{laboratory.node.url}/app/records/{laboratory.record}/candidates")
    aside = page.get_by_role("button", name="Set aside the chosen")
    assert aside.is_disabled()
    box = page.locator(".box-of-pair input").first
    box.check()
    assert aside.is_enabled()
    box.uncheck()
    assert aside.is_disabled()


def test_what_is_typed_into_one_line_is_not_sent_into_the_sign_in(browser: Any, laboratory: Laboratory) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page, node = context.new_page(), laboratory.node
    authenticator = enter(page, node, Role.EXAMINER)
    page.clock.install()
    page.goto(f"{node.url}/app/search?calibre=9x19")
    page.get_by_text("Keep this search").first.click()
    page.get_by_label("Name", exact=True).fill("Nine millimetres")
    page.clock.fast_forward(60_000)
    end_sessions(node)
    page.get_by_role("button", name="Keep this search").click()
    page.get_by_text("Your session has ended").wait_for()
    assert page.get_by_label("Name", exact=True).input_value() == "Nine millimetres"
    again = in_another_tab(page)
    sign_in_again(again, person(node, Role.EXAMINER), authenticator)
    again.wait_for_url("**/app/search*")
    again.close()
    page.get_by_text("Your session has ended").wait_for(state="hidden")
    page.get_by_role("button", name="Keep this search").click()
    page.wait_for_url(lambda url: "/app/search?" not in url)
    page.goto(f"{node.url}/app/")
    assert "Nine millimetres" in page.locator("main").inner_text()
    context.close()


def test_a_view_is_saved_once_one_is_signed_in_again(browser: Any, laboratory: Laboratory) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page, node = context.new_page(), laboratory.node
    authenticator = enter(page, node, Role.EXAMINER)
    open_first(page, laboratory)
    page.locator(".saved-views [role=status]", has_text="No view of this pair").wait_for()
    end_sessions(node)
    page.get_by_label("What it shows").fill("Ridges")
    page.get_by_role("button", name="Save this view").click()
    page.get_by_text("Your session has ended").wait_for()
    again = in_another_tab(page)
    sign_in_again(again, person(node, Role.EXAMINER), authenticator)
    again.wait_for_url("**/app/pairs/*")
    again.close()
    page.locator(".thumbnails li").wait_for(timeout=30_000)
    page.get_by_role("button", name="Delete the view Ridges").click()
    page.locator(".saved-views [role=status]", has_text="deleted").wait_for()
    context.close()


def test_an_error_leads_back_and_to_every_page(browser: Any, laboratory: Laboratory) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page, node = context.new_page(), laboratory.node
    enter(page, node, Role.EXAMINER)
    lists = f"{node.url}/app/records/{laboratory.record}/candidates"
    page.goto(lists)
    page.evaluate("() => { document.querySelector('#set-aside input[name=list]').value = 'of an hour ago'; }")
    page.get_by_role("button", name="Set aside the rest").click()
    page.get_by_role("heading", name="Not possible").wait_for()
    assert page.get_by_role("link", name="Candidates").is_visible(), "whoever is signed in has the head of the page"
    page.get_by_role("main").get_by_role("link", name="Back", exact=True).click()
    page.wait_for_url(lists)
    context.close()
