"""Two worlds that differ in nothing but what a colleague did, or what the matcher scored: an examiner who may be asked
to verify reads the same in both, on every page and route and at every length of page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy import delete, select, update

from exchange.clock import stamp
from exchange.flows.blind import send
from exchange.flows.blind.tasks import take_task, tasks_for
from exchange.flows.candidates.exhibit_pairs import exhibits_of_record
from exchange.flows.candidates.set_aside import set_pairs_aside
from exchange.flows.hits.history import pair_id
from exchange.flows.review.taken_work import Assigner, TakenKind, WorkKey, give_work
from exchange.log.audit_entry import Actor, ActorKind
from exchange.store.access.sign_in_rows import begin_session
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.tables.hits import HitPairRow
from exchange.store.tables.record_tables import AcquisitionRow, CandidateRow, RecordRow
from exchange.store.tables.review_tables import OpenedListRow, VerificationTaskRow
from exchange.web.app import create_app
from schemas import Maker, Pair
from schemas.vocabulary import SignedInBy
from tests.exchange.flows.blind.blind_world import FIRST, HEAD, REGIONS, SECOND, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS
from tests.schemas.results import EXHIBITS, INCONCLUSIVE, NOT_ASSOCIATED, ON, SCREEN

pytestmark = pytest.mark.slow

BREECH, PIN = REGIONS
LENGTHS = (1, 2, 50, 200)
OF_THE_LOG = ("/v1/log/", "/v1/node")
"""Signed heads and hashes are of all that a log holds, and say nothing of what that is."""
TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?")
IN_WORDS = re.compile(r"<time [^>]*>.*?</time>")
"""The same, as pages say it: "today 16:00", "2 min ago"."""
SIZE = re.compile(r'"log_size":\d+')
"""That something was entered is known to whoever reads the log's size; not what."""
Deed = Callable[[BlindWorld, pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BlindWorld:
    """Exhibits of two regions; a hit of the other side on a and b, with a message; messages of this side's."""
    with blind_world(tmp_path_factory.mktemp("two")) as made:
        for name, owner in (("a", RS), ("b", MK), ("c", RS), ("d", MK)):
            made.exhibit(name, owner)
        for one, other, score in (("a", "b", 0.5), ("a", "d", 0.4), ("c", "b", 0.3), ("c", "d", 0.45)):
            made.compare(one, other, score)
        for one, other in (("a", "b"), ("c", "d")):
            hit = made.hit(MK, one, other, PIN)
            made.says(FIRST, "message", MK, to=RS, about=hit.statement_id, text="Thursday?", reference=None)
        made.network.settle()
        for number in range(3):
            made.says(SECOND, "message", to=MK, text=f"Number {number}.", reference=None)
    return made


def concluded(result: Mapping[str, Any]) -> Deed:
    def do(world: BlindWorld, _: pytest.MonkeyPatch) -> None:
        world.shown(FIRST, "a", "b", BREECH, opened=True)
        world.concludes(FIRST, "a", "b", BREECH, **result)

    return do


def concluded_and_promised(coin: int) -> Deed:
    """A control is to follow, or none is."""

    def do(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("exchange.flows.blind.send.secrets.randbelow", lambda most: most * coin - coin)
        concluded(SCREEN)(world, monkeypatch)
        assert len(world.promised()) == (coin == 0)

    return do


def concluded_and_drawn(one: tuple[str, str], control: tuple[str, str], *, control_first: bool) -> Deed:
    """A colleague concludes on one pair, and another one is sent as a control, which an earlier conclusion promised.
    No hit joins either: else it would be no control."""

    def do(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn = world.candidate(*control, BREECH).row.candidate_id
        monkeypatch.setattr(send, "_draw_control", lambda *_: drawn)
        monkeypatch.setattr("exchange.flows.blind.send.secrets.randbelow", lambda most: most - 1)
        if control_first:
            send.draw_control(world.rs, 2**127)
        world.shown(FIRST, *one, BREECH, opened=True)
        world.concludes(FIRST, *one, BREECH)
        if not control_first:
            send.draw_control(world.rs, 2**127)

    return do


def concluded_again(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as an identification, after one that was taken back."""
    world.shown(FIRST, "a", "b", BREECH, opened=True)
    first = world.concludes(FIRST, "a", "b", BREECH)
    world.says(HEAD, "retraction", retracts=first.statement_id, reason="The wrong exhibit.")
    concluded(SCREEN)(world, monkeypatch)


def given_and_set_aside(*, told: bool) -> Deed:
    """A colleague concludes on a pair of an exhibit that whoever may be asked registered. ``told``: the head gives the
    hit on it to the colleague, who sets the other pairs aside."""

    def do(world: BlindWorld, _: pytest.MonkeyPatch) -> None:
        with world.rs.store.write() as session:
            session.execute(update(RecordRow).where(RecordRow.issuer == RS).values(submitted_by=SECOND.pseudonym))
            pair = pair_id(Pair.model_validate(world.pair("a", "b", PIN)))
            hit = session.scalars(select(HitPairRow.link_id).where(HitPairRow.pair == pair)).one()
        world.concludes(FIRST, "a", "b", BREECH)
        if told:
            head = Assigner(Actor(ActorKind.PERSON, HEAD.pseudonym, HEAD.role))
            give_work(world.rs, head, [WorkKey(TakenKind.HIT, hit)], FIRST.pseudonym)
            for name, other in (("a", "d"), ("c", "b")):
                found = exhibits_of_record(world.rs, FIRST.role, FIRST.pseudonym, world.records[name])
                assert found is not None
                set_pairs_aside(world.rs, FIRST.pseudonym, world.records[name], found.own.tag, {world.records[other]})

    return do


def of_given_exhibits(then: Deed, *, registrar: Maker, holder: Maker) -> Deed:
    """The head gave this node's exhibits, which were compared, to somebody before."""

    def do(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        with world.rs.store.write() as session:
            session.execute(update(RecordRow).where(RecordRow.issuer == RS).values(submitted_by=registrar.pseudonym))
            session.execute(update(AcquisitionRow).values(state=AcquisitionState.CORRELATED, correlated_at=stamp()))
        head = Assigner(Actor(ActorKind.PERSON, HEAD.pseudonym, HEAD.role))
        given = [WorkKey(TakenKind.EXHIBIT, world.records[name]) for name in ("a", "c")]
        give_work(world.rs, head, given, holder.pseudonym)
        then(world, monkeypatch)

    return do


def nothing(_world: BlindWorld, _monkeypatch: pytest.MonkeyPatch) -> None:
    pass


def scored(first: float, second: float, then: Deed) -> Deed:
    """The matcher scored the two pairs that no hit joins otherwise."""

    def do(world: BlindWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        for pair, score in ((("a", "d"), first), (("c", "b"), second)):
            for region in REGIONS:
                number = world.candidate(*pair, region).row.candidate_id
                with world.rs.store.write() as session:
                    session.get_one(CandidateRow, number).score = score
        then(world, monkeypatch)

    return do


IS_CONTROL = (
    concluded_and_drawn(("a", "d"), ("c", "b"), control_first=False),
    concluded_and_drawn(("c", "b"), ("a", "d"), control_first=True),
)
WORLDS: dict[str, tuple[Deed, ...]] = {
    "what was concluded": (concluded(SCREEN), concluded(INCONCLUSIVE)),
    "which is the control": IS_CONTROL,
    "which is the control, of exhibits given to the colleague": tuple(
        of_given_exhibits(deed, registrar=SECOND, holder=FIRST) for deed in IS_CONTROL
    ),
    "which is the control, of exhibits given to whoever is asked": tuple(
        of_given_exhibits(deed, registrar=FIRST, holder=SECOND) for deed in IS_CONTROL
    ),
    "whether a control follows": (concluded_and_promised(0), concluded_and_promised(1)),
    "taken back before": (concluded(SCREEN), concluded_again),
    "who works on it, and what was set aside": (given_and_set_aside(told=False), given_and_set_aside(told=True)),
}


@pytest.mark.parametrize("difference", WORLDS)
def test_an_examiner_who_may_be_asked_reads_the_same(
    world: BlindWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, difference: str
) -> None:
    told = "\n".join(_read_alike(world, tmp_path, monkeypatch, WORLDS[difference]).values())
    assert "verification" in told
    if "given" in difference:
        assert "work on it since" in told or "works on it since" in told
    hidden, free = ("d", "b") if difference.startswith("which is the control") else ("b", "d")
    assert world.candidate("a", hidden, PIN).row.candidate_id not in _numbers(told)
    assert world.candidate("a", free, PIN).row.candidate_id in _numbers(told)


@pytest.mark.parametrize("then", [nothing, concluded(SCREEN)], ids=["nothing more", "what a colleague concluded"])
def test_an_examiner_who_opened_no_list_reads_the_same_whatever_the_scores(
    world: BlindWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Deed
) -> None:
    with world.rs.store.write() as session:
        session.execute(delete(OpenedListRow).where(OpenedListRow.pseudonym == SECOND.pseudonym))
    read = _read_alike(world, tmp_path, monkeypatch, [scored(0.9, 0.1, then), scored(0.1, 0.9, then)])
    exhibits, warning = read["/app/exhibits"], read[f"/app/records/{world.records['a']}/candidates"]
    assert all(world.records[name] in exhibits for name in ("a", "c"))
    assert f"/app/records/{world.records['a']}/candidates/open" in warning
    not_open = (("a", "d"), ("c", "b"))
    numbers = {world.candidate(*pair, region).row.candidate_id for pair in not_open for region in REGIONS}
    assert numbers.isdisjoint(_numbers("\n".join(read.values())))


def _read_alike(
    world: BlindWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deeds: Sequence[Deed]
) -> dict[str, str]:
    """What the second examiner reads by its address, which is the same whichever of the deeds was done."""
    with world.rs.store.write() as session:
        cookie = begin_session(session, SECOND.pseudonym, SignedInBy.PASSWORD_AND_TOTP, most_s=3600)
    read = []
    for number, deed in enumerate(deeds):
        network = world.network.copied(tmp_path / f"world-{number}")
        copy = world.on(network)
        with monkeypatch.context() as patched:
            deed(copy, patched)
        _name_tasks(copy)
        read.append(anyio.run(_everything, copy, cookie))
        network.close()
    one, other = read
    assert set(one) == set(other)
    assert len(one) > 40
    for address in one:
        assert one[address] == other[address], address
    return one


def test_an_examiner_who_tries_a_task_by_other_ways_is_answered_the_same(
    world: BlindWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes the task, concludes on its pair beside it, and looks whether the task and the pair are still the same."""
    with world.rs.store.write() as session:
        cookie = begin_session(session, SECOND.pseudonym, SignedInBy.PASSWORD_AND_TOTP, most_s=3600)
    told = []
    for number, deed in enumerate(WORLDS["which is the control"]):
        network = world.network.copied(tmp_path / f"world-{number}")
        copy = world.on(network)
        with monkeypatch.context() as patched:
            deed(copy, patched)
        _name_tasks(copy)
        with copy.rs.store.write() as session:
            tasks = tasks_for(session, SECOND.pseudonym)
            for task in tasks:
                take_task(session, SECOND.pseudonym, task.task_id)
        assert len(tasks) == 2
        told.append(anyio.run(_tried, copy, cookie, [task.pair for task in tasks]))
        network.close()
    assert told[0] == told[1]


async def _tried(world: BlindWorld, cookie: str, pairs: list[Pair]) -> list[str]:
    app = create_app(world.rs, works=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=world.rs.settings.url, timeout=60) as http,
    ):
        token = {"Authorization": f"Bearer {world.tokens[SECOND.pseudonym]}"}
        told = []
        for result in (NOT_ASSOCIATED, EXHIBITS):
            for pair in pairs:
                draft = {"pair": pair.model_dump(mode="json"), **result}
                for kind in ({"type": "conclusion"}, {"type": "verification", "verifies": "0" * 64}):
                    answer = await http.post("/v1/statements", json=kind | draft, headers=token)
                    assert answer.status_code == 404
                    told.append(_plain(answer))
        paths = ("/app/verifications", "/v1/statements", "/v1/candidates?min_score=-10")
        seen = [await http.get(path, headers=token | {"Cookie": f"ffp={cookie}"}) for path in paths]
        return [*told, *map(_plain, seen)]


def _numbers(told: str) -> set[int]:
    return {int(number) for number in re.findall(r'"candidate_id":(\d+)', told)}


def _name_tasks(world: BlindWorld) -> None:
    """A task is named by chance: here by its exhibits, so that two worlds list them in one order."""
    with world.rs.store.write() as session:
        for row in session.query(VerificationTaskRow).all():
            name = f"{sorted(world.records.values()).index(row.statement_a):032x}"
            session.execute(
                update(VerificationTaskRow).where(VerificationTaskRow.task_id == row.task_id).values(task_id=name)
            )


async def _everything(world: BlindWorld, cookie: str) -> dict[str, str]:
    """All that the second examiner is led to, by its address: routes as a program first, then pages."""
    app = create_app(world.rs, works=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=world.rs.settings.url, timeout=60) as http,
    ):
        token = {"Authorization": f"Bearer {world.tokens[SECOND.pseudonym]}"}
        found: dict[str, str] = {}
        await _verifications(http, cookie, found)
        waiting = list(_routes(world))
        while waiting:
            path = waiting.pop(0)
            if path not in found and not path.startswith(OF_THE_LOG):
                answer = await http.get(path, headers=token)
                found[path] = _plain(answer)
                waiting += re.findall(r"<([^>]+)>; rel", answer.headers.get("link", ""))
        await _pages(http, cookie, found, ["/app/", "/app/alerts", "/app/candidates", "/app/exhibits"])
        return found


async def _verifications(http: httpx.AsyncClient, cookie: str, found: dict[str, str]) -> None:
    """First, while nothing was seen."""
    for path in ("/app/", "/app/verifications", "/app/alerts"):
        found[f"first {path}"] = _plain(await http.get(path, headers={"Cookie": f"ffp={cookie}"}))


async def _pages(http: httpx.AsyncClient, cookie: str, found: dict[str, str], waiting: list[str]) -> None:
    while waiting:
        path = waiting.pop(0)
        drawn = ("/static/", "/picture", "/heights", "report.pdf", "bundle.zip")
        if path in found or any(part in path for part in drawn):
            continue  # pictures need scans; whether they are there is asked of the routes
        answer = await http.get(path, headers={"Cookie": f"ffp={cookie}"})
        found[path] = _plain(answer)
        if answer.headers.get("content-type", "").startswith("text/html"):
            waiting += [address.replace("&amp;", "&") for address in re.findall(r'href="(/app/[^"#]*)', answer.text)]


def _routes(world: BlindWorld) -> Iterator[str]:
    for length in LENGTHS:
        yield f"/v1/candidates?min_score=-10&limit={length}"
        yield f"/v1/statements?limit={length}"
        yield f"/v1/records?limit={length}"
        yield f"/v1/queries?limit={length}"
        for kind in ("hit", "conclusion", "verification", "message", "retraction"):
            yield f"/v1/statements?kind={kind}&limit={length}"
        for record in world.records.values():
            yield f"/v1/records/{record}/candidates?limit={length}"
            yield f"/v1/statements?about={record}&limit={length}"
    yield "/v1/status"
    for record in world.records.values():
        yield f"/v1/records/{record}"
    for number in range(1, 20):
        yield f"/v1/candidates/{number}"
        yield f"/app/pairs/{number}"
        yield f"/app/pairs/{number}/report.pdf"
        yield f"/app/pairs/{number}/bundle.zip"


def _plain(answer: httpx.Response) -> str:
    """All of an answer but the times of this run, what these make of its length, and the number of the request."""
    told = sorted((name, value) for name, value in answer.headers.items() if name != "content-length")
    headers = "\n".join(f"{name}: {value}" for name, value in told)
    text = IN_WORDS.sub("TIME", SIZE.sub("SIZE", answer.text))
    plain = TIMES.sub("TIME", f"{answer.status_code}\n{headers}\n{text}")
    return plain.replace(answer.headers["x-request-id"], "NUMBER")


@pytest.mark.parametrize("basis", ["screen", "exhibits"])
def test_where_nobody_is_left_the_pages_say_so_and_whom_to_ask(world: BlindWorld, basis: str) -> None:
    """The second examiner was shown a score of other scans of the exhibits, which on the exhibits is no hindrance."""
    world.concludes(FIRST, "a", "b", BREECH, **ON[basis])
    world.shown(SECOND, "a", "b", PIN)
    with world.rs.store.write() as session:
        cookies = [
            begin_session(session, who.pseudonym, SignedInBy.PASSWORD_AND_TOTP, most_s=3600) for who in (FIRST, HEAD)
        ]
    pair = f"/app/pairs/{world.candidate('a', 'b', BREECH).row.candidate_id}"
    first, head = anyio.run(_pair_pages, world, pair, cookies)
    for told in first:
        assert ("No examiner of this node can verify this conclusion blind" in told) is (basis == "screen")
    assert "Take this conclusion back" in head[0]


async def _pair_pages(world: BlindWorld, pair: str, cookies: list[str]) -> list[list[str]]:
    app = create_app(world.rs, works=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=world.rs.settings.url, timeout=60) as http,
    ):
        return [
            [(await http.get(path, headers={"Cookie": f"ffp={cookie}"})).text for path in (pair, "/app/verifications")]
            for cookie in cookies
        ]
