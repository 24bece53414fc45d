"""Of which sides a sum of the region is: one that has no data blanks nothing and is named, and sums of other sides are
not compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from exchange.coordination.half_year.figure_definitions import STAGES
from exchange.coordination.half_year.public_edition import feedback_of
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.half_year.small_counts import HELD_BACK, NO_DATA, Figure, Told, exact
from exchange.coordination.region.exact_region import exact_half
from exchange.coordination.region.indicators import shipped_indicators
from exchange.coordination.region.public_region import public_rate
from exchange.coordination.region.read_regional import read_earlier
from exchange.coordination.region.region_document import write_region
from exchange.coordination.region.region_paper import period_chart, regional_sheet
from exchange.coordination.region.regional import (
    CountedReport,
    RegionalEarlier,
    RegionalReport,
    RegionalRow,
    SummedSides,
)
from exchange.coordination.region.regional_lines import regional_lines, regional_notes
from exchange.coordination.region_files.file_kinds import DEFINITIONS
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import shipped_directory
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from tests.exchange.coordination.region.exact_rows import exact_parts

CODES = ("AL", "MK", "RS")


def half(code: str, period: str = "2026H2", **counts: Mapping[str, int | None]) -> RestrictedHalf:
    fields = {
        "format": "ffp-monitoring-restricted/1",
        "edition": "restricted",
        "period": period,
        "counted_to": "2027-01-01T00:00:00Z",
        "begun": None,
        "node": f"ffp-{code.lower()}",
        "jurisdiction": code,
        "partners": [other for other in CODES if other != code],
        "smallest_count_told": 5,
        "terms_h": {},
        **exact_parts(counts),
        "availability": [],
        "links": [],
        "salt": "0" * 64,
        "note": "",
    }
    return RestrictedHalf.model_validate_json(json.dumps(fields), strict=True)


def report(rows: Sequence[RegionalRow], earlier: Sequence[RegionalEarlier] = (), codes: str = "AL MK RS") -> Any:
    """A public regional report of these figures."""
    found = {row.id: row for row in rows}
    nothing = Figure(Told.RESTRICTED)
    return RegionalReport(
        edition="public",
        period="2026H2",
        since="2026-07-01T00:00:00.000Z",
        to="2027-01-01T00:00:00.000Z",
        reports=tuple(
            CountedReport(f"ffp-{c.lower()}", c, "0" * 64, "1" * 64, "", 5, exact=True) for c in codes.split()
        ),
        refused=(),
        rows=tuple(found.get(name, RegionalRow(name, {}, nothing)) for name in DEFINITIONS),
        rate=RegionalRow("feedback_rate", {}, HELD_BACK),
        stages=(),
        availability=(),
        differences=(),
        earlier=tuple(earlier),
        indicators={
            name: shipped_indicators().of(name, 3) for name in (*DEFINITIONS, *STAGES, "feedback_rate", "availability")
        },
    )


# no data


def test_one_side_without_data_blanks_no_total_and_is_named() -> None:
    told = [
        half("AL", exhibits_shared={"MK": 9, "RS": 2}),
        half("MK", exhibits_shared={"AL": 0, "RS": 6}),
        half("RS", exhibits_shared={"AL": None, "MK": None}),
    ]
    rows = {row.id: row for row in exact_half(told).rows}
    shared = rows["exhibits_shared"]
    assert (shared.total, shared.without) == (exact(17), ("RS",))
    assert shared.cells["RS>MK"] == NO_DATA, "not 0"
    nobody = exact_half([half(code, exhibits_shared={"AL": None}) for code in CODES]).rows
    row = next(row for row in nobody if row.id == "exhibits_shared")
    assert (row.total, row.without) == (NO_DATA, CODES)


def test_nor_is_a_row_of_exact_counts_left_out_unsaid() -> None:
    cells = {"exhibits_entered": {"RS": 9}, "leads": {"RS": 0, "AL": 0, "MK": 0}, "exhibits_shared": {"AL": 1, "MK": 2}}
    told = [half("AL", exhibits_entered={"AL": 4}), half("RS", **cells)]
    rows = {row.id: row for row in exact_half(told).rows}
    assert [rows[name].without for name in cells] == [(), ("AL",), ("AL",)]
    few = half("RS", leads={"AL": 0, "MK": 0}, exhibits_shared={"AL": 1})
    rows = {row.id: row for row in exact_half([few]).rows}
    assert {rows[name].without for name in (*cells, "leads_first_signed", "held_open")} == {("RS",)}


def test_exact_sums_are_of_the_same_sides() -> None:
    told = [
        half("AL", exhibits_entered={"AL": 4}, exhibits_shared={"MK": 3, "RS": 1}),
        half("MK", exhibits_entered={"MK": 9}, exhibits_shared={"AL": 2, "RS": 2}),
        half("RS", exhibits_entered={"RS": None}, exhibits_shared={"AL": None, "MK": None}),
    ]
    rows = {row.id: row for row in exact_half(told).rows}
    assert (rows["exhibits_entered"].total, rows["exhibits_entered"].without) == (exact(13), ("RS",))
    assert (rows["exhibits_shared"].total, rows["exhibits_shared"].without) == (exact(8), ("RS",))


def test_a_sum_of_fewer_sides_says_so_and_is_compared_with_none_of_all() -> None:
    def shared(total: int, without: tuple[str, ...]) -> RegionalRow:
        return RegionalRow("exhibits_shared", {}, exact(total), None, without)

    entered = RegionalRow("exhibits_entered", {}, exact(9))
    whole = RegionalEarlier(
        "2026H1", {"exhibits_shared": exact(20), "exhibits_entered": exact(4)}, SummedSides(CODES), "0" * 64
    )
    some = report([shared(12, ("RS",)), entered], [whole])
    with speaking(Spoken("en")):
        line, other = (
            next(line for line in regional_lines(some) if line.id == name)
            for name in ("exhibits_shared", "exhibits_entered")
        )
        assert (line.total, line.trend) == ("12 (sides: 2 of 3)", ("20 (sides: 3)", "–"))
        assert (other.total, other.trend) == ("9", ("4", "+5"))
        notes = regional_notes(some)
        assert "Exhibits shared: no data from Serbia, and so not in the sum." in notes
        assert any("are not compared" in note for note in notes)
        assert "the region (sides: 2 of 3)" in regional_sheet(some).decode("utf-8-sig")
        assert ">sides: 2<" in period_chart("", some.points).__html__()
        fewer_reports = report([shared(12, ()), entered], [whole], "AL MK")
        line = next(line for line in regional_lines(fewer_reports) if line.id == "exhibits_entered")
        assert (line.total, line.trend) == ("9", ("4 (sides: 3)", "–"))
        alike = report([shared(12, ("RS",))], [replace(whole, sides=SummedSides(CODES, {"exhibits_shared": ("RS",)}))])
        line = next(line for line in regional_lines(alike) if line.id == "exhibits_shared")
        assert line.trend == ("20", "−8")


def test_what_sides_a_sum_is_of_outlives_the_file() -> None:
    made = report([RegionalRow("exhibits_shared", {}, exact(12), None, ("RS",))])
    data = write_region(made, shipped_directory())
    ((found,), ()) = read_earlier([data], "2027H1").values()
    assert found.sides == made.sides == SummedSides(CODES, {"exhibits_shared": ("RS",)})
    assert found.sides.of("exhibits_shared") == {"AL", "MK"}
    again = json.loads(write_region(replace(made, period="2027H1", earlier=(found,)), shipped_directory()))
    (before,) = again["earlier"]
    assert (before["jurisdictions"], before["without"]) == (list(CODES), {"exhibits_shared": ["RS"]})
    of_before = json.loads(data)
    for row in (*of_before["figures"], of_before["feedback_rate"]):
        del row["without"]
    ((older,), ()) = read_earlier([json.dumps(of_before).encode()], "2027H1").values()
    assert older.sides == SummedSides(CODES), "a file of a release that did not tell it"


# the feedback rate


def rated(code: str, given: int | None, missing: int) -> RestrictedHalf:
    partner, other = (item for item in CODES if item != code)
    return half(code, feedback_given={partner: given, other: 0}, feedback_missing={partner: missing, other: 0})


def rate(*halves: Sequence[RestrictedHalf]) -> RegionalRow:
    return public_rate([exact_half(found) for found in halves])


def test_a_rate_is_of_the_sides_that_have_both_numbers() -> None:
    """Serbia has given numbers of one partner, and says that it has no data."""
    told = [rated("AL", 12, 8), rated("MK", 9, 1), rated("RS", None, 1)]
    assert [feedback_of(found) for found in told] == [(12, 8), (9, 1), None]
    for some in ({"AL": 3}, {}, {"AL": 3, "MK": 1}):
        assert feedback_of(half("RS", feedback_given=some, feedback_missing={"AL": 1})) is None, "it leaves one out"
    found = rate(told)
    assert (found.total, found.without, found.cells) == (Figure(Told.BETWEEN, 0.5, 0.8), ("RS",), {})


def test_a_rate_is_the_class_of_the_side_in_the_middle() -> None:
    low, high = Figure(Told.BETWEEN, 0.0, 0.5), Figure(Told.BETWEEN, 0.8, 1.0)
    assert rate([rated("AL", 1, 9), rated("MK", 9, 1), rated("RS", 10**6, 0)]).total == high
    assert rate([rated("AL", 1, 9), rated("MK", 9, 1)]).total == low
    assert rate([rated("AL", 1, 9), rated("MK", 3, 1)]).total == HELD_BACK, "4 fell due of one, so one side is left"
    assert rate().total == HELD_BACK


def test_the_rate_of_a_year_is_no_finer_than_those_of_its_half_years() -> None:
    low, high = [rated("AL", 1, 9), rated("MK", 1, 9)], [rated("AL", 9, 1), rated("MK", 9, 1)]
    assert rate(low, high).total == Figure(Told.BETWEEN, 0.0, 1.0)
    assert rate(high, high).total == Figure(Told.BETWEEN, 0.8, 1.0)
    assert rate(high, high[:1]).total == HELD_BACK


@pytest.mark.parametrize(
    "figure",
    [
        {"told": "between"},
        {"told": "between", "low": 9, "high": 1},
        {"told": "exact", "value": -5},
        {"told": "exact", "value": 1e308},
        {"told": "exact"},
        {"told": "no_data", "value": 3},
    ],
)
@pytest.mark.parametrize("edition", ["public", "restricted"])
def test_an_earlier_report_tells_no_figure_that_cannot_be(figure: Mapping[str, Any], edition: str) -> None:
    fields = json.loads(write_region(replace(report([]), edition=edition), shipped_directory()))
    assert read_earlier([json.dumps(fields).encode()], "2027H1")[edition]
    next(row for row in fields["figures"] if row["id"] == "leads")["total"] = figure
    with pytest.raises(InvalidInput) as refused:
        read_earlier([json.dumps(fields).encode()], "2027H1")
    assert refused.value.code == "invalid-earlier"
