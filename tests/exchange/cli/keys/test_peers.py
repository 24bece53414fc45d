"""``ffp peer``, beside nodes that serve: two writers of one database, and a fingerprint that must be the right one."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.store.sync.peers import lane_of
from exchange.trust.card import fingerprint
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.open_policy import allow_all
from tests.exchange.running_nodes import RunningNode, free_port
from tests.exchange.web.conftest import tiny_scan

pytestmark = pytest.mark.slow

LEGAL_BASIS = ("--legal-basis", "Police Cooperation Convention, article 9")


@pytest.fixture(scope="module")
def nodes(start_shared: Callable[..., RunningNode]) -> tuple[RunningNode, RunningNode]:
    return start_shared(Jurisdiction.MK), start_shared(Jurisdiction.XK)


def home_of(node: RunningNode) -> Path:
    return node.node.settings.home


def test_a_wrong_fingerprint_enrols_nobody(ffp: Ffp, nodes: tuple[RunningNode, RunningNode]) -> None:
    mk, xk = nodes
    wrong = fingerprint(mk.node.card.identity)
    said = ffp("peer", "add", xk.url, "--fingerprint", wrong, *LEGAL_BASIS, "--home", home_of(mk))
    assert said.code == 2
    assert "Nothing was enrolled" in said.err
    assert "No peer" in ffp("peer", "list", "--home", home_of(mk)).out


def test_who_does_not_answer_and_who_is_oneself(ffp: Ffp, nodes: tuple[RunningNode, RunningNode]) -> None:
    mk, _ = nodes
    nobody = f"http://127.0.0.1:{free_port()}"
    refusal(ffp("peer", "add", nobody, "--fingerprint", "1" * 40, *LEGAL_BASIS, "--home", home_of(mk)))
    assert "itself" in refusal(
        ffp("peer", "add", mk.url, "--fingerprint", "1" * 40, *LEGAL_BASIS, "--home", home_of(mk))
    )


def test_two_enrol_each_other_while_both_serve(
    ffp: Ffp, nodes: tuple[RunningNode, RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One types the digits that are asked for, the other gives them as an option; then a record goes over."""
    mk, xk = nodes
    allow_all(mk.node)
    shown = ffp("peer", "show", "--home", home_of(xk)).out
    monkeypatch.setattr(sys, "stdin", io.StringIO(shown.split("\n\n")[1].strip() + "\n"))
    said = ffp("peer", "add", xk.url, *LEGAL_BASIS, "--home", home_of(mk))
    assert said.code == 0
    assert "Kosovo*" in said.out
    assert KOSOVO_FOOTNOTE in said.out
    digits = fingerprint(mk.node.card.identity)
    assert ffp("peer", "add", mk.url, "--fingerprint", digits, *LEGAL_BASIS, "--home", home_of(xk)).code == 0

    assert mk.submit(tiny_scan(), level="full", audience=["XK"]).json()["sharing"][0]["state"] == "on-lane"
    xk.wait_for(lambda status: status["records"] == 1, 20)
    listed = ffp("peer", "list", "--home", home_of(xk)).out
    assert "ffp-mk" in listed
    assert "enrolled" in listed

    assert "read again" not in ffp("peer", "list", "--home", home_of(mk)).out
    assert mk.get("/v1/peers", Role.OPERATOR).json()[0]["read_again_at"] is None
    with mk.node.store.write() as session:
        lane_of(session, "ffp-xk").read_again_at = "2026-11-26T09:00:10.000Z"
    assert "read again what it had acknowledged: 2026-11-26" in ffp("peer", "list", "--home", home_of(mk)).out
    assert mk.get("/v1/peers", Role.OPERATOR).json()[0]["read_again_at"] == "2026-11-26T09:00:10Z"

    assert ffp("peer", "revoke", "ffp-mk", "--home", home_of(xk)).code == 0
    assert "revoked" in ffp("peer", "list", "--home", home_of(xk)).out
    assert (
        "never replaced silently"
        in ffp("peer", "add", mk.url, "--fingerprint", digits, *LEGAL_BASIS, "--home", home_of(xk)).err
    )


def test_an_operator_gives_a_peer_more_and_what_all_have_again(
    ffp: Ffp, nodes: tuple[RunningNode, RunningNode]
) -> None:
    """After the two were enrolled above."""
    mk, xk = nodes
    quota = ("peer", "quota", xk.node.node_id, "--home", home_of(mk))
    assert "of 4,000 and 21,474.8 MB a day" in ffp(*quota).out
    assert "of 50,000 and 21,474.8 MB a day" in ffp(*quota, "--statements", "50000").out
    assert "of 50,000 and" in ffp("peer", "list", "--home", home_of(mk)).out
    assert "of 50,000 and 1.0 MB a day" in ffp(*quota, "--bytes", "1000000").out, "what is not named stays"
    assert "not both" in refusal(ffp(*quota, "--as-settings", "--bytes", "5"))
    assert "of 4,000 and 21,474.8 MB a day" in ffp(*quota, "--as-settings").out
    assert ffp("peer", "quota", "ffp-nobody", "--home", home_of(mk)).code != 0


def test_users_are_added_while_the_node_serves(ffp: Ffp, nodes: tuple[RunningNode, RunningNode]) -> None:
    mk, _ = nodes
    token = ffp("user", "add", "late-comer", "--role", "investigator", "--home", home_of(mk)).out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert mk.http.get(f"{mk.url}/v1/records", headers=headers).status_code == 200
    ffp("user", "revoke", "late-comer", "--home", home_of(mk))
    assert mk.http.get(f"{mk.url}/v1/records", headers=headers).status_code == 401
