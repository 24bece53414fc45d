"""``ffp conformance``: what it prints, writes and ends with."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from exchange.conformance.check import Part
from exchange.conformance.suite import ALL_CHECKS, GUEST
from schemas.vocabulary import Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.running_nodes import RunningNode, free_port


def test_the_checks_are_listed_with_what_they_leave_behind(ffp: Ffp) -> None:
    said = ffp("conformance", "--list")
    assert said.code == 0
    listed = [line.strip() for line in said.out.splitlines() if re.fullmatch(r"  [a-z0-9-]+", line.rstrip())]
    assert listed == [check.name for part in Part for check in ALL_CHECKS if check.part is part]
    assert "Leaves behind: the bad items in quarantine" in " ".join(said.out.split())


@pytest.mark.slow
def test_a_node_is_checked_and_the_findings_written(
    ffp: Ffp, start_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    node = start_node(Jurisdiction.RS)
    said = ffp("conformance", node.url, "--quick", "--json", tmp_path / "found.json")
    assert said.code == 0, said.out
    assert f"{len(GUEST) + 2} not tried" in said.out.replace("\n", " ")
    assert "give --as" in said.out
    written = json.loads((tmp_path / "found.json").read_bytes())
    assert (written["url"], written["kept"]) == (node.url, True)
    assert [check["name"] for check in written["checks"]] == [check.name for check in ALL_CHECKS]
    assert {check["verdict"] for check in written["checks"]} == {"kept", "not tried"}


@pytest.mark.slow
def test_what_is_not_kept_is_named_and_the_end_is_not_0(ffp: Ffp) -> None:
    """Something answers, and is no node."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said = ffp("conformance", f"http://127.0.0.1:{server.server_port}", "--quick")
    server.shutdown()
    server.server_close()
    assert said.code == 1
    assert "Not kept: card-form" in said.out
    assert "asked: The node gives anybody its card" in said.out


def test_where_nobody_answers_that_is_said_in_one_sentence(ffp: Ffp) -> None:
    assert "Nobody answers" in refusal(ffp("conformance", f"http://127.0.0.1:{free_port()}", "--quick"))
    assert "is no address" in refusal(ffp("conformance", "nonsense"))


@pytest.mark.slow
def test_a_peer_that_is_not_enrolled_in_time_is_a_refusal_in_words(
    ffp: Ffp, start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.conformance.guest.guest.POLL_S", 0.1)
    node, port = start_node(Jurisdiction.RS), free_port()
    said = ffp("conformance", node.url, "--quick", "--as", "mk", "--listen", f"127.0.0.1:{port}", "--wait", "1")
    assert said.code == 2
    assert "was not enrolled within 1 s" in said.err
    assert f"ffp peer add http://127.0.0.1:{port} --legal-basis" in said.out
    assert "choose a jurisdiction that no record names" in " ".join(said.out.split())
    assert "ffp peer revoke ffp-mk-conformance" in said.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ftp://node"], "ftp://node is no address"),
        (["http://127.0.0.1:9", "--as", "FR"], "FR is none of"),
        (["http://127.0.0.1:9", "--as", "MK", "--listen", "8449"], "no HOST:PORT"),
    ],
)
def test_what_cannot_be_checked(ffp: Ffp, arguments: list[str], named: str) -> None:
    assert named in refusal(ffp("conformance", *arguments))


def test_an_address_is_needed(ffp: Ffp) -> None:
    said = ffp("conformance")
    assert said.code == 2
    assert "Give the address" in said.err
