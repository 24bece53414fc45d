"""What a file or a registry may say of a jurisdiction, and how it is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import PAGE_LANGUAGES, Directory, check_entries, shipped_directory
from exchange.jurisdictions.jurisdiction_entry import MAX_ENTRIES_BYTES, entries_in, plain_entries, read_entries
from exchange.web.languages import Spoken
from schemas.jurisdiction import FIRST_JURISDICTIONS, Jurisdiction
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.jurisdictions.croatia import HR, NAMES, croatia, entry

MARKED = {"names": {"en": "Land**", "hr": "Zemlja**"}, "footnotes": {"en": "** A note.", "hr": "** Napomena."}}


def extended(**changes: Any) -> Directory:
    return shipped_directory().extended(croatia(**changes), "a test")


def test_the_release_brings_eight_in_ten_languages_with_their_clocks() -> None:
    shipped = shipped_directory()
    assert set(shipped) == set(FIRST_JURISDICTIONS)
    assert all(set(one.names) == set(PAGE_LANGUAGES) for one in shipped.entries.values())
    check_entries(shipped.entries, "the release")
    assert shipped.name("MK") == "North Macedonia"
    assert shipped.entries[Jurisdiction.UA].clock == "Europe/Kyiv"


def test_kosovo_carries_its_asterisk_and_its_footnote_in_every_language() -> None:
    shipped = shipped_directory()
    assert [code for code in shipped if "*" in shipped.name(code)] == ["XK"]
    for language in PAGE_LANGUAGES:
        assert shipped.name("XK", language).endswith("*")
        assert "1244 (1999)" in (shipped.footnote("XK", language) or "")
    assert shipped.footnote("XK") == KOSOVO_FOOTNOTE
    assert shipped.footnotes(["XK", "RS", "XK"]) == [KOSOVO_FOOTNOTE]


def test_a_ninth_is_named_in_every_language() -> None:
    said = {code: Spoken(code, directory=extended).term("HR", "jurisdiction") for code in PAGE_LANGUAGES}
    assert {code: name for code, name in said.items() if code != "sr-Cyrl"} == NAMES
    assert said["sr-Cyrl"] == "Хрватска", "it follows from Latin script"
    only_english = extended(names={"en": "Croatia"})
    assert Spoken("mk", directory=lambda: only_english).term(HR) == "Croatia"


def test_what_is_not_known_is_its_code() -> None:
    known = shipped_directory()
    assert (known.name("HR"), known.footnote("HR"), HR in known) == ("HR", None, False)
    assert Spoken("sr-Latn").term("HR", "jurisdiction") == "HR"
    with pytest.raises(InvalidInput, match="hr is none of AL, BA, MD"):
        known.asked("hr")
    assert extended().asked(" hr ") == HR


def test_a_mark_of_its_own_goes_with_its_footnote() -> None:
    known = extended(**MARKED)
    assert known.footnotes(["HR", "XK"]) == ["** A note.", KOSOVO_FOOTNOTE]
    assert known.footnotes_in(["the node of Land**"]) == ["** A note."]
    assert Spoken("sq", directory=lambda: known).footnotes(["HR"]) == ["** A note."]


def test_the_easternmost_clock_decides_until_when_a_day_lasts() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert shipped_directory().most_ahead(moment) == timedelta(hours=2)
    assert extended(clock="Asia/Tbilisi").most_ahead(moment) == timedelta(hours=4)
    assert extended(clock="Europe/Nowhere").most_ahead(moment) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"names": {"hr": "Hrvatska"}}, "the English name is missing"),
        ({"names": {"en": "Cro\tatia"}}, "printable"),
        ({"names": {"en": "Croatia\u202e"}}, "printable"),
        ({"names": {"en": " Croatia"}}, "no space at either end"),
        ({"names": {"en": ""}}, "at least 1 character"),
        ({"names": {"en": "C" * 81}}, "at most 80 characters"),
        ({"names": {"English": "Croatia"}}, "pattern"),
        ({"names": "Croatia"}, "should be an object"),
        ({"footnotes": {"en": "* A note."}}, "ends with an asterisk where there is a footnote"),
        ({"names": {"en": "Land*"}}, "ends with an asterisk where there is a footnote"),
        ({"names": {"en": "La*nd"}}, "without other asterisks"),
        ({"names": {"en": "**"}, "footnotes": {"en": "** A note."}}, "without other asterisks"),
        ({**MARKED, "names": {"en": "Land**", "hr": "Zemlja*"}}, "must end as the English one does"),
        ({**MARKED, "footnotes": {"en": "* A note."}}, "must begin with"),
        ({**MARKED, "footnotes": {"hr": "** Napomena."}}, "the English footnote is missing"),
        ({"languages": []}, "at least 1 item"),
        ({"clock": "../../etc/passwd"}, "pattern"),
        ({"clock": 1}, "valid string"),
        ({"capital": "Zagreb"}, "not permitted"),
    ],
)
def test_what_is_no_entry_is_refused_in_words(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as refused:
        croatia(**changes)
    assert "a test holds no jurisdictions" in str(refused.value)


@pytest.mark.parametrize("code", ["hr", "HRV", "H1", "", "HR\n"])
def test_a_code_is_two_capital_letters(code: str) -> None:
    with pytest.raises(InvalidInput):
        entries_in({code: entry()}, "a test")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "not JSON"),
        (b"[]", "should be an object"),
        (b"{}", "at least 1 item"),
        (b'{"HR": 1}', "should be an object"),
        (json.dumps({"HR": entry()}).encode()[:-1] + b', "HR": {}}', "HR"),
        (b" " * (MAX_ENTRIES_BYTES + 1), "at most"),
        (b'{"HR": ' + b"[" * 40, "nests deeper"),
        ("Hrvatska".encode("utf-16"), "not JSON"),
    ],
)
def test_what_is_no_file_of_entries_is_refused_in_words(raw: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read_entries(raw, "a file")


def test_too_much_for_a_registry_is_refused_though_its_file_is_shorter() -> None:
    """In ASCII, as a registry writes it, a Cyrillic letter takes six bytes."""
    codes = [f"{a}{b}" for a in "QRSTUVWX" for b in "ABCDEF"]
    wide = {code: entry(names=dict.fromkeys(NAMES, f"Х{'ж' * 70}")) for code in codes}
    raw = json.dumps(dict(list(wide.items())[:40]), ensure_ascii=False).encode()
    assert len(raw) < MAX_ENTRIES_BYTES
    with pytest.raises(InvalidInput, match="in ASCII"):
        read_entries(raw, "a file")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"names": {"en": "Croatia", "de": "Kroatien"}}, "in de; the languages are en, sq"),
        ({**MARKED, "footnotes": {"en": "** A note.", "de": "** Notiz."}}, "in de"),
        ({"clock": "Europe/Nowhere"}, "no time zone such as"),
        ({"clock": "Europe"}, "no time zone such as"),
        ({"names": {"en": "SERBIA"}}, "HR and RS have one name in en"),
        ({"names": {"en": "Srbija"}}, "HR and RS have one name in"),
        ({"names": {"en": "Serb\u0456a"}}, "letters that are CYRILLIC and LATIN"),
        ({"names": {"en": "Croatia", "sr-Cyrl": "\u0421\u0440\u0431\u0438ja"}}, "letters that are CYRILLIC and LATIN"),
        ({"names": {"en": "Land*"}, "footnotes": {"en": "* A note."}}, "both end with"),
    ],
)
def test_what_nobody_may_propose_is_refused_in_words(changes: dict[str, Any], told: str) -> None:
    """Though it is well-formed: a registry that was signed with it stays good."""
    with pytest.raises(InvalidInput, match=told):
        check_entries(croatia(**changes), "a test")


def test_there_are_as_many_as_a_group_may_name() -> None:
    codes = [f"{a}{b}" for a in "QRSTVWXY" for b in "ABCDEFG"]
    many = {code: entry(names={"en": f"Land {code}"}) for code in codes}
    check_entries(entries_in(many, "a test"), "a test")
    many["QZ"] = entry(names={"en": "One more"})
    with pytest.raises(InvalidInput, match="65 jurisdictions; at most 64"):
        check_entries(entries_in(many, "a test"), "a test")


def test_entries_are_written_as_they_are_read() -> None:
    assert entries_in(plain_entries(croatia(**MARKED)), "a test") == croatia(**MARKED)
    assert "footnotes" not in plain_entries(croatia())["HR"]
