"""Programs are told that something is new: signed, once, again after a fault, and nothing of what is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from exchange.errors import InvalidInput, NotFound, WebhookFailed
from exchange.flows.alerts.webhooks import (
    MOST,
    TOLD_AGAIN_S,
    add_webhook,
    list_webhooks,
    remove_webhook,
    tell_webhook,
    try_webhook,
)
from exchange.flows.hits.pairs import work_out_all
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.operate.doctor.work import examine_alarms
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.measure import observe
from exchange.flows.operate.promised_work import promised_work
from exchange.flows.operate.status import node_status
from exchange.net.webhook import signed_headers
from exchange.store.node import jobs
from exchange.store.node.jobs import JobKind
from exchange.store.review.webhook_rows import WebhookEvent, announce_event, forget_messages_on
from exchange.store.tables.webhook_tables import WebhookMessageRow, WebhookRow
from exchange.store.tables.work_tables import JobRow
from exchange.worker.job_runner import AT_MOST
from schemas.vocabulary import Jurisdiction
from tests.exchange.flows.network import MK, RS, Network
from tests.exchange.flows.review.test_statements import agree, lead
from tests.exchange.flows.review.test_statements import pair as pair
from tests.exchange.running_nodes import RunningNode
from tests.exchange.webhook_server import WebhookServer, verified, webhook_server

BOTH = ("candidates", "hits")
RECORD = "a" * 64


@pytest.fixture
def server() -> Iterator[WebhookServer]:
    with webhook_server() as serving:
        yield serving


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    create_node(tmp_path / "home", jurisdiction=Jurisdiction.RS, url="https://ffp-rs.example", port=8440)
    with opened(tmp_path / "home") as node:
        yield node


def cause(node: Node, event: WebhookEvent, record: str | None = None) -> None:
    with node.store.write() as session:
        announce_event(session, event, record)


def waiting(node: Node) -> list[int]:
    with node.store.read() as session:
        jobs = session.scalars(select(JobRow.subject).where(JobRow.kind == "tell-webhook")).all()
        messages = session.scalars(select(WebhookMessageRow.message_id)).all()
    assert {*map(int, jobs)} >= {*messages}
    return sorted(messages)


def tell_all(node: Node) -> None:
    for message in waiting(node):
        tell_webhook(node, message, 1)


def test_the_signature_is_that_of_the_specification() -> None:
    """A message, its time and its key, computed by another implementation (openssl dgst -sha256 -hmac)."""
    found = signed_headers(b"0123456789abcdef0123456789abcdef", "msg_1", 1_700_000_000, b'{"a": 1}')
    assert found == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,BkMd8dqbxer7jqXt9Cs1PRXQkwb2OuNQP/SAT1E+bkc=",
    }


def test_a_message_has_ids_and_links_and_no_more(node: Node, server: WebhookServer) -> None:
    number, secret = add_webhook(node, server.url, BOTH)
    assert try_webhook(node, number) == server.url
    cause(node, WebhookEvent.CANDIDATES, RECORD)
    cause(node, WebhookEvent.HITS)
    tell_all(node)
    test, candidates, hits = server.messages(secret)
    assert (test["type"], test["data"]) == ("test", {"node": node.node_id, "links": {}})
    assert candidates["type"] == "candidates.ready"
    assert candidates["data"] == {
        "node": node.node_id,
        "record": RECORD,
        "links": {
            "candidates": f"https://ffp-rs.example/v1/records/{RECORD}/candidates",
            "page": f"https://ffp-rs.example/records/{RECORD}/candidates",
        },
    }
    assert hits["type"] == "hits.changed"
    assert hits["data"] == {"node": node.node_id, "links": {"page": "https://ffp-rs.example/hits"}}
    assert waiting(node) == []
    (told,) = list_webhooks(node)
    assert (told.failure, told.told_at is not None) == (None, True)


def test_each_is_told_of_what_it_wants_and_of_the_same_once(node: Node, server: WebhookServer) -> None:
    add_webhook(node, server.url, ["hits"])
    add_webhook(node, server.url, ["candidates"])
    for _ in range(3):
        cause(node, WebhookEvent.HITS)
        cause(node, WebhookEvent.CANDIDATES, RECORD)
    assert len(waiting(node)) == 2
    with node.store.write() as session:
        session.scalars(select(JobRow).where(JobRow.kind == "tell-webhook")).first().state = "running"  # type: ignore[union-attr]
    cause(node, WebhookEvent.HITS)
    assert len(waiting(node)) == 3, "what is under way may be read before this is stored"
    with node.store.write() as session:
        forget_messages_on(session, RECORD)
    assert len(waiting(node)) == 2, "nobody is told of what is erased"


def test_a_program_that_is_away_is_told_again_later_under_the_same_name(node: Node, server: WebhookServer) -> None:
    number, secret = add_webhook(node, server.url, BOTH)
    cause(node, WebhookEvent.HITS)
    (message,) = waiting(node)
    server.statuses = [500, 302, 204]
    for attempt, told in ((1, "status 500"), (2, "status 302")):
        with pytest.raises(WebhookFailed, match=told) as failed:
            tell_webhook(node, message, attempt)
        assert failed.value.retry_after_s == TOLD_AGAIN_S[attempt - 1]
        alarms = node_status(node).alarms
        assert any(f"Webhook {number} (127.0.0.1) did not take the last message" in alarm for alarm in alarms)
    assert Cause.WEBHOOK in [finding.cause for finding in examine_alarms(node)]
    assert observe(node).value("ffp_webhooks_failing") == 1
    (job,) = promised_work(node, limit=10)
    assert (job.kind, job.subject) == ("tell-webhook", f"webhook {number}")
    tell_webhook(node, message, 3)
    assert len({headers["webhook-id"] for headers, _ in server.came}) == 1
    assert len(server.messages(secret)) == 3
    assert not any("Webhook" in alarm for alarm in node_status(node).alarms)
    tell_webhook(node, message, 4)
    assert len(server.came) == 3, "what was told is done"


def test_one_that_is_slow_keeps_no_other_waiting(node: Node, server: WebhookServer) -> None:
    slow, _ = add_webhook(node, server.url, ["candidates"])
    for number in range(3):
        cause(node, WebhookEvent.CANDIDATES, f"{number}" * 64)
    other, _ = add_webhook(node, server.url, ["hits"])
    cause(node, WebhookEvent.HITS)
    taken = []
    with node.store.write() as session:
        for _ in range(3):
            job = jobs.take(session, JobKind.TELL_WEBHOOK, owner="w", lease_s=9, at_most=AT_MOST[JobKind.TELL_WEBHOOK])
            session.flush()
            taken.append(job and job.node_id)
    assert taken == [f"webhook {slow}", f"webhook {other}", None]


def test_one_that_takes_a_message_to_try_it_is_in_order_again(node: Node, server: WebhookServer) -> None:
    number, _ = add_webhook(node, server.url, BOTH)
    cause(node, WebhookEvent.HITS)
    server.statuses = [500]
    with pytest.raises(WebhookFailed):
        tell_all(node)
    try_webhook(node, number)
    (told,) = list_webhooks(node)
    assert (told.failure, told.told_at is not None) == (None, True)
    assert len(waiting(node)) == 1, "what is promised is still to come"


def test_one_that_says_that_it_is_gone_is_told_no_more(node: Node, server: WebhookServer) -> None:
    number, _ = add_webhook(node, server.url, BOTH)
    cause(node, WebhookEvent.HITS)
    cause(node, WebhookEvent.CANDIDATES, RECORD)
    server.statuses = [410]
    tell_webhook(node, waiting(node)[0], 1)
    assert waiting(node) == []
    cause(node, WebhookEvent.HITS)
    assert waiting(node) == []
    assert any(f"Webhook {number} (127.0.0.1) is told nothing more" in alarm for alarm in node_status(node).alarms)


def test_one_that_is_removed_is_told_nothing_that_was_promised(node: Node, server: WebhookServer) -> None:
    number, _ = add_webhook(node, server.url, BOTH)
    cause(node, WebhookEvent.HITS)
    (message,) = waiting(node)
    assert remove_webhook(node, number) == server.url
    tell_webhook(node, message, 1)
    assert server.came == []
    with pytest.raises(NotFound):
        remove_webhook(node, number)


def test_who_changes_the_address_in_the_database_is_told_nothing(node: Node, server: WebhookServer) -> None:
    number, secret = add_webhook(node, "https://lims.example/ffp", BOTH)
    with node.store.write() as session:
        row = session.get_one(WebhookRow, number)
        assert secret.encode() not in row.secret
        row.url = server.url
    with pytest.raises(WebhookFailed, match="does not open"):
        try_webhook(node, number)
    assert server.came == []


def test_what_the_list_does_not_have_is_not_connected_to(node: Node, server: WebhookServer) -> None:
    """A stopped one is in the list of where the node connects to no more."""
    number, _ = add_webhook(node, server.url, BOTH)
    try_webhook(node, number)
    with node.store.write() as session:
        session.get_one(WebhookRow, number).stopped_at = "2026-01-01T00:00:00.000Z"
    with pytest.raises(WebhookFailed, match="no address of a peer or of a service"):
        try_webhook(node, number)
    assert len(server.came) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "lims.example",
        "http://lims.example/",
        "ftp://lims.example/",
        "https://user:password@lims.example/",
        "https://lims.example/#x",
        "https://lims.example/a b",
        "https://lims.example:port/",
        "https://[::1",
        "https://лимс.example/",
        "https://lims.example/" + "x" * 2_000,
    ],
)
def test_an_address_that_cannot_be_told_is_refused(node: Node, url: str) -> None:
    with pytest.raises(InvalidInput):
        add_webhook(node, url, BOTH)
    assert list_webhooks(node) == []


def test_there_are_only_so_many_and_only_these_events(node: Node) -> None:
    for events in ((), ("scores",), ("hits", "verdicts")):
        with pytest.raises(InvalidInput, match="none of the events candidates, hits"):
            add_webhook(node, "https://lims.example/", events)
    for _ in range(MOST):
        add_webhook(node, "https://lims.example/", BOTH)
    with pytest.raises(InvalidInput, match="at most"):
        add_webhook(node, "https://lims.example/", BOTH)


@pytest.mark.slow
def test_of_a_candidate_list_it_is_told_whether_anything_is_in_it_or_not(
    start_node: Callable[..., RunningNode], scans: dict[str, Path], server: WebhookServer
) -> None:
    """By a node that runs: promised with the correlation, told by its worker, again after a fault."""
    rs = start_node(Jurisdiction.RS)
    _, secret = add_webhook(rs.node, server.url, ["candidates"])
    server.statuses = [503]
    records = []
    for number, path in enumerate(list(scans.values())[:2]):
        answer = rs.submit(path, case_reference=f"RS-{number}")
        records.append(answer.json()["statement_id"])
    ends = time.monotonic() + 120
    while len(server.came) < 3 and time.monotonic() < ends:
        time.sleep(0.2)
    messages = server.messages(secret)
    assert sorted({message["data"]["record"] for message in messages}) == sorted(records)
    assert len(messages) == 3, "one of them twice"


@pytest.mark.slow
def test_of_a_hit_it_is_told_that_it_changed_and_not_which(
    network: Network, pair: dict[str, Any], server: WebhookServer
) -> None:
    nodes = [network.nodes[name] for name in (RS, MK)]
    secrets = [add_webhook(node, server.url, ["hits"])[1] for node in nodes]
    _, _, hit = lead(network, pair)
    network.settle()
    for node in nodes:
        assert len(waiting(node)) == 1
        tell_all(node)
        work_out_all(node)
        assert waiting(node) == [], "what changes nothing is not told"
    agree(network, hit.statement_id)
    network.settle()
    for node in nodes:
        tell_all(node)
    assert len(server.came) == 4, "a lead; and a comparison that was agreed"
    for number, (headers, body) in enumerate(server.came):
        assert verified(secrets[number % 2], headers, body)["type"] == "hits.changed"
        for side in pair.values():
            for told in (hit.statement_id, side["record"], side["scan"]):
                assert told.encode() not in body
