"""The observer that is an enrolled peer: it signs anything, names any digest, and asks every route with every value
that it has ever seen."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel

from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.query.ask import Question, ask
from exchange.flows.statement.sharing import share
from exchange.flows.statement.sign_statement import enter, say
from exchange.flows.terms.withdraw import withdraw
from exchange.net.client import READS
from exchange.net.message_signatures import COVERED_FIELDS, sign_request
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.log.statement_rows import append_own
from exchange.store.node.jobs import JobKind
from exchange.trust.keys import raw_public, requester_id
from schemas import (
    CONTRACT_VERSION,
    Feedback,
    Grant,
    Maker,
    Message,
    Record,
    Retraction,
    Withdrawal,
    open_envelope,
    parse_statement,
    statement_id,
)
from schemas.lane import next_head, parse_lane_page
from schemas.vocabulary import Jurisdiction, LawfulPurpose, Role, SignedInBy, WithdrawalReason
from tests.exchange.flows.network import MK, RS, XK
from tests.exchange.open_policy import HEAD
from tests.observers.coverage import Coverage
from tests.observers.seen.description import Asked, Description, Seen
from tests.observers.seen.wire import Exchange
from tests.observers.trial import Meanwhile, Told
from tests.observers.world import World
from tests.schemas.examples import acquisition_fields, encoded, record_fields

VERSION: Final = {READS: CONTRACT_VERSION}
ASKED: Final = (RS, XK)
"""Whose node is observed, and who holds some of its records."""
WHO = Maker(pseudonym="curious", role=Role.INVESTIGATOR, signed_in=SignedInBy.TOKEN)
MOST = 4
"""Values of one route, beside those that it was told."""
OWN_NONCE = hashlib.sha256(b"nonces of the observer's records").hexdigest()


class CuriousPeer:
    """North Macedonia's node in the hands of whoever wants to know."""

    def __init__(self, world: World, told: Told, coverage: Coverage, *, most: int = MOST) -> None:
        self._world, self._told, self._coverage, self._most = world, told, coverage, most
        self._http = world.wire.client(MK)
        self._key = world.mk.keys.transport
        self._seen = {host: Seen(told.values) for host in ASKED}
        self._signed: list[str] = []

    def sign_anything(self) -> None:
        """Statements that name what it was told, as if it knew what that is."""
        for number, digest in enumerate(self._told.sizes):
            self._sign_record(number, digest)
        for value in self._told.values:
            if value not in self._told.sizes:
                self._sign_about(value)
        sign_head(self._world.mk)

    def _sign_record(self, number: int, digest: str) -> None:
        """A record of its own that names a scan which it has never had."""
        node = self._world.mk
        blob = {"sha256": digest, "size": self._told.sizes[digest], "media_type": "application/x-x3p"}
        fields = record_fields(
            issuer=MK,
            jurisdiction="MK",
            nonce=hashlib.sha256(f"{OWN_NONCE} {number}".encode()).hexdigest(),
            case_reference=f"MK-{number}",
            audience=["RS", "XK"],
            handling={"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
            acquisitions=[acquisition_fields(blob=blob)],
        )
        payload = encoded(fields)
        record = parse_statement(payload)
        assert isinstance(record, Record)
        with node.store.write() as session:
            append_own(session, statement_id(payload), record, record.type, node.keys.statement.sign(payload))
            add_record(session, statement_id(payload), record, submitted_by=None, state=AcquisitionState.QUEUED)
            share(session, statement_id(payload), record, history=node.history)
        self._signed.append(statement_id(payload))

    def _sign_about(self, value: str) -> None:
        """What a peer may say of a statement, its own or not."""
        node = self._world.mk
        said: list[tuple[type[BaseModel], dict[str, Any]]] = [
            (Feedback, {"hit": value, "outcome": "disputed"}),
            (Retraction, {"retracts": value, "reason": "Never was one."}),
            (Withdrawal, {"record": value, "first_version": value, "reason": "entered_in_error"}),
            (Grant, {"record": value, "first_version": value, "jurisdiction": Jurisdiction.RS, "legal_basis": "None."}),
            (Message, {"to": RS, "about": value, "text": "What is it?"}),
        ]
        for kind, fields in said:
            self._world.steps.step()
            ready = say(node, kind, WHO, **fields)  # type: ignore[type-var]
            with node.store.write() as session:
                enter(session, ready, to=list(ASKED))

    def take_back(self) -> None:
        """Withdraw the records that name scans which it never had: others acknowledge what became of these."""
        for record in self._signed:
            self._world.steps.step()
            withdraw(self._world.mk, HEAD, record, WithdrawalReason.ENTERED_IN_ERROR)
        sign_head(self._world.mk)

    def query(self, record: str) -> None:
        """Ask with an own scan, and wait for the answers on the lanes."""
        self._world.steps.step()
        question = Question(record, 0, LawfulPurpose.INVESTIGATION, "Test agreement, article 1")
        ask(self._world.mk, WHO, question, [RS])
        sign_head(self._world.mk)
        self._world.steps.step(5)
        self._world.workers[MK].drain(JobKind.SEND_QUERY)

    def crawl(self, description: Description, host: str, *, peers_alone: bool) -> None:
        """Every GET route, or those where a peer is answered."""
        self._follow_lane(host)
        for path in description.routes():
            if peers_alone and not is_for_peers(description, path):
                continue
            for asked in self._requests(description, path, host):
                answer = self._ask(host, asked)
                if asked.path.startswith("/v1/blobs") and answer.status_code == 200:
                    self._ask(host, asked, Range="bytes=10-20")

    def _requests(self, description: Description, path: str, host: str) -> Iterator[Asked]:
        most = self._most if is_for_peers(description, path) else 2
        if path in ("/v1/lane", "/v1/lane/news"):
            return
        for number, asked in enumerate(description.requests(path, self._seen[host], most=most)):
            if is_for_peers(description, path) or number < 2:
                yield asked

    def _follow_lane(self, host: str) -> None:
        """Its own lane from the start on, with every size of the log that it knows; then with wrong places."""
        start, head, heads = 0, bytes(32), [(0, bytes(32))]
        while True:
            answer = self._ask(host, _lane(start, head, 0))
            page = parse_lane_page(answer.content)
            if page.checkpoint is not None:
                self._seen[host].text(base64.b64decode(page.checkpoint).decode())
            if not page.items:
                break
            for item in page.items:
                if item.envelope is not None:
                    self._seen[host].text(open_envelope(base64.b64decode(item.envelope)).payload.decode())
                start, head = start + 1, next_head(head, item.statement_id)
                heads.append((start, head))
        for size in sorted(int(size) for size in self._seen[host].values("size"))[-2:]:
            self._ask(host, _lane(0, bytes(32), size))
        for place, known in (heads[len(heads) // 2], (start + 1, head), (max(start - 1, 0), head)):
            self._ask(host, _lane(place, known, 0))
        self._ask(host, _asked("/v1/lane", {"start": start, "head": head.hex()}, VERSION))
        for place, known in (heads[0], heads[-1], (start + 1, head)):
            query = {"start": place, "head": known.hex(), "wait": 1}
            for more in ({}, {"known_size": 1}):
                self._ask(host, _asked("/v1/lane/news", query | more, VERSION))

    def _ask(self, host: str, asked: Asked, **headers: str) -> httpx.Response:
        url, sent = self._world.network.nodes[host].settings.url + asked.target, {**asked.headers, **headers}
        signed = sign_request(
            self._key,
            requester_id(MK, raw_public(self._key)),
            method="GET",
            url=url,
            body=None,
            now=int(time.time()),
            fields={name: value for name, value in sent.items() if name.lower() in COVERED_FIELDS},
        )
        answer = self._http.get(url, headers={**sent, **signed})
        self._coverage.note(asked.path, answer.status_code, asked.parameters)
        if answer.status_code < 400:
            self._seen[host].text(_readable(answer))
        return answer

    def close(self) -> None:
        self._http.close()


def observe_as_peer(world: World, told: Told, meanwhile: Meanwhile, coverage: Coverage) -> Sequence[Exchange]:
    """1. Sign what names the secret, have it pulled, send a query.
    2. What happens anyway happens.
    3. Ask the owner everything; take back what it signed; ask whoever holds some of it too, and the owner again.
    """
    description = description_of(world)
    peer = CuriousPeer(world, told, coverage)
    try:
        peer.sign_anything()
        peer.query(world.records["1-2"])
        world.work()
        meanwhile()
        peer.crawl(description, RS, peers_alone=False)
        peer.take_back()
        world.work()
        for host in (XK, RS):
            peer.crawl(description, host, peers_alone=True)
    finally:
        peer.close()
    _note_own_requests(world, coverage)
    return [exchange for exchange in world.wire.told if MK in _ends(world, exchange)]


def _note_own_requests(world: World, coverage: Coverage) -> None:
    """What the observer's node posted by itself: queries and reports."""
    for exchange in world.wire.told:
        if exchange.asker == MK and exchange.request.method == "POST":
            coverage.note(f"POST {exchange.request.url.path}", exchange.answer.status_code)


def _ends(world: World, exchange: Exchange) -> set[str]:
    asked = {httpx.URL(node.settings.url).host: node_id for node_id, node in world.network.nodes.items()}
    return {exchange.asker, asked[exchange.asked]}


def description_of(world: World) -> Description:
    """As the observed node gives it to anybody."""
    with world.wire.client() as client:
        return Description(client.get(f"{world.rs.settings.url}/v1/openapi.json").json())


def is_for_peers(description: Description, path: str) -> bool:
    """Whether a peer may be answered there: where no token is asked for, and on the two that are for both."""
    return description.scope(path) is None or path in ("/v1/blobs/{sha256}", "/v1/log/tile/{tile_path}")


def _lane(start: int, head: bytes, known_size: int, **more: int) -> Asked:
    return _asked("/v1/lane", {"start": start, "head": head.hex(), "known_size": known_size, **more}, {})


def _asked(path: str, query: Mapping[str, object], headers: Mapping[str, str]) -> Asked:
    return Asked(path, f"{path}?{urlencode(query)}", headers, frozenset({*query, *headers}))


def _readable(answer: httpx.Response) -> str:
    kind = answer.headers.get("content-type", "")
    return answer.text if kind.startswith(("text/", "application/json")) else ""
