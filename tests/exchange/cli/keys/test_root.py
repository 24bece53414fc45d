"""``ffp root``: six jurisdictions make a trust root, two nodes install it and enrol by it; then a key is replaced."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from exchange.trust.card import fingerprint
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction
from tests.exchange.cli.conftest import Ffp, Said, refusal
from tests.exchange.running_nodes import RunningNode

SIX = ("AL", "BA", "ME", "MK", "RS", "XK")
DIGITS = re.compile(r"\n\n +((?:[0-9]{5} ){7}[0-9]{5})\n")
UNTIL = ("--expires", "2099-11-30")
BASIS = ("--legal-basis", "Agreement of 1 March 2026, Article 5")


@dataclass
class Ceremony:
    """A stick, six locked folders, and one passphrase for all (a test's, not an advice)."""

    ffp: Ffp
    folder: Path

    @property
    def stick(self) -> Path:
        return self.folder / "stick"

    @property
    def secret(self) -> tuple[str, Path]:
        path = self.folder / "passphrase"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text("six words drawn by lot for tests\n")
        return "--passphrase-file", path

    def key(self, code: str, *, name: str | None = None) -> Path:
        """Made at home; the public part is carried to the stick."""
        locked = self.folder / (name or code)
        said = self.ffp("root", "key", code, "--out", locked, *self.secret)
        assert said.code == 0, said
        (self.stick / "keys").mkdir(parents=True, exist_ok=True)
        shutil.copy(locked / f"{code}.json", self.stick / "keys")
        return locked

    def card(self, home: Path) -> None:
        (self.stick / "nodes").mkdir(parents=True, exist_ok=True)
        said = self.ffp("peer", "show", "--home", home, "--card", self.stick / "nodes" / f"{home.name}.json")
        assert said.code == 0, said

    def sign(self, *names: str, stick: Path | None = None) -> Said:
        for name in names:
            said = self.ffp(
                "root", "sign", stick or self.stick, "--key-folder", self.folder / name, *self.secret, "--yes"
            )
            assert said.code == 0, said
        return said

    def good(self, *arguments: str | Path) -> str:
        said = self.ffp("root", *arguments)
        assert said.code == 0, said
        assert said.err == ""
        return said.out


@pytest.fixture
def ceremony(ffp: Ffp, tmp_path: Path) -> Ceremony:
    return Ceremony(ffp, tmp_path)


def digits_in(said: str) -> str:
    found = DIGITS.findall(said)
    assert found, said
    return str(found[-1])


def node(ffp: Ffp, home: Path, code: str) -> Path:
    assert ffp("init", "--home", home, "--jurisdiction", code, "--url", f"http://{code.lower()}.test").code == 0
    return home


@pytest.mark.slow
def test_six_jurisdictions_make_a_root_and_a_node_enrols_by_it(
    ceremony: Ceremony, tmp_path: Path, start_node: Callable[..., RunningNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    ffp, stick = ceremony.ffp, ceremony.stick
    mk = start_node(Jurisdiction.MK)
    rs = node(ffp, tmp_path / "rs-node", "RS")
    for code in SIX:
        ceremony.key(code)
    for home in (rs, mk.node.settings.home):
        ceremony.card(home)

    proposed = ceremony.good("init", stick, *UNTIL)
    assert "signed by 4 of 6 jurisdictions" in proposed
    assert f"ffp-mk of North Macedonia at {mk.url}\n      {fingerprint(mk.node.card.identity)}" in proposed
    assert KOSOVO_FOOTNOTE in proposed

    # three sign on the stick; the fourth on a copy that went another way
    copy = tmp_path / "copy"
    shutil.copytree(stick, copy)
    assert digits_in(ceremony.sign("AL", "XK", "RS").out) == digits_in(proposed)
    said = ceremony.good("combine", stick)
    assert "Root 1 under itself: 3 of 4 needed, NOT YET ENOUGH" in said
    assert "  signed with both keys: Albania, Serbia, Kosovo*\n" in said
    assert "  not signed: Bosnia and Herzegovina, Montenegro, North Macedonia\n" in said
    assert ffp("root", "verify", stick).code == 1
    assert "it is signed by AL, RS, XK (6 keys)" in refusal(ffp("root", "publish", stick))
    ceremony.sign("ME", stick=copy)
    [place] = (copy / "proposed" / "signed").iterdir()
    said = ceremony.good("combine", stick, place)
    assert "Registry 1 under root 1: 4 of 4 needed, enough" in said
    assert ffp("root", "verify", stick).code == 0

    published = ceremony.good("publish", stick)
    assert digits_in(published) == digits_in(proposed)
    assert not (stick / "proposed").exists()
    assert "each signed by enough" in ceremony.good("verify", stick)

    # the operator installs it: the digits by telephone, this once
    wrong = ffp("root", "install", stick / "published", "--fingerprint", "1" * 40, "--home", rs)
    assert "Nothing was installed" in wrong.err
    monkeypatch.setattr(sys, "stdin", io.StringIO(digits_in(published) + "\n"))
    assert "Round 1 is installed" in ceremony.good("install", stick / "published", "--home", rs)
    assert digits_in(ceremony.good("verify", "--home", rs)) == digits_in(published)

    said = ffp("peer", "add", mk.url, *BASIS, "--home", rs)
    assert said.code == 0, said
    assert fingerprint(mk.node.card.identity) in said.out
    assert "Telephone" not in said.out
    assert "alarm" not in ffp("status", "--home", rs).out


@pytest.mark.slow
def test_a_key_is_replaced_and_a_node_removed_in_the_next_round(ceremony: Ceremony, tmp_path: Path) -> None:
    ffp, stick = ceremony.ffp, ceremony.stick
    rs = node(ffp, tmp_path / "rs-node", "RS")
    ceremony.card(rs)
    ceremony.card(node(ffp, tmp_path / "mk-node", "MK"))
    for code in SIX:
        ceremony.key(code)
    ceremony.good("init", stick, *UNTIL, "--needed", "5")
    ceremony.sign(*SIX)
    ceremony.good("combine", stick)
    first = digits_in(ceremony.good("publish", stick))
    old_round = tmp_path / "round-1"
    shutil.copytree(stick / "published", old_round)
    ceremony.good("install", old_round, "--fingerprint", first, "--home", rs)

    ceremony.key("RS", name="RS-new")
    (stick / "nodes" / "mk-node.json").unlink()
    proposed = ceremony.good("init", stick, *UNTIL)
    assert "signed by 5 of 6" in proposed, "as before"
    shown = ceremony.sign("AL", "BA", "ME", "MK", "RS").out
    assert "    Serbia: OTHER THAN BEFORE\n" in shown
    assert "ffp-mk of North Macedonia at http://mk.test: REMOVED\n" in shown
    said = ceremony.good("combine", stick)
    assert "Root 2 under root 1: 5 of 5 needed, enough" in said
    assert "Root 2 under itself: 4 of 5 needed, NOT YET ENOUGH" in said
    refusal(ffp("root", "publish", stick))
    ceremony.sign("RS-new")
    assert len(list((stick / "proposed" / "signed").glob("RS-*"))) == 2
    ceremony.good("combine", stick)
    ceremony.good("publish", stick)

    assert "Round 2 is installed" in ceremony.good("install", stick / "published", "--home", rs), "nobody is asked"
    back = ffp("root", "install", old_round, "--home", rs)
    assert back.code == 2
    assert "never goes back" in back.err
    assert "Rounds 1 to 2" in ceremony.good("verify", "--home", rs)


def test_what_is_signed_is_shown_and_asked_first(ceremony: Ceremony, monkeypatch: pytest.MonkeyPatch) -> None:
    ceremony.key("RS")
    ceremony.good("init", ceremony.stick, *UNTIL)
    arguments = ("root", "sign", ceremony.stick, "--key-folder", ceremony.folder / "RS", *ceremony.secret)
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert ceremony.ffp(*arguments).code == 1
    assert not (ceremony.stick / "proposed" / "signed").exists()
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert "Signed for Serbia" in ceremony.ffp(*arguments).out


@pytest.mark.slow
def test_refusals_are_one_sentence_with_the_next_step(ceremony: Ceremony, tmp_path: Path) -> None:
    ffp, stick = ceremony.ffp, ceremony.stick
    assert "ffp root init" in refusal(ffp("root", "combine", stick))
    assert "ffp root key" in refusal(ffp("root", "init", stick, *UNTIL))
    assert "name a day to come" in refusal(ffp("root", "init", stick, "--expires", "2020-01-01"))
    assert "YU" in refusal(ffp("root", "key", "YU", "--out", tmp_path / "yu", *ceremony.secret))
    ceremony.key("RS")
    ceremony.key("AL")
    assert "never overwritten" in refusal(ffp("root", "key", "RS", "--out", tmp_path / "RS", *ceremony.secret))
    (stick / "nodes").mkdir()
    (stick / "nodes" / "x.json").write_bytes(b"{}")
    assert "x.json is no node's card" in refusal(ffp("root", "init", stick, *UNTIL))
    (stick / "nodes" / "x.json").unlink()
    (stick / "time-stamping").mkdir()
    (stick / "time-stamping" / "Stamps.pem").write_bytes(b"x")
    assert "small letters" in refusal(ffp("root", "init", stick, *UNTIL))
    (stick / "time-stamping" / "Stamps.pem").rename(stick / "time-stamping" / "stamps.pem")
    assert "not one certificate" in refusal(ffp("root", "init", stick, *UNTIL))
    (stick / "time-stamping" / "stamps.pem").unlink()
    assert "more than half" in refusal(ffp("root", "init", stick, *UNTIL, "--needed", "1"))
    assert not (stick / "proposed").exists()
    ceremony.good("init", stick, *UNTIL)
    assert "is being signed" in refusal(ffp("root", "init", stick, *UNTIL))
    ceremony.key("BA")
    stranger = ffp("root", "sign", stick, "--key-folder", tmp_path / "BA", *ceremony.secret, "--yes")
    assert "neither" in stranger.err
    nobody = ffp("root", "sign", stick, "--key-folder", tmp_path / "nobody", *ceremony.secret, "--yes")
    assert "ffp root key made" in nobody.err
    ceremony.secret[1].chmod(0o644)
    open_to_all = ffp("root", "sign", stick, "--key-folder", tmp_path / "RS", *ceremony.secret, "--yes")
    assert "chmod 600" in open_to_all.err
    assert "no signed copy" in refusal(ffp("root", "combine", stick, tmp_path / "RS"))
    assert "ffp root publish" in refusal(
        ffp("root", "install", tmp_path / "RS", "--home", node(ffp, tmp_path / "node", "RS"))
    )


def test_a_file_that_was_altered_is_not_verified(ceremony: Ceremony) -> None:
    ceremony.key("RS")
    ceremony.good("init", ceremony.stick, *UNTIL)
    ceremony.sign("RS")
    ceremony.good("combine", ceremony.stick)
    ceremony.good("publish", ceremony.stick)
    path = ceremony.stick / "published" / "1.targets.json"
    path.write_bytes(path.read_bytes().replace(b"2099", b"2199"))
    said = ceremony.ffp("root", "verify", ceremony.stick / "published")
    assert said.code == 1
    assert "NOT verified (too-few-signatures)" in said.out
