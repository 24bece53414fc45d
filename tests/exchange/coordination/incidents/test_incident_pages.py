"""The pages of the incident annex: import with a dry run, sheets, approval, what is handed out; and that nothing of a
table stays anywhere."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pypdf import PdfReader

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.enter_incidents import entered, propose_import, take_import
from exchange.coordination.incidents.incident_annex import draft_annex, find_annex
from exchange.coordination.incidents.incident_paper import (
    ANNEX_COLUMNS,
    annex_sheet,
    render_annex,
    table_chart,
    totals_chart,
)
from exchange.coordination.incidents.incident_words import ranges
from exchange.log.audit_entry import Actor, ActorKind
from exchange.web.languages import CODES, Spoken
from exchange.web.languages.spoken import speaking
from schemas import open_envelope, parse_statement
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.coordination.incidents.made_up_incidents import SECRET, MadeUpTable, made_up_table
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.report.charts import texts_of

HALF = Half(2026, 2)
FORMS = ("json", "csv", "pdf", "approval", "manifest", "exact")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
BY = Actor(ActorKind.PERSON, "head-1", Role.HEAD)


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    """Of its own: these tests set its clock."""
    return start_node(Jurisdiction.RS)


@pytest.fixture
def over(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The half-year that the made-up tables are of is over."""
    ahead = datetime.fromisoformat(HALF.end) + timedelta(days=5) - datetime.now(UTC)
    monkeypatch.setattr("exchange.clock.now", lambda: datetime.now(UTC) + ahead)
    return


@pytest.fixture(scope="module")
def made() -> MadeUpTable:
    return made_up_table(11, 600, 25)


def send(person: Person, data: bytes, encoding: str = "auto", **changes: str) -> httpx.Response:
    fields = {"csrf": person.csrf(), "encoding": encoding} | changes
    files = {"table": ("victims of July.csv", data, "text/csv")}
    return person.http.post(f"{person.node.url}/app/incidents/{HALF}/import", data=fields, files=files)


def act(person: Person, action: str, **fields: str) -> int:
    return person.post(f"/app/incidents/{HALF}{action}", {"csrf": person.csrf()} | fields).status_code


def number(person: Person, action: str) -> str:
    shown = person.get(f"/app/incidents/{HALF}").text
    found = re.search(rf'action="/app/incidents/{HALF}{action}".*?name="entry" value="(\d+)"', shown, re.DOTALL)
    assert found is not None
    return found[1]


def named_rows(shown: str) -> list[tuple[str, int]]:
    """Column and number of each refused row that the page names."""
    table = shown.split('<table class="refused">')[1].split("</table>")[0]
    lines = re.findall(r"<code>(\w+)</code></td><td[^>]*>[^<]*</td><td[^>]*>\d+</td><td[^>]*>([^<]*)</td>", table)
    found = []
    for column, told in lines:
        for part in told.split(", "):
            first, _dash, last = part.partition("–")
            found += [(column, row) for row in range(int(first), int(last or first) + 1)]
    return sorted(found)


def take(node: RunningNode, made: MadeUpTable) -> None:
    entry = propose_import(node.node, BY, HALF, io.BytesIO(made.data))
    take_import(node.node, BY, HALF, entry.number)


def approve(person: Person, **changes: str) -> int:
    shown = person.get(f"/app/incidents/{HALF}").text
    digest = re.findall(r'name="sha256" value="([0-9a-f]{64})"', shown)
    return act(person, "", **({"sha256": digest[0] if digest else "0" * 64, "because": "To SEESAC."} | changes))


@pytest.mark.slow
def test_a_table_is_tried_then_taken_then_undone(
    node: RunningNode,
    over: None,
    signed_in: Callable[[Role], Person],
    made: MadeUpTable,
    capfd: pytest.CaptureFixture[str],
) -> None:
    head = signed_in(Role.HEAD)
    assert "Nothing is entered of this half-year." in head.get(f"/app/incidents/{HALF}").text
    assert send(head, made.data).status_code == 303
    shown = html.unescape(head.get(f"/app/incidents/{HALF}").text)
    assert f"{made.rows} rows were read. 25 rows are refused. 1 column was not read." in shown
    assert named_rows(shown) == sorted((column, row) for row, column, _why in made.wrong)
    assert SECRET not in shown
    assert entered(node.node, HALF).current is None

    assert act(head, "/take", entry="99999") == 404
    assert act(head, "/take", entry="x") == 422
    assert act(head, "/take", entry=number(head, "/take")) == 303
    found = entered(node.node, HALF).current
    assert found is not None
    assert found.counts == made.counts
    assert act(head, "/undo", entry="1" * 10) == 409
    assert act(head, "/undo", entry=number(head, "/undo")) == 303
    assert entered(node.node, HALF).current is None

    assert send(head, made.data).status_code == 303
    assert act(head, "/leave", entry=number(head, "/leave")) == 303
    assert entered(node.node, HALF).proposed is None
    logged = capfd.readouterr()
    assert SECRET not in logged.out + logged.err
    assert "victims of July" not in logged.out + logged.err
    _is_nowhere(node, made)


def _is_nowhere(node: RunningNode, made: MadeUpTable) -> None:
    assert SECRET.encode() in made.data
    files = [path for path in Path(node.node.settings.home).rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
        assert b"victims of July" not in path.read_bytes(), path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "encoding", "status", "said"),
    [
        (b"Name,incident,role,offence\nPetar,1,victim,robbery\n", "auto", 422, "Column 1 looks like it tells"),
        (b"\xff\xfe\xff,\n", "utf-8", 422, "not in the encoding"),
        (b"incident,role,offence\n1,,\n", "tlh", 422, "no form of these pages"),
        (b"", "auto", 422, "Choose the table"),
        (b"x" * (17 * 1024 * 1024), "auto", 413, "At most"),
    ],
)
def test_what_is_no_table_is_refused_in_words(
    node: RunningNode, signed_in: Callable[[Role], Person], data: bytes, encoding: str, status: int, said: str
) -> None:
    answer = send(signed_in(Role.HEAD), data, encoding)
    assert answer.status_code == status
    assert said in html.unescape(answer.text)
    assert "Petar" not in answer.text


@pytest.mark.slow
def test_a_form_of_another_session_or_without_a_file_is_refused(
    node: RunningNode, signed_in: Callable[[Role], Person], made: MadeUpTable
) -> None:
    head = signed_in(Role.HEAD)
    assert send(head, made.data, csrf="0" * 64).status_code == 403
    assert send(signed_in(Role.AUDITOR), made.data).status_code == 403
    url = f"{node.url}/app/incidents/{HALF}/import"
    broken = head.http.post(
        url, content=b"--x\r\nnonsense", headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert broken.status_code == 422
    assert head.http.post(url, content=b"", headers={"content-type": "multipart/form-data"}).status_code == 422
    other = head.http.post(
        url, data={"csrf": head.csrf()}, files={"table": b""}, headers={"origin": "https://evil.example"}
    )
    assert other.status_code == 403


@pytest.mark.slow
def test_a_sheet_is_filled_in_and_its_sum_is_checked_without_scripts(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    head = signed_in(Role.HEAD)
    address = f"/app/incidents/{HALF}/sheet"
    at = {"offence": "robbery", "outcome": "injured", "weapon": "pistol"}
    shown = head.get(f"{address}?offence=robbery&outcome=injured&weapon=pistol").text
    fields = at | {"csrf": head.csrf(), "seen": "0", "incidents": "7", "n.victim.female.19-35": "8", "stated": "9"}
    assert all(f'name="{name}"' in shown for name in fields)
    refused = head.post(address, fields)
    assert refused.status_code == 422
    assert "The persons of this sheet are 8 in all" in refused.text
    assert 'name="n.victim.female.19-35" value="8"' in refused.text, "what was typed is there still"
    refused = head.post(address, fields | {"n.victim.male.61+": HOSTILE})
    assert refused.status_code == 422
    assert "These are no counts: Victim, Male, 61 years and older." in refused.text
    assert "<script>alert" not in refused.text
    assert head.post(address, fields | {"offence": "love"}).status_code == 422
    assert entered(node.node, HALF).current is None
    assert head.post(address, fields | {"stated": "8"}).status_code == 303
    assert head.post(address, fields | {"stated": "8"}).status_code == 409, "somebody saved it meanwhile"
    shown = head.get(f"{address}?offence=robbery&outcome=injured&weapon=pistol").text
    assert 'name="incidents" value="7"' in shown
    assert "<output data-sum>8</output>" in shown
    listed = head.get(f"/app/incidents/{HALF}").text
    assert 'sheet?offence=robbery&amp;outcome=injured&amp;weapon=pistol"' in listed
    assert head.get(f"{address}?offence=love").status_code == 422


@pytest.mark.slow
def test_from_the_draft_to_what_is_handed_out(
    node: RunningNode, over: None, signed_in: Callable[[Role], Person], made: MadeUpTable
) -> None:
    head, auditor = signed_in(Role.HEAD), signed_in(Role.AUDITOR)
    take(node, made)
    shown = auditor.get(f"/app/incidents/{HALF}").text
    assert "Unverified: the words of SEESAC" in html.unescape(shown)
    assert re.search(r"–[0-9]+ \([0-9]+\)</td>", shown)
    assert 'type="file"' not in shown
    assert "style=" not in shown
    assert all(head.get(f"/app/incidents/{HALF}/released/{form}").status_code == 404 for form in FORMS)

    assert approve(auditor) == 403
    assert approve(head, sha256="0" * 64) == 409
    assert approve(head, sha256="garbage") == 422
    assert approve(head, because="") == 422
    assert find_annex(node.node, HALF) is None
    assert approve(head, because=HOSTILE) == 303
    assert approve(head) == 409
    for person in (head, auditor):
        page = person.get(f"/app/incidents/{HALF}").text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert not re.search(r"–[0-9]+ \([0-9]+\)</td>", page)
    files = {form: auditor.get(f"/app/incidents/{HALF}/released/{form}") for form in FORMS}
    assert [answer.status_code for answer in files.values()] == [200] * len(FORMS)
    names = {form: answer.headers["content-disposition"] for form, answer in files.items()}
    assert len(set(names.values())) == len(FORMS)
    assert {form for form, name in names.items() if "-public" in name} == {"json", "csv", "pdf"}
    assert {form for form, name in names.items() if "-restricted" in name} == {"exact"}
    approval = parse_statement(open_envelope(files["approval"].content).payload)
    assert getattr(approval, "concerns", None) == hashlib.sha256(files["manifest"].content).hexdigest()
    named = json.loads(files["manifest"].content)
    assert named["public"] == hashlib.sha256(files["json"].content).hexdigest()
    assert named["restricted"] == hashlib.sha256(files["exact"].content).hexdigest()
    assert json.loads(files["exact"].content)["incidents"]["total"] == 600
    rows = list(csv.reader(io.StringIO(files["csv"].content.decode("utf-8-sig"))))
    assert tuple(rows[0]) == ANNEX_COLUMNS
    assert {row[2] for row in rows[1:-2] if len(row) > 2} == {"approved"}
    assert rows[-2][0].startswith("Unverified")
    assert "1244 (1999)" in rows[-1][0]
    assert files["pdf"].content.startswith(b"%PDF-")


@pytest.mark.slow
def test_the_pdf_in_each_language(node: RunningNode, over: None, made: MadeUpTable) -> None:
    take(node, made)
    drafted = draft_annex(node.node, HALF)
    assert drafted is not None
    for code in CODES:
        with speaking(Spoken(code)):
            written = render_annex(drafted.told, None)
            assert render_annex(drafted.told, None) == written
            assert annex_sheet(drafted.told, draft=True).count(b"draft") > 100
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(written)).pages]
        assert str(HALF) in pages[0]
        assert all("[U+" not in text and "1244 (1999)" in text for text in pages)
        assert code != "en" or all("Draft: not approved for release" in text for text in pages)


def test_what_is_drawn_says_what_is_told(node: RunningNode, made: MadeUpTable) -> None:
    take(node, made)
    drafted = draft_annex(node.node, HALF)
    assert drafted is not None
    with speaking(Spoken("en")):
        drawn = {name: table_chart(name, table) for name, table in drafted.told.tables.items()}
        assert totals_chart(drafted.told) is None, "there is no earlier half-year"
    assert drawn.pop("possession_by_offence_and_weapon") is None
    for name, found in drawn.items():
        table = drafted.told.tables[name]
        assert (found is not None) == table.is_told
        if found is not None:
            said = [*texts_of(found, "said"), *texts_of(found, "value")]
            assert sorted(said) == sorted(words(figure, "count") for figure in table.cells.values())


def test_numbers_are_named_as_ranges() -> None:
    assert ranges([3, 7, 8, 9, 11]) == "3, 7–9, 11"
    assert ranges([]) == ""
