"""``ffp verify`` of the bundle of a pair: every fact, and what all of them rest on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.flows.witness.pair_bundle import make_pair_bundle
from exchange.trust.card import fingerprint
from tests.exchange.cli.conftest import Ffp
from tests.exchange.flows.blind.blind_world import FIRST, REGIONS, BlindWorld, blind_world
from tests.exchange.flows.network import MK, RS

pytestmark = pytest.mark.slow

BREECH, _ = REGIONS
FORGED = "hit " + "a" * 64 + "\n  stage: confirmed\n  signed with Ed25519 and ML-DSA-65 by its statement keys: good"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlindWorld]:
    with blind_world(tmp_path_factory.mktemp("pair")) as made:
        made.exhibit("a", RS)
        made.exhibit("b", MK, handling={"code": "H2"})
        made.compare("a", "b")
        yield made


@pytest.fixture(scope="module")
def bundle(world: BlindWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    said = world.concludes(FIRST, "a", "b", BREECH, remark=f"Parallel lines agree.\n{FORGED}")
    world.network.settle()
    made = make_pair_bundle(world.rs, (world.records["a"], world.records["b"]), [said.statement_id], b"%PDF")
    path = tmp_path_factory.mktemp("given") / "pair.zip"
    path.write_bytes(made)
    return path


def test_each_fact_is_told(ffp: Ffp, world: BlindWorld, bundle: Path) -> None:
    known = fingerprint(world.rs.card.identity)
    read = ffp("verify", bundle, "--fingerprint", known)
    assert read.code == 0
    for said in (
        f"record {world.records['a']}",
        "case: case-a",
        "conclusion: possible_association",
        "basis: screen",
        "remark: Parallel lines agree.",
        "by one (examiner, token)",
        "under a signed head of its log: good",
        f"Left out: {world.records['b']} of {MK} (handling)",
        "it is one that you know: good",
        "nobody signs it",
    ):
        assert said in read.out
    assert known in read.out


def test_no_remark_reads_as_a_line_of_the_program(ffp: Ffp, bundle: Path) -> None:
    lines = ffp("verify", bundle).out.splitlines()
    assert [line for line in lines if line.startswith("hit ") or line.strip() == "stage: confirmed"] == []
    assert [line for line in lines if line.startswith("    | ")] == [f"    | {line}" for line in FORGED.split("\n")]


def test_for_programs(ffp: Ffp, world: BlindWorld, bundle: Path) -> None:
    told = json.loads(ffp("verify", bundle, "--json").out)
    assert told["verified"]
    assert [item["type"] for item in told["statements"]] == ["record", "conclusion"]
    assert told["nodes"] == [
        {"node": RS, "fingerprint": fingerprint(world.rs.card.identity), "confirmed": False},
    ]
    assert told["left_out"][0]["reason"] == "handling"


def test_what_is_not_true_ends_with_one(ffp: Ffp, bundle: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(bundle.read_bytes()[:-200])
    read = ffp("verify", cut)
    assert read.code == 1
    assert read.out.startswith("NOT verified (statement-invalid): ")
    unknown = ffp("verify", bundle, "--fingerprint", "00000 " * 7 + "00000")
    assert (unknown.code, "No identity inside" in unknown.out) == (1, True)


def test_a_record_takes_one_fingerprint(ffp: Ffp, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text("{}")
    digits = "00000 " * 7 + "00000"
    refused = ffp("verify", tmp_path / "bundle.json", "--fingerprint", digits, "--fingerprint", digits)
    assert refused.code != 0
    assert "one fingerprint" in refused.err
