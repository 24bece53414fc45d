"""Submitting a record: the receipt, sending again, amending, photographs."""

from __future__ import annotations

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from PIL import Image

from exchange.errors import InvalidInput
from exchange.flows.entry import submit
from schemas import parse_submission
from schemas.vocabulary import KOSOVO_FOOTNOTE, Role
from tests.exchange.running_nodes import RunningNode, metadata
from tests.exchange.web.conftest import multipart, part, post, problem, stored, tiny_scan
from tests.matcher.read.x3p.conftest import build

PARALLEL = 6

PHOTOGRAPH = {"roi": "breech_face", "modality": "reflectance", "file": "scan", "lateral_resolution_um": 2.5}


def photograph(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 48), 40).save(file, kind)
    return file.getvalue()


def at_once(calls: int, send: Any) -> list[httpx.Response]:
    """Send the same several times at the same moment."""
    barrier = threading.Barrier(calls)

    def one(number: int) -> httpx.Response:
        barrier.wait()
        response: httpx.Response = send(number)
        return response

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(one, range(calls)))


def test_a_submission_gets_a_receipt(node: RunningNode) -> None:
    before = stored(node)
    response = node.submit(tiny_scan(), level="full", audience=["MK", "XK"])
    assert response.status_code == 201
    receipt = response.json()
    assert response.headers["location"] == f"/v1/records/{receipt['statement_id']}"
    assert receipt["created"] is True
    assert receipt["log_index"] == before.rows[0]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(receipt["received_at"])).total_seconds()) < 30
    assert receipt["warnings"] == {"scan": []}
    assert receipt["sharing"] == [
        {
            "jurisdiction": {"code": "MK", "name": "North Macedonia", "footnote": None},
            "state": "no-peer",
            "peer": None,
            "reason": None,
        },
        {
            "jurisdiction": {"code": "XK", "name": "Kosovo*", "footnote": KOSOVO_FOOTNOTE},
            "state": "no-peer",
            "peer": None,
            "reason": None,
        },
    ]
    after = stored(node)
    assert after.rows[0] == before.rows[0] + 1
    assert len(after.blobs) == len(before.blobs) + 1
    assert not after.incoming
    assert node.get(response.headers["location"]).json()["log_index"] == receipt["log_index"]


def test_an_audience_of_nobody_is_shared_with_nobody(node: RunningNode) -> None:
    assert node.submit(tiny_scan()).json()["sharing"] == []


@pytest.mark.parametrize("key", [None, "RS-2026-0001.a"])
def test_sending_again_gives_the_same_receipt(node: RunningNode, key: str | None) -> None:
    scan = tiny_scan()
    first = node.submit(scan, key=key)
    before = stored(node)
    again = node.submit(scan, key=key)
    assert (first.status_code, again.status_code) == (201, 200)
    same = ("statement_id", "log_index", "received_at", "sharing")
    assert {name: again.json()[name] for name in same} == {name: first.json()[name] for name in same}
    assert again.json()["created"] is False
    assert again.headers["location"] == first.headers["location"]
    assert stored(node) == before


def test_metadata_may_be_written_in_another_way(node: RunningNode) -> None:
    """What is understood is compared, not how it is spelled: key order, white space, a synonym of the calibre."""
    scan = tiny_scan()
    first = node.submit(scan)
    turned = dict(reversed(metadata().items())) | {"exhibit": {"calibre": "9 mm Luger", "kind": "crime_scene"}}
    again = node.submit(scan, raw_metadata=json.dumps(turned, indent=3).encode())
    assert (again.status_code, again.json()["statement_id"]) == (200, first.json()["statement_id"])


@pytest.mark.parametrize("key", [None, "parallel-1"])
def test_the_same_sent_at_once_is_one_record(node: RunningNode, key: str | None) -> None:
    scan, before = tiny_scan(), stored(node)
    answers = at_once(PARALLEL, lambda _: node.submit(scan, key=key))
    assert sorted(answer.status_code for answer in answers) == [200] * (PARALLEL - 1) + [201]
    assert len({answer.json()["statement_id"] for answer in answers}) == 1
    after = stored(node)
    assert after.rows[0] == before.rows[0] + 1
    assert not after.incoming


def test_a_key_is_for_one_content(node: RunningNode) -> None:
    scan = tiny_scan()
    assert node.submit(scan, key="used-once").status_code == 201
    before = stored(node)
    other_scan = node.submit(tiny_scan(), key="used-once")
    other_words = node.submit(scan, key="used-once", case_reference="RS-2026-0002")
    for response in (other_scan, other_words):
        problem(response, 409, "idempotency-key-reused")
    assert stored(node) == before


def test_another_key_is_another_record(node: RunningNode) -> None:
    scan = tiny_scan()
    ids = {node.submit(scan, key=key).json()["statement_id"] for key in ("key-no-1", "key-no-2")}
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["short", "with space", "x" * 65, "sémantique"])
def test_a_key_has_a_form(node: RunningNode, key: str) -> None:
    problem(post(node, b"", headers={"Idempotency-Key": key.encode()}), 422, "invalid-parameter")


def test_several_scans_of_one_exhibit_in_any_order(node: RunningNode) -> None:
    scans = {name: tiny_scan() for name in ("face", "again", "PIN-1")}
    acquisitions = [
        {"roi": "breech_face", "modality": "topography", "file": "face"},
        {"roi": "breech_face", "modality": "topography", "file": "again"},
        {"roi": "firing_pin_impression", "modality": "topography", "file": "PIN-1"},
    ]
    described = (part("metadata"), json.dumps({**metadata(), "acquisitions": acquisitions}).encode())
    files = [(part(name), content) for name, content in scans.items()]
    first = post(node, multipart(described, *files))
    last = post(node, multipart(*reversed(files), described))
    middle = post(node, multipart(files[2], described, files[0], files[1]))
    assert [response.status_code for response in (first, last, middle)] == [201, 200, 200]
    record = node.get(first.headers["location"]).json()
    assert [item["roi"] for item in record["acquisitions"]] == ["breech_face", "breech_face", "firing_pin_impression"]
    for item, content in zip(record["acquisitions"], scans.values(), strict=True):
        assert node.get(f"/v1/blobs/{item['sha256']}").content == content
    assert set(first.json()["warnings"]) == set(scans)


def test_doubts_about_a_scan_stand_in_the_receipt(node: RunningNode) -> None:
    response = node.submit(build(edit_entries=lambda entries: {**entries, "mask.png": b"undeclared"}))
    assert response.status_code == 201
    assert "mask.png" in response.json()["warnings"]["scan"][0]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_photograph_is_kept_and_honestly_not_correlated(node: RunningNode, kind: str) -> None:
    acquisition = {**PHOTOGRAPH, "lighting": "none"}
    content = photograph(kind)
    response = node.submit(content, acquisitions=[acquisition])
    assert response.status_code == 201, response.text
    kept = _when(node, response.headers["location"], "not-correlated")
    assert kept["media_type"] == f"image/{kind.lower()}"
    assert "lighting: ring, or side with light_hour" in kept["detail"]
    blob = node.get(f"/v1/blobs/{kept['sha256']}")
    assert (blob.content, blob.headers["content-type"]) == (content, f"image/{kind.lower()}")


def test_a_photograph_without_a_mark_is_kept_and_not_usable(node: RunningNode) -> None:
    response = node.submit(photograph("PNG"), acquisitions=[PHOTOGRAPH])
    assert "not usable" in _when(node, response.headers["location"], "not-usable")["detail"]


def test_a_photograph_of_another_region_is_kept_and_honestly_not_correlated(node: RunningNode) -> None:
    response = node.submit(photograph("PNG"), acquisitions=[{**PHOTOGRAPH, "roi": "aperture_shear"}])
    assert "breech face" in _when(node, response.headers["location"], "not-correlated")["detail"]


def test_another_region_is_kept_and_honestly_not_correlated(node: RunningNode) -> None:
    acquisition = {"roi": "ejector_mark", "modality": "topography", "file": "scan"}
    response = node.submit(tiny_scan(), acquisitions=[acquisition])
    assert "ejector_mark" in _when(node, response.headers["location"], "not-correlated")["detail"]


def test_a_surface_without_a_mark_is_kept_and_not_usable(node: RunningNode) -> None:
    response = node.submit(tiny_scan())
    assert _when(node, response.headers["location"], "not-usable")["detail"]


def test_an_amendment_takes_the_place_of_its_record(node: RunningNode) -> None:
    scan = tiny_scan()
    first = node.submit(scan, case_reference="RS-AMEND-1").json()["statement_id"]
    second = node.submit(scan, case_reference="RS-AMEND-1", supersedes=first, handling={"code": "H1"})
    assert second.status_code == 201
    amended = second.json()["statement_id"]
    assert node.get(f"/v1/records/{first}").json()["superseded_by"] == amended
    assert node.get(f"/v1/records/{amended}").json()["superseded_by"] is None
    listed = node.get("/v1/records", params={"case_reference": "RS-AMEND-1"}).json()["items"]
    assert [item["statement_id"] for item in listed] == [amended]

    before = stored(node)
    again = node.submit(tiny_scan(), supersedes=first)
    assert amended in problem(again, 409, "superseded")["detail"]
    assert stored(node) == before
    assert node.submit(tiny_scan(), supersedes=amended).status_code == 201


def test_only_an_own_record_is_amended(node: RunningNode) -> None:
    before = stored(node)
    problem(node.submit(tiny_scan(), supersedes="ab" * 32), 422, "not-owner")
    assert stored(node).rows == before.rows


def test_of_amendments_sent_at_once_one_stands(node: RunningNode) -> None:
    first = node.submit(tiny_scan(), case_reference="RS-AMEND-2").json()["statement_id"]
    scans = [tiny_scan() for _ in range(PARALLEL)]
    answers = at_once(
        PARALLEL, lambda number: node.submit(scans[number], case_reference="RS-AMEND-2", supersedes=first)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (PARALLEL - 1)
    listed = node.get("/v1/records", params={"case_reference": "RS-AMEND-2"}).json()["items"]
    assert len(listed) == 1


def test_the_calendar_is_the_regions() -> None:
    """At half past midnight in Skopje it is still yesterday in UTC, and a case of today is no case of the future."""
    given = parse_submission(json.dumps(metadata() | {"exhibit": _occurred("2026-07-02")}).encode())
    submit.check_dates(given, datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    with pytest.raises(InvalidInput, match="2026-07-02"):
        submit.check_dates(given, datetime(2026, 7, 1, 20, 30, tzinfo=UTC))


def test_the_role_of_the_maker_is_signed_into_the_record(node: RunningNode) -> None:
    response = node.submit(tiny_scan(), role=Role.EXAMINER)
    made_by = node.get(response.headers["location"]).json()["statement"]["made_by"]
    assert (made_by["role"], made_by["signed_in"]) == ("examiner", "token")


def _occurred(day: str) -> dict[str, Any]:
    return {"kind": "crime_scene", "calibre": "9x19", "occurred": {"earliest": day, "latest": day, "precision": "day"}}


def _when(node: RunningNode, location: str, state: str) -> dict[str, Any]:
    """The record's one acquisition, once it is in a state."""
    node.wait_for(lambda _: node.get(location).json()["acquisitions"][0]["state"] == state, 20)
    found: dict[str, Any] = node.get(location).json()["acquisitions"][0]
    return found
