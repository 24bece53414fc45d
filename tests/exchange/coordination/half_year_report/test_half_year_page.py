"""The page of the half-yearly report: who may read, approve and hand out; that nothing goes out before; the files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pypdf import PdfReader

from exchange.coordination.half_year.half_year_report import approve_report, draft, find_approved
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year_report.half_year_paper import (
    MONITORING_COLUMNS,
    monitoring_sheet,
    render_monitoring,
)
from exchange.coordination.region_files.recipient import make_recipient, write_recipient
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.web.languages import CODES, Spoken
from exchange.web.languages.spoken import speaking
from schemas import Maker, open_envelope, parse_statement
from schemas.vocabulary import KOSOVO_FOOTNOTE, Jurisdiction, Role, SignedInBy
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
FORMS = ("json", "csv", "pdf", "approval", "manifest")
HEAD_OF_FFP = Maker(pseudonym="head-1", role=Role.HEAD, signed_in=SignedInBy.TOKEN)


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    """Of its own: these tests set its clock forward."""
    return start_node(Jurisdiction.RS)


@pytest.fixture
def over(node: RunningNode, monkeypatch: pytest.MonkeyPatch) -> Half:
    """A half-year in which the node got two exhibits, and which is over by now."""
    half = Half.of(datetime.now(UTC))
    for number in range(2):
        made = node.submit(tiny_scan(), case_reference=f"RS-SECRET-{number}")
        assert made.status_code in (200, 201), made.text
    ahead = datetime.fromisoformat(half.end) + timedelta(days=5) - datetime.now(UTC)
    monkeypatch.setattr("exchange.clock.now", lambda: datetime.now(UTC) + ahead)
    return half


def approve(person: Person, half: Half, **changes: str) -> int:
    page = person.get(f"/app/monitoring/{half}").text
    digest = re.findall(r'name="sha256" value="([0-9a-f]{64})"', page)
    fields = {"csrf": person.csrf(), "sha256": digest[0] if digest else "0" * 64, "because": "To the coordinator."}
    return person.post(f"/app/monitoring/{half}", fields | changes).status_code


@pytest.mark.slow
def test_without_the_extra_for_pdf_all_else_is_handed_out(
    node: RunningNode, over: Half, signed_in: Callable[[Role], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    head = signed_in(Role.HEAD)
    assert approve(head, over) == 303
    monkeypatch.setitem(sys.modules, "typst", None)
    answer = head.get(f"/app/monitoring/{over}/released/pdf")
    assert answer.status_code == 501
    assert "ffp extras add pdf" in answer.text
    assert "retry-after" not in answer.headers
    for form in ("json", "csv", "approval"):
        assert head.get(f"/app/monitoring/{over}/released/{form}").status_code == 200
    assert head.get(f"/app/monitoring/{over}").status_code == 200


@pytest.mark.slow
def test_from_the_draft_to_what_is_handed_out(
    node: RunningNode, over: Half, signed_in: Callable[[Role], Person]
) -> None:
    head, auditor = signed_in(Role.HEAD), signed_in(Role.AUDITOR)
    shown = head.get(f"/app/monitoring/{over}").text
    assert "Not approved yet: nothing of this leaves the node." in shown
    assert "1–4 (2)" in shown, "the exact count of few exhibits, here alone"
    for form in FORMS:
        assert head.get(f"/app/monitoring/{over}/released/{form}").status_code == 404
        assert "approves it: on the page Monitoring" in head.get(f"/app/monitoring/{over}/released/{form}").text

    assert approve(auditor, over) == 403
    assert approve(head, over, sha256="0" * 64) == 409
    assert approve(head, over, sha256="garbage") == 422
    assert approve(head, over, because="") == 422
    assert approve(head, over, csrf="0" * 64) == 403
    assert find_approved(node.node, over) is None
    assert approve(head, over, because=HOSTILE) == 303
    assert approve(head, over) == 409

    for person in (head, auditor):
        page = person.get(f"/app/monitoring/{over}").text
        assert "Approved for release" in page
        assert "No incident annex of this period is approved, so the file has none." in page
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "1–4 (2)" not in page, "as it was released, for everybody"
    files = {form: auditor.get(f"/app/monitoring/{over}/released/{form}") for form in FORMS}
    assert [answer.status_code for answer in files.values()] == [200] * 5
    approval = parse_statement(open_envelope(files["approval"].content).payload)
    assert getattr(approval, "concerns", None) == hashlib.sha256(files["manifest"].content).hexdigest()
    assert json.loads(files["manifest"].content)["public"] == hashlib.sha256(files["json"].content).hexdigest()
    assert getattr(approval, "because", None) == HOSTILE
    assert files["pdf"].content.startswith(b"%PDF-")
    assert "RS-SECRET" not in files["json"].text + files["csv"].text
    names = [saved_as(answer) for answer in files.values()]
    assert all("-public" in name for name in names[:3])
    again = auditor.get(f"/app/monitoring/{over}/released/pdf").content
    assert again == files["pdf"].content
    asked = {"actor": auditor.pseudonym, "act": "read-monitoring"}
    rows = node.get("/v1/audit", Role.AUDITOR, params=asked).json()["items"]
    assert [row["asked"] for row in rows] == [f"{over} {form}" for form in ("pdf", *reversed(FORMS))]


@pytest.mark.slow
def test_the_files_of_two_editions_and_two_recipients_have_different_names(
    node: RunningNode, over: Half, signed_in: Callable[[Role], Person]
) -> None:
    head = signed_in(Role.HEAD)
    assert approve(head, over) == 303
    sign_head(node.node)
    answers = [head.get(f"/app/monitoring/{over}/released/{form}") for form in ("file", "json", "manifest", "approval")]
    for name in ("One", "Other"):
        recipient = make_recipient(name).recipient
        fields = {"csrf": head.csrf(), "recipient": write_recipient(recipient).decode(), "purpose": "The meeting"}
        fields["fingerprint"] = recipient.fingerprint
        answers.append(head.post(f"/app/monitoring/{over}/restricted", fields))
    assert [answer.status_code for answer in answers] == [200] * 6
    names = [saved_as(answer) for answer in answers]
    assert len(set(names)) == 6
    assert ["-restricted-" in name for name in names] == [False] * 4 + [True] * 2
    assert ["-public" in name for name in names] == [True] * 2 + [False] * 4


def saved_as(answer: httpx.Response) -> str:
    """Return the name under which a browser saves the answer."""
    return answer.headers["content-disposition"].partition('filename="')[2].rstrip('"')


@pytest.mark.slow
def test_no_half_year_before_its_time_nor_another(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    head, now = signed_in(Role.HEAD), Half.of(datetime.now(UTC))
    assert "This half-year lasts until" in head.get("/app/monitoring").text
    assert 'name="sha256"' not in head.get("/app/monitoring").text
    assert head.get(f"/app/monitoring/{now.after()}").status_code == 404
    assert head.get("/app/monitoring/2026H3").status_code == 422
    assert approve(head, now) == 409
    assert approve(head, now.before(), sha256=draft(node.node, now.before()).sha256) == 404
    assert "no data" in head.get(f"/app/monitoring/{now.before()}").text


@pytest.mark.slow
def test_the_table_holds_every_figure_and_no_formula(node: RunningNode) -> None:
    document = draft(node.node, Half.of(datetime.now(UTC))).document
    lines = list(csv.reader(io.StringIO(monitoring_sheet(document, draft=True).decode("utf-8-sig"))))
    assert tuple(lines[0]) == MONITORING_COLUMNS
    assert lines[-1] == [KOSOVO_FOOTNOTE]
    told = [dict(zip(MONITORING_COLUMNS, line, strict=True)) for line in lines[1:-1]]
    assert {line["state"] for line in told} == {"draft"}
    assert all(line["definition"] for line in told)
    fields = json.loads(draft(node.node, document.period).data)
    assert len(told) == 1 + 2 * len(fields["stages"]) + len(fields["availability"]["nodes"])
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@"))]
    for line in told:
        assert (line["low"] == line["high"]) == (line["told"] != "between"), line


@pytest.mark.slow
def test_the_pdf_in_every_language(node: RunningNode) -> None:
    document = draft(node.node, Half.of(datetime.now(UTC))).document
    for code in CODES:
        with speaking(Spoken(code)):
            made = render_monitoring(document, None)
            assert render_monitoring(document, None) == made
        pages = [page.extract_text() for page in PdfReader(io.BytesIO(made)).pages]
        assert str(document.period) in pages[0]
        assert all("[U+" not in text and "1244 (1999)" in text for text in pages)
        assert code != "en" or all("Draft: not approved for release" in text for text in pages)


@pytest.mark.slow
def test_an_approved_pdf_names_its_approval(node: RunningNode, over: Half) -> None:
    approve_report(node.node, HEAD_OF_FFP, over, draft(node.node, over).sha256, "To the coordinator.")
    found = find_approved(node.node, over)
    assert found is not None
    text = "".join(
        page.extract_text() for page in PdfReader(io.BytesIO(render_monitoring(found.document, found))).pages
    )
    assert found.sha256 in text
    assert found.approval in text
    assert "Draft" not in text
    assert node.node.jurisdictions.name(found.document.jurisdiction) in text
