"""Drafts belong to their examiner alone, whatever is typed is text, and a double click makes one record."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

import matcher
from exchange.clock import now, stamp_in
from exchange.flows.entry.draft_form import TEXTS
from exchange.flows.entry.drafts import MAX_DRAFTS, erase_outlived_drafts
from exchange.store.tables.draft_tables import DraftRow
from exchange.store.tables.record_tables import RecordRow
from exchange.web.wording.refused_scans import REFUSED_SCANS
from schemas.record import MAX_ACQUISITIONS
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.pages.test_pages import HOSTILE, _Elements

pytestmark = pytest.mark.slow

COMPLETE = {
    "case_reference": "RS-2026-0815",
    "exhibit.kind": "crime_scene",
    "exhibit.calibre": "9x19",
    "handling.code": "H1",
    "level": "none",
    "retention_until": "2036-12-31",
}


class Desk:
    """An examiner with one draft open."""

    def __init__(self, person: Person, address: str = "") -> None:
        self.person, self.csrf = person, person.csrf()
        self.address = address or self.post("/app/register", {"act": "new"}).headers["location"]

    def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        return self.person.post(path, {"csrf": self.csrf, **fields}, **headers)

    def fetch(self, path: str, **more: Any) -> httpx.Response:
        headers = {"X-CSRF": self.csrf, **more.pop("headers", {})}
        return self.person.http.post(f"{self.person.node.url}{self.address}{path}", headers=headers, **more)

    def announce(self, name: str, size: int, modified: int = 7) -> httpx.Response:
        return self.fetch("/files", json={"name": name, "size": size, "modified": modified})

    def send(self, scan: bytes, name: str = "scan BF.x3p") -> str:
        """Announced, sent in two pieces, read; returns the file's id."""
        told = self.announce(name, len(scan)).json()
        file_id: str = told["file_id"]
        half = len(scan) // 2
        assert self.fetch(f"/files/{file_id}/from/0", content=scan[:half]).json()["offset"] == half
        assert self.fetch(f"/files/{file_id}/from/{half}", content=scan[half:]).json()["whole"] is True
        assert self.fetch(f"/files/{file_id}/read").status_code == 200
        return file_id

    def drawn(self) -> str:
        """From which fields the page is drawn, as its form says."""
        found = re.findall(r'name="drawn" value="([^"]*)"', self.person.get(self.address).text)
        return html.unescape(found[0])

    def save(self, fields: dict[str, str], **more: str) -> httpx.Response:
        """As a form without a script."""
        return self.post(self.address, {"drawn": self.drawn(), **fields, **more})

    def change(self, **changes: tuple[str, str]) -> httpx.Response:
        """As the page's script, by names with two underscores for a dot."""
        return self.fetch("", json={"changes": {name.replace("__", "."): pair for name, pair in changes.items()}})

    def fields(self) -> dict[str, str]:
        """What the node has of the draft."""
        found: dict[str, str] = json.loads(self.drawn())
        return found

    def submit(self, page: str = "") -> httpx.Response:
        """Sign what was shown: on this page of the summary, or on the one that there is now."""
        shown = page or self.person.get(f"{self.address}/summary").text
        seen = re.findall(r'name="seen" value="([0-9a-f]{64})"', shown)
        return self.post(f"{self.address}/submit", {"seen": seen[0] if seen else ""})

    def complete(self, file_id: str) -> None:
        assert self.save(COMPLETE | {f"file.{file_id}.roi": "breech_face"}).status_code == 303


@pytest.fixture
def desk(signed_in: Callable[[Role], Person]) -> Desk:
    return Desk(signed_in(Role.EXAMINER))


def test_from_the_first_word_to_the_record(node: RunningNode, desk: Desk) -> None:
    desk.complete(desk.send(tiny_scan()))
    summary = desk.person.get(f"{desk.address}/summary")
    assert summary.status_code == 200
    assert "9 mm Luger" in summary.text
    first = desk.submit()
    record = first.headers["location"]
    assert (first.status_code, record[:13]) == (303, "/app/records/")
    assert desk.submit().headers["location"] == record
    assert desk.person.get(desk.address).headers["location"] == record
    assert desk.person.get(record).status_code == 200
    assert not list(node.node.settings.drafts.glob("*")), "of the draft nothing is left on the disk"
    progress = desk.person.get(f"/app/register/submitted/{record.rpartition('/')[2]}/progress").json()
    assert progress["all"] == 1


def test_whoever_shares_with_nobody_is_warned_and_shares_as_usual_at_one_press(node: RunningNode, desk: Desk) -> None:
    alone = "Record and scans stay here, and nobody else may search them."
    usual = node.submit(tiny_scan(), case_reference="RS-USUAL-1", level="full", audience=["MK", "XK"])
    assert usual.status_code == 201
    desk.complete(desk.send(tiny_scan()))
    warned = desk.person.get(f"{desk.address}/summary").text
    assert f'class="warning" role="alert">{alone}' in warned
    assert "autofocus" not in warned, "Enter does not sign past the warning"
    form = warned[warned.index('<form id="usual"') :].partition("</form>")[0]
    told = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert set(told) == {"csrf", "act", "drawn", "fills"}
    taken = desk.person.post(desk.address, {name: html.unescape(value) for name, value in told.items()})
    assert (taken.status_code, taken.headers["location"]) == (303, f"{desk.address}/summary")
    fields = desk.fields()
    assert (fields["level"], fields["audience.MK"], fields["audience.XK"]) == ("full", "yes", "yes")
    assert fields["case_reference"] == COMPLETE["case_reference"], "all else stays"
    shared = desk.person.get(f"{desk.address}/summary").text
    assert "Share as usual" not in shared
    assert alone not in shared
    assert "autofocus" in shared
    record = desk.person.get(desk.submit().headers["location"]).text
    assert "Who may have it" in record
    assert 'id="nobody"' not in record


def test_a_record_that_nobody_may_have_says_so(desk: Desk) -> None:
    desk.complete(desk.send(tiny_scan()))
    record = desk.person.get(desk.submit().headers["location"]).text
    assert "Who may have it" in record
    assert 'id="nobody">Record and scans stay here, and nobody else may search them.' in record


def test_an_item_that_the_case_has_already_is_told_before_one_signs(node: RunningNode, desk: Desk) -> None:
    exhibit = {"kind": "crime_scene", "calibre": "9x19", "item": "K-7"}
    before = node.submit(tiny_scan(), case_reference="RS-TWICE-1", exhibit=exhibit).json()["statement_id"]
    file_id = desk.send(tiny_scan())
    fields = COMPLETE | {f"file.{file_id}.roi": "breech_face", "case_reference": "RS-TWICE-1"}
    assert desk.save(fields | {"exhibit.item": "k-7"}).status_code == 303
    told = desk.person.get(f"{desk.address}/summary")
    assert "of this case was entered already" in told.text
    assert f"/app/records/{before}" in told.text
    assert desk.save({"exhibit.item": "K-8"}).status_code == 303
    assert "was entered already" not in desk.person.get(f"{desk.address}/summary").text
    assert desk.submit().status_code == 303


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("exhibit.occurred.earliest", "2100-01-02", "This day has not come: correct it."),
        ("retention_until", "2020-01-02", "This day is over: name a later one."),
        ("case_reference", "КУ 12/26", "Write it with letters A to Z, digits and"),
        ("exhibit.incident", "incident 1", "Write it with letters A to Z, digits and"),
        ("exhibit.firearm.firearm_id", "F-9", "Only a test fire names the firearm that fired it"),
        ("handling.restriction", "for the court alone", "With H3, and with it alone"),
    ],
)
def test_a_usual_mistake_is_told_in_the_words_of_the_page(desk: Desk, field: str, typed: str, told: str) -> None:
    desk.complete(desk.send(tiny_scan()))
    firearm = {"exhibit.firearm.kind": "pistol", "exhibit.firearm.calibre": "9x19"} if "firearm" in field else {}
    assert desk.save({field: typed} | firearm).status_code == 303
    summary = desk.person.get(f"{desk.address}/summary")
    assert summary.status_code == 422
    beside = re.search(rf'id="problem-{re.escape(field)}">(.*?)</span>', summary.text, re.DOTALL)
    assert beside is not None
    assert told in beside[1]
    assert "lang=" not in beside[1], "in the language of the page"
    assert html.escape(typed) in summary.text, "what was typed stays"
    assert "1 places" not in summary.text


def test_what_is_said_of_a_field_stands_in_one_place_beneath_it(desk: Desk) -> None:
    """A field is three rows of its grid: in a fourth, what is wrong would be written across the row beneath."""
    fields = desk.person.get(f"{desk.address}/summary").text.split('<div class="field')[1:]
    called = [field for field in fields if 'id="told-' in field]
    assert any("problem-note" in field for field in called)
    assert all(field.index('<div class="notes">') < field.index('id="told-') for field in called)


def test_a_double_click_makes_one_record(node: RunningNode, desk: Desk) -> None:
    desk.complete(desk.send(tiny_scan()))

    seen = re.findall(r'name="seen" value="([0-9a-f]{64})"', desk.person.get(f"{desk.address}/summary").text)[0]

    def click(_: int) -> str:
        with httpx.Client(cookies=desk.person.http.cookies, timeout=60, trust_env=False) as client:
            answer = client.post(f"{node.url}{desk.address}/submit", data={"csrf": desk.csrf, "seen": seen})
        return str(answer.headers.get("location", answer.text))

    with ThreadPoolExecutor(4) as pool:
        records = set(pool.map(click, range(4)))
    assert len(records) == 1
    assert "/app/records/" in records.pop()


def test_anothers_draft_is_as_absent_as_none(signed_in: Callable[[Role], Person], desk: Desk) -> None:
    file_id = desk.send(tiny_scan())
    other = Desk(signed_in(Role.EXAMINER), desk.address)
    none = Desk(other.person, f"/app/register/{'cd' * 16}")
    for path in ("", "/summary", f"/files/{file_id}/preview"):
        assert desk.person.get(desk.address + path).status_code in {200, 422}
        answers = [who.person.get(who.address + path) for who in (other, none)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(other.address, none.address) == answers[1].text
    for path in ("", "/discard", "/submit", f"/files/{file_id}/read", f"/files/{file_id}/remove"):
        answers = [who.post(who.address + path, {"drawn": "{}"}) for who in (other, none)]
        assert [answer.status_code for answer in answers] == [404, 404], path
        assert answers[0].text.replace(other.address, none.address) == answers[1].text
    assert other.announce("a.x3p", 5).status_code == 404
    assert other.fetch(f"/files/{file_id}/from/0", content=b"a").status_code == 404
    assert desk.person.get(desk.address).status_code == 200, "and nothing of it was touched"


def test_what_is_typed_is_kept_and_shown_as_text(desk: Desk) -> None:
    typed = dict.fromkeys(TEXTS, HOSTILE) | {"exhibit.headstamp": '=HYPERLINK("x")', "case_reference": "../../etc"}
    assert desk.save(typed).status_code == 303
    file_id = desk.announce(f"../{HOSTILE}.x3p", 10).json()["file_id"]
    fields = typed | {f"file.{file_id}.instrument.maker": HOSTILE}
    assert desk.save(fields, act="summary").headers["location"] == f"{desk.address}/summary"
    for path in (desk.address, f"{desk.address}/summary", "/app/register"):
        answer = desk.person.get(path)
        assert answer.status_code in {200, 422}
        parsed = _Elements()
        parsed.feed(answer.text)
        scripts = [values for tag, values in parsed.found if tag == "script"]
        assert all((values.get("src") or "").startswith("/app/static/") for values in scripts)
        assert not [name for _, values in parsed.found for name in values if name.startswith("on") or name == "style"]
        assert all(values.get("src") != "x" for tag, values in parsed.found if tag == "img")
    shown = desk.person.get(desk.address).text
    assert "{{7*7}}" in shown
    assert "&lt;script&gt;alert(1)" in shown


MARKED = {"rows": 9, "columns": 12, "bits": "gA" + 17 * "A" + "="}
"""On a scan of 9 x 12 points: its first cell alone."""


def marked_upon(page: str) -> str:
    """The bits of the region that a page shows."""
    cells = json.loads(html.unescape(re.search(r"data-cells='([^']*)'", page)[1]))  # type: ignore[index]
    return str(cells["marked"] or cells["found"])


def test_a_marked_region_is_kept_assessed_and_signed(node: RunningNode, desk: Desk) -> None:
    file_id = desk.send(tiny_scan())
    desk.complete(file_id)
    card = desk.person.get(desk.address).text
    assert "data-mend" in card
    assert "Region mended by hand" not in card
    path = f"/files/{file_id}/region"
    was = marked_upon(card)
    assert desk.fetch(path, json={"region": MARKED, "was": was}).json() == {"mended": True}
    other = {"region": MARKED | {"bits": "/" + MARKED["bits"][1:]}, "was": was}
    clash = desk.fetch(path, json=other)
    assert (clash.status_code, clash.json()) == (409, {"there": MARKED["bits"]}), "another page marked it meanwhile"
    assert desk.fetch(path, json={"region": MARKED, "was": was}).json() == {"mended": True}, "the same again"
    assert 'data-state="arrived"' in desk.person.get(desk.address).text, "its verdict is of another region"
    assert desk.person.get(f"{desk.address}/summary").status_code == 422
    assert "Region mended by hand" in desk.fetch(f"/files/{file_id}/read").text
    assert "Region mended by hand" in desk.person.get(desk.address).text
    pictures = [desk.person.get(f"{desk.address}/files/{file_id}/preview{more}") for more in ("", "?plain=true")]
    assert all(answer.content.startswith(b"\x89PNG") for answer in pictures)
    assert pictures[0].content != pictures[1].content
    assert "mended by hand" in desk.person.get(f"{desk.address}/summary").text
    record = desk.submit().headers["location"]
    assert "mended by hand" in desk.person.get(record).text
    signed = node.get(f"/v1/records/{record.rpartition('/')[2]}").json()["statement"]
    assert signed["acquisitions"][0]["region_mask"] == MARKED
    assert not list(node.node.settings.drafts.glob(f"{file_id}*"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 422),
        (b"[]", 422),
        (json.dumps({"region": MARKED | {"bits": "AAAAAAAAAAAAAAAAAAA="}, "was": ""}).encode(), 422),
        (json.dumps({"region": MARKED | {"rows": 12, "columns": 9}, "was": ""}).encode(), 422),
        (json.dumps({"region": MARKED | {"rows": "9"}, "was": ""}).encode(), 422),
        (json.dumps({"region": MARKED | {"note": "x"}, "was": ""}).encode(), 422),
        (json.dumps({"region": MARKED}).encode(), 422),
        (b" " * 9000, 413),
    ],
)
def test_a_region_that_is_none_is_refused(desk: Desk, body: bytes, status: int) -> None:
    file_id = desk.send(tiny_scan())
    assert desk.fetch(f"/files/{file_id}/region", content=body).status_code == status
    assert "Region mended by hand" not in desk.fetch(f"/files/{file_id}/read").text


def test_nobody_else_marks_a_region(signed_in: Callable[[Role], Person], desk: Desk) -> None:
    file_id = desk.send(tiny_scan())
    path = f"{desk.person.node.url}{desk.address}/files/{file_id}/region"
    assert desk.person.http.post(path, json={"region": MARKED, "was": ""}).status_code == 403, (
        "without the session's secret"
    )
    other = Desk(signed_in(Role.EXAMINER), desk.address)
    assert other.fetch(f"/files/{file_id}/region", json={"region": MARKED, "was": ""}).status_code == 404


def test_what_is_saved_beside_an_upload_leaves_its_region(desk: Desk) -> None:
    """The page and the form without a script were drawn before the file was announced, and know nothing of it."""
    drawn = desk.drawn()
    region = f"file.{desk.announce('scan FP.x3p', 9).json()['file_id']}.roi"
    assert desk.change(exhibit__headstamp=("", "PPU")).status_code == 200
    assert desk.post(desk.address, {"drawn": drawn, "exhibit.kind": "crime_scene"}).status_code == 303
    fields = desk.fields()
    assert fields[region] == "firing_pin_impression"
    assert (fields["exhibit.headstamp"], fields["exhibit.kind"]) == ("PPU", "crime_scene")


def test_two_pages_of_one_draft_overwrite_nothing_of_each_other(desk: Desk) -> None:
    assert desk.change(exhibit__headstamp=("", "PPU")).status_code == 200
    answer = desk.change(exhibit__headstamp=("", "S&B"), exhibit__cartridge_lot=("", "7"))
    assert answer.status_code == 409
    assert html.unescape(re.findall("data-elsewhere='([^']*)'", answer.text)[0]) == '["exhibit.headstamp"]'
    told = json.loads(html.unescape(re.findall("data-fields='([^']*)'", answer.text)[0]))
    assert (told["exhibit.headstamp"], told["exhibit.cartridge_lot"]) == ("PPU", "7")
    assert desk.fields() == told
    assert desk.change(exhibit__headstamp=("PPU", "S&B")).status_code == 200, "once it was asked, and chosen"
    assert desk.fields()["exhibit.headstamp"] == "S&B"


def test_a_form_without_a_script_asks_too(desk: Desk) -> None:
    drawn = desk.drawn()
    desk.change(exhibit__headstamp=("", "P&P <b>"))
    asked = desk.post(desk.address, {"drawn": drawn, "exhibit.headstamp": "S&B", "exhibit.cartridge_lot": "7"})
    assert asked.status_code == 409
    assert 'value="S&amp;B"' in asked.text
    assert "changed in another window too" in asked.text
    assert "<q>P&amp;P &lt;b&gt;</q>" in asked.text
    assert desk.fields()["exhibit.headstamp"] == "P&P <b>"
    assert desk.fields()["exhibit.cartridge_lot"] == "7"
    drawn = html.unescape(re.findall(r'name="drawn" value="([^"]*)"', asked.text)[0])
    assert desk.post(desk.address, {"drawn": drawn, "exhibit.headstamp": "S&B"}).status_code == 303
    assert desk.fields()["exhibit.headstamp"] == "S&B"


@pytest.mark.parametrize("drawn", [None, "", "[]", '{"exhibit.headstamp": 7}', "{"])
def test_a_form_says_from_what_it_was_drawn(desk: Desk, drawn: str | None) -> None:
    sent = {"exhibit.headstamp": "PPU"} | ({} if drawn is None else {"drawn": drawn})
    assert desk.post(desk.address, sent).status_code == 422
    assert "exhibit.headstamp" not in desk.fields()


def test_what_is_signed_is_what_was_shown(node: RunningNode, desk: Desk) -> None:
    file_id = desk.send(tiny_scan())
    desk.complete(file_id)
    shown = desk.person.get(f"{desk.address}/summary").text
    desk.change(exhibit__headstamp=("", "changed in the other tab"))
    again = desk.submit(shown)
    assert again.status_code == 409
    assert "changed after it was shown to you" in again.text
    assert "changed in the other tab" in again.text
    assert desk.post(f"{desk.address}/submit", {}).status_code == 409, "nor without a word of what was shown"
    with node.node.store.read() as session:
        assert session.get_one(DraftRow, desk.address.rpartition("/")[2]).statement_id is None
    assert "/app/records/" in desk.submit(again.text).headers["location"]


def test_faults_stand_beside_their_fields(desk: Desk) -> None:
    file_id = desk.send(tiny_scan())
    desk.save(COMPLETE | {"exhibit.calibre": "9x91", "retention_until": "2036-02-30", f"file.{file_id}.roi": "nose"})
    answer = desk.person.get(f"{desk.address}/summary")
    assert answer.status_code == 422
    assert set(re.findall(r'data-problem="([^"]+)"', answer.text)) == {"exhibit.calibre", "retention_until"}
    assert re.search(r"The nearest:\s*<button[^>]*>9 mm Luger<", answer.text)
    assert f'id="file-{file_id}"' in answer.text
    assert desk.submit().status_code == 422
    desk.save(COMPLETE | {"exhibit.occurred.earliest": "2999-01-01", f"file.{file_id}.roi": "breech_face"})
    assert "This day has not come" in desk.person.get(f"{desk.address}/summary").text


def test_notes_come_back_as_it_is_typed(desk: Desk) -> None:
    fields = {"exhibit.calibre": "7,65 Browning", "exhibit.headstamp": "Petar Petrović"}
    notes = desk.fetch("", json={"changes": {name: ("", value) for name, value in fields.items()}})
    assert notes.status_code == 200
    assert "Entered as 7.65 mm Browning" in notes.text
    assert 'data-note="exhibit.headstamp"' in notes.text
    assert re.search(r'data-saved="\d\d:\d\d:\d\d"', notes.text)


def test_a_broken_line_goes_on_where_it_stopped(desk: Desk) -> None:
    scan = tiny_scan()
    first = desk.announce("a.x3p", len(scan)).json()
    desk.fetch(f"/files/{first['file_id']}/from/0", content=scan[:100])
    again = desk.announce("a.x3p", len(scan)).json()
    assert (again["file_id"], again["offset"]) == (first["file_id"], 100)
    assert desk.announce("a.x3p", len(scan), modified=8).json()["file_id"] != first["file_id"], "another file"
    wrong = desk.fetch(f"/files/{first['file_id']}/from/50", content=scan[50:])
    assert (wrong.status_code, wrong.json()["offset"]) == (409, 100)
    too_long = desk.fetch(f"/files/{first['file_id']}/from/100", content=scan[100:] + b"x")
    assert (too_long.status_code, too_long.json()["offset"]) == (409, 100)
    assert desk.fetch(f"/files/{first['file_id']}/read").status_code == 409, "not whole yet"
    assert desk.fetch(f"/files/{first['file_id']}/from/100", content=scan[100:]).json()["whole"] is True
    assert desk.fetch(f"/files/{first['file_id']}/read").status_code == 200


def test_a_file_that_a_restore_left_behind_is_sent_again(node: RunningNode, desk: Desk) -> None:
    scan = tiny_scan()
    file_id = desk.send(scan)
    desk.complete(file_id)
    node.node.draft_files.erase(file_id)
    assert desk.submit().status_code == 404
    assert desk.send(scan) == file_id
    assert "/app/records/" in desk.submit().headers["location"]


def test_the_bounds_of_files(node: RunningNode, desk: Desk) -> None:
    settings = node.node.settings
    assert desk.announce("empty.x3p", 0).status_code == 422
    assert desk.announce("large.x3p", settings.max_scan_bytes + 1).status_code == 413
    for number in range(settings.max_submission_bytes // settings.max_scan_bytes):
        assert desk.announce(f"{number}.x3p", settings.max_scan_bytes).status_code == 200
    assert desk.announce("one more.x3p", 1).status_code == 413, "together they are too much for one submission"
    other = Desk(desk.person)
    for number in range(MAX_ACQUISITIONS):
        assert other.announce(f"{number}.x3p", 1).status_code == 200
    assert other.announce("one more.x3p", 1).status_code == 422
    file_id = other.announce("0.x3p", 1).json()["file_id"]
    assert other.fetch(f"/files/{file_id}/from/0", content=b"x" * (5 * 2**20)).status_code == 413


@pytest.mark.parametrize("headers", [{"X-CSRF": "0" * 64}, {"Origin": "https://evil.example"}, {"X-CSRF": ""}])
def test_what_another_site_makes_the_browser_send_changes_nothing(desk: Desk, headers: dict[str, str]) -> None:
    assert desk.fetch("/files", json={"name": "a", "size": 1, "modified": 0}, headers=headers).status_code == 403
    evil = {"changes": {"case_reference": ["", "RS-EVIL"]}}
    assert desk.fetch("", json=evil, headers=headers).status_code == 403
    assert "RS-EVIL" not in desk.person.get(desk.address).text


def test_a_refused_file_says_why_in_the_language_of_the_page(desk: Desk) -> None:
    said = "This is no file that is read here."
    desk.send(b"no scan at all, by any means", "scan BF.x3p")
    page = desk.person.get(desk.address).text
    assert said in page
    assert page.count('lang="en">The file') == 1, "the matcher's own sentence stands below"


def test_each_reason_of_the_matcher_has_its_sentence() -> None:
    package = Path(matcher.__file__).parent
    source = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    reasons = set(re.findall(r'ScanRefused\(\s*"([a-z0-9-]+)"', source))
    assert len(reasons) > 30
    assert reasons == set(REFUSED_SCANS)


def test_a_refused_file_is_said_to_be_so(desk: Desk) -> None:
    file_id = desk.send(b"PK\x03\x04 this is no archive", "a.x3p")
    assert "cannot be used" in desk.person.get(desk.address).text
    desk.complete(file_id)
    assert "This file cannot be used: remove it." in desk.person.get(f"{desk.address}/summary").text
    assert desk.fetch(f"/files/{file_id}/remove").status_code == 204
    assert "An exhibit needs one scan" in desk.person.get(f"{desk.address}/summary").text


def test_a_second_window_is_told_which_record_the_draft_became(desk: Desk) -> None:
    desk.complete(desk.send(tiny_scan()))
    drawn = desk.drawn()
    record = desk.submit().headers["location"]
    typed = {"drawn": drawn, **json.loads(drawn), "exhibit.headstamp": "<b>late</b>"}
    late = desk.post(desk.address, typed)
    assert late.status_code == 409
    assert "submitted meanwhile, in another window" in late.text
    assert f'href="{record}"' in late.text
    assert "&lt;b&gt;late&lt;/b&gt;" in late.text, "what was typed since is not lost"
    assert "RS-2026-0815" not in late.text, "and nothing else is said to be"
    by_script = desk.change(exhibit__headstamp=("", "late"))
    assert (by_script.status_code, "submitted meanwhile" in by_script.text) == (409, True)
    assert "This draft was submitted" in desk.post(f"{desk.address}/discard", {}).text
    stranger = desk.post("/app/register/" + "0" * 32, typed)
    assert (stranger.status_code, "submitted" in stranger.text) == (404, False)


def test_the_time_of_the_last_save_is_local(desk: Desk) -> None:
    said = re.search(r"Saved at (\d\d:\d\d:\d\d)<", desk.person.get(desk.address).text)
    assert said is not None
    local = now().astimezone(ZoneInfo("Europe/Belgrade"))
    stated = datetime.combine(local.date(), time.fromisoformat(said[1]), local.tzinfo)
    assert abs((local - stated).total_seconds()) < 300


def test_a_new_version_keeps_the_scans_and_supersedes(node: RunningNode, desk: Desk) -> None:
    desk.complete(desk.send(tiny_scan()))
    record = desk.submit().headers["location"].rpartition("/")[2]
    amended = Desk(desk.person, desk.post("/app/register", {"act": "amend", "record": record}).headers["location"])
    shown = amended.person.get(amended.address).text
    assert "New version of a record" in shown
    (file_id,) = re.findall(r'data-file="([0-9a-f]{32})"', shown)
    assert amended.fetch(f"/files/{file_id}/read").status_code == 200
    amended.save(COMPLETE | {"exhibit.headstamp": "PPU", f"file.{file_id}.roi": "breech_face"})
    assert "the version that is signed now" in amended.person.get(f"{amended.address}/summary").text
    newer = amended.submit().headers["location"].rpartition("/")[2]
    with node.node.store.read() as session:
        assert session.get_one(RecordRow, record).superseded_by == newer
    assert desk.post("/app/register", {"act": "amend", "record": record}).status_code == 404, "the newest alone"
    assert "PPU" in desk.person.get(f"/app/records/{newer}").text


def test_another_exhibit_of_a_case_starts_from_the_last(desk: Desk) -> None:
    desk.complete(desk.send(tiny_scan()))
    desk.submit()
    begun = desk.post("/app/register", {"act": "new", "case_reference": "RS-2026-0815", "like_last": "yes"})
    shown = desk.person.get(begun.headers["location"]).text
    assert 'value="9 mm Luger"' in shown
    assert "data-file=" not in shown
    fresh = desk.post("/app/register", {"act": "new", "case_reference": "RS-0", "like_last": "yes"})
    assert 'value="RS-0"' in desk.person.get(fresh.headers["location"]).text


def test_drafts_are_bounded_and_end(node: RunningNode, desk: Desk) -> None:
    file_id = desk.send(tiny_scan())
    answers = [desk.post("/app/register", {"act": "new"}).status_code for _ in range(MAX_DRAFTS)]
    assert answers == [303] * (MAX_DRAFTS - 1) + [429]
    draft_id = desk.address.rpartition("/")[2]
    with node.node.store.write() as session:
        session.get_one(DraftRow, draft_id).saved_at = stamp_in(-86_400 * node.node.settings.draft_days - 60)
    erase_outlived_drafts(node.node)
    assert desk.person.get(desk.address).status_code == 404
    assert not node.node.draft_files.path(file_id).exists()
    assert "There is no draft" not in desk.person.get("/app/register").text, "the others stay"


def test_a_new_version_that_another_one_overtook_is_told_before_it_is_signed(desk: Desk) -> None:
    desk.complete(desk.send(tiny_scan()))
    record = desk.submit().headers["location"].rpartition("/")[2]
    first, second = (_amending(desk, record) for _ in range(2))
    for draft, headstamp in ((first, "PPU"), (second, "S&B")):
        draft.change(exhibit__headstamp=("", headstamp))
    assert first.submit().status_code == 303
    told = second.person.get(f"{second.address}/summary")
    assert told.status_code == 422
    assert "Another new version was signed meanwhile" in told.text
    assert second.fields()["exhibit.headstamp"] == "S&B"


def _amending(desk: Desk, record: str) -> Desk:
    """A draft of a new version, with its scan read."""
    address = desk.post("/app/register", {"act": "amend", "record": record}).headers["location"]
    draft = Desk(desk.person, address)
    for file_id in re.findall(r'id="file-([0-9a-f]{32})"', desk.person.get(address).text):
        assert draft.fetch(f"/files/{file_id}/read").status_code == 200
    return draft
