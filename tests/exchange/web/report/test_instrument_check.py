"""The report says of each scan's instrument which check the record names."""

from __future__ import annotations

import pytest

from exchange.web.report.annex import _instrument
from schemas import Acquisition
from tests.schemas.examples import acquisition_fields

CHECK = {"specimen": "SRM 2461-7", "checked_on": "2026-11-20", "warning": False, "digest": "cd" * 32}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"instrument_check": CHECK}, "Test Profiler, checked on 2026-11-20 against SRM 2461-7, passed"),
        (
            {"instrument_check": CHECK | {"warning": True}},
            "Test Profiler, checked on 2026-11-20 against SRM 2461-7, passed with a warning",
        ),
        ({}, "Test Profiler"),
        ({"instrument": None}, "not examined"),
    ],
)
def test_the_instrument_with_its_check(changes: dict[str, object], said: str) -> None:
    assert _instrument(Acquisition.model_validate(acquisition_fields(**changes))) == said
