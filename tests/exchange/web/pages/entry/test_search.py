"""The search page: what it finds, what it says of what it does not understand, and its table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest

from exchange.spreadsheet_cells import guarded
from exchange.store.tables.record_tables import RecordRow
from exchange.web.pages.entry.search_form import FIELDS, TypedSearch, question_of
from exchange.web.pages.entry.search_pages import sheet
from schemas.vocabulary import KOSOVO_FOOTNOTE, Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

HOSTILE = "\"'><img src=x onerror=alert(2)>{{7*7}}"


def submit(node: RunningNode, case: str, **exhibit: object) -> str:
    made = node.submit(tiny_scan(), case_reference=case, exhibit={"kind": "crime_scene", "calibre": "9x19", **exhibit})
    assert made.status_code == 201, made.text
    found: str = made.json()["statement_id"]
    return found


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"calibre": "9 mm Ruger"}, "calibre"),
        ({"jurisdiction": "UK"}, "jurisdiction"),
        ({"kind": "bullet"}, "kind"),
        ({"ejector_hour": "13"}, "ejector_hour"),
        ({"earliest": "2026-02-31"}, "earliest"),
        ({"earliest": "last week"}, "earliest"),
        ({"earliest": "2026-03-02", "latest": "2026-03-01"}, "latest"),
        ({"municipality": "a" * 121}, "municipality"),
        ({"case_reference": "a\u202eb"}, "case_reference"),
        ({"headstamp": "a\tb"}, "headstamp"),
        ({"firearm_calibre": "9 mm Ruger"}, "firearm_calibre"),
        ({"lateral_resolution_um": "three"}, "lateral_resolution_um"),
        ({"lateral_resolution_um": "nan"}, "lateral_resolution_um"),
        ({"information_grade": "5"}, "information_grade"),
        ({"sha256": "AB"}, "sha256"),
        ({"issuer": "Serbia"}, "issuer"),
        ({"media_type": "x3p"}, "media_type"),
        ({"empty": ("serial",)}, "empty"),
    ],
)
def test_what_is_not_understood_is_said_beside_its_field(typed: TypedSearch, problem: str) -> None:
    question = question_of(typed)
    assert (list(question.problems), question.wanted) == ([problem], None)


def test_all_fields_together() -> None:
    typed: dict[str, str | tuple[str, ...]] = {
        name: str(field.options[0]) if field.options else "3.5" if field.is_number else "Čačak-1"
        for name, field in FIELDS.items()
    }
    typed |= {name: "2026-03-02" for name, field in FIELDS.items() if field.is_day}
    typed |= {"calibre": "9x19", "firearm_calibre": "9x18", "jurisdiction": "XK", "issuer": "ffp-rs"}
    typed |= {"sha256": "ab" * 32, "supersedes": "ab" * 32, "empty": ("item", "seal"), "filled": ("headstamp",)}
    question = question_of(typed | {"cursor": "x", "other": "y"})
    assert question.asked == typed
    assert question.wanted is not None
    assert question.wanted.asked().keys() == set(FIELDS)


@pytest.mark.slow
def test_found_by_what_an_investigator_knows(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    statement = submit(node, "S-CACAK", municipality="Чачак", classes={"breech_face": ["granular"], "ejector_hour": 8})
    submit(node, "S-NIS", municipality="Niš", calibre="7.62x39")
    person = signed_in(Role.INVESTIGATOR)
    for asked in (
        "municipality=cacak",
        "calibre=9+mm+Para&breech_face=granular&ejector_hour=8",
        "case_reference=S-CACAK",
    ):
        shown = person.get(f"/app/search?{asked}").text
        assert f"/app/records/{statement}" in shown, asked
        assert "S-NIS" not in shown, asked
    assert "S-NIS" in person.get("/app/search?municipality=ni%C5%A1").text
    empty = person.get("/app/search?case_reference=S-CACAK&ejector_hour=3&municipality=%25").text
    assert "What widens the search" in empty
    assert "Leave class characteristics out" in empty
    stripped = person.get("/app/search?calibre=&kind=seized&latest=")
    assert (stripped.status_code, stripped.headers["location"]) == (303, "/app/search?kind=seized")
    (row,) = node.get(
        "/v1/audit", Role.AUDITOR, params={"actor": person.pseudonym, "act": "search-records", "limit": 1}
    ).json()["items"]
    assert "ejector_hour" in row["asked"]


@pytest.mark.slow
def test_what_is_typed_stays_text(signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.INVESTIGATOR)
    for field in FIELDS:
        answer = person.http.get(f"{person.node.url}/app/search", params={field: HOSTILE})
        assert answer.status_code == 200, field
        assert "<img src=x" not in answer.text, field
        assert ">49" not in answer.text, field


@pytest.mark.slow
def test_the_table_is_what_was_found_and_is_written_down(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    statement = submit(node, "CSV-1", item="K-3", headstamp="ППУ 9 mm", classes={"breech_face": ["arched", "granular"]})
    person = signed_in(Role.INVESTIGATOR)
    answer = person.get("/app/search.csv?case_reference=CSV-1")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    head, line = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    cells = dict(zip(head, line, strict=True))
    assert len(cells) == len(head), "no name twice"
    assert (cells["record"], cells["item"], cells["headstamp"]) == (statement, "K-3", "ППУ 9 mm")
    assert (cells["breech_face"], cells["region_mask"]) == ("arched | granular", "no")
    asked = {"subject": statement, "actor": person.pseudonym}
    (row,) = node.get("/v1/audit", Role.AUDITOR, params=asked).json()["items"]
    assert (row["act"], row["count"]) == ("search-records", 1)
    assert '"as": "csv"' in row["asked"]
    assert person.get("/app/search.csv?kind=bullet").status_code == 422


@pytest.mark.parametrize("cell", ["x;=1+1", "x; -1", 'x;"=1+1', "x;;@a", "x;\t＝1", "=1;=2"])
def test_no_cell_is_a_formula_where_a_semicolon_parts_the_cells(cell: str) -> None:
    """As spreadsheets read a table in the languages of this region."""
    written = io.StringIO()
    csv.writer(written).writerow(("Serbia", guarded(cell)))
    parted = [part.replace('"', "").strip() for part in written.getvalue().split(";")]
    assert not [part for part in parted if part.startswith(tuple("=+-@＝"))]
    assert guarded("a; b = c; d") == "a; b = c; d"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(begin: str) -> None:
    hostile = f"{begin}HYPERLINK(1)"
    assert guarded(hostile) == f"'{hostile}"
    row = RecordRow(
        statement_id="ab" * 32, issuer=hostile, jurisdiction="XK", case_reference=hostile, kind="seized",
        calibre="9 mm Luger", earliest=None, latest=None, handling="H1", received_at="2026-11-26T00:00:00Z",
    )  # fmt: skip
    lines = list(
        csv.reader(
            io.StringIO(
                sheet([row], {}, {"ab" * 32: {"headstamp": hostile}}, more=True).decode("utf-8-sig"), newline=""
            )
        )
    )
    assert lines[1][0] == "Kosovo*"
    assert not [cell for line in lines for cell in line if cell[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"}]
    assert lines[3] == [KOSOVO_FOOTNOTE]
    assert "newest 1" in lines[2][0]


def test_the_footnote_stands_only_with_what_it_is_about() -> None:
    assert KOSOVO_FOOTNOTE not in sheet([], {}, {}, more=False).decode()
