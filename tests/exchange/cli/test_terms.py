"""``ffp record``, ``ffp policy``, ``ffp sync`` and ``ffp peer expel`` as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.flows.network import MK, RS, Network

BY_HEAD, BY_EXAMINER = ("--as", "head-1"), ("--as", "examiner-1")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    with made.nodes[RS].store.write() as session:
        add_user(session, "head-1", Role.HEAD)
        add_user(session, "examiner-1", Role.EXAMINER)
    yield made
    made.close()


@pytest.mark.slow
def test_a_record_withdrawn_granted_held(ffp: Ffp, network: Network) -> None:
    home = ("--home", network.nodes[RS].settings.home)
    record, other = network.record(RS, audience=["MK"]), network.record(RS, audience=[])
    network.settle()
    assert "only the owner" in refusal(ffp("record", "withdraw", "ab" * 32, *BY_EXAMINER, *home))
    assert "is none of" in refusal(ffp("record", "withdraw", record, *BY_EXAMINER, "--reason", "bored", *home))
    assert "no active user" in refusal(ffp("record", "withdraw", record, "--as", "nobody", *home))
    assert "is for the role head" in refusal(
        ffp("record", "grant", other, "MK", *BY_EXAMINER, "--legal-basis", "Article 1", *home)
    )
    assert ffp("record", "grant", other, "MK", *BY_HEAD, "--legal-basis", "Article 1", *home).code == 0
    network.settle()
    assert network.holds(MK) == {record, other}

    held = ("--authority", "Court of a test, 1/2026")
    assert ffp("record", "hold", record, *BY_HEAD, *held, *home).code == 0
    said = ffp("record", "withdraw", record, *BY_HEAD, *home)
    assert said.code == 0
    assert "ffp record withdrawals" in said.out
    assert "has not acknowledged" in ffp("record", "withdrawals", record, *home).out
    network.settle()
    told = ffp("record", "withdrawals", record, *home).out
    assert "here: restricted" in told
    assert "ffp-mk: erased" in told
    assert ffp("record", "release-hold", record, *BY_HEAD, *held, *home).code == 0
    network.settle()
    assert "here: erased" in ffp("record", "withdrawals", record, *home).out


@pytest.mark.slow
def test_what_is_held_under_an_earlier_line_is_listed_taken_back_and_left(
    ffp: Ffp, network: Network, tmp_path: Path
) -> None:
    home = ("--home", network.nodes[RS].settings.home)
    record, other = (network.record(RS, audience=["MK"]) for _ in range(2))
    network.settle()
    assert "No peer holds anything" in ffp("policy", "held", *home).out
    line = {"jurisdiction": "MK", "kinds": ["seized"], "rule": "allowed", "article": "A 9", "review_by": "2036-01-01"}
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"bases": [line]}))
    told = ffp("policy", "set", file, "--yes", *BY_HEAD, *home).out
    assert "North Macedonia holds 2 of this node's records that it would not be given then (2 blocked-by-law)" in told
    listed = ffp("policy", "held", *home).out
    assert "North Macedonia, ffp-mk: 2 records" in listed
    assert record in listed
    why = ("--because", "The agreement ended.")
    assert "Say why" in refusal(ffp("policy", "held", "--revoke", "MK", *BY_HEAD, *home))
    assert "is for the role head" in refusal(ffp("policy", "held", "--revoke", "MK", *why, *BY_EXAMINER, *home))
    assert "name one of" in refusal(ffp("policy", "held", "--revoke", "MK", "--leave", "MK", *home))
    left = ffp("policy", "held", "--leave", "MK", "--record", other, *why, *BY_HEAD, *home)
    assert "Left with North Macedonia: 1 records." in left.out
    taken = ffp("policy", "held", "--revoke", "MK", *why, *BY_HEAD, "--json", *home)
    assert len(json.loads(taken.out)["statements"]) == 1
    network.settle()
    assert network.holds(MK) == {other}
    assert "holds nothing of this" in refusal(ffp("policy", "held", "--revoke", "MK", *why, *BY_HEAD, *home))


@pytest.mark.slow
def test_a_policy_is_shown_changed_and_set(ffp: Ffp, network: Network, tmp_path: Path) -> None:
    home = ("--home", network.nodes[RS].settings.home)
    shown = ffp("policy", "show", *home)
    assert "nothing is shared with anybody" in shown.err
    policy = json.loads(shown.out)
    line = {"jurisdiction": "MK", "kinds": ["crime_scene"], "article": "Article 9", "review_by": "2036-01-01"}
    policy["bases"] = [line | {"rule": "needs_approval"}]
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy))
    told = ffp("policy", "set", file, "--yes", *BY_HEAD, *home)
    assert told.code == 0
    assert (
        "North Macedonia, crime_scene: no line, so it is blocked now; then needs_approval under Article 9" in told.out
    )
    assert "nothing that would change" in refusal(ffp("policy", "set", file, *BY_HEAD, *home))
    for empty in ("{}", '{"groups": []}'):
        file.write_text(empty)
        assert "nothing that would change" in refusal(ffp("policy", "set", file, *BY_HEAD, *home))
    assert json.loads(ffp("policy", "show", *home).out)["bases"][0]["rule"] == "needs_approval"

    record = network.record(RS, audience=["MK"])
    assert record in ffp("policy", "approvals", *home).out
    why = ("--because", "Asked for by the prosecutor.")
    assert "none of approved, refused" in refusal(ffp("policy", "decide", record, "MK", "yes", *BY_HEAD, *why, *home))
    assert ffp("policy", "decide", record, "MK", "approved", *BY_HEAD, *why, *home).code == 0
    assert "Nothing waits" in ffp("policy", "approvals", *home).out
    network.settle()
    assert network.holds(MK) == {record}

    file.write_text(json.dumps({"bases": [line | {"rule": "perhaps"}]}))
    assert "is no policy" in refusal(ffp("policy", "set", file, *BY_HEAD, *home))
    file.write_text(json.dumps({"basis": []}))
    assert "has what no policy has" in refusal(ffp("policy", "set", file, *BY_HEAD, *home))


@pytest.mark.slow
def test_what_is_where_in_words_and_a_peer_that_leaves(ffp: Ffp, network: Network) -> None:
    home = ("--home", network.nodes[RS].settings.home)
    network.record(RS, audience=["MK"])
    assert "2 wait for it" in ffp("sync", "status", *home).out
    network.settle()
    assert "it has read 2, all" in ffp("sync", "status", *home).out
    assert "acknowledged nothing" in ffp("sync", "receipt", "ffp-mk", *home).out  # without sockets no signatures
    assert "0 items noted" in ffp("sync", "note", "ffp-mk", *home).out
    assert "no peer" in refusal(ffp("sync", "note", "ffp-al", *home))
    said = ffp("peer", "expel", "ffp-mk", *BY_HEAD, *home)
    assert "asked to erase 1 records" in said.out
    network.settle()
    assert network.holds(MK) == set()
    assert "expelled" in ffp("peer", "list", *home).out
