"""Which scan stands for an exhibit in a list, and what is shown in its place while it has no picture."""

from __future__ import annotations

import pytest

from exchange.flows.scan.listed_scans import PictureStanding, _standing_for, listed_scan
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.scan.listed import ListedRow

CAME = "2026-11-30T12:00:00.000Z"


def row(
    position: int, roi: str, state: str = "correlated", came: str | None = CAME, made: str | None = "ab"
) -> ListedRow:
    return ListedRow("cd" * 32, position, roi, f"{position:064x}", state, came, made)


def test_the_first_of_a_region_that_is_compared_stands_for_all() -> None:
    scans = [row(0, "ejector_mark"), row(1, "firing_pin_impression"), row(2, "breech_face")]
    assert _standing_for(scans, ()).position == 1
    assert _standing_for(scans, (scans[2].sha256,)).position == 2, "the one that is asked for"
    assert _standing_for(scans[:1], ()).position == 0
    awaited = row(1, "firing_pin_impression", AcquisitionState.AWAITING_SCAN, None, None)
    assert _standing_for([scans[0], awaited, scans[2]], ()).position == 2, "rather one that is here"
    assert _standing_for([awaited], ()).picture is PictureStanding.NOT_HERE


@pytest.mark.parametrize(
    ("state", "made", "standing"),
    [
        (AcquisitionState.QUEUED, None, PictureStanding.BEING_MADE),
        (AcquisitionState.QUEUED, "ab", PictureStanding.SHOWN),  # correlated anew after an upgrade
        (AcquisitionState.CORRELATED, "ab", PictureStanding.SHOWN),
        (AcquisitionState.NOT_USABLE, None, PictureStanding.SHOWN),
        (AcquisitionState.NOT_CORRELATED, None, PictureStanding.SHOWN),
        (AcquisitionState.FAILED, None, PictureStanding.SHOWN),
    ],
)
def test_it_is_said_to_be_made_while_it_is(state: str, made: str | None, standing: PictureStanding) -> None:
    assert listed_scan(row(0, "breech_face", state, made=made)).picture is standing
