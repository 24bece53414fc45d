"""From a conclusion over a blind verification to a confirmed hit, on the pages of two nodes; what a verifier is told
on the way, read off every answer that the verifier gets."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from exchange.clock import stamp
from exchange.flows.blind.visibility import pair_of
from exchange.flows.hits import history
from exchange.flows.hits.vocabulary import LOCAL
from exchange.flows.node.pipelines import PIPELINES
from exchange.store.access.user_rows import add_user
from exchange.store.node.jobs import JobKind
from exchange.store.review.candidate_rows import CandidateView, Page, StoredCandidate, open_candidates
from exchange.store.review.review_rows import open_tasks
from exchange.store.tables.work_tables import JobRow
from exchange.web.languages.days import day_words
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.blind.lists import open_all_lists
from tests.exchange.running_nodes import RunningNode, enrol_each_other
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow

TODAY, LATER, PAST = (str((datetime.now(LOCAL) + timedelta(days=days)).date()) for days in (0, 7, -3))
IN_WORDS = {day: day_words(date.fromisoformat(day)) for day in (TODAY, LATER)}
REMARK = "Parallel striae agree from hour two to hour five."


class Colleague(Person):
    """Somebody with a token for programs beside the pages, and a purpose stated."""

    token: str = ""

    def rest(self, path: str) -> httpx.Response:
        return self.http.get(self.node.url + path, headers={"Authorization": f"Bearer {self.token}"})

    def say(self, **fields: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self.token}"}
        return self.http.post(self.node.url + "/v1/statements", headers=bearer, json=fields)

    def send(self, path: str, **fields: str) -> httpx.Response:
        return self.post(path, {"csrf": self.csrf(), **fields})


@pytest.fixture(scope="module")
def nodes(start_shared: Callable[..., RunningNode], scans: dict[str, Path]) -> tuple[RunningNode, RunningNode]:
    """Serbia has scans of two firearms, North Macedonia of one of them and of a third; each sees the other's."""
    rs, mk = start_shared(Jurisdiction.RS, control_share=1.0), start_shared(Jurisdiction.MK)
    enrol_each_other(rs, mk)
    for node, to, names in ((rs, "MK", ("1-1", "2-1")), (mk, "RS", ("1-2", "3-1"))):
        for name in names:
            shared = {
                "level": "full",
                "audience": [to],
                "case_reference": f"{node.node.settings.jurisdiction}-{name}",
            }
            assert node.submit(scans[name], **shared).status_code == 201
    for node in (rs, mk):
        node.wait_correlated(4)
    return rs, mk


@pytest.fixture
def colleague(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[RunningNode, Role], Colleague]]:
    made: list[Colleague] = []

    def make(node: RunningNode, role: Role = Role.EXAMINER) -> Colleague:
        person = Colleague(node, f"{role}-{time.time_ns()}")
        with node.node.store.write() as session:
            person.token = add_user(session, person.pseudonym, role)
        open_all_lists(node.node, person.pseudonym)
        assert person.accept().status_code == 200
        assert person.sign_in().status_code == 303
        made.append(person)
        return person

    yield make
    for person in made:
        person.http.close()


def top(node: RunningNode) -> StoredCandidate:
    with node.node.store.read() as session:
        return open_candidates(session, CandidateView(PIPELINES, None), Page(1))[0]


def draw_control_now(node: RunningNode) -> None:
    """The week in which the promised control would come is over."""
    before = len(_waiting(node))
    with node.node.store.write() as session:
        session.execute(update(JobRow).where(JobRow.kind == JobKind.DRAW_CONTROL).values(not_before=stamp()))
    _until(lambda: len(_waiting(node)) > before)


def everything(person: Colleague, start: str = "/app/") -> dict[str, str]:
    """Each page and file that a person is led to, by its address."""
    found: dict[str, str] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in found or "/static/" in path:
            continue
        answer = person.get(path)
        found[path] = answer.text if answer.headers.get("content-type", "").startswith("text/") else ""
        assert answer.status_code in (200, 403, 404), (path, answer.status_code)
        waiting += re.findall(r'(?:href|src|query-heights|reference-heights)="(/app/[^"#]*)', found[path])
    return found


def count(person: Colleague) -> int:
    """What stands beside the word in the head of each page."""
    found = re.findall(r'Alerts</span> <b class="count">(\d+)</b>', person.get("/app/guide").text)
    return int(found[0]) if found else 0


def test_from_a_conclusion_to_a_confirmed_hit(
    nodes: tuple[RunningNode, RunningNode], colleague: Callable[..., Colleague]
) -> None:
    rs, mk = nodes
    best = top(rs)
    pair = f"/app/pairs/{best.row.candidate_id}"
    first, blind, curious = colleague(rs), colleague(rs), colleague(rs)

    assert pair in curious.get("/app/candidates").text
    first.get("/app/candidates")  # a control is drawn from pairs that the examiner was shown
    assert "Sign my conclusion" in first.get(pair).text
    answer = first.send(f"{pair}/conclusion", conclusion="possible_association", remark=REMARK)
    assert answer.status_code == 303, answer.text
    assert REMARK in first.get(pair).text
    assert "Waits for a blind verification" in first.get(pair).text

    # whoever saw the score is not asked, and sees nothing of the pair either until it is verified
    assert "Nothing waits for your judgement." in curious.get("/app/verifications").text
    assert curious.get(pair).status_code == 404
    assert curious.get(f"{pair}/picture").status_code == 404

    # the control comes at a time of its own, up to a week later
    assert [task.concluded_by for task in _waiting(rs)] == [first.pseudonym]
    draw_control_now(rs)

    tasks = blind.get("/app/verifications").text
    taking = re.findall(r'action="(/app/verifications/[0-9a-f]{32})/take"', tasks)
    assert len(taking) == 2, "beside the conclusion a pair that nobody holds for a lead"
    with rs.node.store.read() as session:
        conclusions = [task.conclusion for task in open_tasks(session) if task.conclusion]
    assert count(blind) == 2
    assert blind.get("/app/alerts").text.count("A pair waits for a blind verification") == 2
    for task in taking:
        assert blind.get(task).status_code == 404, "it is nobody's yet"
        assert blind.send(f"{task}/take").headers["location"] == task

    # everything that the verifier can read, on pages and as a program
    told = everything(blind)
    assert set(taking) <= set(told)
    told |= {
        path: blind.rest(path).text
        for path in (
            "/v1/candidates?min_score=-10",
            f"/v1/candidates/{best.row.candidate_id}",
            f"/v1/candidates/{best.row.candidate_id}/picture",
            f"/v1/records/{best.row.statement_a}/candidates",
            f"/v1/records/{best.row.statement_b}/candidates",
            "/v1/statements",
            f"/v1/statements/{conclusions[0]}",
        )
    }
    secrets = (f"{best.row.score:.3f}", str(best.row.score)[:7], pair + '"', REMARK, first.pseudonym, *conclusions)
    for path, text in told.items():
        timeless = re.sub(r":\d\d\.\d{3}Z", "", text)  # a score may be alike to the seconds of a moment
        for secret in secrets:
            assert secret in path or secret not in timeless, (path, secret)
    for task in taking:
        # without what speaks of the viewer's stage: names of styles and scripts, and the sheet's own words
        page = re.sub(r'(?:class="|="/app/static/)[^"]*"|\bthe stage\b', "", told[task].split("<footer>")[0])
        told_of = re.search(".{40}(?:score|congruent|likelihood|rank|stage).{20}", page, re.IGNORECASE)
        assert told_of is None, told_of
    forms = [
        re.sub(r"[0-9a-f]{32,}|[A-Z]{2}-\d-\d|North Macedonia|Serbia|\d{4}-\d\d-\d\d", "", told[t]) for t in taking
    ]
    assert len(forms[0]) == len(forms[1]), "both kinds of pair look the same"

    # both are answered in the same way; another examiner's task is not there
    assert curious.send(taking[0], conclusion="possible_association").status_code == 404
    lead, control = sorted(taking, key=lambda task: not all(scan in told[task] for scan in best.scans))
    assert blind.send(lead, conclusion="inconclusive", remark="Agreement on the left.").status_code == 303
    assert blind.send(control, conclusion="no_association_indicated").status_code == 303
    assert blind.send(control, conclusion="no_association_indicated").status_code == 303, "sent twice, signed once"
    assert blind.send(control, conclusion="possible_association").status_code == 409
    assert "Nothing waits for your judgement." in blind.get("/app/verifications").text
    assert blind.get(pair).status_code == 200, "now the pair is there again"

    # both hold it worth pursuing: the one who concluded tells the other side
    examiner, investigator = colleague(mk), colleague(mk, Role.INVESTIGATOR)
    page = first.get(pair).text
    assert "Agreement on the left." in page
    sending = re.findall(rf'action="({pair}/conclusion/[0-9a-f]{{64}}/hit)"', page)[0]
    assert blind.send(sending).status_code == 404, "not another's to send"
    assert "Sign and send the lead" in first.get("/app/").text
    sent = first.send(sending)
    assert sent.status_code == 303, sent.text
    hit = sent.headers["location"]
    assert "Sign and send the lead" not in first.get("/app/").text

    # the other jurisdiction finds the lead among what is new: read, and unread again
    _until(lambda: f'href="{hit}#s-' in investigator.get("/app/alerts").text)
    assert "Answer the other side" in investigator.get("/app/").text
    new = investigator.get("/app/alerts").text
    assert "A hit was signed" in new
    seen_to = re.findall(r'name="seen_to" value="([^"]+)"', new)[0]
    counted = count(investigator)
    assert counted > 0
    assert investigator.send("/app/alerts/read", seen_to=seen_to).headers["location"] == "/app/alerts"
    assert count(investigator) == 0
    assert "Mark all as read" not in investigator.get("/app/alerts").text
    assert investigator.send("/app/alerts/unread").status_code == 303
    assert count(investigator) == counted

    # and sees it, with a clock running: then it is no more new
    shown = investigator.get(hit).text
    assert "North Macedonia answers the lead" in shown
    assert REMARK in shown
    assert "stated by the issuer:" in shown
    assert "received here:" in shown
    assert f'href="{hit}"' in investigator.get("/app/").text, "among what is to be done"
    assert count(investigator) < counted
    past = investigator.send(f"{hit}/comparison", step="asked", on=PAST, place="Skopje", remark="Before noon")
    assert past.status_code == 409
    assert past.text.count("The day is over. Name today or a later one.") == 2, "at the top, and beside its field"
    assert all(word in past.text for word in (f'name="on" value="{PAST}"', 'value="Skopje"', "Before noon</textarea>"))
    step = investigator.send(f"{hit}/comparison", step="asked", on=TODAY, place="Skopje", remark="")
    assert step.status_code == 303, step.text
    assert investigator.send(f"{hit}/message", text="Thursday?", channel="siena", number="S-1").status_code == 303
    unsaid = investigator.send(f"{hit}/message", text="Thursday?", channel="siena")
    assert unsaid.status_code == 422
    assert "Thursday?</textarea>" in unsaid.text, "what was typed stays"
    _until(lambda: "SIENA: S-1" in first.get(hit).text)
    asked = first.get(hit).text
    assert f'name="on" value="{TODAY}"' in asked, "the day that was asked for"
    assert 'name="place" maxlength="120" value="Skopje"' in asked
    undated = first.send(f"{hit}/comparison", step="agreed", on="", place="Niš")
    assert undated.status_code == 422
    assert undated.text.count("Name the day on which the exhibits meet.") == 2
    assert 'value="Niš"' in undated.text
    assert first.send(f"{hit}/comparison", step="agreed", on=TODAY, place="Skopje").status_code == 303
    _until(lambda: f"The exhibits meet on {IN_WORDS[TODAY]}." in examiner.get(hit).text)
    assert investigator.send(f"{hit}/comparison", step="agreed", on=LATER, place="Skopje").status_code == 303
    assert f"Your side proposes another day, {IN_WORDS[LATER]}." in investigator.get(hit).text
    _until(lambda: f"North Macedonia proposes another day, {IN_WORDS[LATER]}." in first.get(hit).text)
    assert f'name="on" value="{LATER}"' in first.get(hit).text
    assert f"Until you agree to it, {IN_WORDS[TODAY]} holds" in first.get(hit).text

    # an exhibit travels: what is wrong is said at its field, and what was found at the seal is kept
    sent = _step_form(first, hit, "sent")
    wrong = first.send(f"{hit}/custody", **sent | {"on": LATER, "seal": "RS-1"})
    assert wrong.status_code == 422
    assert "The day has not come." in wrong.text
    assert re.search(r'id="wrong-sent-[0-9a-f]{12}-on"', wrong.text), "beside its field"
    assert 'value="RS-1"' in wrong.text, "what was typed stays"
    assert first.send(f"{hit}/custody", **sent | {"seal": "RS-1"}).status_code == 303
    _until(lambda: 'name="seal_whole"' in investigator.get(hit).text)
    assert "On its way to North Macedonia since" in first.get("/app/hits").text
    assert set(_step_forms(first, hit)) == set(), "its own is away"
    assert set(_step_forms(investigator, hit)) == {"received", "sent"}, "its own may leave too"
    assert "An exhibit is on its way to your side" in investigator.get("/app/alerts").text
    arrived = _step_form(investigator, hit, "received")
    assert arrived["seal"] == "", "who signs has read the seal"
    assert "It left under the seal RS-1." in investigator.get(hit).text, "to be compared with what is found"
    assert investigator.send(f"{hit}/custody", **arrived | {"place": "Skopje"}).status_code == 422
    found = arrived | {"place": "Skopje", "seal": "RS-2", "seal_whole": "no"}
    asked = investigator.send(f"{hit}/custody", **found)
    assert asked.status_code == 422, "a seal that differs is asked about once"
    assert 'name="other_seal" value="RS-2"' in asked.text
    mistyped_again = found | {"seal": "RS-3", "other_seal": "RS-2"}
    assert investigator.send(f"{hit}/custody", **mistyped_again).status_code == 422, "another one is asked about anew"
    assert investigator.send(f"{hit}/custody", **found | {"other_seal": "RS-2"}).status_code == 303
    assert "The seal was broken." in investigator.get(hit).text
    _until(lambda: "The exhibit arrived under another seal than it left under." in first.get(hit).text)
    assert set(_step_forms(investigator, hit)) == {"sent", "returned"}, "the second exhibit may travel too"

    # on the exhibits: again two examiners, and what they say makes the confirmed hit
    assert examiner.send(f"{hit}/conclusion", conclusion="identification", remark="").status_code == 303
    second = colleague(mk)
    task = re.findall(r'action="(/app/verifications/[0-9a-f]{32})/take"', second.get("/app/verifications").text)[0]
    second.send(f"{task}/take")
    assert second.send(task, conclusion="identification").status_code == 303
    assert 'name="review"' not in examiner.get(hit).text, "the custody discrepancy is not explained"
    owner = colleague(rs, Role.HEAD)
    home = owner.get("/app/").text
    waits = home[home.index('id="decide-title"') : home.index('id="team-title"')]
    assert f'<a href="{hit}">Explain the custody discrepancy</a>' in waits
    assert "Nothing waits for you." not in waits
    explaining = re.findall(r'name="explains" value="([0-9a-f]{64})"', owner.get(hit).text)[0]
    stated = {"explains": explaining, "explanation": "Customs opened the parcel and sealed it anew."}
    assert first.send(f"{hit}/explanation", **stated).status_code == 403
    assert owner.send(f"{hit}/explanation", **stated).status_code == 303
    _until(lambda: stated["explanation"] in examiner.get(hit).text)
    review = re.findall(r'name="review" value="([0-9a-f]{64})"', examiner.get(hit).text)[0]
    assert examiner.send(f"{hit}/done", review=review).status_code == 303
    _until(lambda: "<h1>Confirmed hit: " in first.get(hit).text)
    assert "Say the outcome" in investigator.get("/app/").text
    assert investigator.send(f"{hit}/feedback", outcome="cases_joined", remark="").status_code == 303
    _until(lambda: "cases joined" in first.get(hit).text)
    assert "Serbia has not signed a confirmed hit of its own" in first.get(hit).text
    assert "Send the exhibit back" in investigator.get("/app/").text
    returned = _step_form(investigator, hit, "returned")
    said = {"type": "physical-comparison", "step": "returned", "seal": "MK-1", "on": TODAY}
    said |= {"hit": hit.rsplit("/", 1)[1], "record": returned["record"]}
    assert investigator.say(**said).status_code == 201, "by REST, where the node finds what it answers"
    _until(lambda: 'name="seal_whole"' in first.get(hit).text)
    home = _step_form(first, hit, "received") | {"seal": "MK-7", "place": "Beograd", "seal_whole": "yes"}
    home |= {"other_seal": "MK-7"}
    assert first.send(f"{hit}/custody", **home).status_code == 303
    assert "With its owner again since" in first.get(hit).text

    # only its own node takes a hit back; the first side's lead and the other's confirmation are two statements
    assert second.send(f"{hit}/retraction", reason="The wrong exhibit.").status_code == 403, "not its maker"
    assert "Take the hit back" not in second.get(hit).text
    assert "Take the hit back" in examiner.get(hit).text
    head = colleague(mk, Role.HEAD)
    assert head.send(f"{hit}/retraction", reason="The wrong exhibit.").status_code == 303
    assert "This hit was taken back already" in head.send(f"{hit}/retraction", reason="The wrong exhibit.").text
    assert f"in place of {examiner.pseudonym}" in examiner.get(hit).text
    _until(lambda: "<h1>Confirmed hit: " not in first.get(hit).text)


def _step_forms(person: Colleague, hit: str) -> dict[str, dict[str, str]]:
    """By step: the form for a step of an exhibit that may be signed now, with what it is filled in with."""
    forms = re.findall(
        rf'<form id="[^"]+" method="post" action="{hit}/custody"[^>]*>.*?</form>', person.get(hit).text, re.S
    )
    found = [dict(re.findall(r'<input[^>]* name="([a-z_]+)"[^>]* value="([^"]*)"', form)) for form in forms]
    return {fields["step"]: fields for fields in found}


def _step_form(person: Colleague, hit: str, step: str) -> dict[str, str]:
    fields = _step_forms(person, hit)[step]
    assert fields.pop("csrf")
    assert fields["on"] == TODAY
    return fields


def test_lists_of_hits_open_and_closed(
    nodes: tuple[RunningNode, RunningNode], colleague: Callable[..., Colleague], monkeypatch: pytest.MonkeyPatch
) -> None:
    rs, _ = nodes
    head = colleague(rs, Role.HEAD)
    assert head.get("/app/hits?closed=1").status_code == 200
    monkeypatch.setattr(history, "MOST_OPEN", 0)
    monkeypatch.setattr(history, "open_pair_ids", lambda _session, **_: {"ab" * 32})
    assert "more hits are open and not listed here" in head.get("/app/hits").text


def test_a_conclusion_that_is_taken_back_asks_nobody(
    nodes: tuple[RunningNode, RunningNode], colleague: Callable[..., Colleague]
) -> None:
    rs, _ = nodes
    first, other = colleague(rs), colleague(rs)
    with rs.node.store.read() as session:
        found = open_candidates(session, CandidateView(PIPELINES, first.pseudonym), Page(10))[-1]
    pair = f"/app/pairs/{found.row.candidate_id}"
    before = len(_waiting(rs))
    elsewhere = {"from": "//elsewhere.example", "next": "../../elsewhere", "then": "next"}
    signed = first.send(f"{pair}/conclusion", conclusion="no_association_indicated", **elsewhere)
    assert (signed.status_code, signed.headers.get("location")) == (303, f"{pair}#review"), signed.text
    assert len(_waiting(rs)) == before, "what indicates no association is not verified"
    page = first.get(pair).text
    back = re.findall(rf'action="({pair}/conclusion/[0-9a-f]{{64}}/retraction)"', page)[0]
    assert other.send(back, reason="Not mine.").status_code == 404
    assert first.send(back, reason="The light was wrong.").status_code == 303
    onwards = {"from": found.row.statement_a, "next": "17", "then": "next"}
    signed = first.send(f"{pair}/conclusion", conclusion="inconclusive", **onwards)
    assert (signed.status_code, signed.headers["location"]) == (303, f"/app/pairs/17?from={found.row.statement_a}")
    mine = [task for task in _waiting(rs) if task.concluded_by == first.pseudonym]
    assert [pair_of(found).model_dump_json()] == [task.pair for task in mine]
    for again, status, why in (
        ("inconclusive", 409, "waits for another examiner"),
        ("", 422, "Choose a conclusion"),
    ):
        refused = first.send(f"{pair}/conclusion", conclusion=again, remark="Typed <b>at length</b>")
        assert refused.status_code == status
        assert "Typed &lt;b&gt;at length&lt;/b&gt;</textarea>" in refused.text, "what was typed stays"
        assert bool(again) == (f'value="{again}" checked' in refused.text)
        assert (why in refused.text, refused.text.count("Nothing was signed.")) == (True, 2), "above, and at the form"
    page = first.get(pair).text
    assert "Sign my conclusion" not in page
    for action in re.findall(rf'action="({pair}/conclusion/[0-9a-f]{{64}}/retraction)"', page):
        first.send(action, reason="No use.")
    assert not [task for task in _waiting(rs) if task.concluded_by == first.pseudonym]


def _waiting(node: RunningNode) -> list:  # type: ignore[type-arg]
    with node.node.store.read() as session:
        return list(open_tasks(session))


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)
