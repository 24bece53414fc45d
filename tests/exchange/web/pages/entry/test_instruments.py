"""Instruments at the pages: an examiner checks by upload, without a script; operators and heads look on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

import matcher
from exchange.clock import stamp_in
from matcher.synthetic.breech_face import draw
from schemas.vocabulary import Role
from tests.exchange.flows.kept_checks import STATED, keep_check
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.pages.entry.test_register import COMPLETE, Desk
from tests.matcher.instrument.altered_scan import altered

pytestmark = pytest.mark.slow

HOSTILE = "<script>alert(1)</script>{{7*7}}\"'"
STATE = {"maker": "NanoFocus", "model": "usurf", "serial": "12", "software": "8.1", "specimen": "SRM 2461-7"}


@pytest.fixture(autouse=True)
def _no_checks_are_left(node: RunningNode) -> Iterator[None]:
    yield
    with node.node.store.write() as session:
        session.execute(text("delete from instrument_reference"))
        session.execute(text("delete from instrument_check"))


@pytest.fixture
def specimen(tmp_path: Path) -> Callable[..., bytes]:
    def make(**changes: float) -> bytes:
        path = tmp_path / "scan.x3p"
        matcher.write_topography(altered(draw(3, 1), noise_um=0.02, **changes), path)  # type: ignore[arg-type]
        return path.read_bytes()

    return make


def sent_form(examiner: Person, **changes: str) -> str:
    """What the page puts into its form beside the scan."""
    shown = examiner.http.get(f"{examiner.node.url}/app/instruments/check", params=STATE | changes)
    assert shown.status_code == 200, shown.text
    assert 'enctype="multipart/form-data"' in shown.text
    return unescape(re.findall(r'name="metadata" value="([^"]*)"', shown.text)[0])


def send(examiner: Person, metadata: str, *scans: bytes, **headers: str) -> httpx.Response:
    files: list[tuple[str, tuple[str | None, bytes]]] = [("metadata", (None, metadata.encode()))]
    files += [(f"scan{number or ''}", ("my scan.x3p", content)) for number, content in enumerate(scans)]
    return examiner.http.post(f"{examiner.node.url}/app/instruments/check", files=files, headers=headers)


def left_on_disk(node: RunningNode) -> list[str]:
    return [path.name for path in node.node.settings.incoming.iterdir()]


def test_an_examiner_checks_an_instrument_without_a_script(
    signed_in: Callable[[Role], Person], node: RunningNode, specimen: Callable[..., bytes]
) -> None:
    examiner = signed_in(Role.EXAMINER)
    assert "No instrument was checked here yet." in examiner.get("/app/instruments").text
    metadata = sent_form(examiner)
    first = send(examiner, metadata, specimen())
    assert first.status_code == 303, first.text
    assert "first scan of the series" in examiner.get(first.headers["location"]).text
    failed = send(examiner, metadata, specimen(scale_x=1.01, seed=1))
    page = examiner.get(failed.headers["location"]).text
    assert "beyond the action limit" in page
    assert "101.000 %" in page
    assert page.count('<svg class="control"') == 8
    assert page.count('role="img" aria-label="') >= 8
    assert "<style" not in page, "the policy of the pages allows none"
    assert left_on_disk(node) == []
    [further] = re.findall(r'href="(/app/instruments/check\?[^"]+)"', page)
    shown = examiner.get(unescape(further)).text
    assert json.loads(unescape(re.findall(r'name="metadata" value="([^"]*)"', shown)[0])) == json.loads(metadata)
    for role in (Role.OPERATOR, Role.HEAD):
        looking = signed_in(role)
        shown = looking.get("/app/instruments").text
        assert "SRM 2461-7" in shown
        assert "Choose the scan" not in shown
        assert looking.get(failed.headers["location"]).status_code == 200
    again = send(examiner, metadata, specimen())
    assert again.status_code == 422
    assert "scan the specimen again" in again.text


def test_what_cannot_be_read_is_told_and_nothing_stays(
    signed_in: Callable[[Role], Person], node: RunningNode, specimen: Callable[..., bytes]
) -> None:
    examiner = signed_in(Role.EXAMINER)
    metadata = sent_form(examiner)
    good = specimen()
    for scans in ([b"no scan at all"], [b""], [b"\x89PNG\r\n\x1a\n" + bytes(99)], [good[:-3000]], [], [good, good]):
        answer = send(examiner, metadata, *scans)
        assert answer.status_code == 422, answer.text
        assert "Traceback" not in answer.text
    assert left_on_disk(node) == []
    assert "No instrument was checked here yet." in examiner.get("/app/instruments").text


def test_a_form_of_another_site_or_session_is_refused(
    signed_in: Callable[[Role], Person], node: RunningNode, specimen: Callable[..., bytes]
) -> None:
    examiner, other = signed_in(Role.EXAMINER), signed_in(Role.EXAMINER)
    metadata = sent_form(examiner)
    scan = specimen()
    assert send(other, metadata, scan).status_code == 403
    assert send(examiner, metadata, scan, Origin="https://elsewhere.example").status_code == 403
    forged = json.dumps(json.loads(metadata) | {"csrf": "0" * 64})
    assert send(examiner, forged, scan).status_code == 403
    for wrong in ("no JSON", "{}", json.dumps(json.loads(metadata) | {"more": 1}), "[" * 50_000):
        assert send(examiner, wrong, scan).status_code == 422
    assert send(signed_in(Role.OPERATOR), metadata, scan).status_code == 403
    assert left_on_disk(node) == []
    assert "No instrument was checked here yet." in examiner.get("/app/instruments").text


def test_what_others_typed_is_text(signed_in: Callable[[Role], Person], node: RunningNode) -> None:
    examiner = signed_in(Role.EXAMINER)
    with node.node.store.write() as session:
        keep_check(session, "reference", specimen=HOSTILE)
        row = keep_check(session, "passed", specimen=HOSTILE, height_ratio=1.0)
        number = row.check_id
    for path in ("/app/instruments", f"/app/instruments/{number}"):
        page = examiner.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "{{7*7}}" in page
    shown = examiner.http.get(f"{node.url}/app/instruments/check", params=STATE | {"specimen": HOSTILE})
    assert "<script>alert" not in shown.text


@pytest.mark.parametrize("query", ["", "specimen=", "specimen=x&roi=aperture_shear", "specimen=" + "x" * 121, "a=b"])
def test_an_upload_begins_with_a_specimen_and_a_region(signed_in: Callable[[Role], Person], query: str) -> None:
    assert signed_in(Role.EXAMINER).get(f"/app/instruments/check?{query}").status_code == 422


def test_the_list_says_what_is_due(signed_in: Callable[[Role], Person], node: RunningNode) -> None:
    with node.node.store.write() as session:
        keep_check(session, "reference", at=stamp_in(-40 * 86_400))
        keep_check(session, "passed", at=stamp_in(-30 * 86_400))
    due = stamp_in(-16 * 86_400)[:10]
    assert f'<span class="flag">{due}</span>' in signed_in(Role.OPERATOR).get("/app/instruments").text


def test_the_record_says_the_check_and_its_summary_warns(
    signed_in: Callable[[Role], Person], node: RunningNode, scans: dict[str, Path]
) -> None:
    with node.node.store.write() as session:
        keep_check(session, "reference")
        last = keep_check(session, "warning")
        day = last.at[:10]
    acquisitions = [{"roi": "breech_face", "modality": "topography", "file": "scan", "instrument": STATED}]
    sent = node.submit(scans["2-1"], case_reference="RS-INSTR-1", acquisitions=acquisitions)
    assert sent.status_code == 201, sent.text
    examiner = signed_in(Role.EXAMINER)
    page = examiner.get(f"/app/records/{sent.json()['statement_id']}").text
    assert f"Test Profiler, checked on {day} against SRM 2461-7, passed with a warning" in page


def test_who_signs_is_warned_and_not_stopped(signed_in: Callable[[Role], Person], node: RunningNode) -> None:
    desk = Desk(signed_in(Role.EXAMINER))
    file_id = desk.send(tiny_scan())
    desk.complete(file_id)
    unchecked = "has no passed check on this node"
    assert "instrument" not in desk.person.get(f"{desk.address}/summary").text.partition("<main")[2], "none was ever"
    with node.node.store.write() as session:
        keep_check(session, "reference")
    assert "No instrument is stated of this scan" in desk.person.get(f"{desk.address}/summary").text
    stated = {f"file.{file_id}.instrument.{name}": value for name, value in STATED.items()}
    desk.save(COMPLETE | stated | {f"file.{file_id}.roi": "breech_face"})
    assert unchecked in desk.person.get(f"{desk.address}/summary").text
    with node.node.store.write() as session:
        keep_check(session, "failed")
    assert "last check of this scan&#39;s instrument failed" in desk.person.get(f"{desk.address}/summary").text
    with node.node.store.write() as session:
        keep_check(session, "passed", at=stamp_in(-30 * 86_400))
    assert "more than 14 days ago" in desk.person.get(f"{desk.address}/summary").text
    with node.node.store.write() as session:
        keep_check(session, "passed")
    summary = desk.person.get(f"{desk.address}/summary").text
    assert "instrument" not in summary.partition("<main")[2]
    assert desk.submit(summary).status_code == 303
