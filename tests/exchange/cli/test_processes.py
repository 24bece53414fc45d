"""A node that several processes serve: they are one node to everybody, and nobody misses one that ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from exchange.cli.serving.supervisor import DEATHS, RENEWALS
from exchange.config import load_settings
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.node.node import create_node, opened
from exchange.flows.operate.doctor.port import examine_port
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.home_lock import at_rest
from exchange.net.message_signatures import sign_request
from exchange.processes import children_of, lock_holders
from exchange.trust.keys import raw_public, requester_id
from exchange.web.access.login_rate_limit import TRIES_A_MINUTE
from schemas.vocabulary import Jurisdiction
from tests.chaos.nodes.processes import Process
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.databases import Postgresql
from tests.exchange.running_nodes import free_port
from tests.exchange.served import eventually

pytestmark = pytest.mark.slow

PROCESSES = 2
STOP_S = 2.0
GONE_S = 30


@pytest.fixture(scope="module")
def databases(postgresql: str) -> Iterator[Postgresql]:
    made = Postgresql(postgresql)
    yield made
    made.drop_all()


@pytest.fixture
def home(databases: Postgresql, tmp_path: Path) -> Path:
    port = free_port()
    url, home = f"http://127.0.0.1:{port}", tmp_path / "rs"
    create_node(home, jurisdiction=Jurisdiction.RS, url=url, port=port, database_url=databases.new())
    return home


def process_of(home: Path, *options: str, **environment: str) -> Process:
    [port] = re.findall(r"^port = (\d+)$", (home / "config.toml").read_text(), re.MULTILINE)
    return Process(home, int(port), environment, options=["--processes", str(PROCESSES), *options])


@pytest.fixture
def node(home: Path) -> Iterator[Process]:
    served = process_of(home)
    with served.running():
        eventually(lambda: told(served, "the node is served"))
        yield served


def told(node: Process, sentence: str) -> int:
    return node.log.read_text(encoding="utf-8").count(sentence)


def supervisor_of(node: Process) -> int:
    [pid] = lock_holders(node.home / "serve.lock")
    return pid


def answering(node: Process) -> list[int]:
    """The processes that answer, by what they said of themselves."""
    return [
        int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", node.log.read_text()) if alive(int(pid))
    ]


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_they_are_one_node(node: Process, ffp: Ffp) -> None:
    """One supervisor holds home and database; a second is refused; all work is done by one process."""
    supervisor = supervisor_of(node)
    assert len(children_of(supervisor)) == PROCESSES + 1
    assert len(answering(node)) == PROCESSES
    assert told(node, "leads the workers of this node") == 1
    assert "another process" in refusal(ffp("serve", "--home", node.home, "--processes", "2"))
    with opened(node.home) as other, pytest.raises(Exception, match="another process"), at_rest(other):
        pass
    status = node.get("/v1/status")
    node.wait_for(lambda found: found["signed_size"] == status["log_size"])


def test_tries_are_those_of_the_node(node: Process) -> None:
    """Two processes let in as much as one does."""

    def wrong(number: int) -> int:
        headers = {"Authorization": f"Bearer ffp_wrong_{number}", "Connection": "close"}
        return httpx.get(f"{node.url}/v1/status", headers=headers, trust_env=False).status_code

    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(wrong, range(3 * TRIES_A_MINUTE)))
    came_back = int((time.monotonic() - begun) * TRIES_A_MINUTE / 60) + 1
    assert TRIES_A_MINUTE <= answers.count(401) <= TRIES_A_MINUTE + came_back
    assert answers.count(401) + answers.count(429) == 3 * TRIES_A_MINUTE


def test_a_peers_request_is_answered_once_by_all_of_them(node: Process, tmp_path: Path) -> None:
    """Each request is sent twelve times at once, over as many connections; one is answered, the others are replays."""
    port = free_port()
    create_node(tmp_path / "mk", jurisdiction=Jurisdiction.MK, url=f"http://127.0.0.1:{port}", port=port)
    with opened(tmp_path / "mk") as peer, opened(node.home) as own:
        introduction = read_introduction(own, peer.card_envelope.raw)
        enrol(own, introduction, confirmed=introduction.fingerprint, legal_basis="a test")
        key = peer.keys.transport
    target = f"{node.url}/v1/lane?start=0&head={'00' * 32}"

    def ask(headers: dict[str, str]) -> int:
        return httpx.get(target, headers=headers | {"Connection": "close"}, trust_env=False, timeout=60).status_code

    name = requester_id("ffp-mk", raw_public(key))
    for _ in range(5):
        signed = sign_request(key, name, method="GET", url=target, body=None, now=int(time.time()))
        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(ask, [signed] * 12))
        assert answers.count(200) == 1
        assert set(answers) <= {200, 401, 409, 429}, answers


def test_one_that_is_killed_is_replaced_and_the_node_goes_on(node: Process) -> None:
    first, second = answering(node)
    os.kill(first, signal.SIGKILL)
    eventually(lambda: first not in answering(node) and len(answering(node)) == PROCESSES)
    assert second in answering(node)
    assert told(node, "another one takes its place") == 1
    for _ in range(10):
        assert node.get("/v1/status")["records"] == 0


def test_one_that_hangs_is_replaced(home: Path) -> None:
    """Stopped, so that its event loop answers no more, as if it were busy for ever."""
    program = "tests.exchange.cli.impatient_supervisor"
    [port] = re.findall(r"^port = (\d+)$", (home / "config.toml").read_text(), re.MULTILINE)
    node = Process(home, int(port), program=(program,), options=["--processes", "2"])
    with node.running():
        eventually(lambda: told(node, "the node is served"))
        first, _ = answering(node)
        os.kill(first, signal.SIGSTOP)
        eventually(lambda: not alive(first))
        assert told(node, "does not answer; it is killed") == 1
        eventually(lambda: len(answering(node)) == PROCESSES)


def test_when_the_supervisor_is_killed_all_stop_and_the_next_may_begin(home: Path) -> None:
    node = process_of(home)
    node.start()
    node.wait_ready()
    eventually(lambda: told(node, "the node is served"))
    others = children_of(supervisor_of(node))
    node.kill()
    eventually(lambda: not any(map(alive, others)), GONE_S)
    assert told(node, "the process that looks after this one is gone") == PROCESSES
    with node.running():
        eventually(lambda: told(node, "the node is served") == 2)


def test_they_stop_within_two_seconds(home: Path) -> None:
    node = process_of(home)
    node.start()
    node.wait_ready()
    eventually(lambda: told(node, "the node is served"))
    begun = time.monotonic()
    node.stop()
    took = time.monotonic() - begun
    assert took < STOP_S or os.getloadavg()[0] > (os.cpu_count() or 1), took


def test_no_connection_is_dropped_while_all_are_replaced(node: Process) -> None:
    """Eight programs ask without pause over connections that they keep; each process is replaced twice."""
    ended, errors, answers = threading.Event(), [], [0] * 8
    before = answering(node)

    def ask(number: int) -> None:
        with httpx.Client(base_url=node.url, headers=node.examiner, trust_env=False, timeout=60) as client:
            while not ended.is_set():
                try:
                    answer = client.get("/v1/status")
                    if answer.status_code != 200:
                        errors.append(answer.text)
                    answers[number] += 1
                except httpx.TransportError as error:
                    errors.append(repr(error))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(answers))]
    for thread in threads:
        thread.start()
    try:
        for times in (2, 3):
            os.kill(supervisor_of(node), signal.SIGHUP)
            eventually(lambda times=times: told(node, "the node is served") == times, 120)  # type: ignore[misc]
        eventually(lambda: not any(map(alive, before)))
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert min(answers) > 0
    assert not set(before) & set(answering(node))
    assert len(answering(node)) == PROCESSES
    assert told(node, "another one takes its place") == 0


def test_settings_that_are_wrong_leave_those_that_run(node: Process) -> None:
    before, settings = answering(node), node.home / "config.toml"
    written = settings.read_text()
    settings.write_text(written + 'no_such_setting = "x"\n')
    os.kill(supervisor_of(node), signal.SIGHUP)
    eventually(lambda: told(node, "the reload breaks off"), 60)
    assert told(node, "another one is tried") == RENEWALS - 1
    assert answering(node) == before
    settings.write_text(written)
    ready = told(node, "the node is served")
    os.kill(supervisor_of(node), signal.SIGHUP)
    eventually(lambda: told(node, "the node is served") > ready, 60)
    assert not set(before) & set(answering(node)[-PROCESSES:])


def test_doctor_takes_them_for_one_node(node: Process) -> None:
    """Also where none of them answers: it names the supervisor, with which all stop, and no foreign program."""
    settings = load_settings(node.home)
    assert examine_port(settings) == (True, [])
    supervisor = supervisor_of(node)
    stopped = children_of(supervisor)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        served, [finding] = examine_port(settings)
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)
    assert not served
    assert finding.cause is Cause.NODE_SILENT
    assert f"kill {supervisor}" in finding.next


def test_each_writes_under_the_one_generation(node: Process, databases: Postgresql) -> None:
    """When another server begins, as after a restart of the database that let its lock go, none of them writes on."""
    with opened(node.home) as other:
        databases.cut(databases._database(node.home))  # the lock is gone with its connection
        with other.store.served("another machine"):
            answers = [read(node) for _ in range(20)]
    assert {answer.status_code for answer in answers} == {503}
    assert all("stops one of the two" in answer.text for answer in answers), "each answer has an audit row before it"


def read(node: Process) -> httpx.Response:
    return node.http.get("/v1/records", headers=node.examiner | {"FFP-Purpose": "investigation"})


def test_on_sqlite_one_sentence_says_what_to_do(tmp_path: Path, ffp: Ffp) -> None:
    create_node(tmp_path / "node", jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=free_port())
    said = refusal(ffp("serve", "--home", tmp_path / "node", "--processes", "2"))
    assert "SQLite" in said
    assert "leave out --processes" in said


def test_a_port_that_is_taken_is_said_and_nothing_is_begun(home: Path, ffp: Ffp) -> None:
    [port] = re.findall(r"^port = (\d+)$", (home / "config.toml").read_text(), re.MULTILINE)
    with socket.create_server(("127.0.0.1", int(port))):
        assert f"Port {port}" in refusal(ffp("serve", "--home", home, "--processes", "2"))


def test_one_that_dies_again_and_again_takes_nobody_along(node: Process) -> None:
    """The process that works, here: the others answer, and it is tried again later."""
    answering_before = set(answering(node))
    for times in range(1, DEATHS + 2):
        [working] = [pid for pid in children_of(supervisor_of(node)) if pid not in answering(node)]
        os.kill(working, signal.SIGKILL)
        eventually(lambda times=times: told(node, '"task": "works"') >= times)  # type: ignore[misc]
        if times <= DEATHS:
            eventually(lambda: len(children_of(supervisor_of(node))) == PROCESSES + 1)
    assert told(node, "again and again; the next one is tried later") == 1
    assert set(answering(node)) == answering_before
    assert node.get("/v1/status")["records"] == 0


def test_the_metrics_are_of_all_processes(home: Path) -> None:
    """A scrape adds up what each counted; what one counted stays when it is replaced."""
    port = free_port()
    node = process_of(home, FFP_NODE_METRICS_PORT=str(port))

    def answered() -> float:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30).text
        found = re.findall(r'^ffp_http_requests_total\{.*route="/v1/node",.*\} (\S+)$', text, re.MULTILINE)
        return sum(map(float, found))

    with node.running():
        eventually(lambda: told(node, "the node is served"))
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: node.http.get("/v1/node").status_code, range(80)))
        assert answers == [200] * 80
        assert answered() == 80
        os.kill(supervisor_of(node), signal.SIGHUP)
        eventually(lambda: told(node, "the node is served") == 2, 60)
        assert answered() == 80
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30).text
        assert float(re.findall(r"^process_cpu_seconds_total (\S+)$", text, re.MULTILINE)[0]) > 0
        assert "ffp_correlation_seconds_count" in text
