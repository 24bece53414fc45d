"""A casework day of two laboratories: entirely by REST, and entirely by pages."""

from __future__ import annotations

import pytest

from tests.journeys.agreement import check_agreement
from tests.journeys.by_pages import ByPages
from tests.journeys.by_rest import ByRest
from tests.journeys.casework import live
from tests.journeys.people import Side

pytestmark = pytest.mark.slow


def test_a_casework_day_by_rest(sides: tuple[Side, Side], drawn: dict[tuple[int, int], bytes]) -> None:
    rs, mk = sides
    check_agreement(rs, mk, live(ByRest(rs), ByRest(mk), drawn))


def test_a_casework_day_by_pages(sides: tuple[Side, Side], drawn: dict[tuple[int, int], bytes]) -> None:
    rs, mk = sides
    check_agreement(rs, mk, live(ByPages(rs), ByPages(mk), drawn))
