"""What each of the five roles comes for, step by step. No story knows by which hand, or in which language, it is
lived."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from exchange.clock import today
from exchange.flows.review.next_step import Todo
from exchange.log.audit_entry import Act
from exchange.web.wording.audited_acts import act_in_words
from exchange.web.wording.hit_steps import STEP_BUTTONS, STEP_TITLES
from schemas.vocabulary import Jurisdiction, Role
from tests.browser.pages import settle, wait_ready
from tests.journeys.laboratories import BASIS_OF_PROGRAM, JOINED
from tests.journeys.somebody import WAIT_MS, Somebody
from tests.journeys.speech import CYRILLIC

RECORD: Final = "/app/records/[0-9a-f]{64}"
PAIR: Final = r"/app/pairs/\d+(\?.*)?"
HIT: Final = "/app/hits/[0-9a-f]+"
PARTNERS: Final = "How much was exchanged with each partner; the tables below say the same."
SPANS: Final = "The median of each stage, and within what time nine of ten are done; the table below says the same."
CALIBRE: Final = "9x19"


@dataclass(frozen=True)
class Bench:
    """What lies before an examiner: two scans of one firearm, and how the cases of the other side begin that
    know it."""

    case: str
    scans: list[Path]
    theirs: str


def examiner(me: Somebody, colleague: Callable[[], Somebody], bench: Bench) -> None:
    """1. Comes in and says what for.
    2. Registers an exhibit with two scans, and signs.
    3. Sees it compared, and opens its candidates.
    4. Compares the best on the workbench.
    5. Concludes, signs, and goes on with the next.
    6. A colleague, who has seen nothing of it, verifies.
    """
    # 1.
    me.watch.add_data(bench.case, *(path.name for path in bench.scans))
    me.come_in(Role.EXAMINER, f"examiner-{bench.case.lower()}")
    me.state_purpose(f"286/{bench.case}")

    # 2.
    me.press("link", "+ Register exhibit", to="/app/register")
    me.write("Case reference (may stay empty for now)", bench.case)
    me.press("button", "Begin", to="/app/register/[^/]+")
    me.page.locator("[data-register][data-state=ready]").wait_for()
    me.choose("Kind", me.term("crime_scene", "exhibit_kind"))
    me.write("Calibre", CALIBRE)
    me.give("Drop x3p, PNG, TIFF or JPEG files here, or pick them", bench.scans)
    me.page.locator("[data-file][data-state=read]").nth(len(bench.scans) - 1).wait_for(timeout=WAIT_MS)
    me.look()
    me.choose("Level", me.said("Full: record and scans go to the audience"))
    me.tick(me.term(Jurisdiction.MK, "jurisdiction"))
    me.press("button", "Check and sign …", to="/app/register/[^/]+/summary")
    me.press("button", "Sign and submit", to=RECORD)
    assert bench.case in me.page.get_by_role("heading", level=1).inner_text()

    # 3.
    me.control("progressbar", "Correlation").wait_for(state="hidden", timeout=2 * WAIT_MS)
    me.look()
    me.press("link", "Candidates of this record", to=f"{RECORD}/candidates")
    there = me.term(Jurisdiction.MK, "jurisdiction")
    best = me.alike("link", "Compare with %(exhibit)s, %(jurisdiction)s", exhibit=r"[\w-]+", jurisdiction=there)
    assert bench.theirs in best.get_attribute("aria-label")
    me.press_it(best, to=PAIR)

    # 4.
    wait_ready(me.page)
    for shown in ("Overlay", "Cells", "Light"):
        me.press("button", shown)
        settle(me.page)
    assert me.control("button", "Overlay").get_attribute("aria-pressed") == "true"
    assert me.control("button", "Cells").get_attribute("aria-pressed") == "true"
    me.look()
    me.press("button", "All keys")
    me.page.get_by_role("dialog").wait_for()
    me.look()
    me.press("button", "Close", where=me.page.get_by_role("dialog"))
    me.page.get_by_role("dialog").wait_for(state="detached")

    # 5.
    first = me.page.url
    me.take(me.term("possible_association", "screen_conclusion"))
    remark = "Паралелни риски од два до пет." if me.speech.code in CYRILLIC else "Linje paralele, dy deri në pesë."
    me.write("What you saw: agreement and disagreement of class and individual characteristics", remark)
    me.press("button", "Sign and next", to=PAIR)
    wait_ready(me.page)
    me.look()
    assert me.page.url.partition("?")[0] != first.partition("?")[0], "the next pair"

    # 6.
    verifier(colleague(), bench.case, remark)
    me.leave()


def verifier(me: Somebody, case: str, remark: str) -> None:
    me.watch.add_data(case)
    me.come_in(Role.EXAMINER, f"verifier-{case.lower()}")
    me.reads("Verify blind")
    me.press("button", "Take it", to="/app/verifications/[0-9a-f]{32}")
    wait_ready(me.page)
    me.look()
    shown = me.page.content()
    assert case in shown
    assert remark not in shown
    assert f"examiner-{case.lower()}" not in shown
    assert not re.search(r"\b0[.,]\d\d\b", me.text()), "no score"
    me.press("button", "Side by side")
    settle(me.page)
    me.take(me.term("possible_association", "screen_conclusion"))
    me.press("button", "Sign my conclusion", to="/app/verifications")
    me.reads("Nothing waits for your judgement.")
    me.leave()


def investigator(me: Somebody, name: str, number: int) -> None:
    """1. Comes in and says what for.
    2. Opens a lead that this side is to answer, and asks for a comparison of the exhibits.
    3. Takes the report to the prosecutor.
    4. Finds the own record, and asks the other side with it.
    """
    basis = f"286/{number}"
    # 1.
    me.come_in(Role.INVESTIGATOR, f"investigator-{name}")
    me.state_purpose(basis)

    # 2.
    waiting = me.page.get_by_role("listitem").filter(has_text=me.said("Answer the other side")).first
    me.press_it(me.alike("link", "Open %(exhibit)s", waiting, exhibit="RS-2026-070[12]"), to=HIT)
    here, there = (me.term(one, "jurisdiction") for one in (Jurisdiction.RS, Jurisdiction.MK))
    me.reads(STEP_TITLES[Todo.ASK], side=here)
    me.unfold(STEP_BUTTONS[Todo.ASK])
    me.look()
    me.write_day("Day", today() + timedelta(days=3))
    me.write("Laboratory or town", "Скопје" if me.speech.code in CYRILLIC else "Skopje")
    me.press("button", "Sign this step", to=HIT)
    me.reads(STEP_TITLES[Todo.AGREE], side=there)

    # 3.
    with me.page.expect_download() as coming:
        me.press("link", "Report (PDF)")
    assert Path(coming.value.path()).read_bytes().startswith(b"%PDF-")

    # 4.
    own = next(iter(JOINED[Jurisdiction.RS]))
    me.go("Search", to="/app/search")
    me.write("Case reference", own)
    me.press("button", "Search", to=r"/app/search\?.*")
    me.press_it(me.called("link", own), to=RECORD)
    me.press("link", "Ask other jurisdictions", to=f"{RECORD}/ask")
    me.sees(basis)
    me.press("button", "Sign and send", to="/app/queries")
    asked = me.page.get_by_role("row").filter(has_text=basis)
    answered = me.term("answered", "query_state")
    me.until(
        lambda: answered in asked.inner_text(),
        lambda: me.press("link", "Asked by this node", to="/app/queries"),
        "the query was not answered",
    )
    me.leave()


def head(me: Somebody, name: str) -> None:
    """1. Comes in and decides what waits longest.
    2. Looks at the half-year and its drawings.
    """
    # 1.
    me.come_in(Role.HEAD, f"head-{name}")
    me.press("link", "Decide", to="/app/approvals")
    questions = me.page.get_by_role("button", name=me.said("Approve"), exact=True)
    before = questions.count()
    me.write("Reason, which is signed", "12/2026")
    me.press("button", "Approve", to="/app/approvals")
    assert questions.count() == before - 1
    me.unfold("What was decided")
    me.look()

    # 2.
    me.go("Monitoring", to="/app/monitoring", under="Partners")
    me.control("img", PARTNERS).wait_for()
    me.control("img", SPANS).wait_for()
    me.leave()


def operator(me: Somebody, name: str) -> None:
    """1. Comes in and sees by the lights that something is to be mended.
    2. Reads of the peer what was set aside, and takes note of it.
    3. Looks at the instruments, and how far this focal point has come.
    """
    # 1.
    me.come_in(Role.OPERATOR, f"operator-{name}")
    for light in ("Health", "Partners", "Last backup", "Disk"):
        me.reads(light)
    me.reads("to be mended")

    # 2.
    me.go("Peers", to="/app/peers")
    me.control("img", "This node and its peers, as the list below says it.").wait_for()
    alarms = me.page.get_by_role("listitem").filter(has_text="Alarm")
    assert alarms.count(), "told in English, as the log of the node has it"
    me.press("button", "I have seen what is set aside", to="/app/peers")
    assert not alarms.count()

    # 3.
    me.go("Instruments", to="/app/instruments")
    me.go("Maturity", to="/app/maturity", under="Partners")
    me.leave()


def auditor(me: Somebody, name: str, reader: str) -> None:
    """1. Comes in and reads who saw what for which purpose; ``reader`` searched by a program.
    2. Searches the rows for one person and one act.
    3. Goes to everything that this person did, and from there to the half-year.
    """
    me.watch.add_data(reader)
    # 1.
    me.come_in(Role.AUDITOR, f"auditor-{name}")
    account = me.page.get_by_role("listitem").filter(has_text=reader)
    account.filter(has_text=BASIS_OF_PROGRAM).first.wait_for()
    searched = me.speech.words(lambda: act_in_words(Act.SEARCH_RECORDS))
    assert me.said("for %(purpose)s", purpose=me.term("investigation", "lawful_purpose")) in me.text()
    assert searched in me.text()

    # 2.
    me.press("link", "Every row, and search", to="/app/audit")
    me.write("Pseudonym or node", reader)
    me.choose("Act", searched)
    me.press("button", "Filter", to=r"/app/audit\?.*")
    rows = me.page.get_by_role("row").filter(has_text=reader)
    assert rows.count() >= 1
    assert all(searched in row for row in rows.all_inner_texts())

    # 3.
    me.press_it(me.called("link", reader), to=r"/app/audit\?actor=[^&]*")
    assert BASIS_OF_PROGRAM in me.text()
    me.go("Monitoring", to="/app/monitoring")
    me.leave()
