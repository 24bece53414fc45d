"""The small picture of a scan: there once the scan was prepared, for whoever may read its record, gone with it."""

from __future__ import annotations

import hashlib
import html
import io
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from exchange.compute import Compute
from exchange.log.audit_entry import AuditEntry
from exchange.store.log.audit import audit_state, entries_from
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas.vocabulary import Role
from tests.exchange.counted_sql import counted_sql
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import tiny_scan
from tests.exchange.web.pages.conftest import Person
from tests.exchange.web.rest.test_terms import eventually

UNKNOWN = "cd" * 32


def submitted(node: RunningNode, scan: bytes | Path, case: str, **changes: Any) -> str:
    answer = node.submit(scan, case_reference=case, **changes)
    assert answer.status_code == 201, answer.text
    record: str = answer.json()["statement_id"]
    return record


def path_of(record: str, position: object = 0, **asked: str) -> str:
    return f"/app/records/{record}/scans/{position}/picture" + (f"?{urlencode(asked)}" if asked else "")


def kept(node: RunningNode, scan: bytes) -> list[Path]:
    name = hashlib.sha256(scan).hexdigest()
    return list(node.node.settings.prepared.glob(f"??/{name}.thumbnail-*"))


def pixels(answer: httpx.Response) -> np.ndarray:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp"), answer.text
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image.convert("RGBA")).astype(float)


def is_placeholder(answer: httpx.Response) -> bool:
    assert answer.status_code == 200
    return answer.headers["content-type"] == "image/svg+xml" and "no-store" in answer.headers["cache-control"]


def rows_since(node: RunningNode, start: int) -> list[AuditEntry]:
    with node.node.store.read() as session:
        return [item.entry for item in entries_from(session, start) if item.entry.act == "read-picture"]


def following(node: RunningNode) -> int:
    with node.node.store.read() as session:
        return audit_state(session).last + 1


def acquisition_of(node: RunningNode, record: str) -> AcquisitionRow:
    with node.node.store.read() as session:
        return session.scalars(select(AcquisitionRow).where(AcquisitionRow.statement_id == record)).one()


def is_settled(node: RunningNode, record: str) -> bool:
    return acquisition_of(node, record).state in ("not-usable", "not-correlated")


@pytest.mark.slow
def test_it_is_there_once_the_scan_was_compared(
    node: RunningNode, signed_in: Callable[[Role], Person], scans: dict[str, Path]
) -> None:
    scan = scans["1-1"].read_bytes()
    record = submitted(node, scan, "RS-PICTURE-1")
    eventually(lambda: acquisition_of(node, record).state == "correlated")
    paths = {size: next(path for path in kept(node, scan) if f".{size}." in path.name) for size in ("small", "large")}
    person = signed_in(Role.INVESTIGATOR)
    for size, side in (("small", 160), ("large", 480)):
        answer = person.get(path_of(record, size=size))
        assert answer.content == paths[size].read_bytes()
        grey, there = pixels(answer)[..., 0], pixels(answer)[..., 3]
        assert side / 2 < max(grey.shape) <= side
        assert len(answer.content) < side * 90
        assert 100 < grey[there > 250].mean() < 220
        assert grey[there > 250].std() > 12
    start, path = following(node), paths["small"]
    answer = person.get(path_of(record))
    assert answer.content == path.read_bytes(), "where no size is asked for"
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("private, no-cache", "Cookie")

    (row,) = rows_since(node, start)
    assert (row.role, row.subjects) == ("investigator", (record, hashlib.sha256(scan).hexdigest()))
    again = person.http.get(node.url + path_of(record), headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(rows_since(node, start)) == 1, "nothing more was given"

    path.unlink()  # as of a scan that an earlier release prepared
    assert person.get(path_of(record)).content == answer.content, "the same, whoever draws it"
    assert path.read_bytes() == answer.content


@pytest.mark.slow
def test_what_a_browser_kept_of_one_person_is_given_to_the_next_and_written_down(
    node: RunningNode, signed_in: Callable[[Role], Person]
) -> None:
    first, second = signed_in(Role.INVESTIGATOR), signed_in(Role.INVESTIGATOR)
    record = submitted(node, tiny_scan(), "RS-PICTURE-6")
    eventually(partial(is_settled, node, record))
    start, address = following(node), node.url + path_of(record)
    kept = {"If-None-Match": first.get(path_of(record)).headers["etag"]}
    assert [who.http.get(address, headers=kept).status_code for who in (first, second)] == [304, 200]
    assert [row.actor for row in rows_since(node, start)] == [first.pseudonym, second.pseudonym]


@pytest.mark.slow
def test_what_is_not_compared_is_drawn_at_first_look(
    node: RunningNode, signed_in: Callable[[Role], Person], scans: dict[str, Path]
) -> None:
    region = {"roi": "ejector_mark", "modality": "topography", "file": "scan"}
    person, small = signed_in(Role.EXAMINER), tiny_scan()
    marked = scans["2-1"].read_bytes()
    for scan, case, changes in (
        (small, "RS-PICTURE-2", {}),
        (marked, "RS-PICTURE-3", {"acquisitions": [region]}),
    ):
        record = submitted(node, scan, case, **changes)
        eventually(partial(is_settled, node, record))
        assert kept(node, scan) == []
        drawn = [person.get(path_of(record, size=size)) for size in ("small", "large")]
        assert all(pixels(answer).shape[0] > 1 for answer in drawn)
        assert {path.read_bytes() for path in kept(node, scan)} == {answer.content for answer in drawn}
    assert not list(node.node.settings.prepared.glob("*.part"))


@pytest.mark.slow
def test_a_photograph_is_shown_as_it_is(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    grey = np.tile(np.linspace(40, 200, 600).astype(np.uint8), (400, 1))
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG")
    taken = {"roi": "breech_face", "modality": "reflectance", "file": "scan", "lateral_resolution_um": 6.25}
    record = submitted(node, file.getvalue(), "RS-PICTURE-4", acquisitions=[taken])
    shown = pixels(signed_in(Role.HEAD).get(path_of(record, size="large")))
    assert shown.shape[:2] == (320, 480)
    assert np.abs(shown[150, :, 0] - np.linspace(40, 200, 480)).max() < 8


def test_places_that_are_none(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    record, person = submitted(node, tiny_scan(), "RS-PICTURE-5"), signed_in(Role.EXAMINER)
    for wrong in (1, 2**31, -1, 2**64, "x", "0.5", "%00", "..%2f..%2f0", "0%27"):
        assert person.get(path_of(record, wrong)).status_code in (404, 422), wrong
    assert person.get(path_of(UNKNOWN)).status_code == 404
    assert person.get(path_of("..")).status_code in (404, 422)
    assert person.get(path_of(record, size="huge")).status_code == 422
    stranger = httpx.get(node.url + path_of(record), trust_env=False)
    assert (stranger.status_code, stranger.content) == (303, b"")


@pytest.mark.slow
def test_what_is_not_here_has_a_placeholder(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    scan, person = tiny_scan(), signed_in(Role.EXAMINER)
    record = submitted(node, scan, "RS-PICTURE-6")
    eventually(lambda: acquisition_of(node, record).state == "not-usable")
    scan_id = acquisition_of(node, record).acquisition_id
    delivered = acquisition_of(node, record).delivered_at

    def deliver(when: str | None) -> None:
        with node.node.store.write() as session:
            session.get_one(AcquisitionRow, scan_id).delivered_at = when

    deliver(None)
    start = following(node)
    assert is_placeholder(person.get(path_of(record)))
    assert "scan not here yet" in person.get(f"/app/records/{record}").text
    deliver(delivered)
    blob = node.node.blobs.path(hashlib.sha256(scan).hexdigest())
    aside = node.node.settings.home / "aside"
    shutil.move(blob, aside)
    assert is_placeholder(person.get(path_of(record))), "as on a node that was restored"
    assert rows_since(node, start) == [], "nothing was shown"
    aside.write_bytes(b"PK and rubbish")
    shutil.move(aside, blob)
    refused = person.get(path_of(record))
    assert refused.status_code == 422
    assert kept(node, scan) == []
    blob.chmod(0o600)
    blob.write_bytes(scan)
    assert person.get(path_of(record)).headers["content-type"] == "image/webp"


@pytest.mark.slow
def test_who_may_not_read_the_record_does_not_see_it(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    record, person = submitted(node, tiny_scan(), "RS-PICTURE-7"), signed_in(Role.EXAMINER)
    assert person.get(path_of(record)).status_code == 200
    with node.node.store.write() as session:
        session.get_one(RecordRow, record).restricted = True
    try:
        assert person.get(path_of(record)).status_code == 404
        assert person.get(path_of(record)).headers.get("etag") is None
    finally:
        with node.node.store.write() as session:
            session.get_one(RecordRow, record).restricted = False
    assert signed_in(Role.OPERATOR).get(path_of(record)).status_code == 403
    assert signed_in(Role.AUDITOR).get(path_of(record)).status_code == 403


@pytest.mark.slow
def test_it_is_erased_with_its_scan(
    node: RunningNode, signed_in: Callable[[Role], Person], scans: dict[str, Path]
) -> None:
    scan, person = scans["3-1"].read_bytes(), signed_in(Role.EXAMINER)
    record = submitted(node, scan, "RS-PICTURE-8")
    eventually(lambda: acquisition_of(node, record).state == "correlated")
    tag = person.get(path_of(record)).headers["etag"]
    assert len(kept(node, scan)) == 2
    assert node.post(f"/v1/records/{record}/withdrawal", {"reason": "entered_in_error"}, Role.HEAD).status_code == 201
    eventually(lambda: node.get(f"/v1/records/{record}/withdrawal").json()[0]["here"] == "erased")
    assert kept(node, scan) == []
    again = person.http.get(node.url + path_of(record), headers={"If-None-Match": tag})
    assert again.status_code == 404


@pytest.mark.slow
def test_a_list_asks_once_for_all_of_its_pictures(node: RunningNode, signed_in: Callable[[Role], Person]) -> None:
    person = signed_in(Role.INVESTIGATOR)
    for number in range(12):
        submitted(node, tiny_scan(), "RS-PICTURE-9", **_item(number))
    page = "/app/search?case_reference=RS-PICTURE-9"
    assert len(re.findall(r'<(?:img|span) class="scan small', person.get(page).text)) == 12
    with counted_sql(of_every_thread=True) as asked:
        person.get(page)
    of_scans = [said for said in asked if "FROM acquisition JOIN record" in said and "delivered_at" in said]
    listed = [said for said in of_scans if "acquisition.statement_id IN" in said]
    assert len(listed) == 1, listed


def _item(number: int) -> dict[str, Any]:
    return {"exhibit": {"kind": "crime_scene", "calibre": "9x19", "item": str(number + 1)}}


@pytest.mark.slow
def test_what_a_page_names_a_browser_keeps(
    node: RunningNode, signed_in: Callable[[Role], Person], scans: dict[str, Path]
) -> None:
    scan, person = scans["1-2"].read_bytes(), signed_in(Role.EXAMINER)
    record = submitted(node, scan, "RS-PICTURE-10")
    eventually(lambda: acquisition_of(node, record).state == "correlated")
    page = person.get(f"/app/records/{record}").text
    (named,) = re.findall(rf'src="(/app/records/{record}/scans/0/picture[^"]+)"', page)
    answer = person.get(html.unescape(named))
    assert max(pixels(answer).shape) > 160, "the large one"
    assert answer.headers["cache-control"] == "private, max-age=86400, immutable"
    assert answer.headers["vary"] == "Cookie", "another person's browser session asks for itself"
    other = person.get(path_of(record, v="1-00000000"))
    assert other.headers["cache-control"] == "private, no-cache", "of another release"
    assert person.get(path_of(record, v="x" * 41)).status_code == 422


@pytest.mark.slow
def test_one_that_is_kept_costs_few_questions_and_no_process(
    node: RunningNode, signed_in: Callable[[Role], Person], scans: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, person = scans["2-2"].read_bytes(), signed_in(Role.EXAMINER)
    record = submitted(node, scan, "RS-PICTURE-11")
    eventually(lambda: acquisition_of(node, record).state == "correlated")
    monkeypatch.setattr(Compute, "run", _none)
    person.get(path_of(record))
    with counted_sql(of_every_thread=True) as asked:
        assert person.get(path_of(record, size="large")).status_code == 200
    mine = [said for said in asked if "session" in said or record in said or "FROM acquisition JOIN record" in said]
    assert len([said for said in mine if said.startswith("SELECT")]) == 2, mine


def _none(*_: object) -> None:
    raise AssertionError("a process was asked")
