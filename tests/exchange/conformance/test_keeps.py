"""A node as it is keeps everything; nodes that were broken on purpose fail exactly the checks of what was broken."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Scope

from exchange.conformance.check import CheckResult, Verdict, run_checks
from exchange.conformance.checks import mirroring, reading, requests, witnessing
from exchange.conformance.checks.owning import refused_scan
from exchange.conformance.suite import GUEST, STRANGER
from exchange.conformance.targets import LANE
from exchange.errors import SignatureInvalid
from exchange.log import note
from exchange.net import message_signatures
from exchange.net.message_signatures import SignedRequest, sign_response, verify_request
from exchange.web import app
from exchange.web.access import caller
from exchange.web.http.ranges import file_answer
from exchange.web.rest import blob_routes as blobs
from tests.exchange.conformance.conftest import Answer, Asked, House, Spoil, enrolled, house
from tests.exchange.open_policy import allow_all
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow

HASTY = tuple(check for check in STRANGER if check.name != "slow-body-bounded")
READER = (
    *reading.CHECKS,
    *mirroring.TILES,
    *requests.CHECKS,
    *witnessing.CHECKS,
    *requests.BLOB_CHECKS,
    *reading.LATER,
)
UNTRIED = {"tls"}  # the node is on this machine


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, list[CheckResult]]]:
    """A node that shares a record, after the whole suite was run against it once; the guest stays enrolled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(caller, "REPORT_S", 1)
        patch.setattr(app, "DRAIN_S", 1)
        with house(tmp_path_factory.mktemp("visited")) as home:
            scan = tmp_path_factory.mktemp("scan") / "scan.x3p"
            _draw(scan)
            allow_all(home.node.node)
            sent = home.node.submit(scan, level="full", audience=["MK"], handling={"code": "H0"})
            assert sent.status_code == 201
            findings = list(run_checks(home.visit, STRANGER))
            with enrolled(home):
                findings += run_checks(home.visit, GUEST)
                yield home, findings


def _draw(path: Path) -> None:
    import matcher
    from matcher.synthetic import breech_face

    matcher.write_topography(breech_face.draw(1, 1), path, instrument="synthetic")


def test_a_node_as_it_is_keeps_everything(visited: tuple[House, list[CheckResult]]) -> None:
    findings = visited[1]
    not_kept, not_tried = (
        {found.check.name: found.evidence for found in findings if found.verdict is verdict}
        for verdict in (Verdict.NOT_KEPT, Verdict.NOT_TRIED)
    )
    assert not_kept == {}
    assert not_tried.keys() == UNTRIED, not_tried
    assert [found.check for found in findings] == [*STRANGER, *GUEST]


def test_nothing_but_traces_stays_on_the_node(visited: tuple[House, list[CheckResult]]) -> None:
    """The guest's records are gone; its bad items are in quarantine."""
    home, _ = visited
    deadline = time.monotonic() + 60  # what it was asked to erase it reads of at its next pull
    while home.node.get("/v1/status").json()["records"] != 1:
        assert time.monotonic() < deadline, "more than the node's own"
        time.sleep(0.2)
    guest = home.visit.guest
    listed = home.node.http.get(f"{home.node.url}/v1/peers", headers=home.node.bearer(list(home.node.tokens)[2])).json()
    assert [(peer["node_id"], peer["quarantined"]) for peer in listed] == [(guest.node.node_id, len(guest.poison))]


def at(path: str, change: Callable[[Answer], Answer], method: str = "GET") -> Spoil:
    """Spoils the good answers at one place."""
    return lambda asked, answer: change(answer) if (asked.method, asked.path) == (method, path) else answer


def always(change: Callable[[Answer], Answer]) -> Spoil:
    return lambda _asked, answer: change(answer)


def _html(answer: Answer) -> Answer:
    return Answer(answer.status, {**answer.headers, "content-type": "text/html"}, b"<html></html>")


def _as_json(answer: Answer) -> Answer:
    return answer.having(content_type="application/json") if answer.status == 200 else answer


def _one_signature(answer: Answer) -> Answer:
    if answer.status != 200:
        return answer
    form = answer.json
    return Answer(200, answer.headers, json.dumps({**form, "signatures": form["signatures"][:1]}).encode())


def _card_twice(answer: Answer) -> Answer:
    return replace(answer, body=json.dumps({**answer.json, "events": answer.json["events"][:1] * 2}).encode())


def _never_the_same() -> Spoil:
    count = iter(range(1, 1_000_000))
    return at("/v1/node", lambda answer: Answer(answer.status, answer.headers, answer.body + b" " * next(count)))


def _answers(when: Callable[[Asked], bool], path: str = "/v1/lane") -> Spoil:
    """Where the node refuses it answers instead."""

    def spoil(asked: Asked, answer: Answer) -> Answer:
        refused = asked.path == path and answer.status == 401 and when(asked)
        return _found(answer) if refused else answer

    return spoil


def _signature_input(asked: Asked) -> str:
    return asked.headers.get("signature-input", "")


def _number(asked: Asked, name: str) -> int:
    found = _signature_input(asked).partition(f"{name}=")[2]
    digits = found.partition(";")[0]
    return int(digits) if digits.isdigit() else 0


def _misdated(asked: Asked) -> bool:
    created = _number(asked, "created")
    return created > 0 and abs(created - time.time()) > 300


def _seen_twice() -> Callable[[Asked], bool]:
    seen: set[str] = set()

    def again(asked: Asked) -> bool:
        signature = asked.headers.get("signature", "")
        known = len(signature) == 94 and signature in seen
        seen.add(signature)
        return known

    return again


def _names_a_digest(asked: Asked, answer: Answer) -> Answer:
    if asked.path == "/v1/log/checkpoint" and answer.status == 401:
        problem = {**answer.json, "detail": f"You are not to know that the root is {'ab' * 32}."}
        return Answer(401, answer.headers, json.dumps(problem).encode())
    return answer


def _knows(asked: Asked, answer: Answer) -> Answer:
    if asked.path.endswith("0" * 64) and answer.status == 401:
        return Answer(401, answer.headers, json.dumps({**answer.json, "detail": "It is withheld."}).encode())
    return answer


def _pass_over(scope: Scope) -> None:
    if scope["path"] == "/v1/node":
        scope["query_string"] = b""


STRANGERS: dict[str, tuple[Spoil, set[str]]] = {
    "banner": (always(lambda answer: answer.having(server="Spoiled/1.0")), {"no-banner"}),
    "powered-by": (always(lambda answer: answer.having(x_powered_by="Spoils")), {"no-banner"}),
    "cacheable": (always(lambda answer: answer.having(cache_control="public, max-age=60")), {"no-caches"}),
    "caches-not-told": (always(lambda answer: answer.having(cache_control="")), {"no-caches"}),
    "sniffed": (always(lambda answer: answer.having(x_content_type_options="")), {"no-sniffing"}),
    "card-as-json": (at("/v1/node", _as_json), {"card-form"}),
    "card-half-signed": (at("/v1/node", _one_signature), {"card-signatures"}),
    "card-rewritten": (_never_the_same(), {"card-canonical", "key-chain"}),
    "no-key-events": (at("/v1/node/keys", lambda answer: replace(answer, body=b"{}")), {"key-chain"}),
    "card-twice": (at("/v1/node/keys", _card_twice), {"key-chain"}),
    "page-of-a-server": (at("/v1/there-is-nothing-here", _html), {"problem-of-a-path"}),
    "no-allow": (
        at("/v1/node", lambda answer: answer.having(allow=""), method="DELETE"),
        {"problem-of-a-method"},
    ),
    "answers-anybody": (
        _answers(lambda asked: not {"signature", "authorization"} & asked.headers.keys()),
        {"unsigned-refused"},
    ),
    "log-for-anybody": (_answers(lambda _asked: True, "/v1/log/checkpoint"), {"unsigned-refused"}),
    "believes-garbage": (_answers(lambda asked: "xxxx" in _signature_input(asked)), {"garbage-refused"}),
    "believes-old-requests": (_answers(_misdated), {"stranger-expired"}),
    "answers-repeated-requests": (_answers(_seen_twice()), {"stranger-replayed"}),
    "tells-a-digest": (_names_a_digest, {"unsigned-refused"}),
    "tells-what-it-has": (_knows, {"unknown-alike"}),
}


@pytest.mark.parametrize(("spoil", "failing"), STRANGERS.values(), ids=STRANGERS)
def test_what_is_broken_for_a_stranger_is_found(
    visited: tuple[House, list[CheckResult]], spoil: Spoil, failing: set[str]
) -> None:
    home, _ = visited
    home.visit.wire.told.clear()
    with home.broken(spoil):
        home.visit.shown = None
        assert home.failing(HASTY) == failing


def test_a_parameter_that_is_passed_over_is_found(visited: tuple[House, list[CheckResult]]) -> None:
    home, _ = visited
    home.visit.wire.told.clear()
    with home.broken(bend=_pass_over):
        assert home.failing(HASTY) == {"problem-of-a-parameter"}


def test_what_believes_every_signature_fails_every_door(visited: tuple[House, list[CheckResult]]) -> None:
    home, _ = visited
    home.visit.wire.told.clear()
    signed = _answers(lambda asked: len(asked.headers.get("signature", "")) == 94)
    with home.broken(signed):
        expected = {"stranger-refused", "stranger-expired", "stranger-elsewhere", "stranger-replayed"}
        assert expected <= home.failing(HASTY) <= expected | {"garbage-refused"}


def resigned(node: RunningNode, change: Callable[[Any], Any], path: str = "/v1/lane") -> Spoil:
    """A page, or an answer to a witness, made wrong and signed again with the node's own key."""

    def spoil(asked: Asked, answer: Answer) -> Answer:
        if asked.path != path or answer.status != 200:
            return answer
        body = json.dumps(change(answer.json)).encode()
        signature = base64.b64decode(asked.headers["signature"].partition(":")[2].rstrip(":"))
        request = SignedRequest(asked.method, node.url.removeprefix("http://"), asked.path, asked.query, signature)
        key = node.node.keys.transport
        signed = sign_response(
            key, node.node.requester_id, status=200, body=body, request=request, now=int(time.time())
        )
        return Answer(200, {**answer.headers, **{field.lower(): value for field, value in signed.items()}}, body)

    return spoil


def _items(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    return lambda page: {**page, "items": [{**item, **change(item)} for item in page["items"]]}


def _ed25519_alone(page: dict[str, Any]) -> dict[str, Any]:
    head = note.parse_note(base64.b64decode(page["checkpoint"]))
    alone = note.Note(head.text, head.signatures[:1]).encoded()
    return {**page, "checkpoint": base64.b64encode(alone).decode()}


def _flipped(item: dict[str, Any]) -> dict[str, Any]:
    raw = json.loads(base64.b64decode(item["envelope"]))
    signature = raw["signatures"][0]
    signature["sig"] = base64.b64encode(bytes(64)).decode()
    return {"envelope": base64.b64encode(json.dumps(raw).encode()).decode()}


PAGES: dict[str, tuple[Callable[[Any], Any], set[str]]] = {
    "gap": (_items(lambda item: {"position": item["position"] + 1}), {"lane-form"}),
    "lane-of-another": (lambda page: {**page, "lane": "ffp-xk"}, {"lane-form"}),
    "running-head": (lambda page: {**page, "head": "0" * 64}, {"lane-form"}),
    "wrong-proof": (_items(lambda _item: {"inclusion": ["0" * 64]}), {"inclusion"}),
    "wrong-consistency": (lambda page: {**page, "consistency": ["0" * 64]}, {"consistency", "consistency-later"}),
    "half-signed-head": (_ed25519_alone, {"heads-signed"}),
    "no-head": (lambda page: {**page, "checkpoint": None}, {"heads-signed"}),
    "altered-statement": (_items(_flipped), {"statements", "inclusion"}),
    "other-id": (_items(lambda _item: {"statement_id": "0" * 64}), {"lane-form", "statements"}),
    "another-contract": (lambda page: {**page, "contract": "2.0"}, {"lane-form"}),
}


@pytest.mark.parametrize(("change", "failing"), PAGES.values(), ids=PAGES)
def test_a_page_that_is_broken_is_found(
    visited: tuple[House, list[CheckResult]], change: Callable[[Any], Any], failing: set[str]
) -> None:
    home, _ = visited
    with home.broken(resigned(home.node, change)):
        assert home.failing(READER) == failing


def _told(status: int, code: str, becomes: Callable[[Answer], Answer]) -> Spoil:
    """Spoils one kind of refusal."""

    def spoil(_asked: Asked, answer: Answer) -> Answer:
        refused = answer.status == status and answer.json["type"].endswith(f":{code}")
        return becomes(answer) if refused else answer

    return spoil


def _found(answer: Answer) -> Answer:
    return Answer(200, {**answer.headers, "content-type": "application/json"}, b"{}")


def _without_times(answer: Answer) -> Answer:
    return Answer(answer.status, answer.headers, json.dumps({**answer.json, "detail": "Expired."}).encode())


def _in_other_words(asked: Asked, answer: Answer) -> Answer:
    """A 404 that tells the bytes that the node has seen from those that it has not."""
    if asked.path.startswith("/v1/blobs/") and answer.status == 404 and asked.path.rpartition("/")[2] in _HELD:
        return Answer(404, answer.headers, json.dumps({**answer.json, "detail": "Not for you."}).encode())
    return answer


_HELD: set[str] = set()

REQUESTS: dict[str, tuple[Spoil, set[str]]] = {
    "unsigned-lane": (at("/v1/lane", lambda answer: answer.having(signature="")), {"answers-signed"}),
    "unsigned-witness": (
        at("/v1/witness", lambda answer: answer.having(signature=""), method="POST"),
        {"report-answered", "cosignature-accepted"},
    ),
    "clock-not-named": (_told(401, "request-expired", _without_times), {"clock-skew-named"}),
    "nonce-not-asked-for": (
        _answers(lambda asked: "created=" in _signature_input(asked) and "nonce=" not in _signature_input(asked)),
        {"parameters-refused"},
    ),
    "digest-not-checked": (_told(422, "digest-differs", _found), {"body-covered"}),
    "future-not-told": (_told(409, "cursor-from-the-future", _found), {"cursor-from-the-future"}),
    "difference-not-told": (_told(409, "lane-differs", _found), {"lane-differs"}),
    "any-cosignature": (_told(422, "cosignature-refused", _found), {"bad-reports-refused"}),
    "tells-what-it-holds": (_in_other_words, {"digest-is-no-key"}),
}


@pytest.mark.parametrize(("spoil", "failing"), REQUESTS.values(), ids=REQUESTS)
def test_an_answer_to_a_peer_that_is_broken_is_found(
    visited: tuple[House, list[CheckResult]], spoil: Spoil, failing: set[str]
) -> None:
    home, _ = visited
    _HELD.add(refused_scan(home.visit.guest) or "")
    with home.broken(spoil):
        assert home.failing(READER) == failing


@pytest.mark.parametrize("passed_over", [b"range", b"if-range"])
def test_a_scan_not_given_in_parts_is_found(
    visited: tuple[House, list[CheckResult]], monkeypatch: pytest.MonkeyPatch, passed_over: bytes
) -> None:
    """The signature covers the field, and the node does not do what it says."""

    def answer(request: Request, *rest: Any) -> StreamingResponse:
        heard = [pair for pair in request.scope["headers"] if pair[0] != passed_over]
        return file_answer(Request({**request.scope, "headers": heard}), *rest)

    monkeypatch.setattr(blobs, "file_answer", answer)
    assert visited[0].failing(READER) == {"scan-in-parts"}


def test_a_node_that_does_not_verify_all_fields_is_found(
    visited: tuple[House, list[CheckResult]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_signatures, "COVERED_FIELDS", ())
    assert visited[0].failing(READER) == {"fields-covered"}


def test_a_node_that_takes_other_spellings_is_found(
    visited: tuple[House, list[CheckResult]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_signatures, "_PATH", re.compile("/.*"))
    assert visited[0].failing(READER) == {"spelling-refused"}


def test_a_node_that_forgets_nonces_is_found(
    visited: tuple[House, list[CheckResult]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "remember_nonce", lambda *_: None)
    assert visited[0].failing(READER) == {"replay-refused"}


@pytest.mark.parametrize(
    ("otherwise", "failing"),
    [
        ({"authority": "ffp-conformance.invalid"}, "elsewhere-refused"),
        ({"path": "/v1/lane", "query": LANE.partition("?")[2]}, "altered-refused"),
    ],
)
def test_a_node_that_believes_other_requests_too_is_found(
    visited: tuple[House, list[CheckResult]], monkeypatch: pytest.MonkeyPatch, otherwise: dict[str, str], failing: str
) -> None:
    def lenient(**asked: Any) -> Any:
        try:
            return verify_request(**asked)
        except SignatureInvalid:
            return verify_request(**{**asked, **otherwise})

    monkeypatch.setattr(caller, "verify_request", lenient)
    assert visited[0].failing(READER) == {failing}
