"""The pages of actions, meetings and the way in: who may say what, what is shown of it, and nothing of it is markup."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from exchange.clock import now, today
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.checklist import checklist_of
from exchange.coordination.meetings.agreed_actions import NewAction, add_action, change_action, list_actions
from exchange.coordination.meetings.held_meetings import list_meetings
from exchange.coordination.meetings.pack.approve_inputs import draft_inputs
from exchange.flows.log.signed_checkpoint import sign_head
from schemas import Maker
from schemas.vocabulary import (
    ActionState,
    Jurisdiction,
    MeetingKind,
    OfficeRole,
    OnboardingState,
    OnboardingStep,
    Role,
    SignedInBy,
)
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

HEAD = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)
HOSTILE = "<script>alert(1)</script>"
MET = NewAction(
    "Name the articles.",
    Jurisdiction.XK,
    OfficeRole.LEGAL_OFFICER,
    today() - timedelta(days=1),
    MeetingKind.REGIONAL,
    today() - timedelta(days=30),
)


def action_form(csrf: str, **changes: str) -> dict[str, str]:
    return {
        "csrf": csrf,
        "title": "Share test fires.",
        "owner": "MK",
        "role": "head",
        "due": str(today() + timedelta(days=90)),
        "meeting": "regional",
        "met_on": str(today()),
    } | changes


def test_the_head_adds_an_action_closes_it_and_opens_it_again(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    head = signed_in(Role.HEAD)
    csrf = head.csrf()
    assert head.post("/app/actions", action_form(csrf)).status_code == 303
    number = next(item.said.number for item in list_actions(node.node) if item.said.title == "Share test fires.")
    shown = signed_in(Role.EXAMINER).get("/app/actions").text
    assert "Share test fires." in shown
    assert 'name="state"' not in shown, "others read"
    close = {"csrf": csrf, "number": number, "state": "done", "remark": "Marko Marković did it."}
    closed = head.post("/app/actions", close)
    assert (closed.status_code, closed.headers["location"]) == (303, "/app/actions?doubt=name")
    assert "Marko" in head.get("/app/actions?doubt=name").text
    [item] = [one for one in list_actions(node.node) if one.said.number == number]
    assert (item.said.state, item.said.made_by.pseudonym) == (ActionState.DONE, head.pseudonym)
    assert head.post("/app/actions", close | {"state": "open", "remark": "Not all."}).status_code == 303
    assert head.post("/app/actions", close | {"number": "A-2026-999"}).status_code == 404
    for wrong in ({"due": "soon"}, {"owner": "Serbia"}, {"role": "boss"}, {"title": " "}, {"meeting": "tea"}):
        assert head.post("/app/actions", action_form(csrf, **wrong)).status_code == 422, wrong


def test_an_overdue_action_stands_on_the_heads_first_page(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    number, _ = add_action(node.node, HEAD, replace(MET, title=f"Late {HOSTILE}"))
    head = signed_in(Role.HEAD)
    first = head.get("/app/").text
    assert "is overdue" in first or "are overdue" in first
    assert HOSTILE not in first
    assert "Kosovo*" in first
    assert "resolution 1244" in first
    page = head.get("/app/actions").text
    assert HOSTILE not in page
    assert "Late &lt;script&gt;" in page
    assert 'class="late"' in page
    change_action(node.node, HEAD, number, ActionState.DROPPED, remark="Enough.")
    assert "&lt;script&gt;" not in head.get("/app/").text


def test_a_meeting_is_entered_changed_taken_back_and_put_back(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    head, day = signed_in(Role.HEAD), today()
    half = Half(day.year, 1 if day.month <= 6 else 2)
    title = f"Local meeting of {head.pseudonym}"
    form = {
        "csrf": head.csrf(),
        "kind": "local",
        "held_on": str(day),
        "title": title,
        "institution-0": "police",
        "role-0": "investigator",
        "women-0": "3",
        "men-0": "1",
        "not_stated-0": "",
        "institution-1": "laboratory",
        "role-1": "examiner",
        "women-1": "0",
    }
    assert head.post("/app/meetings", form).headers["location"] == f"/app/meetings?half={half}"
    [kept] = [item for item in list_meetings(node.node, half) if item.title == title]
    assert [(line.sex.value, line.count) for line in kept.attended] == [("men", 1), ("women", 3)]
    read = signed_in(Role.AUDITOR).get(f"/app/meetings?half={half}").text
    assert title in read
    assert "Police, Investigator, Women: 3" in read
    assert "Take back" not in read
    address = f"/app/meetings/{kept.meeting_id}"
    drawn = head.get(address).text
    assert re.search(r'name="women-0"[^>]*value="3"', drawn)
    assert head.post(address, form | {"act": "change", "women-0": "4"}).status_code == 303
    assert [item.people for item in list_meetings(node.node, half) if item.title == title] == [5]
    assert head.post(address, {"csrf": form["csrf"], "act": "take_back"}).status_code == 303
    assert "taken back, counts no more" in head.get(f"/app/meetings?half={half}").text
    assert head.post(address, {"csrf": form["csrf"], "act": "put_back"}).status_code == 303
    for wrong in ({"women-0": "many"}, {"women-0": "-3"}, {"institution-0": "club"}, {"held_on": ""}, {"kind": "tea"}):
        assert head.post("/app/meetings", form | wrong).status_code == 422, wrong
    assert head.get("/app/meetings?half=tomorrow").status_code == 422
    nobody = {"women-0": "0", "men-0": ""}
    for place, more in (("/app/meetings", {"title": "Of nobody."}), (address, {"act": "change"})):
        refused = head.post(place, form | nobody | more)
        assert refused.status_code == 422
        assert "a meeting of nobody is not kept" in refused.text
    assert [item.people for item in list_meetings(node.node, half) if item.title == title] == [5], "as it was"


def test_the_way_in_is_led_by_head_and_operator(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    operator, md = signed_in(Role.OPERATOR), Jurisdiction.MD
    said = {"csrf": operator.csrf(), "act": "say", "step": "ceremony", "state": "done", "remark": f"Held. {HOSTILE}"}
    assert operator.post("/app/onboarding/MD", said).status_code == 303
    found = next(item.line for item in checklist_of(node.node, md).steps if item.step is OnboardingStep.CEREMONY)
    assert (found.state, found.by) == (OnboardingState.DONE, Role.OPERATOR)
    shown = signed_in(Role.INVESTIGATOR).get("/app/onboarding/MD").text
    assert "Done, as somebody says" in shown
    assert HOSTILE not in shown
    assert "Sign it" not in shown
    for wrong, status in (
        ({"act": "sing"}, 422),
        ({"step": "coffee"}, 422),
        ({"state": "proven"}, 422),
        ({"step": "conformance"}, 422),
    ):
        assert operator.post("/app/onboarding/MD", said | wrong).status_code == status, wrong
    assert operator.get("/app/onboarding/QQ").status_code == 422
    assert operator.get("/app/onboarding/md").status_code == 422


def test_partners_shows_who_stands_where_without_colour(signed_in: Callable[[Role], Person]) -> None:
    page = signed_in(Role.EXAMINER).get("/app/region").text
    table = page[page.index('class="way"') :]
    for code in ("AL", "BA", "MD", "ME", "MK", "RS", "UA", "XK"):
        assert f'href="/app/onboarding/{code}"' in table
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table, re.DOTALL)
    assert all(row.count('class="mark"') == row.count('class="unseen"') == len(OnboardingStep) for row in rows)
    assert len(rows) == 8
    assert "Kosovo*" in table
    assert "resolution 1244" in page


def test_the_head_reads_the_pack_takes_it_along_and_approves_what_it_is_made_of(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    head, half = signed_in(Role.HEAD), Half.of(now())
    assert f"/app/meetings/pack/{half}" in head.get("/app/meetings").text
    assert f"/app/meetings/pack/{half}" not in signed_in(Role.EXAMINER).get("/app/meetings").text
    shown = head.get(f"/app/meetings/pack/{half}").text
    assert "What is asked" in shown
    assert "This half-year lasts until" in shown[shown.index('id="approve"') :]
    assert "asked to approve the report" not in shown, "it cannot be approved yet"
    assert "come first" not in shown
    assert "It is not public" in shown
    assert "are reported as this range alone" in shown, "why a figure is a range"
    assert f'href="/app/monitoring/{half}"' in shown, "where what is asked is done"
    sha256 = re.findall(r'name="sha256" value="([0-9a-f]{64})"', shown)[0]
    facts = dict(re.findall(r'<th scope="row">([^<]+)</th><td class="wrap">([^<]*)</td>', shown))
    told = draft_inputs(node.node, half).inputs
    assert facts["Half-year"] == str(half)
    assert facts["People who attended"] == str(sum(meeting.people for meeting in told.meetings))
    assert facts["Open actions"].startswith(f"{sum(action.is_open for action in told.actions)}, of which overdue: ")
    assert facts["Articles of law"] == str(told.law.articles)
    assert facts["Level of maturity"] == "no snapshot"
    before = _archive(head.get(f"/app/meetings/pack/{half}/files").content)
    assert any(name.endswith("-draft.json") for name in before.namelist())
    form = {"csrf": head.csrf(), "because": "To the coordinator.", "sha256": "0" * 64}
    assert head.post(f"/app/meetings/pack/{half}", form).status_code == 409
    assert head.post(f"/app/meetings/pack/{half}", form | {"sha256": "x"}).status_code == 422
    assert head.post(f"/app/meetings/pack/{half}", form | {"sha256": sha256}).status_code == 303
    approved = head.get(f"/app/meetings/pack/{half}").text
    assert "You approved what this node gives" in approved
    assert f"{head.pseudonym}, " in approved
    assert sha256 in approved
    assert '<td class="wrap">' in approved, "what was approved stays in sight"
    sign_head(node.node)
    after = _archive(head.get(f"/app/meetings/pack/{half}/files").content)
    assert f"inputs-{node.node.node_id}-{half}.json" in after.namelist()
    assert any(after.read(name).startswith(b"%PDF-") for name in after.namelist() if name.endswith(".pdf"))
    assert head.get("/app/meetings/pack/2090H1").status_code == 404
    assert head.get("/app/meetings/pack/now").status_code == 422


def _archive(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def test_many_actions_stand_on_pages(
    node: RunningNode, signed_in: Callable[[Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.coordination.meetings.meetings_page.ACTIONS_ON_A_PAGE", 3)
    mine = [add_action(node.node, HEAD, replace(MET, title=f"Of many: {place}."))[0] for place in range(8)]
    for number in mine[:4]:
        change_action(node.node, HEAD, number, ActionState.DROPPED, remark="Of the test.")
    every = list_actions(node.node)
    reader = signed_in(Role.AUDITOR)
    for name, wanted in (
        ("skip", [item for item in every if item.is_open]),
        ("closed_skip", [item for item in every if not item.is_open]),
    ):
        seen, address = list[str](), "/app/actions"
        while address:
            html = reader.get(address).text
            table = html.split('id="closed"')[name == "closed_skip"]
            seen += re.findall(r'<td class="data">(A-[0-9-]+)<br>', table)
            found = re.search(rf'href="(/app/actions\?{name}=[0-9]+)', html)
            address = found[1] if found else ""
        assert sorted(seen) == sorted(item.said.number for item in wanted)
        assert len(seen) > 3
    assert "No action is open" not in reader.get("/app/actions?skip=1000").text
    assert "A-2" not in reader.get("/app/actions?skip=1000").text.split('id="closed"')[0]


def test_the_way_in_of_another_jurisdiction_names_the_node_that_looked(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    reader, own = signed_in(Role.AUDITOR), node.node.settings
    other = reader.get("/app/onboarding/MD").text
    assert f"As {own.node_id} sees it" in other
    assert f"At {own.node_id} " in other
    assert " at this node." not in other
    mine = reader.get(f"/app/onboarding/{own.jurisdiction}").text
    assert "As this node sees it" in mine


def test_actions_are_filtered_by_who_does_them(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    for owner, role, title in (("MK", OfficeRole.EXAMINER, "Of Skopje."), ("BA", OfficeRole.HEAD, "Of Sarajevo.")):
        add_action(node.node, HEAD, replace(MET, title=title, owner=Jurisdiction(owner), owner_role=role))
    number, _ = add_action(node.node, HEAD, replace(MET, title="Dropped one.", owner=Jurisdiction.MK))
    change_action(node.node, HEAD, number, ActionState.DROPPED, remark="Of the test.")
    reader = signed_in(Role.AUDITOR)
    page = reader.get("/app/actions?owner=MK").text
    assert "Of Skopje." in page
    assert "Dropped one." in page
    assert "Of Sarajevo." not in page
    assert '<option value="MK" selected>' in page
    alone = reader.get("/app/actions?owner=MK&open_only=yes").text
    assert "Of Skopje." in alone
    assert "Dropped one." not in alone
    assert "Of Skopje." not in reader.get("/app/actions?owner=MK&role=head").text
    assert "No action like this is open." in reader.get("/app/actions?owner=UA&role=prosecutor").text
    for wrong in ("owner=Serbia", "role=boss", "owner=" + "x" * 99):
        assert reader.get(f"/app/actions?{wrong}").status_code == 422, wrong


def test_pages_of_filtered_actions_stay_filtered(
    node: RunningNode, signed_in: Callable[[Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.coordination.meetings.meetings_page.ACTIONS_ON_A_PAGE", 1)
    for place in range(2):
        add_action(node.node, HEAD, replace(MET, title=f"Of Kyiv: {place}.", owner=Jurisdiction.UA))
    page = signed_in(Role.AUDITOR).get("/app/actions?owner=UA").text
    assert 'href="/app/actions?skip=1&amp;owner=UA"' in page
    assert "Of Kyiv: 1." in signed_in(Role.AUDITOR).get("/app/actions?skip=1&owner=UA").text
