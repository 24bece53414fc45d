"""The report says of each scan's instrument which check the record names."""

from __future__ import annotations

import pytest

from exchange.web.report.report_exhibits import scan_rows
from schemas import Acquisition
from tests.schemas.examples import acquisition_fields

CHECK = {"specimen": "SRM 2461-7", "checked_on": "2026-11-20", "warning": False, "digest": "cd" * 32}


@pytest.mark.parametrize(
    ("changes", "instrument", "check"),
    [
        ({"instrument_check": CHECK}, "Test Profiler", "checked on 2026-11-20 against SRM 2461-7, passed"),
        (
            {"instrument_check": CHECK | {"warning": True}},
            "Test Profiler",
            "checked on 2026-11-20 against SRM 2461-7, passed with a warning",
        ),
        ({}, "Test Profiler", "not stated"),
        ({"instrument": None}, "not examined", "not stated"),
    ],
)
def test_the_instrument_with_its_check(changes: dict[str, object], instrument: str, check: str) -> None:
    rows = dict(scan_rows(Acquisition.model_validate(acquisition_fields(**changes))))
    assert (rows["Instrument"], rows["Last check of the instrument"]) == (instrument, check)
