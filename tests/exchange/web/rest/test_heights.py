"""Heights for the viewer: as true as the scan, for those who may have the scan, written down like it."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

import matcher
from exchange.log.audit_entry import AuditEntry
from exchange.store.log.audit import audit_state, entries_from
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem, tiny_scan
from tests.matcher.draw.test_display import decoded

UNKNOWN = "cd" * 32


def path_of(scan: bytes) -> str:
    return f"/v1/scans/{hashlib.sha256(scan).hexdigest()}/heights"


def last_rows(node: RunningNode, start: int) -> list[AuditEntry]:
    with node.node.store.read() as session:
        return [kept.entry for kept in entries_from(session, start)]


def following(node: RunningNode) -> int:
    with node.node.store.read() as session:
        return audit_state(session).last + 1


@pytest.fixture(scope="module")
def mark(node: RunningNode, scans: dict[str, Path]) -> bytes:
    content = scans["1-1"].read_bytes()
    assert node.submit(content, case_reference="RS-HEIGHTS-1").status_code == 201
    return content


def test_heights_are_those_of_the_scan(node: RunningNode, mark: bytes, scans: dict[str, Path]) -> None:
    answer = node.get(path_of(mark))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.headers["content-encoding"] == "gzip"
    head, heights = decoded(answer.content)
    truth = matcher.read_topography(scans["1-1"])
    top, left = (round(head[name] / step) for name, step in zip(("top_um", "left_um"), truth.spacing_um, strict=True))
    expected = truth.heights_um[top : top + head["height"], left : left + head["width"]].astype(np.float64)
    assert np.isfinite(truth.heights_um).sum() == np.isfinite(heights).sum()
    assert (np.isnan(heights) == np.isnan(expected)).all()
    assert np.nanmax(np.abs(heights - expected)) <= head["scale_um"] * 0.5000001


def test_what_is_asked_bounds_what_comes(node: RunningNode, mark: bytes) -> None:
    head, _ = decoded(node.get(path_of(mark), params={"most": 64}).content)
    assert 32 < max(head["width"], head["height"]) <= 64
    filtered, heights = decoded(node.get(path_of(mark), params={"form": "filtered"}).content)
    assert filtered["kind"] == "topography"
    assert abs(float(np.nanmedian(heights))) < 0.2
    for wrong in ({"most": 63}, {"most": 1501}, {"form": "pretty"}, {"more": 1}):
        problem(
            node.get(path_of(mark), params=wrong),
            422,
            "invalid-parameter" if "more" not in wrong else "unknown-parameter",
        )


def test_a_tag_names_all_that_the_bytes_follow_from(node: RunningNode, mark: bytes) -> None:
    asked = [{}, {"most": 64}, {"form": "filtered"}]
    answers = [node.get(path_of(mark), params=params) for params in asked]
    tags = {answer.headers["etag"] for answer in answers}
    assert len(tags) == len(asked)
    assert not any(tag.startswith("W/") for tag in tags)
    start = following(node)
    again = node.get(path_of(mark), headers={"If-None-Match": answers[0].headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert last_rows(node, start) == [], "nothing was shown"


def test_heights_are_a_row_as_the_scan_is(node: RunningNode, mark: bytes) -> None:
    start = following(node)
    with node.http.stream("GET", node.url + path_of(mark), headers=node.bearer(Role.INVESTIGATOR)) as answer:
        sent = len(b"".join(answer.iter_raw()))
    [row] = last_rows(node, start)
    assert (row.act, row.role, row.count) == ("read-scan", "investigator", sent)
    assert row.subjects[0] == hashlib.sha256(mark).hexdigest()
    assert json.loads(row.asked or "") == {"heights": "raw, 1500 at most"}


def test_who_may_not_have_the_scan_may_not_see_it(node: RunningNode, mark: bytes) -> None:
    start = following(node)
    unknown = problem(node.get(f"/v1/scans/{UNKNOWN}/heights"), 404, "not-found")
    assert unknown["detail"] == node.get(f"/v1/blobs/{UNKNOWN}").json()["detail"]
    for role in (Role.OPERATOR, Role.AUDITOR):
        problem(node.get(path_of(mark), role), 403, "forbidden")
    problem(httpx.get(node.url + path_of(mark), trust_env=False), 401, "unauthenticated")
    assert last_rows(node, start) == []


def test_a_scan_too_small_for_its_mark_is_shown_raw_alone(node: RunningNode) -> None:
    scan = tiny_scan()
    assert node.submit(scan, case_reference="RS-HEIGHTS-2").status_code == 201
    assert decoded(node.get(path_of(scan)).content)[0]["kind"] == "topography"
    problem(node.get(path_of(scan), params={"form": "filtered"}), 422, "not-usable")


def test_of_other_regions_there_is_no_filtered_form(node: RunningNode) -> None:
    scan = tiny_scan()
    region = {"roi": "ejector_mark", "modality": "topography", "file": "scan"}
    assert node.submit(scan, case_reference="RS-HEIGHTS-3", acquisitions=[region]).status_code == 201
    assert node.get(path_of(scan)).status_code == 200
    problem(node.get(path_of(scan), params={"form": "filtered"}), 422, "no-filtered-form")


def test_a_photograph_comes_as_grey(node: RunningNode) -> None:
    grey = np.arange(80 * 90, dtype=np.uint32).reshape(80, 90) % 251
    file = io.BytesIO()
    Image.fromarray(grey.astype(np.uint8)).save(file, "PNG")
    taken = {"roi": "breech_face", "modality": "reflectance", "file": "scan", "lateral_resolution_um": 6.25}
    assert node.submit(file.getvalue(), case_reference="RS-HEIGHTS-4", acquisitions=[taken]).status_code == 201
    head, values = decoded(node.get(path_of(file.getvalue())).content)
    assert (head["kind"], head["pitch_um"]) == ("photograph", 6.25)
    assert (values == grey).all()
    upside_down = node.get(path_of(file.getvalue()), params={"mirrored": True})
    assert (decoded(upside_down.content)[1] == grey[::-1]).all()
    assert upside_down.headers["etag"] != node.get(path_of(file.getvalue())).headers["etag"]


def test_a_topography_is_never_mirrored(node: RunningNode, mark: bytes) -> None:
    problem(node.get(path_of(mark), params={"mirrored": True}), 422, "not-mirrored")
