"""A casework day of two laboratories: entirely by REST, and entirely by pages."""

from __future__ import annotations

import pytest

from tests.journeys.by_rest import ByRest
from tests.journeys.casework import live
from tests.journeys.people import Side

pytestmark = pytest.mark.slow


def test_a_casework_day_by_rest(sides: tuple[Side, Side], drawn: dict[tuple[int, int], bytes]) -> None:
    rs, mk = sides
    live(ByRest(rs), ByRest(mk), drawn)
