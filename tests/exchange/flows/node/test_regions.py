"""The table of regions: complete, and all that a region needs to be compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import matcher
from exchange.cli.main import app
from exchange.flows.node.pipelines import GALLERIES, PIPELINES, roles_of, why_not_correlated
from exchange.flows.node.regions import COMPARED, REGIONS, ComparedRegion, Pipeline
from exchange.flows.scan.preview import preview_scan
from exchange.flows.scan.scan_reading import StatedScan, Usability
from exchange.store.tables.record_tables import AcquisitionRow
from matcher.synthetic import breech_face
from schemas.vocabulary import Lighting, Modality, RegionOfInterest
from tests.matcher.synthetic.pin_and_shear import draw_impression, draw_shear

EJECTOR = RegionOfInterest.EJECTOR_MARK
LIKE: dict[str, tuple[Pipeline, Callable[[int, int], matcher.Topography]]] = {
    "a breech face": (matcher.DEFAULT_PARAMETERS, breech_face.draw),
    "an impression": (matcher.FIRING_PIN_PARAMETERS, draw_impression),
    "striae": (matcher.APERTURE_SHEAR_PARAMETERS, draw_shear),
}


def acquisition(roi: str, modality: str = Modality.TOPOGRAPHY) -> AcquisitionRow:
    return AcquisitionRow(roi=roi, modality=modality, lateral_resolution_um=5.0, lighting=Lighting.RING)


def enter(monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline, relief: matcher.Parameters | None = None) -> None:
    """The ejector mark, which is not compared, is."""
    monkeypatch.setitem(COMPARED, EJECTOR.value, ComparedRegion(EJECTOR, "ejector", pipeline, relief))


def test_each_region_of_the_vocabulary_has_one_entry() -> None:
    words = [region.roi for region in REGIONS]
    assert len(set(words)) == len(words)
    assert set(words) == set(RegionOfInterest) - {RegionOfInterest.UNKNOWN, RegionOfInterest.NOT_EXAMINED}


def test_parameters_of_another_region_are_refused() -> None:
    with pytest.raises(ValueError, match="ejector_mark"):
        ComparedRegion(EJECTOR, "ejector", matcher.DEFAULT_PARAMETERS)


def test_the_pipelines_of_the_matcher_are_among_them() -> None:
    """By digest: under other ones nothing that was correlated before would be shown."""
    areal: set[Pipeline] = {matcher.DEFAULT_PARAMETERS, matcher.RELIEF_PARAMETERS, matcher.FIRING_PIN_PARAMETERS}
    assert areal <= set(GALLERIES)
    assert {pipeline.digest for pipeline in (*areal, matcher.APERTURE_SHEAR_PARAMETERS)} <= set(PIPELINES)


def test_a_word_of_the_contract_gives_the_same_digest_as_a_plain_text() -> None:
    plain = replace(matcher.DEFAULT_PARAMETERS, region=EJECTOR.value)
    assert replace(plain, region=EJECTOR).digest == plain.digest


@pytest.mark.slow
@pytest.mark.parametrize("like", LIKE)
def test_an_entry_is_all_that_a_region_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, like: str) -> None:
    parameters, draw = LIKE[like]
    scans = [tmp_path / f"{shot}.x3p" for shot in range(2)]
    for shot, path in enumerate(scans):
        matcher.write_topography(draw(3, shot), path, instrument="drawn")
    assert roles_of(acquisition(EJECTOR)) == ()
    pipeline = replace(parameters, region=EJECTOR.value)
    enter(monkeypatch, pipeline)

    [role] = roles_of(acquisition(EJECTOR))
    assert role.pipeline == pipeline
    assert pipeline.digest not in PIPELINES
    assert preview_scan(scans[0], StatedScan(EJECTOR)).reading.verdict is not Usability.UNKNOWN
    done = CliRunner().invoke(app, ["compare", "--region", "ejector mark", *map(str, scans)])
    assert done.exit_code == 0, done.output
    assert pipeline.digest[:12] in done.output


def test_photographs_are_compared_by_the_regions_that_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    heights, relief = (
        replace(parameters, region=EJECTOR.value)
        for parameters in (matcher.DEFAULT_PARAMETERS, matcher.RELIEF_PARAMETERS)
    )
    photograph = acquisition(EJECTOR, Modality.REFLECTANCE)
    enter(monkeypatch, heights)
    assert roles_of(photograph) == ()
    assert "by their breech face" in why_not_correlated(photograph)
    assert "ejector mark" not in why_not_correlated(photograph)
    enter(monkeypatch, heights, relief)
    [role] = roles_of(photograph)
    assert role.pipeline == relief
    assert sorted(role.shown.values()) == ["ejector_mark", "ejector_mark, mirrored"]
