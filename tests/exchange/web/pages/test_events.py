"""An open page is told that something is new for its person, and nothing of what; it holds no thread and no session."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from sqlalchemy import select

from exchange.clock import stamp_in
from exchange.errors import TooMany
from exchange.flows.access.sessions import session_digest
from exchange.flows.access.users import revoke_user
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.review_tables import VerificationTaskRow
from exchange.store.tables.sign_in_tables import SessionRow
from exchange.store.tables.terms_tables import ApprovalRow
from exchange.web.pages import live_hint_pages as live_hints
from exchange.web.pages.live_hint_pages import OF_A_PERSON, OF_THE_NODE, LiveHints, Watcher
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.rest.test_terms import eventually

EVENTS = "/app/events"
LISTENING = {"Accept": "text/event-stream"}


pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_hints, "PEOPLE_S", 0.2)
    monkeypatch.setattr(live_hints, "RECORDS_S", 0.1)
    monkeypatch.setattr(live_hints, "HEARTBEAT_S", 0.3)


@dataclass
class Heard:
    """What came on one line: names with data; ``over`` when the line is."""

    status: int = 0
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    events: list[tuple[str, str]] = field(default_factory=list)
    over: bool = False

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def of(self, name: str) -> list[str]:
        return [data for one, data in self.events if one == name]


@contextmanager
def listening(person: Person, *records: str) -> Iterator[Heard]:
    """A line that is open while the block runs."""
    heard, asked = Heard(), [("record", record) for record in records]
    stop = threading.Event()

    def listen() -> None:
        try:
            with (
                httpx.Client(cookies=person.http.cookies, trust_env=False, timeout=30) as http,
                http.stream("GET", person.node.url + EVENTS, params=asked, headers=LISTENING) as answer,
            ):
                heard.headers, heard.status = answer.headers, answer.status_code
                name = ""
                for line in answer.iter_lines():
                    if stop.is_set():
                        return
                    if line.startswith("event: "):
                        name = line.removeprefix("event: ")
                    elif line.startswith("data: "):
                        heard.events.append((name, line.removeprefix("data: ")))
        except httpx.HTTPError:  # the node was stopped
            heard.status = heard.status or 503
        finally:
            heard.over = True

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        eventually(lambda: bool(heard.status))
        yield heard
    finally:
        stop.set()
        thread.join(timeout=20)


def submitted(node: RunningNode, case: str) -> str:
    answer = node.submit(tiny_scan(), case_reference=case)
    assert answer.status_code == 201, answer.text
    record: str = answer.json()["statement_id"]
    return record


def test_scans_that_are_waited_for_are_told_of_once(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    record = submitted(node, "RS-EVENTS-1")
    eventually(lambda: acquisition(node, record).state == "not-usable")
    in_state(node, record, "queued")
    with listening(signed_in(Role.INVESTIGATOR), record, "ab" * 32) as heard:
        assert (heard.status, heard.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        eventually(lambda: len(heard.events) == 2)
        assert json.loads(heard.of("record")[0]) == {"record": record, "pending": 1, "shown": []}
        in_state(node, record, "not-usable")
        eventually(lambda: len(heard.of("record")) == 2)
        assert json.loads(heard.of("record")[1]) == {"record": record, "pending": 0, "shown": [0]}
        time.sleep(0.5)
        assert len(heard.events) == 3, "nothing of a record that is not here, and nothing twice"


def test_who_is_to_be_told_is_told_that_and_no_more(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    head, investigator = signed_in(Role.HEAD), signed_in(Role.INVESTIGATOR)
    with listening(head) as heard, listening(investigator) as other:
        eventually(lambda: bool(heard.events and other.events))
        approval = ApprovalRow(concerns="cd" * 32, jurisdiction="MK", asked_at=stamp_in(0.01), due_at=stamp_in(60))
        with kept(node, approval):
            eventually(lambda: len(heard.of("alerts")) == 2)
            assert heard.of("alerts")[0] != heard.of("alerts")[1]
            assert len(heard.of("alerts")[1]) < 20, "a number, and not of what"
            assert head.get("/app/events/alerts").json() == {"count": "1"}
            assert investigator.get("/app/events/alerts").json() == {"count": None}
        time.sleep(0.6)
        assert len(heard.events) == 2, "that it is gone is no news"
        assert len(other.events) == 1


def test_what_is_hidden_from_an_examiner_is_not_hinted_at(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    one, other = submitted(node, "RS-EVENTS-2"), submitted(node, "RS-EVENTS-3")
    judged, judge = signed_in(Role.EXAMINER), signed_in(Role.EXAMINER)
    with listening(judged) as by_them, listening(judge) as by_another:
        eventually(lambda: bool(by_them.events and by_another.events))
        task = VerificationTaskRow(
            task_id="ef" * 16,
            concluded_by=judged.pseudonym,
            basis="screen",
            scan_low="1" * 64,
            scan_high="2" * 64,
            exhibit_low=one,
            exhibit_high=other,
            statement_a=one,
            statement_b=other,
            pair="{}",
            created_at=stamp_in(0.01),
            due_at=stamp_in(3600),
        )
        with kept(node, task):
            eventually(lambda: len(by_another.of("alerts")) == 2)
            time.sleep(0.6)
            assert len(by_them.events) == 1


def test_a_line_says_of_nobody_that_they_are_there(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    seen_at(node, person, -600)
    before = seen_at(node, person)
    with listening(person) as heard:
        eventually(lambda: bool(heard.events))
        assert person.http.get(person.node.url + EVENTS).status_code == 200
        assert person.get("/app/events/alerts").status_code == 200
        by_itself = person.http.get(person.node.url + "/app/alerts", headers={"X-Live": "1"})
        assert by_itself.status_code == 200
        assert seen_at(node, person) == before
        seen_at(node, person, -node.node.settings.session_idle_s - 1)
        eventually(lambda: heard.over)
        assert heard.names() == ["alerts", "end"]
    assert person.http.get(person.node.url + EVENTS, headers={"Accept": "application/json"}).status_code == 401


@pytest.mark.parametrize("way", ["signs out", "is revoked"])
def test_with_the_session_the_line_is_over(node: RunningNode, signed_in: Callable[[Role], Person], way: str) -> None:
    person = signed_in(Role.EXAMINER)
    with listening(person) as heard:
        eventually(lambda: bool(heard.events))
        begun = time.monotonic()
        if way == "signs out":
            assert person.post("/app/sign-out", {"csrf": person.csrf()}).status_code == 303
        else:
            revoke_user(node.node, person.pseudonym)
        eventually(lambda: heard.over)
        assert time.monotonic() - begun < 10
        assert heard.names()[-1] == "end"


def test_so_many_lines_and_no_more(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    with listening(person), listening(person), listening(person):
        with listening(person) as refused:
            assert refused.status == 429
        polled = person.get(EVENTS)
        assert polled.status_code == 200, "it asks now and then"
        assert set(polled.json()) == {"alerts", "records"}
    eventually(lambda: free(person))


def free(person: Person) -> bool:
    """Whoever has gone gives the place back."""
    with listening(person) as again:
        return again.status == 200


def test_who_asks_now_and_then_is_told_the_same(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    record, person = submitted(node, "RS-EVENTS-4"), signed_in(Role.EXAMINER)
    eventually(lambda: acquisition(node, record).state == "not-usable")
    asked = f"{EVENTS}?record={record}&record={'ab' * 32}"
    first = person.get(asked)
    assert first.json()["records"] == [{"record": record, "pending": 0, "shown": [0]}]
    assert first.headers["cache-control"] == "private, no-cache"
    again = person.http.get(person.node.url + asked, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    in_state(node, record, "queued")
    changed = person.http.get(person.node.url + asked, headers={"If-None-Match": first.headers["etag"]})
    assert changed.json()["records"][0]["pending"] == 1
    in_state(node, record, "not-usable")


def test_what_is_no_question_is_refused(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.EXAMINER)
    for wrong in ("x", "../" + "a" * 61, "AB" * 32):
        assert person.get(f"{EVENTS}?record={wrong}").status_code == 422, wrong
    many = "&".join(f"record={number:064x}" for number in range(65))
    assert person.get(f"{EVENTS}?{many}").status_code == 422
    for site in ("cross-site", "same-site"):
        asked = person.http.get(person.node.url + EVENTS, headers={"Sec-Fetch-Site": site, **LISTENING})
        assert asked.status_code == 403, "a line of another site would hold places"
    stranger = httpx.get(node.url + EVENTS, headers=LISTENING, trust_env=False)
    assert (stranger.status_code, stranger.content) == (303, b"")
    head = person.http.head(person.node.url + EVENTS, headers=LISTENING)
    assert head.status_code == 200


def watcher(number: int, of: int = 1) -> Watcher:
    return Watcher((Role.OPERATOR, f"nobody-{number // of}"), f"{number:064x}")


def test_the_node_has_a_bound_too_and_a_line_costs_no_thread(node: RunningNode) -> None:
    async def crowd() -> tuple[int, int, int]:
        hints, refused = LiveHints(node.node), 0
        before = threading.active_count()
        lines = []
        for number in range(1000):
            try:
                lines.append(await hints.enter(watcher(number)))
            except TooMany:
                refused += 1
        threads = threading.active_count() - before
        waiting = [asyncio.create_task(anext(line.frames())) for line in lines]
        await asyncio.gather(*waiting)
        for line in lines:
            hints.leave(line)
        assert hints.lines == 0
        return len(lines), refused, threads

    held, refused, threads = asyncio.run(crowd())
    assert (held, refused) == (OF_THE_NODE, 1000 - OF_THE_NODE)
    assert threads <= 2, "the looks of all of them go to the same few"


def test_of_several_processes_each_has_its_part(node: RunningNode) -> None:
    async def crowd() -> int:
        hints, held = LiveHints(node.node, 4), []
        for number in range(200):
            try:
                held.append(await hints.enter(watcher(number, of=OF_A_PERSON)))
            except TooMany:
                break
        for line in held:
            hints.leave(line)
        return len(held)

    assert asyncio.run(crowd()) == OF_THE_NODE // 4


def test_a_person_has_no_more_lines_for_there_being_several_processes(node: RunningNode) -> None:
    """A browser has six connections to one host: with as many lines nothing else would ever come."""

    async def windows() -> tuple[int, int]:
        serving, held, refused = [LiveHints(node.node, 3) for _ in range(3)], [], 0
        for number in range(9):
            hints = serving[number % 3]
            try:
                held.append((hints, await hints.enter(watcher(number, of=9))))
            except TooMany:
                refused += 1
        for hints, line in held:
            hints.leave(line)
        again = await serving[2].enter(watcher(0, of=9))
        serving[2].leave(again)
        return len(held), refused

    assert asyncio.run(windows()) == (OF_A_PERSON, 6)


def test_nothing_is_asked_while_nobody_listens(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> None:
    async def alone() -> None:
        hints = LiveHints(node.node)
        asked: list[object] = []
        monkeypatch.setattr(live_hints, "live_standing", lambda *_: asked.append(1))
        task = asyncio.create_task(hints.run())
        await asyncio.sleep(0.6)
        assert asked == []
        task.cancel()

    asyncio.run(alone())


def test_a_node_that_stops_lets_everybody_go_at_once(
    start_node: Callable[..., RunningNode], somebody: Callable[[RunningNode, Role], Person]
) -> None:
    own = start_node(Jurisdiction.RS)
    person = somebody(own, Role.EXAMINER)
    with listening(person) as heard:
        eventually(lambda: bool(heard.events))
        begun = time.monotonic()
        own.node.news.close()
        eventually(lambda: heard.over)
        assert time.monotonic() - begun < 2
        assert person.http.get(own.url + EVENTS, headers=LISTENING).status_code == 429


def acquisition(node: RunningNode, record: str) -> AcquisitionRow:
    with node.node.store.read() as session:
        return session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).one()


def in_state(node: RunningNode, record: str, state: str) -> None:
    with node.node.store.write() as session:
        session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).one().state = state


@contextmanager
def kept(node: RunningNode, row: ApprovalRow | VerificationTaskRow) -> Iterator[None]:
    """A row that is there while the block runs."""
    with node.node.store.write() as session:
        session.add(row)
        session.flush()
        session.expunge(row)
    try:
        yield
    finally:
        with node.node.store.write() as session:
            session.delete(session.merge(row))


def seen_at(node: RunningNode, person: Person, moved_s: float | None = None) -> str:
    """When somebody was there last, as the node has noted it; moved by so many seconds from now."""
    digest = session_digest(person.http.cookies["ffp"])
    with node.node.store.write() as session:
        row = session.get_one(SessionRow, digest)
        if moved_s is not None:
            row.seen_at = stamp_in(moved_s)
        return row.seen_at
