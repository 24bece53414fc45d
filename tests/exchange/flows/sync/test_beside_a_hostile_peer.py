"""A whole node beside a peer that lies: its people are answered, the other lanes go on, the operator reads why, and
all is well again when the peer behaves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from exchange.conformance.guest.peer_simulator import PeerSimulator, respond
from exchange.net.news_lines import NewsAnswer, NewsLines
from exchange.worker.peer_rounds import PeerRounds
from schemas import CONTRACT_VERSION
from schemas.lane import LaneNews
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.flows.conftest import enrol_with, simulated
from tests.exchange.running_nodes import RunningNode

PATIENCE_S = 60


@dataclass
class Beside:
    """North Macedonia's node, which has an honest peer in Albania and a liar in Serbia."""

    mk: RunningNode
    al: PeerSimulator
    liar: PeerSimulator

    def peer(self, node_id: str) -> dict[str, Any]:
        peers: list[dict[str, Any]] = self.mk.get("/v1/peers", Role.OPERATOR).json()
        return next(peer for peer in peers if peer["node_id"] == node_id)

    def alarm(self, wanted: str) -> str:
        def found() -> str | None:
            alarm = str(self.peer("ffp-rs")["alarm"])
            return alarm if wanted in alarm else None

        return str(eventually(found))

    def record(self, statement_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.mk.get(f"/v1/records/{statement_id}").json()
        return found


def eventually(ask: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := ask()):
        assert time.monotonic() < deadline, f"still {found!r}"
        time.sleep(0.05)
    return found


@pytest.fixture
def beside(start_node: Callable[..., RunningNode], tmp_path: Path) -> Iterator[Beside]:
    mk = start_node(Jurisdiction.MK, peer_timeout_s=0.3, max_attempts=1, lane_wait_s=1)
    with simulated(tmp_path / "al", Jurisdiction.AL) as al, simulated(tmp_path / "rs") as liar:
        enrol_with(al, mk.node)
        enrol_with(liar, mk.node)
        yield Beside(mk, al, liar)


@pytest.mark.slow
def test_the_others_go_on_and_the_operator_reads_why(beside: Beside, scans: dict[str, Path]) -> None:
    mk, liar = beside.mk, beside.liar
    liar.lane = lambda asked: iter([respond(200, liar.page(asked))])
    held_back = liar.owner.publish(blob=scans["1-1"].read_bytes())
    lies: dict[str, Callable[[Any], Iterator[bytes]]] = {
        "did not sign its answer": liar.lane,
        "refused with 500": lambda _asked: iter([respond(500, b"[" * 16_000)]),
        "took longer than 1.2 s": lambda _asked: liar.dripping(b"HTTP/1.1 200 Told\r\nX: ", b"x"),
    }
    for number, (said, lie) in enumerate(lies.items(), start=1):
        liar.lane = lie
        beside.alarm(said)
        beside.al.owner.publish()
        mk.wait_for(lambda status, wanted=number: status["records"] == wanted)
        assert mk.get("/readyz").json()["status"] == "ready"
    assert mk.get(f"/v1/records/{held_back.statement_id}").status_code == 404

    liar.behave()
    eventually(lambda: beside.record(held_back.statement_id).get("acquisitions", [{}])[0].get("state") == "correlated")
    everything, _ = liar.owner.end()
    assert (beside.peer("ffp-rs")["alarm"], beside.peer("ffp-rs")["received"]) == (None, everything)


@pytest.mark.slow
def test_what_one_peer_meets_unforeseen_ends_no_rounds_with_others(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its line is waited for, in the one thread for all, and where a step of its round runs."""
    ask, go_round = NewsLines.ask, PeerRounds._round
    met: Counter[str] = Counter()

    async def broken_ask(self: NewsLines, url: str, headers: dict[str, str], *, wait_s: float) -> NewsAnswer:
        if url.startswith(beside.liar.owner.node.settings.url):
            met["line"] += 1
            raise RuntimeError("unforeseen")
        return await ask(self, url, headers, wait_s=wait_s)

    def broken_round(self: PeerRounds, peer: str) -> bool:
        if peer == "ffp-rs":
            met["step"] += 1
            raise RuntimeError("unforeseen")
        return go_round(self, peer)

    broken: tuple[tuple[str, type, str, Any], ...] = (
        ("line", NewsLines, "ask", broken_ask),
        ("step", PeerRounds, "_round", broken_round),
    )
    for number, (where, owner, name, what) in enumerate(broken, start=1):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, what)
            eventually(lambda wanted=where: met[wanted] > 2)
            beside.al.owner.publish()
            beside.mk.wait_for(lambda status, wanted=number: status["records"] == wanted)
    later = beside.liar.owner.publish()
    eventually(lambda: beside.record(later.statement_id).get("statement_id"))


@pytest.mark.slow
def test_the_operator_reads_why_a_peer_cannot_be_waited_for(beside: Beside) -> None:
    """Its records come all the same: nothing else would tell that it is asked every two seconds, for ever."""
    liar = beside.liar
    body = LaneNews(contract=CONTRACT_VERSION, news=False).model_dump_json().encode()
    lies: dict[str, Callable[[Any], Iterator[bytes]]] = {
        "did not sign its answer": lambda _asked: iter([respond(200, body)]),
        "the answer has the status 403": lambda _asked: iter([respond(403, b"")]),
        "the answer has the status 302": lambda _asked: iter([respond(302, b"", {"Location": "http://127.0.0.1:1/"})]),
        "broke off": lambda _asked: iter([b""]),
    }
    for said, lie in lies.items():
        liar.news = lie
        assert "cannot be waited for" in beside.alarm(said)
        published = liar.owner.publish()
        eventually(lambda found=published: beside.record(found.statement_id).get("statement_id"))
    liar.behave()
    eventually(lambda: beside.peer("ffp-rs")["alarm"] is None)
    time.sleep(1)
    assert beside.peer("ffp-rs")["alarm"] is None


@pytest.mark.slow
def test_a_scan_given_up_while_its_peer_was_away_is_fetched_when_it_is_back(
    beside: Beside, scans: dict[str, Path]
) -> None:
    """A week offline loses nothing, however often the fetch was tried in the first hour."""
    beside.liar.blob = lambda _asked: iter([respond(503, b"")])
    published = beside.liar.owner.publish(blob=scans["1-1"].read_bytes())
    state = eventually(
        lambda: (found := beside.record(published.statement_id)).get("acquisitions") and found["acquisitions"][0]
    )
    assert state["state"] in ("awaiting-scan", "failed")
    assert "1 of its scans did not come so far" in beside.alarm("refused with 503")
    beside.liar.behave()
    eventually(lambda: beside.record(published.statement_id)["acquisitions"][0]["state"] == "correlated")
    eventually(lambda: beside.peer("ffp-rs")["alarm"] is None)


@pytest.mark.slow
def test_a_scan_that_is_never_the_right_one_is_given_up_and_stays_on_the_operators_page(
    beside: Beside, scans: dict[str, Path]
) -> None:
    beside.liar.blob = lambda asked: iter([respond(200, bytes(len(beside.liar.blob_of(asked))))])
    published = beside.liar.owner.publish(blob=scans["1-1"].read_bytes())
    assert published.sha256 in beside.alarm("digest-differs")
    tried = len([asked for asked in beside.liar.asked if "/blobs/" in asked.path])
    pulled = beside.peer("ffp-rs")["pulled_at"]
    eventually(lambda: beside.peer("ffp-rs")["pulled_at"] > pulled)
    assert "digest-differs" in str(beside.peer("ffp-rs")["alarm"]), "the lane goes on, the alarm stays"
    assert len([asked for asked in beside.liar.asked if "/blobs/" in asked.path]) == tried, "and it is not tried again"


@pytest.mark.slow
def test_a_node_stops_at_once_beside_a_peer_that_never_answers(
    start_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    mk = start_node(Jurisdiction.MK, peer_timeout_s=60)
    with simulated(tmp_path / "rs") as liar:
        liar.lane = lambda _asked: liar.dripping(b"", b"")
        enrol_with(liar, mk.node)
        eventually(lambda: [asked for asked in liar.asked if asked.path == "/v1/lane"])
        began = time.monotonic()
        mk.stop()
        assert time.monotonic() - began < 5
        again = start_node(Jurisdiction.MK, peer_timeout_s=60)
        peers = again.get("/v1/peers", Role.OPERATOR).json()
        assert [peer["alarm"] for peer in peers] == [None], "breaking off was no fault of the peer's"
