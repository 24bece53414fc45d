"""What cannot be served in time is refused before it is read, and told when to come again; nothing of it stays."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from exchange.errors import Busy
from exchange.web.http import compute_threads
from exchange.web.http.compute_threads import FIRST_S, LEAST_LET_IN, LONGEST_AWAY_S, SLOW_S, Room, RoomPlace, WorkKind
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, stored, tiny_scan
from tests.exchange.web.test_limits import connection, form, head, length, status_of

PATIENCE_S = 2.0
FITTING = int(PATIENCE_S / FIRST_S) + 1
"""So many are let in, as long as nothing was measured: the last of them is there in time."""


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(clock: Clock) -> Room:
    return Room(WorkKind.SUBMISSIONS, clock)


def enter(stack: contextlib.ExitStack, room: Room, patience_s: float = PATIENCE_S) -> RoomPlace:
    return stack.enter_context(room.place(patience_s))


def refusal(room: Room, patience_s: float = PATIENCE_S) -> Busy:
    with pytest.raises(Busy) as found, room.place(patience_s):
        pass
    return found.value


def serve(room: Room, clock: Clock, seconds: float) -> None:
    with room.place(60) as place:
        room.ready(place)
        clock.now += seconds


def test_as_many_as_can_be_served_in_time(room: Room, clock: Clock) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(FITTING):
            enter(stack, room)
        refusal(room)
        enter(stack, room, 10 * PATIENCE_S)
    with contextlib.ExitStack() as stack:
        for _ in range(FITTING):
            enter(stack, room)


def test_what_was_measured_says_how_many_that_are(room: Room, clock: Clock) -> None:
    for _ in range(compute_threads.REMEMBERED):
        serve(room, clock, FIRST_S / 10)
        clock.now += 100  # nobody was there: that was no work
    with contextlib.ExitStack() as stack:
        for _ in range(10 * FITTING - 10):
            enter(stack, room)
        clock.now += 1
        assert refusal(room).retry_after_s == 1


def test_one_that_took_long_does_not_close_an_empty_room(room: Room, clock: Clock) -> None:
    serve(room, clock, 1000)
    with contextlib.ExitStack() as stack:
        for _ in range(LEAST_LET_IN):
            enter(stack, room)
        refusal(room)


def test_those_sent_away_are_called_in_one_after_the_other(room: Room) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(FITTING):
            enter(stack, room)
        called = [refusal(room).retry_after_s for _ in range(40)]
        assert called == sorted(called)
        assert called[-1] - called[0] == pytest.approx(39 * FIRST_S, abs=1)
        for _ in range(1000):
            assert refusal(room).retry_after_s <= LONGEST_AWAY_S


def test_a_slow_line_delays_nobody(room: Room, clock: Clock) -> None:
    with contextlib.ExitStack() as stack:
        slow = [enter(stack, room) for _ in range(FITTING)]
        clock.now += SLOW_S
        enter(stack, room)
        for place in slow:
            room.ready(place)
        refusal(room)
    with contextlib.ExitStack() as stack:
        for _ in range(compute_threads.MOST_IN_A_ROOM // 8):
            for _ in range(8):
                enter(stack, room)
            clock.now += SLOW_S
        refusal(room)


@pytest.fixture(scope="module")
def impatient(start_shared: Callable[..., RunningNode]) -> RunningNode:
    return start_shared(Jurisdiction.RS, patience_s=0.01)


@contextlib.contextmanager
def full(node: RunningNode) -> Iterator[list[socket.socket]]:
    """As many submissions as are let in, whose bodies do not come."""
    body = form(tiny_scan())
    with contextlib.ExitStack() as stack:
        lines = []
        deadline = time.monotonic() + 20
        while node.submit(tiny_scan(), handling={"code": "?"}).status_code != 429:
            assert time.monotonic() < deadline
            line = stack.enter_context(connection(node))
            line.sendall(head(node, length(node, body)))
            lines.append(line)
        yield lines


@pytest.mark.slow
def test_one_too_many_is_told_when_to_come_again(impatient: RunningNode) -> None:
    scan = tiny_scan()
    with full(impatient):
        before = stored(impatient)
        refused = impatient.submit(scan, key="once-and-again")
        problem(refused, 429, "busy")
        assert 1 <= int(refused.headers["retry-after"]) <= LONGEST_AWAY_S
        after = stored(impatient)
        assert (after.rows, after.blobs) == (before.rows, before.blobs)
        with connection(impatient) as sender:
            asking = {**length(impatient, form(scan)), "Expect": "100-continue"}
            sender.sendall(head(impatient, asking))
            assert status_of(sender) == 429, "nothing of the body was read"
        anybody = httpx.post(f"{impatient.url}/v1/records", content=form(scan), headers={"Content-Type": "text/plain"})
        problem(anybody, 401, "unauthenticated")
        known = impatient.get("/v1/records").json()["items"]
        assert impatient.get("/v1/scans/" + "ab" * 32 + "/heights").status_code == 404, "pictures have their own room"
    assert impatient.submit(scan, key="once-and-again").status_code == 201
    assert impatient.submit(scan, key="once-and-again").status_code == 200
    assert len(impatient.get("/v1/records").json()["items"]) == len(known) + 1


@pytest.mark.slow
def test_many_senders_who_obey_all_get_through(impatient: RunningNode) -> None:
    """None is lost, and none comes twice."""
    codes: list[int] = []

    def send(number: int) -> None:
        scan, key = tiny_scan(), f"sender-{number}"
        with httpx.Client(timeout=60, trust_env=False) as http:
            running = RunningNode(impatient.node, impatient.tokens, impatient.server, impatient.thread, http)
            while True:
                answer = running.submit(scan, key=key)
                codes.append(answer.status_code)
                if answer.status_code != 429:
                    return
                time.sleep(int(answer.headers["retry-after"]))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count(201) == 30
    assert 429 in codes
    assert set(codes) == {201, 429}
    assert impatient.get("/v1/status", Role.OPERATOR).status_code == 200
