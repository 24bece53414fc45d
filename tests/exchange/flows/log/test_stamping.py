"""Heads are stamped when they are due, by a real authority; one that is away, wrong, slow or endless stops nothing."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.clock import stamp_in
from exchange.errors import ConfigurationError, NotFound, TimeStampError, TimeStampRefused, TimeStampUnavailable
from exchange.flows.integrity.log_check import check_log
from exchange.flows.log.stamping import note_stamp_failure, read_stamp, stamp_head
from exchange.flows.node.node import Node, create_node, open_node
from exchange.flows.operate.status import node_status
from exchange.log import note
from exchange.log.timestamp import MAX_REPLY_BYTES
from exchange.net.time_authority import TimeAuthorityClient
from exchange.store.log.stamps import find_stamp
from exchange.store.log.statement_rows import latest_checkpoint
from exchange.store.tables.log import StampRow
from schemas.vocabulary import Jurisdiction
from tests.exchange.anywhere import ANYWHERE
from tests.exchange.flows.owner import Owner, owner_of
from tests.exchange.log.authority import Authority, ServedAuthority, altered, served, url_of
from tests.exchange.running_nodes import RunningNode, enrol_each_other, free_port
from tests.exchange.web.conftest import problem, tiny_scan

TIMEOUT_S = 1.0
INTERVAL_S = 3600


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "own")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def node(tmp_path: Path, authority: Authority, port: int) -> Iterator[Node]:
    """Serbia's node with one signed head, which trusts the authority; it has no worker, so the tests say when."""
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    (home / "roots.pem").write_bytes(authority.roots.read_bytes())
    with (home / "config.toml").open("a") as config:
        config.write(f'timestamp_url = "{url_of(port)}"\ntimestamp_roots = "roots.pem"\n')
        config.write(f"timestamp_interval_s = {INTERVAL_S}\n")
    opened = open_node(home)
    yield opened
    opened.close()


@pytest.fixture
def owner(node: Node) -> Owner:
    found = owner_of(node)
    found.publish()
    return found


@pytest.fixture
def client() -> Iterator[TimeAuthorityClient]:
    made = TimeAuthorityClient(guard=ANYWHERE, timeout_s=TIMEOUT_S)
    yield made
    made.close()


@pytest.fixture
def running(authority: Authority, port: int) -> Iterator[ServedAuthority]:
    with served(authority, port) as found:
        yield found


def stamped(node: Node, size: int) -> StampRow | None:
    with node.store.read() as session:
        return find_stamp(session, size)


def alarms(node: Node) -> list[str]:
    return node_status(node).alarms


def tried(node: Node, client: TimeAuthorityClient) -> TimeStampError:
    """One round of the worker that must fail."""
    with pytest.raises(TimeStampError) as failed:
        stamp_head(node, client)
    note_stamp_failure(node, failed.value)
    return failed.value


def test_the_newest_head_is_stamped(
    owner: Owner, client: TimeAuthorityClient, running: ServedAuthority, authority: Authority
) -> None:
    for _ in range(3):
        owner.publish()
    assert stamp_head(owner.node, client)
    with owner.node.store.read() as session:
        head = latest_checkpoint(session)
    found = stamped(owner.node, 5)
    assert head is not None
    assert found is not None
    assert (head.size, found.authority) == (5, "CN=Test signer")
    assert abs(datetime.fromisoformat(found.at) - datetime.now(UTC)) < timedelta(minutes=10)
    assert authority.accepts(read_stamp(owner.node, 5), head.note)
    assert len(note.parse_note(head.note).signatures) == 2, "text and both signatures are under the stamp"
    status = node_status(owner.node)
    assert (status.stamped_size, status.stamped_at, status.alarms) == (5, found.at, [])
    check = check_log(owner.node)
    assert (check.stamps, check.findings) == (1, [])


def test_a_head_is_stamped_once_and_heads_at_most_so_often(
    owner: Owner, client: TimeAuthorityClient, running: ServedAuthority
) -> None:
    assert stamp_head(owner.node, client)
    assert not stamp_head(owner.node, client), "it has one"
    owner.publish()
    assert not stamp_head(owner.node, client), "the last one is too young"
    assert running.asked == 1
    with owner.node.store.write() as session:
        session.get_one(StampRow, 2).received_at = stamp_in(-INTERVAL_S - 1)
    assert stamp_head(owner.node, client)
    with owner.node.store.write() as session:
        session.get_one(StampRow, 3).received_at = stamp_in(-INTERVAL_S - 1)
    assert not stamp_head(owner.node, client), "the log has not grown"
    assert running.asked == 2


def test_nothing_is_asked_before_a_head_is_signed(
    node: Node, client: TimeAuthorityClient, running: ServedAuthority
) -> None:
    assert not stamp_head(node, client)
    assert running.asked == 0


def test_who_asks_for_a_stamp_that_is_not_there_is_told_of_the_next(
    owner: Owner, client: TimeAuthorityClient, running: ServedAuthority
) -> None:
    with pytest.raises(NotFound, match="yet; ask again later"):
        read_stamp(owner.node, 1)
    assert stamp_head(owner.node, client)
    with pytest.raises(NotFound, match="next larger one that has is 2"):
        read_stamp(owner.node, 1)
    with pytest.raises(NotFound, match="nor a larger one"):
        read_stamp(owner.node, 3)


def test_an_authority_that_is_away_is_an_alarm_until_it_is_back(
    owner: Owner, client: TimeAuthorityClient, authority: Authority, port: int
) -> None:
    error = tried(owner.node, client)
    assert isinstance(error, TimeStampUnavailable)
    [alarm] = alarms(owner.node)
    since = alarm.partition("Time-stamps missing since ")[2].partition(": ")[0]
    tried(owner.node, client)
    [again] = alarms(owner.node)
    assert f"missing since {since}: http://127.0.0.1:{port}/stamp does not answer" in again
    with served(authority, port):
        assert stamp_head(owner.node, client)
    assert alarms(owner.node) == []
    assert stamped(owner.node, 2)


def wrong_digest(served: ServedAuthority, owner: Owner, authority: Authority, folder: Path) -> None:
    with owner.node.store.read() as session:
        head = latest_checkpoint(session)
    assert head is not None
    digest = hashlib.sha256(head.note).digest()
    served.answer = lambda request: authority.reply(altered(request, digest))


def wrong_nonce(served: ServedAuthority, owner: Owner, authority: Authority, folder: Path) -> None:
    nonce_ends_at = -3  # then comes BOOLEAN TRUE: the certificate is asked for
    served.answer = lambda request: authority.reply(
        request[: nonce_ends_at - 1] + bytes([request[nonce_ends_at - 1] ^ 1]) + request[nonce_ends_at:]
    )


def another_authority(served: ServedAuthority, owner: Owner, authority: Authority, folder: Path) -> None:
    served.answer = Authority(folder / "posing").reply


def too_large(served: ServedAuthority, owner: Owner, authority: Authority, folder: Path) -> None:
    served.answer = lambda request: authority.reply(request) + bytes(MAX_REPLY_BYTES)


def endless(served: ServedAuthority, owner: Owner, authority: Authority, folder: Path) -> None:
    served.announces = False
    served.answer = lambda _: bytes(32 * 1024 * 1024)


def no_reply(served: ServedAuthority, owner: Owner, authority: Authority, folder: Path) -> None:
    served.answer = lambda _: b"<html>Welcome to the portal</html>"


def another_address(served: ServedAuthority, owner: Owner, authority: Authority, folder: Path) -> None:
    served.status = 403


WRONG = {
    "another digest": (wrong_digest, "something else than the head"),
    "another nonce": (wrong_nonce, "Nonce"),
    "another authority": (another_authority, "unable to get local issuer certificate"),
    "a large answer": (too_large, "more than 65536 bytes"),
    "an endless answer": (endless, "more than 65536 bytes"),
    "a web page": (no_reply, "no stamp that can be believed"),
    "a status of 403": (another_address, "status 403; is it the address"),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_refused_and_an_alarm(
    owner: Owner,
    client: TimeAuthorityClient,
    running: ServedAuthority,
    authority: Authority,
    tmp_path: Path,
    wrong: str,
) -> None:
    make, saying = WRONG[wrong]
    make(running, owner, authority, tmp_path)
    error = tried(owner.node, client)
    assert isinstance(error, TimeStampRefused)
    [alarm] = alarms(owner.node)
    assert saying in alarm
    assert "timestamp_roots" in alarm, "it names the next step"
    assert stamped(owner.node, 2) is None
    running.answer, running.status, running.announces = authority.reply, 200, True
    assert stamp_head(owner.node, client)
    assert alarms(owner.node) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_authority_that_says_later_is_asked_later(
    owner: Owner, client: TimeAuthorityClient, running: ServedAuthority, status: int
) -> None:
    running.status = status
    with pytest.raises(TimeStampUnavailable, match=f"status {status}"):
        stamp_head(owner.node, client)


@pytest.mark.slow
@pytest.mark.parametrize("announces", [True, False])
def test_a_slow_answer_is_not_waited_for(
    owner: Owner, client: TimeAuthorityClient, running: ServedAuthority, announces: bool
) -> None:
    """A byte now and then keeps no thread for ever: 1,300 of them would take a minute."""
    running.pause_s, running.announces = 0.05, announces
    began = time.monotonic()
    error = tried(owner.node, client)
    assert TIMEOUT_S <= time.monotonic() - began < TIMEOUT_S + 5
    assert isinstance(error, TimeStampUnavailable)
    assert "took longer than 1 s" in alarms(owner.node)[0]


def test_a_node_that_stops_does_not_wait_for_the_authority(
    owner: Owner, client: TimeAuthorityClient, running: ServedAuthority
) -> None:
    """Neither for an answer that is on its way, nor for one to come."""
    running.pause_s = 60
    patient = TimeAuthorityClient(guard=ANYWHERE, timeout_s=60)
    waits = threading.Timer(0.3, patient.hang_up)
    waits.start()
    began = time.monotonic()
    with pytest.raises(TimeStampUnavailable, match="stopping"):
        stamp_head(owner.node, patient)
    assert time.monotonic() - began < 10
    waits.join()
    patient.close()

    client.hang_up()
    with pytest.raises(TimeStampUnavailable, match="stopping"):
        stamp_head(owner.node, client)
    assert running.asked == 1


def test_a_stamp_at_rest_that_is_altered_is_found(
    owner: Owner, client: TimeAuthorityClient, running: ServedAuthority
) -> None:
    assert stamp_head(owner.node, client)
    with owner.node.store.write() as session:
        row = session.get_one(StampRow, 2)
        row.token = row.token[:-1] + bytes([row.token[-1] ^ 1])
    [finding] = check_log(owner.node).findings
    assert finding.subject == "time stamp of size 2"
    assert "earlier authorities" in finding.what


def test_without_an_authority_nothing_is_missing(owner: Owner, client: TimeAuthorityClient) -> None:
    tried(owner.node, client)
    home = owner.node.settings.home
    config = home / "config.toml"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(line for line in lines if not line.startswith("timestamp_")))
    without = open_node(home)
    assert not stamp_head(without, client)
    assert alarms(without) == []
    without.close()


@pytest.mark.parametrize(
    ("line", "saying"),
    [
        ('timestamp_url = "http://tsa.example/"', "timestamp_roots names no PEM file"),
        ('timestamp_url = "http://tsa.example/"\ntimestamp_roots = "nowhere.pem"', "cannot be read"),
        ('timestamp_url = "http://tsa.example/"\ntimestamp_roots = "config.toml"', "holds no certificates"),
        ('timestamp_url = "http://name:secret@tsa.example/"', "without a name and password"),
        ('timestamp_url = "ftp://tsa.example/"', "is written http"),
        ('timestamp_url = "http://tsa.example/a b"', "is written http"),
    ],
)
def test_settings_that_make_no_authority_are_refused_at_the_start(tmp_path: Path, line: str, saying: str) -> None:
    home = tmp_path / "node"
    create_node(home, jurisdiction=Jurisdiction.RS, url="http://127.0.0.1:9", port=9)
    with (home / "config.toml").open("a") as config:
        config.write(line + "\n")
    with pytest.raises(ConfigurationError, match=saying) as refused:
        open_node(home)
    assert "secret" not in str(refused.value)


@pytest.mark.slow
def test_time_stamp_authority_away_the_exchange_goes_on(
    start_node: Callable[..., RunningNode], authority: Authority, port: int
) -> None:
    """Two nodes share a record while nobody answers at the authority's address; once it is back, both are stamped."""
    wanted = {"timestamp_url": url_of(port), "timestamp_roots": authority.roots, "timestamp_interval_s": 0.5}
    rs, mk = start_node(Jurisdiction.RS, **wanted), start_node(Jurisdiction.MK, **wanted)
    enrol_each_other(rs, mk)
    receipt = rs.submit(tiny_scan(), level="full", audience=["MK"]).json()
    assert receipt["created"]
    mk.wait_for(lambda status: status["records"] == 1 and status["acquisitions"] == {"not-usable": 1}, 20)
    rs.wait_for(lambda status: status["witnesses"] == {"ffp-mk": status["log_size"]}, 20)
    for node in (rs, mk):
        status = node.wait_for(lambda status: status["alarms"] != [], 20)
        [alarm] = status["alarms"]
        assert "Time-stamps missing since" in alarm
        assert (status["stamped_size"], status["stamped_at"]) == (0, None)
    problem(rs.get("/v1/log/stamp/3"), 404, "not-found")

    with served(authority, port):
        for node, size in ((rs, 3), (mk, 2)):
            status = node.wait_for(lambda status: status["stamped_size"] == status["log_size"], 20)
            assert (status["stamped_size"], status["alarms"]) == (size, [])
        late = rs.submit(tiny_scan(), level="full", audience=["MK"], case_reference="RS-2").json()
        rs.wait_for(lambda status: status["stamped_size"] == late["log_index"] + 1, 20)

    stamp = rs.get("/v1/log/stamp/3")
    assert stamp.headers["content-type"] == "application/timestamp-reply"
    assert "immutable" in stamp.headers["cache-control"]
    head = rs.get("/v1/log/checkpoint/3")
    assert head.headers["content-type"] == "text/plain; charset=utf-8"
    text, _, lines = head.text.partition("\n\n")
    signed_by_the_log = f"{text}\n\n" + "".join(lines.splitlines(keepends=True)[:2])
    assert authority.accepts(stamp.content, signed_by_the_log.encode())
    assert len(lines.splitlines()) == 4, "with the cosignatures of its witness"
    problem(rs.get("/v1/log/checkpoint/9"), 404, "not-found")
