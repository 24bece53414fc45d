"""``ffp export`` and ``ffp verify``: what an expert reads, and the exit code that a script asks for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.trust.card import fingerprint
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.flows.owner import Owner, make_owner
from tests.exchange.flows.witness.bundles import LIES, made


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    made = make_owner(tmp_path_factory.mktemp("owner") / "node", jurisdiction=Jurisdiction.XK)
    for number in range(6):
        made.publish(blob=b"scan %d" % number)
    yield made
    made.node.close()


def test_an_export_is_verified_without_its_node(ffp: Ffp, owner: Owner, tmp_path: Path) -> None:
    bundle, scan, published = tmp_path / "bundle.json", tmp_path / "scan.x3p", owner.published[2]
    said = ffp("export", published.statement_id, "--out", bundle, "--home", owner.node.settings.home)
    assert (said.code, str(bundle) in said.out) == (0, True)
    scan.write_bytes(published.blob)
    known = fingerprint(owner.node.card.identity)
    read = ffp("verify", bundle, "--fingerprint", known, "--scan", scan)
    assert read.code == 0
    assert published.statement_id in read.out
    assert "the file given is this one" in read.out
    assert "Kosovo*" in read.out
    assert KOSOVO_FOOTNOTE in read.out
    assert "that you know: good" in read.out


def test_without_a_fingerprint_it_says_what_all_rests_on(ffp: Ffp, owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(made(owner, 0)))
    read = ffp("verify", tmp_path / "bundle.json")
    assert read.code == 0
    assert fingerprint(owner.node.card.identity) in read.out
    assert "not looked at" in read.out


@pytest.mark.parametrize("lie", ["a payload changed", "another index", "a bit of the head"])
def test_what_is_not_true_ends_with_one(ffp: Ffp, owner: Owner, tmp_path: Path, lie: str) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(LIES[lie].told(made(owner, 4), owner)))
    read = ffp("verify", tmp_path / "bundle.json")
    assert read.code == 1
    assert read.out.startswith(f"NOT verified ({LIES[lie].code}): ")
    assert ": good" not in read.out


def test_a_wrong_fingerprint_ends_with_one(ffp: Ffp, owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(made(owner, 0)))
    read = ffp("verify", tmp_path / "bundle.json", "--fingerprint", "00000 " * 8)
    assert (read.code, read.out.startswith("NOT verified")) == (1, True)


def test_what_is_not_there_is_one_sentence(ffp: Ffp, owner: Owner, tmp_path: Path) -> None:
    assert "nowhere" in refusal(ffp("verify", tmp_path / "nowhere"))
    out = ("--out", tmp_path / "bundle.json", "--home", owner.node.settings.home)
    assert "the node that made it" in refusal(ffp("export", "0" * 64, *out))
    assert not (tmp_path / "bundle.json").exists()
