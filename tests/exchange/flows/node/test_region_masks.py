"""A region that an examiner mends: it travels in the signed record, counts alike on both sides of a border, and what is
prepared with it is never mixed with what is prepared without."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

import matcher
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.entry import draft_scans, drafts
from exchange.flows.entry.draft_changes import changes_of_form
from exchange.flows.entry.draft_submit import submit_draft, summarise_draft
from exchange.flows.node.likelihood_ratio import worth_of
from exchange.flows.node.region_masks import cells_in, mask_of, topography_within
from exchange.flows.scan.inspect import Appearance, prepare_scan
from exchange.flows.scan.prepared_scans import prepared_path
from exchange.flows.scan.preview import preview_scan
from exchange.flows.scan.scan_reading import StatedScan
from exchange.store.tables.record_tables import AcquisitionRow
from exchange.store.tables.sign_in_tables import UserRow
from matcher.mark.region_grid import grid_of
from matcher.synthetic import breech_face
from schemas import Maker, RegionMask
from schemas.vocabulary import Jurisdiction, RegionOfInterest, Role, SignedInBy
from tests.exchange.flows.node.test_likelihood_ratio import MODELS, found
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.conftest import problem
from tests.matcher.synthetic.pin_and_shear import draw_impression, draw_shear

HEIGHTS, RELIEF = matcher.DEFAULT_PARAMETERS, matcher.RELIEF_PARAMETERS
TOPOGRAPHY = {"roi": "breech_face", "modality": "topography", "file": "scan"}
FORM = {
    "case_reference": "RS-2026-0815",
    "exhibit.kind": "crime_scene",
    "exhibit.calibre": "9x19",
    "handling.code": "H0",
    "level": "full",
    "audience.MK": "yes",
    "retention_until": "2036-12-31",
}


def half_of(mask: RegionMask) -> RegionMask:
    """The right half of a region."""
    cells = cells_in(mask)
    cells[:, : round(np.nonzero(cells)[1].mean())] = False
    half = mask_of(cells)
    assert half is not None
    return half


def found_on(path: Path) -> RegionMask:
    reading = preview_scan(path, StatedScan(RegionOfInterest.BREECH_FACE)).reading
    return RegionMask.model_validate(reading.found)


def maker_of(node: RunningNode) -> Maker:
    with node.node.store.read() as session:
        user = session.scalars(select(UserRow).where(UserRow.role == Role.EXAMINER)).first()
        assert user is not None
        return Maker(pseudonym=user.pseudonym, role=Role.EXAMINER, signed_in=SignedInBy.PASSWORD_AND_TOTP)


class Desk:
    """An examiner with one scan in a draft, read."""

    def __init__(self, running: RunningNode, scan: bytes) -> None:
        self.node, self.maker = running.node, maker_of(running)
        self.draft = drafts.begin(self.node, self.maker.pseudonym)
        told = draft_scans.announce(self.node, self.maker.pseudonym, self.draft, "scan BF.x3p", len(scan), "7")
        self.file = told.file_id
        draft_scans.take_piece(self.node, self.maker.pseudonym, self.draft, self.file, 0, scan)
        self.type("breech_face")
        self.read()

    def type(self, roi: str) -> None:
        drawn = drafts.read_draft(self.node, self.maker.pseudonym, self.draft).fields
        typed = changes_of_form(FORM | {f"file.{self.file}.roi": roi}, drawn)
        drafts.save(self.node, self.maker.pseudonym, self.draft, typed)

    def read(self) -> dict[str, object]:
        row = draft_scans.read_scan(self.node, self.maker.pseudonym, self.draft, self.file)
        reading: dict[str, object] = json.loads(row.reading or "")
        return reading

    def mark(self, mask: RegionMask) -> bool:
        return draft_scans.mark_region(self.node, self.maker.pseudonym, self.draft, self.file, mask)

    def submit(self) -> str:
        seen = drafts.read_draft(self.node, self.maker.pseudonym, self.draft).digest
        return submit_draft(self.node, self.maker, self.draft, seen)

    def problems(self) -> dict[str, str]:
        return summarise_draft(self.node, self.maker, self.draft).problems


@pytest.mark.slow
def test_a_mended_region_counts_alike_on_both_sides(
    pair: tuple[RunningNode, RunningNode], scans: dict[str, Path]
) -> None:
    rs, mk = pair
    desk = Desk(rs, scans["1-1"].read_bytes())
    region = half_of(found_on(scans["1-1"]))
    assert desk.mark(region)
    assert desk.problems() == {f"file.{desk.file}": "not-read"}, "its verdict is of the region that was found"
    mended = desk.read()
    assert {finding["code"] for finding in mended["findings"]} >= {"region-mended"}  # type: ignore[attr-defined]
    assert mended["mended"] == region.digest
    statement = desk.submit()
    other = mk.submit(scans["1-2"], level="full", audience=["RS"], case_reference="MK-1").json()["statement_id"]
    details = []
    for node in pair:
        node.wait_correlated(2)
        record = node.get(f"/v1/records/{statement}").json()
        assert record["statement"]["acquisitions"][0]["region_mask"] == region.model_dump()
        assert [item["region_mended"] for item in record["acquisitions"]] == [True]
        node.post(f"/v1/records/{statement}/scored-list", None)
        [listed] = node.get(f"/v1/records/{statement}/candidates").json()["items"]
        assert listed["other"]["statement_id"] == other
        assert "finds itself" in listed["no_validated_lr"] or "no calibration model" in listed["no_validated_lr"]
        detail = node.get(f"/v1/candidates/{listed['candidate_id']}").json()
        assert detail["mended"] == [statement]
        assert node.get(f"/v1/candidates/{listed['candidate_id']}/picture").content.startswith(b"\x89PNG")
        details.append(detail)
    first, second = (matcher.read_topography(scans[name]) for name in ("1-1", "1-2"))
    ready = matcher.prepare(topography_within(first, region)), matcher.prepare(second)
    assert details[0]["score"] == details[1]["score"] == matcher.compare(*ready).score
    assert details[0]["score"] != matcher.compare(matcher.prepare(first), ready[1]).score


@pytest.mark.slow
def test_a_new_version_with_another_region_is_compared_anew(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS)
    rs.submit(scans["1-2"], case_reference="RS-1")
    first = rs.submit(scans["1-1"]).json()["statement_id"]
    rs.wait_correlated(2)
    region = half_of(found_on(scans["1-1"]))
    acquisitions = [TOPOGRAPHY | {"region_mask": region.model_dump()}]
    amended = rs.submit(scans["1-1"], acquisitions=acquisitions, supersedes=first).json()["statement_id"]
    rs.wait_correlated(3)
    [candidate] = rs.get(f"/v1/records/{amended}/candidates").json()["items"]
    ready = [matcher.prepare(matcher.read_topography(scans[name])) for name in ("1-1", "1-2")]
    half = matcher.prepare(topography_within(matcher.read_topography(scans["1-1"]), region))
    assert candidate["score"] == matcher.compare(half, ready[1]).score != matcher.compare(*ready).score
    digest = hashlib.sha256(scans["1-1"].read_bytes()).hexdigest()
    kept = {
        path.name: matcher.Prepared.from_bytes(path.read_bytes()).digest
        for path in rs.node.settings.prepared.glob(f"??/{digest}.{HEIGHTS.digest[:16]}*")
    }
    plain = f"{digest}.{HEIGHTS.digest[:16]}"
    assert kept == {plain: ready[0].digest, f"{plain}.region-{region.digest[:32]}": half.digest}

    heights = f"/v1/scans/{digest}/heights"
    whole, mended = (
        rs.get(heights, params={"form": "filtered", "most": 200} | more) for more in ({}, {"region": region.digest})
    )
    assert whole.headers["etag"] != mended.headers["etag"]
    assert whole.content != mended.content
    raw = [rs.get(heights, params={"most": 200} | more).content for more in ({}, {"region": region.digest})]
    assert raw[0] == raw[1], "as measured it is shown whole"
    assert rs.get(heights, params={"region": "ab" * 32}).status_code == 404


@pytest.mark.slow
def test_a_region_of_another_scan_is_refused(start_node: Callable[..., RunningNode], scans: dict[str, Path]) -> None:
    rs = start_node(Jurisdiction.RS)
    oblong = RegionMask.of(128, 9, bytes([255] * 144))
    refused = rs.submit(scans["1-1"], acquisitions=[TOPOGRAPHY | {"region_mask": oblong.model_dump()}])
    assert "acquisitions.0.region_mask" in str(problem(refused, 422, "mask-differs"))
    assert rs.get("/v1/records").json()["items"] == []


def test_a_peers_region_that_does_not_fit_is_said_to_be_of_no_use(tmp_path: Path, scans: dict[str, Path]) -> None:
    oblong = RegionMask.of(128, 9, bytes([255] * 144))
    done = prepare_scan(Appearance(scans["1-1"], HEIGHTS, region=oblong), tmp_path / "prepared")
    assert "mark it on this scan anew" in (done.not_usable or "")
    assert not (tmp_path / "prepared").exists()


@pytest.mark.slow
def test_a_draft_keeps_its_region_for_its_region_of_interest(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS)
    desk = Desk(rs, scans["1-1"].read_bytes())
    whole = found_on(scans["1-1"])
    assert desk.mark(half_of(whole))
    desk.type("ejector_mark")
    assert desk.read()["mended"] is None, "the region was marked as a breech face"
    desk.type("breech_face")
    assert desk.read()["mended"] == half_of(whole).digest
    assert not desk.mark(whole), "what was found stands again"
    assert desk.read()["mended"] is None
    with pytest.raises(InvalidInput, match="not the cells of this scan"):
        desk.mark(RegionMask.of(2, 2, b"\xf0"))
    with pytest.raises(NotFound):
        draft_scans.mark_region(rs.node, "somebody-else", desk.draft, desk.file, whole)
    announced = draft_scans.announce(rs.node, desk.maker.pseudonym, desk.draft, "other.x3p", 9, "7")
    with pytest.raises(Conflict, match="not read yet"):
        draft_scans.mark_region(rs.node, desk.maker.pseudonym, desk.draft, announced.file_id, whole)


@pytest.mark.slow
def test_a_new_version_begins_with_the_region_of_the_old(
    start_node: Callable[..., RunningNode], scans: dict[str, Path]
) -> None:
    rs = start_node(Jurisdiction.RS)
    desk = Desk(rs, scans["1-1"].read_bytes())
    region = half_of(found_on(scans["1-1"]))
    desk.mark(region)
    desk.read()
    statement = desk.submit()
    desk.draft = drafts.begin_from(rs.node, desk.maker.pseudonym, statement, amend=True)
    [file] = drafts.read_draft(rs.node, desk.maker.pseudonym, desk.draft).files
    desk.file = file.file_id
    assert desk.read()["mended"] == region.digest


def test_what_is_prepared_is_named_by_its_region(start_node: Callable[..., RunningNode]) -> None:
    node = start_node(Jurisdiction.RS).node
    masks = None, RegionMask.of(2, 4, b"\xf0"), RegionMask.of(4, 2, b"\xf0"), RegionMask.of(2, 4, b"\xf1")
    rows = [
        AcquisitionRow(
            sha256="ab" * 32,
            roi="breech_face",
            modality=modality,
            lateral_resolution_um=3.0,
            lighting="side",
            light_hour=None,
            region_mask=mask and mask.model_dump_json(),
        )
        for mask in masks
        for modality in ("topography", "reflectance")
    ]
    names = {prepared_path(node, row, pipeline).name for row in rows for pipeline in (HEIGHTS, RELIEF)}
    assert len(names) == 2 * len(rows)
    assert all(name.startswith("ab" * 32 + ".") for name in names), "found by its scan, to be erased with it"


def test_no_likelihood_ratio_is_validated_for_a_mended_region() -> None:
    pair = found()
    assert worth_of(MODELS, pair).likelihood_ratio is not None
    pair.acquisition_b.region_mask = RegionMask.of(2, 4, b"\xf0").model_dump_json()
    assert "finds itself" in (worth_of(MODELS, pair).no_validated_lr or "")


@pytest.mark.slow
@pytest.mark.parametrize("roi", ["breech_face", "firing_pin_impression", "aperture_shear"])
def test_a_preview_is_of_the_region_that_was_marked(tmp_path: Path, roi: str) -> None:
    scan = {"breech_face": breech_face.draw, "firing_pin_impression": draw_impression, "aperture_shear": draw_shear}[
        roi
    ]
    path = tmp_path / "scan.x3p"
    matcher.write_topography(scan(1, 1), path, instrument="drawn")
    plain = preview_scan(path, StatedScan(RegionOfInterest(roi)))
    whole = RegionMask.model_validate(plain.reading.found)
    assert (whole.rows, whole.columns) == plain.reading.grid == grid_of(plain.reading.report.shape)
    mended = preview_scan(path, StatedScan(RegionOfInterest(roi), mask=half_of(whole)))
    assert mended.reading.found == plain.reading.found, "the way back stays open"
    assert mended.reading.mended == half_of(whole).digest
    assert mended.picture != plain.picture
