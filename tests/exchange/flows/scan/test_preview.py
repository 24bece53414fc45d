"""What is told of a scan at its registration, before anything is signed."""

from __future__ import annotations

from pathlib import Path

import pytest

import exchange.web.pages
import matcher
from exchange.flows.scan.preview import preview_scan
from exchange.flows.scan.scan_reading import StatedScan, Usability
from matcher.mark.quality import MarkDoubt
from schemas import RegionMask
from schemas.vocabulary import RegionOfInterest
from tests.matcher.mark.other_surfaces import ball

WORDS = Path(exchange.web.pages.__file__).parent / "templates" / "draft_words.html"


@pytest.mark.slow
def test_what_is_no_breech_face_is_told_and_an_examiners_region_stands(tmp_path: Path) -> None:
    path = tmp_path / "ball.x3p"
    matcher.write_topography(ball(), path, instrument="drawn")
    reading = preview_scan(path, StatedScan(RegionOfInterest.BREECH_FACE)).reading
    codes = {finding.code for finding in reading.findings if finding.level is Usability.DOUBTFUL}
    assert codes == {"unlike-bent", "unlike-no-aperture"}
    assert reading.verdict is Usability.DOUBTFUL
    by_hand = StatedScan(RegionOfInterest.BREECH_FACE, mask=RegionMask.model_validate(reading.found))
    mended = preview_scan(path, by_hand).reading
    assert not [finding for finding in mended.findings if finding.code.startswith("unlike-")]


def test_each_doubt_has_its_sentence() -> None:
    words = WORDS.read_text()
    assert [doubt for doubt in MarkDoubt if f'"unlike-{doubt}"' not in words] == []
