"""Calibres on the pages and in REST: how a spelling is understood, what `other` is called, and the list with its
sources."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable

import pytest

from schemas.calibre import Calibre
from schemas.calibre_list import AMBIGUOUS, CALIBRES
from schemas.calibres.entry import CalibreKind
from schemas.calibres.pairs import PAIRS
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.pages.entry.test_register import COMPLETE, Desk

pytestmark = pytest.mark.slow

WERNDL = "11 mm Werndl"
HOSTILE = "\"'><img src=x onerror=alert(2)>{{7*7}}"


@pytest.fixture(scope="module")
def other(node: RunningNode) -> str:
    """A record whose calibre is in no list."""
    exhibit = {"kind": "crime_scene", "calibre": "other", "calibre_words": WERNDL}
    made = node.submit(tiny_scan(), case_reference="RS-WERNDL", exhibit=exhibit)
    assert made.status_code == 201, made.text
    return str(made.json()["statement_id"])


@pytest.fixture
def desk(signed_in: Callable[[Role], Person]) -> Desk:
    return Desk(signed_in(Role.EXAMINER))


def note_of(page: str, name: str = "exhibit.calibre") -> str:
    found = re.search(rf'<span[^>]*data-note="{re.escape(name)}"[^>]*>(.*?)</span>', page, re.DOTALL)
    return html.unescape(found[1]) if found else ""


def proposed(note: str) -> list[str]:
    """What the buttons of a note propose."""
    filled = re.findall(r"<button class=\"quiet\" name=\"fills\" value='([^']+)'>", note)
    return [json.loads(fields)["exhibit.calibre"] for fields in filled]


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("7,62 х 54 Р", "7.62x54R"),
        ("9 мм Р.А.", "9 mm P.A."),
        ("kal. 12", "12 gauge"),
        ("32 Smith & Wesson", ".32 S&W"),
        ("Наган", "7.62 mm Nagant"),
    ],
)
def test_any_spelling_is_understood_at_once(desk: Desk, typed: str, understood: str) -> None:
    fetched = desk.change(exhibit__calibre=("", typed)).text
    for page in (fetched, desk.person.get(desk.address).text):
        assert f"Entered as {understood}." in note_of(page)
        assert not proposed(note_of(page))


def test_what_names_several_shows_them_and_one_is_picked_without_a_script(desk: Desk) -> None:
    desk.save({"exhibit.calibre": "9 mm"})
    note = note_of(desk.person.get(desk.address).text)
    assert "Several calibres are called so" in note
    assert proposed(note) == list(AMBIGUOUS["9 mm"])
    assert (
        desk.save({"exhibit.calibre": "9 mm"}, fills=json.dumps({"exhibit.calibre": "9 mm Makarov"})).status_code == 303
    )
    assert desk.fields()["exhibit.calibre"] == "9 mm Makarov"
    assert "Entered as 9 mm Makarov." in note_of(desk.person.get(desk.address).text)


def test_a_near_miss_shows_the_nearest_ones_and_the_way_to_other(desk: Desk) -> None:
    note = note_of(desk.change(exhibit__calibre=("", "9x91")).text)
    assert "not known here" in note
    assert proposed(note)[:2] == ["9 mm Luger", "9 mm Makarov"]
    assert "other, and beside it what it is" in note


def test_what_was_not_verified_says_so(desk: Desk) -> None:
    for designation, told in (("9 mm Luger", False), ("8 mm Gasser", False), ("12 mm Lefaucheux", True)):
        desk.save({"exhibit.calibre": designation})
        assert ("Not verified" in note_of(desk.person.get(desk.address).text)) is told, designation


def test_other_needs_its_words_and_only_other_takes_them(desk: Desk) -> None:
    file_id = desk.send(tiny_scan())
    fields = COMPLETE | {f"file.{file_id}.roi": "breech_face"}
    desk.save(fields | {"exhibit.calibre": "other"})
    assert "Say beside it what it is" in note_of(desk.person.get(desk.address).text)
    refused = desk.person.get(f"{desk.address}/summary")
    assert refused.status_code == 422
    assert re.findall(r'data-problem="([^"]+)"', refused.text) == ["exhibit.calibre_words"]
    assert "The calibre other, and it alone, needs words" in refused.text
    desk.save(fields | {"exhibit.calibre": "9x19", "exhibit.calibre_words": WERNDL})
    assert "other alone" in note_of(desk.person.get(desk.address).text, "exhibit.calibre_words")
    assert desk.person.get(f"{desk.address}/summary").status_code == 422
    desk.save(fields | {"exhibit.calibre": "other", "exhibit.calibre_words": WERNDL})
    summary = desk.person.get(f"{desk.address}/summary")
    assert summary.status_code == 200
    assert f"other: {WERNDL}" in summary.text
    record = desk.submit().headers["location"]
    assert f"<dt>Calibre</dt><dd>other: {WERNDL}</dd>" in desk.person.get(record).text
    assert f"other: {WERNDL}" in desk.person.get("/app/register").text


def test_words_that_look_like_a_person_are_warned_of(desk: Desk) -> None:
    notes = desk.change(exhibit__calibre=("", "other"), exhibit__calibre_words=("", "Petar Petrović")).text
    assert "person's name" in note_of(notes, "exhibit.calibre_words")


def test_suggestions_stand_by_kind_with_their_other_names(desk: Desk) -> None:
    for path in (desk.address, "/app/search"):
        options = re.findall(r'<option value="([^"]*)" label="([^"]*)"></option>', desk.person.get(path).text)
        values = [html.unescape(value) for value, _ in options]
        assert values[: len(CALIBRES)] == [
            entry.designation for kind in CalibreKind for entry in CALIBRES if entry.kind is kind
        ]
        assert set(values[len(CALIBRES) :]) <= {"other", "unknown", "not_examined"}
        assert "other" in values
        labels = dict(zip(values, (html.unescape(label) for _, label in options), strict=True))
        assert labels["7.62x54R"].startswith("7.62x54R (rifle): ")
        assert "7.62 mm Mosin-Nagant" in labels["7.62x54R"]


def test_words_stand_wherever_the_calibre_does(
    node: RunningNode, other: str, signed_in: Callable[[Role], Person]
) -> None:
    person, named = signed_in(Role.EXAMINER), f"other: {WERNDL}"
    for path in (
        f"/app/records/{other}",
        f"/app/records/{other}/candidates",
        f"/app/records/{other}/ask",
        "/app/search?case_reference=RS-WERNDL",
        "/app/cases/RS/RS-WERNDL",
    ):
        shown = person.get(path)
        assert shown.status_code == 200, path
        if not path.endswith("/candidates"):  # there only of pairs, and it has none
            assert named in shown.text, path
    [row] = csv.DictReader(io.StringIO(person.get("/app/search.csv?case_reference=RS-WERNDL").text.lstrip("\ufeff")))
    assert row["calibre"] == named
    [item] = node.get("/v1/records", params={"case_reference": "RS-WERNDL"}).json()["items"]
    assert (item["calibre"], item["calibre_words"]) == ("other", WERNDL)
    read = node.get(f"/v1/records/{other}").json()
    assert read["calibre_words"] == read["statement"]["exhibit"]["calibre_words"] == WERNDL


def test_words_are_text(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    exhibit = {"kind": "crime_scene", "calibre": "other", "calibre_words": HOSTILE}
    assert node.submit(tiny_scan(), case_reference="RS-HOSTILE", exhibit=exhibit).status_code == 201
    shown = signed_in(Role.INVESTIGATOR).get("/app/search?case_reference=RS-HOSTILE").text
    assert "<img src=x" not in shown
    assert "{{7*7}}" in shown


def test_of_a_listed_calibre_there_are_no_words(node: RunningNode) -> None:
    made = node.submit(tiny_scan(), case_reference="RS-LISTED").json()
    assert node.get(f"/v1/records/{made['statement_id']}").json()["calibre_words"] is None


@pytest.mark.parametrize("spellings", [("7.62x54R", "7,62 х 54 Р", "7.62 mm Mosin"), (".22 LR", "22 lfB", "5,6x15R")])
def test_any_name_finds_the_same_records(
    node: RunningNode, signed_in: Callable[[Role], Person], spellings: tuple[str, ...]
) -> None:
    case = f"RS-{spellings[0].strip('.').replace(' ', '-')}"
    node.submit(tiny_scan(), case_reference=case, exhibit={"kind": "crime_scene", "calibre": spellings[1]})
    person = signed_in(Role.INVESTIGATOR)
    found = []
    for spelling in spellings:
        items = node.get("/v1/records", params={"calibre": spelling, "limit": 200}).json()["items"]
        found.append([item["statement_id"] for item in items])
        assert case in person.http.get(f"{node.url}/app/search", params={"calibre": spelling}).text
    assert found[0]
    assert found == [found[0]] * len(spellings)


def test_what_names_several_is_no_condition_and_names_them(signed_in: Callable[[Role], Person]) -> None:
    shown = signed_in(Role.INVESTIGATOR).get("/app/search?calibre=9+mm").text
    assert "Several calibres are called so: 9 mm Luger, 9 mm Makarov" in html.unescape(shown)
    assert "Nothing was searched" in shown


def test_the_list_is_there_for_everybody(node: RunningNode) -> None:
    shown = node.http.get(f"{node.url}/app/calibres")
    assert shown.status_code == 200
    text = html.unescape(shown.text)
    for kind in CalibreKind:
        assert f'id="{kind}"' in text
    for entry in CALIBRES:
        assert f'<td class="data">{entry.designation}</td>' in text
    unverified = [*(e for e in CALIBRES if not e.verified), *(pair for pair in PAIRS if not pair.verified)]
    assert text.count("<b>not verified</b>") == len(unverified)
    assert "Nagant revolvers fire it in place of their own cartridge" in text
    assert "9 mm Luger; 9 mm Makarov; 9 mm Browning Court; 9 mm P.A." in text


def test_the_list_is_linked_where_a_calibre_is_asked_for(node: RunningNode, desk: Desk) -> None:
    for path in (desk.address, "/app/search", "/app/guide"):
        assert 'href="/app/calibres"' in desk.person.get(path).text, path


def test_the_vocabularies_say_what_is_known_of_each_calibre(node: RunningNode) -> None:
    said = node.get("/v1/vocabularies").json()
    assert said["Calibre"] == [calibre.value for calibre in Calibre]
    assert {entry["designation"] for entry in said["calibres"]} == set(said["Calibre"]) - {
        "other",
        "unknown",
        "not_examined",
    }
    mosin = next(entry for entry in said["calibres"] if entry["designation"] == "7.62x54R")
    assert (mosin["kind"], mosin["verified"], mosin["usual"]) == ("rifle", True, False)
    assert "7.62x53R" in mosin["synonyms"]
    assert mosin["source"].startswith("France: ")
    assert next(entry["usual"] for entry in said["calibres"] if entry["designation"] == "9 mm Luger") is True
    assert len(said["calibre_pairs"]) == len(PAIRS)
    pair = next(
        pair for pair in said["calibre_pairs"] if {pair["one"], pair["other"]} == {".38 Special", ".357 Magnum"}
    )
    assert (pair["verified"], pair["own"]) == (True, False)
    assert all(pair["reason"] for pair in said["calibre_pairs"])
    assert said["ambiguous_calibres"]["9 mm"] == list(AMBIGUOUS["9 mm"])
