"""``ffp jurisdiction``, and a ceremony that adds one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from exchange.jurisdictions.own_file import OWN_FILE
from schemas.jurisdiction import FIRST_JURISDICTIONS
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.cli.keys.test_root import UNTIL, Ceremony, digits_in
from tests.exchange.jurisdictions.croatia import entry, write


def init(ffp: Ffp, home: Path, code: str) -> Any:
    return ffp("init", "--home", home, "--jurisdiction", code, "--url", f"http://{code.lower()}.test")


def listed(ffp: Ffp, home: Path) -> dict[str, dict[str, Any]]:
    said = ffp("jurisdiction", "list", "--home", home, "--json")
    assert said.code == 0, said
    return {one["code"]: one for one in json.loads(said.out)}


def test_the_list_says_names_clocks_and_where_they_come_from(ffp: Ffp, tmp_path: Path) -> None:
    said = ffp("jurisdiction", "list", "--home", tmp_path)
    assert said.code == 0
    assert "MK\tNorth Macedonia\tmk sq\tEurope/Skopje\tthis release\n" in said.out
    assert said.out.endswith(f"{KOSOVO_FOOTNOTE}\n")
    assert set(listed(ffp, tmp_path)) == set(FIRST_JURISDICTIONS)


def test_a_file_is_added_before_and_after_the_node_is_made(ffp: Ffp, tmp_path: Path) -> None:
    home = tmp_path / "node"
    told = refusal(init(ffp, home, "hr"))
    assert "hr is none of AL, BA" in told
    assert f"ffp jurisdiction add FILE --home {home}" in told
    said = ffp("jurisdiction", "add", write(tmp_path / "HR.json"), "--home", home)
    assert (said.code, said.err) == (0, "")
    assert "Known here from now on: HR, Croatia." in said.out
    made = init(ffp, home, "hr")
    assert made.code == 0, made
    assert "Node ffp-hr of Croatia is ready" in made.out
    marked = entry(names={"en": "Land**"}, footnotes={"en": "** A note."}, clock="Asia/Tbilisi")
    said = ffp("jurisdiction", "add", write(tmp_path / "more.json", QX=marked), "--home", home)
    assert said.out.endswith("** A note.\n")
    found = listed(ffp, home)
    assert (found["HR"]["from"], found["QX"]["clock"], found["RS"]["from"]) == (
        OWN_FILE,
        "Asia/Tbilisi",
        "this release",
    )
    assert "HR, Croatia; QX, Land**" in ffp("jurisdiction", "check", "--home", home).out
    assert (home / OWN_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"HR": entry(names={"hr": "Hrvatska"})}, "the English name is missing"),
        ({"HR": entry(names={"en": "Croatia", "de": "Kroatien"})}, "the languages are"),
        ({"HR": entry(clock="Europe/Nowhere")}, "no time zone"),
        ({"HR": entry(names={"en": "Cro\x1b[31matia"})}, "printable"),
        ({"HR": entry(names={"en": "Serbia"})}, "one name in en"),
        ({"hr": entry()}, "pattern"),
        ({"MD": entry()}, "only a round of the trust root renames them"),
        ({f"Q{letter}": entry(names={"en": "x" * 80_000}) for letter in "AB"}, "at most"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_and_nothing_is_written(
    ffp: Ffp, tmp_path: Path, entries: dict[str, Any], told: str
) -> None:
    file = write(tmp_path / "bad.json", **entries)
    assert told in refusal(ffp("jurisdiction", "add", file, "--home", tmp_path / "home"))
    assert not (tmp_path / "home" / OWN_FILE).exists()
    if told != "only a round of the trust root renames them":
        said = ffp("jurisdiction", "check", file, "--home", tmp_path / "home")
        assert said.code == 1
        assert told in said.out


def test_a_check_says_what_the_file_of_the_home_is_worth(ffp: Ffp, tmp_path: Path) -> None:
    assert "the release's jurisdictions alone" in ffp("jurisdiction", "check", "--home", tmp_path).out
    write(tmp_path / OWN_FILE, MD=entry())
    said = ffp("jurisdiction", "check", "--home", tmp_path, "--json")
    assert (said.code, json.loads(said.out)["good"]) == (1, False)
    assert "cannot be read" in ffp("jurisdiction", "check", tmp_path / "nowhere.json").out


@pytest.mark.slow
def test_a_ceremony_adds_a_jurisdiction_and_its_node(ffp: Ffp, tmp_path: Path) -> None:
    """In two rounds: the first names it, so that its node can be made with the round; the second names the node."""
    ceremony = Ceremony(ffp, tmp_path)
    stick, names = ceremony.stick, write(tmp_path / "HR.json")
    for code in ("RS", "MK", "XK"):
        ceremony.key(code)
    told = ffp("root", "key", "HR", "--out", tmp_path / "HR", *ceremony.secret)
    assert "name the file with its names: --entry" in refusal(told)
    said = ffp("root", "key", "HR", "--entry", names, "--out", tmp_path / "HR", *ceremony.secret)
    assert "The key pair of Croatia is in" in said.out
    shutil.copy(tmp_path / "HR" / "HR.json", stick / "keys")
    assert "of HR, which nobody has a name for" in refusal(ffp("root", "init", stick, *UNTIL))
    (stick / "jurisdictions").mkdir()
    shutil.copy(names, stick / "jurisdictions")
    shutil.copy(names, stick / "jurisdictions" / "again.json")
    assert "names HR, as another file of that folder does" in refusal(ffp("root", "init", stick, *UNTIL))
    (stick / "jurisdictions" / "again.json").unlink()

    proposed = ceremony.good("init", stick, *UNTIL)
    assert "  Jurisdictions\n    HR, Croatia\n      en: Croatia; " in proposed
    assert "Signed for Croatia: " in ceremony.sign("HR").out
    ceremony.sign("RS", "MK")
    assert "signed with both keys: Croatia, North Macedonia, Serbia" in ceremony.good("combine", stick)
    digits = digits_in(ceremony.good("publish", stick))

    home = tmp_path / "hr-node"
    ceremony.good("install", stick / "published", "--fingerprint", digits, "--home", home)
    assert init(ffp, home, "HR").code == 0
    assert listed(ffp, home)["HR"]["from"] == "round 1 of the trust root"
    assert "Carry the file to those who sign" in refusal(ffp("jurisdiction", "add", names, "--home", home))
    ceremony.card(home)
    again = ceremony.good("init", stick, *UNTIL)
    assert "ffp-hr of Croatia at http://hr.test: NEW" in again
    assert "    HR, Croatia\n" in again
    ceremony.sign("HR", "RS", "MK")
    ceremony.good("combine", stick)
    ceremony.good("publish", stick)
    ceremony.good("install", stick / "published", "--home", home)
    status = json.loads(ffp("status", "--home", home, "--json").out)
    assert not [alarm for alarm in status["alarms"] if "HR" in alarm or "registry" in alarm]
