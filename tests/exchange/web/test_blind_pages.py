"""A curious examiner and a hurried one at the pages: what was told before a colleague concluded counts, and a form that
is sent twice is signed once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import httpx
import pytest

from exchange.clock import stamp
from exchange.errors import Conflict
from exchange.flows.access.sign_in import csrf_of
from exchange.flows.blind.send import EVERYBODYS
from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.flows.hits import history
from exchange.flows.hits.history import pair_id
from exchange.flows.query.blind_bands import note_released
from exchange.flows.query.peer_statements import note_answer
from exchange.flows.review import case_graph
from exchange.flows.review.case_graph import Case, read_case
from exchange.flows.review.visible_hits import visible_hits
from exchange.flows.statement.sign_statement import enter
from exchange.flows.statement.sign_statement import signed as signed_as
from exchange.store.access.sign_in_rows import begin_session
from exchange.store.log.statement_rows import find_statement
from exchange.store.query.queries import FoundState, QueryState, add_found, add_query
from exchange.store.review.candidate_rows import unsent_candidates
from exchange.store.review.saved_view_rows import add_view
from exchange.store.tables.query_tables import FoundRow, QueryRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.review_tables import SavedViewRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.web.app import create_app
from exchange.web.http.paging import encode_place
from schemas import Answer, Maker, Pair, open_envelope, parse_statement
from schemas.query import Found
from schemas.vocabulary import Jurisdiction, ScoreBand, SignedInBy
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld
from tests.exchange.flows.network import MK, RS
from tests.schemas.results import EXHIBITS, INCONCLUSIVE

pytestmark = pytest.mark.slow

R = TypeVar("R")
BREECH, PIN = REGIONS
QUERY, HANDLE = "e" * 64, "f" * 64


@dataclass
class Site:
    """The pages and routes of Serbia's node, as each of its people finds them."""

    world: BlindWorld
    http: httpx.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)

    def cookie(self, who: Maker) -> str:
        if who.pseudonym not in self.cookies:
            with self.world.rs.store.write() as session:
                by = SignedInBy.PASSWORD_AND_TOTP
                self.cookies[who.pseudonym] = begin_session(session, who.pseudonym, by, most_s=3600)
        return self.cookies[who.pseudonym]

    async def get(self, who: Maker, path: str) -> str:
        """A page, or a program's route, as text."""
        token = self.world.tokens[who.pseudonym]
        shown = {"Cookie": f"ffp={self.cookie(who)}", "Authorization": f"Bearer {token}"}
        return (await self.http.get(path, headers=shown)).text

    async def post(self, who: Maker, path: str, **fields: str) -> httpx.Response:
        cookie = self.cookie(who)
        return await self.http.post(path, data={"csrf": csrf_of(cookie), **fields}, headers={"Cookie": f"ffp={cookie}"})

    async def say(self, who: Maker, draft: dict[str, str]) -> httpx.Response:
        token = self.world.tokens[who.pseudonym]
        return await self.http.post("/v1/statements", json=draft, headers={"Authorization": f"Bearer {token}"})


@asynccontextmanager
async def site_of(world: BlindWorld) -> AsyncIterator[Site]:
    app = create_app(world.rs, works=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=world.rs.settings.url, timeout=60) as http,
    ):
        yield Site(world, http)


def at(world: BlindWorld, does: Callable[[Site], Awaitable[R]]) -> R:
    async def go() -> R:
        async with site_of(world) as site:
            return await does(site)

    return anyio.run(go)


def reads(world: BlindWorld, who: Maker, *paths: str) -> str:
    async def read(site: Site) -> str:
        return "\n".join([await site.get(who, path) for path in paths])

    return at(world, read)


def asked(world: BlindWorld, who: Maker = SECOND) -> int:
    with world.rs.store.read() as session:
        return len(tasks_for(session, who.pseudonym))


def signed(world: BlindWorld, who: Maker, kind: str) -> int:
    return len(json.loads(reads(world, who, f"/v1/statements?kind={kind}")))


def pair_page(world: BlindWorld) -> str:
    return f"/app/pairs/{world.candidate('a', 'b', BREECH).row.candidate_id}"


@pytest.mark.parametrize("shown", ["", "/{view}/picture", "/{view}/thumbnail"])
def test_whoever_reads_the_saved_views_of_others_is_told_of_the_pair(world: BlindWorld, shown: str) -> None:
    low, high = world.candidate("a", "b", BREECH).scans
    view = SavedViewRow(
        scan_low=low, scan_high=high, query=low, made_by="one", made_at=stamp(), title="Of one firearm", document="{}",
        picture=b"Of one firearm", thumbnail=b"Of one firearm",
    )  # fmt: skip
    with world.rs.store.write() as session:
        number = add_view(session, view)
    assert "Of one firearm" in reads(world, SECOND, f"{pair_page(world)}/views{shown.format(view=number)}")
    world.concludes(FIRST, "a", "b", BREECH)
    assert asked(world) == 0


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("/app/alerts", "A hit was signed"),
        ("/app/", "Answer the other side"),
        ("/app/verifications", 'Alerts</span> <b class="count">1</b>'),
    ],
)
def test_a_hit_that_is_gone_from_a_list_or_a_number_tells_nobody_of_which_pair_it_was(
    world: BlindWorld, page: str, told: str
) -> None:
    """What was read there before the colleague concluded, compared with what is read after."""
    world.hit(MK, "a", "b", PIN)
    assert told in reads(world, SECOND, page)
    world.concludes(FIRST, "a", "b", BREECH)
    assert told not in reads(world, SECOND, page)
    assert asked(world) == 0


@pytest.mark.parametrize("way", ["a program's page", "a number of those left out", "closed ones", "a graph"])
def test_whoever_learns_that_a_list_of_hits_goes_on_is_told_of_what_follows(
    world: BlindWorld, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """One is listed, and of the other it is told that there is one more: when a colleague concludes on it, the list
    ends earlier."""
    monkeypatch.setattr(history, "MOST_OPEN", 1)
    monkeypatch.setattr(case_graph, "MOST_CASES", 2)
    closed = way == "closed ones"
    for name in ("a", "c"):
        hit = world.hit(MK, name, "b", PIN)
        if closed:
            world.says(HEAD, "retraction", MK, retracts=hit.statement_id, reason="The wrong pair.")
    world.network.settle()
    if way == "a program's page":
        listed = reads(world, SECOND, "/v1/hits?limit=1")
    elif way == "a graph":
        listed = repr(read_case(world.rs, SECOND.role, SECOND.pseudonym, Case(Jurisdiction.MK, "case-b")).links)
    else:
        listed = repr(visible_hits(world.rs, SECOND.role, SECOND.pseudonym, closed=closed, after=None, limit=1).links)
    (left,) = [name for name in ("a", "c") if f"case-{name}" not in listed and world.records[name] not in listed]
    world.concludes(FIRST, left, "b", BREECH)
    assert asked(world) == 0


def test_a_hit_that_rests_on_another_pair_is_no_alert_while_its_own_is_hidden(world: BlindWorld) -> None:
    """Its conclusion is here, on a pair that everybody may see; the hit itself is of the pair that waits."""
    right = world.hit(MK, "c", "b", PIN)
    mk = world.network.nodes[MK]
    with mk.store.read() as session:
        row = find_statement(session, right.statement_id)
    assert row is not None
    said = parse_statement(open_envelope(row.envelope or b"").payload)
    pair = Pair.model_validate(world.pair("a", "b", PIN))
    wrong = signed_as(mk, said.model_copy(update={"pair": pair, "nonce": "ab" * 32}))
    with mk.store.write() as session:
        enter(session, wrong, to=[RS])
    world.network.settle()
    assert f"/app/hits/{wrong.statement_id}" in reads(world, FIRST, "/app/alerts")
    world.concludes(FIRST, "a", "b", BREECH)
    for page in ("/app/alerts", "/v1/alerts", "/app/hits", "/v1/hits", "/v1/statements"):
        assert wrong.statement_id not in reads(world, SECOND, page), page
    assert asked(world) == 1


def test_a_hit_that_nobody_was_told_of_is_no_hindrance(world: BlindWorld) -> None:
    world.hit(MK, "a", "b", PIN)
    world.concludes(FIRST, "a", "b", BREECH)
    reads(world, SECOND, "/app/", "/app/alerts", "/app/hits")
    assert asked(world) == 1


def query(world: BlindWorld, *, asker: str, made_by: str = "one", state: str = QueryState.ANSWERED) -> None:
    """Of the asker's record, of which the other one is found."""
    records = {RS: world.records["a"], MK: world.records["b"]}
    owner = MK if asker == RS else RS
    row = QueryRow(
        statement_id=QUERY, asker=asker, asked=owner, record=records[asker], position=0, roi=BREECH,
        calibre="9 mm Luger", case_reference="case-x", purpose="investigation", legal_basis="Law, 1", made_by=made_by,
        state=state, at=stamp(), due_at=stamp(), result=None if state == QueryState.ASKED else "candidate",
    )  # fmt: skip
    found = FoundRow(handle=HANDLE, query=QUERY, record=records[owner], band="high", state=FoundState.GRANTED)
    said = StatementRow(
        statement_id=QUERY, type="query", issuer=asker, envelope=b"", leaf=b"", log_index=10**6, received_at=stamp()
    )
    with world.rs.store.write() as session:
        session.add(said)
        session.flush()
        add_query(session, row)
        if state == QueryState.ANSWERED:
            add_found(session, [found])


LISTS = ("/app/queries", "/v1/queries", "/app/queries?received=1", "/v1/queries?received=true")


def test_what_another_examiners_query_found_is_not_told(world: BlindWorld) -> None:
    query(world, asker=RS)
    record = world.records["b"]
    assert record not in reads(world, SECOND, *LISTS)
    assert '"result":"candidate"' not in reads(world, SECOND, *LISTS)
    assert record in reads(world, FIRST, *LISTS)
    assert record in reads(world, HEAD, *LISTS)
    world.concludes(FIRST, "a", "b", BREECH)
    assert record not in reads(world, SECOND, *LISTS)
    assert asked(world) == 1, "nothing was told"


def test_what_a_peers_query_found_is_told_of_nothing_that_waits(world: BlindWorld) -> None:
    query(world, asker=MK)
    approval = ApprovalRow(concerns=HANDLE, jurisdiction="MK", asked_at=stamp(), due_at=stamp())
    with world.rs.store.write() as session:
        session.add(approval)
    watched = (*LISTS, "/app/approvals", "/v1/approvals")
    world.concludes(FIRST, "a", "b", BREECH)
    told = reads(world, SECOND, *watched)
    assert (world.records["a"] in told, asked(world)) == (False, 1)
    assert world.records["a"] in reads(world, HEAD, *watched)


@pytest.mark.parametrize("page", ["/app/approvals", "/v1/approvals", "/app/queries?received=1"])
def test_whoever_was_told_what_a_peers_query_found_verifies_none_of_it(world: BlindWorld, page: str) -> None:
    query(world, asker=MK)
    with world.rs.store.write() as session:
        session.add(ApprovalRow(concerns=HANDLE, jurisdiction="MK", asked_at=stamp(), due_at=stamp()))
    assert HANDLE in reads(world, SECOND, page) or world.records["a"] in reads(world, SECOND, page)
    world.concludes(FIRST, "a", "b", BREECH)
    assert asked(world) == 0


def test_whoever_asked_verifies_nothing_that_was_found_though_they_have_not_looked(world: BlindWorld) -> None:
    query(world, asker=RS, made_by="two", state=QueryState.ASKED)
    answer = Answer.model_construct(
        issuer=MK, query=QUERY, result="candidate", because=None, found=[Found(handle=HANDLE, band=ScoreBand.HIGH)]
    )
    with world.rs.store.write() as session:
        note_answer(session, answer, "d" * 64)
        found = session.get(FoundRow, HANDLE)
        assert found is not None
        found.record = world.records["b"]
        note_released(session, HANDLE, MK, world.records["b"])
    world.concludes(FIRST, "a", "b", BREECH)
    assert asked(world) == 0


def test_a_conclusion_that_is_sent_twice_is_signed_once(world: BlindWorld) -> None:
    """Two clicks at the same time; a second task on one pair would be no control, and tell that the first is none."""
    path = f"{pair_page(world)}/conclusion"
    drawn = {"conclusion": "possible_association", "remark": "Striae."}

    async def click(site: Site) -> list[int]:
        answers: list[int] = []

        async def once() -> None:
            answers.append((await site.post(FIRST, path, **drawn)).status_code)

        async with anyio.create_task_group() as clicks:
            for _ in range(3):
                clicks.start_soon(once)
        return answers

    assert at(world, click) == [303] * 3
    assert asked(world) == 1


def test_another_conclusion_of_a_stale_form_is_refused_while_the_first_waits(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", BREECH)
    with pytest.raises(Conflict, match="Take it back to conclude anew"):
        world.concludes(FIRST, "a", "b", BREECH, **INCONCLUSIVE)
    world.concludes(FIRST, "a", "b", BREECH, **EXHIBITS)
    world.says(FIRST, "retraction", retracts=first.statement_id, reason="The wrong pair.")
    world.concludes(FIRST, "a", "b", BREECH, **INCONCLUSIVE)


def test_the_hit_and_its_retraction_are_signed_once(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", BREECH)
    world.verifies(SECOND, first, "a", "b", BREECH)
    path = f"{pair_page(world)}/conclusion/{first.statement_id}/hit"

    async def send_twice(site: Site) -> tuple[list[str], list[int]]:
        sent = [(await site.post(FIRST, path)).headers["location"] for _ in range(2)]
        back = [(await site.post(FIRST, f"{sent[0]}/retraction", reason="Wrong.")).status_code for _ in range(2)]
        return sent, back

    sent, back = at(world, send_twice)
    assert sent[0] == sent[1]
    assert back[0] == 303
    assert (signed(world, FIRST, "hit"), signed(world, FIRST, "retraction")) == (1, 1)


def test_closed_hits_are_listed_and_no_address_tells_whether_one_is_hidden(world: BlindWorld) -> None:
    """Where a list goes on is a place, and names no hit that is there or not."""
    hit = world.hit(MK, "a", "b", PIN)
    assert "Ask for it" in reads(world, FIRST, f"/app/hits/{hit.statement_id}")
    world.says(HEAD, "retraction", MK, retracts=hit.statement_id, reason="The wrong pair.")
    world.network.settle()
    closed = "/app/hits?closed=1"
    assert hit.statement_id in reads(world, FIRST, closed)
    world.concludes(FIRST, "a", "b", BREECH)
    pair = pair_id(Pair.model_validate(world.pair("a", "b", PIN)))
    for name in (pair, "0" * 64):
        after = encode_place("2100-01-01T00:00:00.000Z", name)
        assert "No hit is closed yet." in reads(world, SECOND, f"{closed}&after={after}")


def test_what_was_taken_back_is_taken_back_once(world: BlindWorld) -> None:
    first = world.concludes(FIRST, "a", "b", BREECH)
    world.says(FIRST, "retraction", retracts=first.statement_id, reason="Wrong.")
    for who in (FIRST, HEAD):
        with pytest.raises(Conflict, match="already"):
            world.says(who, "retraction", retracts=first.statement_id, reason="Once more.")


def test_an_answer_that_is_sent_twice_is_signed_once_and_another_one_is_not_lost_silently(world: BlindWorld) -> None:
    world.concludes(FIRST, "a", "b", BREECH)
    with world.rs.store.write() as session:
        [task] = tasks_for(session, SECOND.pseudonym)
        take_task(session, SECOND.pseudonym, task.task_id)

    async def answer(site: Site) -> list[int]:
        said = ("possible_association", "possible_association", "no_association_indicated")
        path = f"/app/verifications/{task.task_id}"
        return [(await site.post(SECOND, path, conclusion=one, remark="")).status_code for one in said]

    assert at(world, answer) == [303, 303, 409]
    assert signed(world, SECOND, "verification") == 1


def test_nobody_says_anything_of_a_hit_that_is_hidden_from_them(world: BlindWorld) -> None:
    """Its id was heard somewhere: a refusal would tell how far it is."""
    hit = world.hit(MK, "a", "b", PIN)
    world.concludes(FIRST, "a", "b", BREECH)
    step = {"type": "physical-comparison", "step": "agreed", "on": "2100-01-01", "place": "Skopje"}
    drafts = (
        {"type": "feedback", "outcome": "disputed"},
        step,
        step | {"step": "asked"},
        {"type": "retraction", "reason": "Wrong."},
    )

    async def try_all(site: Site) -> list[list[tuple[int, str]]]:
        told = []
        for name in (hit.statement_id, "0" * 64):
            answers = [
                await site.say(SECOND, draft | {"retracts" if draft["type"] == "retraction" else "hit": name})
                for draft in drafts
            ]
            told.append([(one.status_code, one.json()["detail"].replace(name, "NAME")) for one in answers])
        return told

    hidden, absent = at(world, try_all)
    assert hidden == absent
    assert {status for status, _ in hidden} == {404}


def test_a_pair_that_a_hit_joins_is_no_control(world: BlindWorld) -> None:
    """Somebody holds it for a lead; and as long as it waited, the hit would be hidden from all examiners."""

    def drawn() -> set[int]:
        with world.rs.store.read() as session:
            return {item.row.candidate_id for item in unsent_candidates(session, EVERYBODYS, RS)}

    joined = {world.candidate("a", "b", region).row.candidate_id for region in REGIONS}
    every = drawn()
    assert joined < every
    world.hit(MK, "a", "b", PIN)
    assert drawn() == every - joined
