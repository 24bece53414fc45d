"""Of which sides a sum of the region is: one that has no data blanks nothing and is named, and sums of other sides are
not compared. And two sides with different bounds of small counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.errors import InvalidInput
from exchange.flows.monitoring.definitions import COUNTS, GAPS, HELD, STAGES
from exchange.flows.monitoring.document import Document
from exchange.flows.monitoring.half_years import Half, Year
from exchange.flows.monitoring.public_edition import RESTRICTED_ROW
from exchange.flows.monitoring.restricted_edition import RestrictedHalf
from exchange.flows.monitoring.small_counts import (
    HELD_BACK,
    NO_DATA,
    RESTRICTED,
    Figure,
    Row,
    Told,
    exact,
    middle_and_most,
    told_count,
    told_no_finer,
    told_no_finer_of_two,
    told_row,
    told_sum,
)
from exchange.flows.monitoring.years import feedback_of, row_sum, year_document
from exchange.flows.region.exact_region import exact_half
from exchange.flows.region.indicators import shipped_indicators
from exchange.flows.region.kinds import DEFINITIONS, OF_ONE
from exchange.flows.region.public_region import of_one_bound, public_rate, public_rows
from exchange.flows.region.read_regional import ReadRegional
from exchange.flows.region.region_document import read_earlier, write_region
from exchange.flows.region.regional import CountedReport, RegionalEarlier, RegionalReport, RegionalRow, SummedSides
from exchange.flows.region.site.held_against import _can_be, _rate
from exchange.jurisdictions.directory import shipped_directory
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking
from exchange.web.region.drawings import over_periods
from exchange.web.region.regional_csv import regional_sheet
from exchange.web.wording.coordination.regional_lines import regional_lines, regional_notes
from tests.exchange.flows.region.exact_rows import exact_parts

CODES = ("AL", "MK", "RS")
FEW = Figure(Told.BETWEEN, 1, 4)


def document(code: str, smallest: int = 5, rate: Figure = NO_DATA, **counts: Mapping[str, int | None]) -> Document:
    none = dict.fromkeys((other for other in CODES if other != code), 0)
    return Document(
        period=Half(2026, 2),
        counted_to="2027-01-01T00:00:00.000Z",
        begun=None,
        node_id=f"ffp-{code.lower()}",
        jurisdiction=code,
        partners=tuple(other for other in CODES if other != code),
        smallest=smallest,
        terms_h={},
        counts={name: told_row(counts.get(name, {code: 0, **none}), smallest) for name in COUNTS},
        rate=Row({}, rate),
        stages=dict.fromkeys(STAGES, (RESTRICTED, RESTRICTED)),
        gaps={name: told_row(none, smallest) for name in GAPS},
        held=dict.fromkeys(HELD, RESTRICTED_ROW),
        bases=(),
        nodes=(),
        earlier=(),
    )


def row_of(documents: Sequence[Document], name: str) -> RegionalRow:
    return next(row for row in public_rows(documents)[0] if row.id == name)


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


# one bound


def test_a_side_with_a_lower_bound_does_not_tell_in_the_region_what_the_other_one_holds_back() -> None:
    low = document("MK", 3, leads={"MK": 4, "AL": 0, "RS": 3}, exhibits_entered={"MK": 4})
    high = document("RS", 5, leads={"RS": 7, "AL": 9, "MK": 3}, exhibits_entered={"RS": 7})
    assert low.counts["leads"].cells["RS"] == exact(3), "which Serbia tells as 1 to 4"
    leads = row_of(of_one_bound([low, high]), "leads")
    assert leads.cells == {"MK": FEW, "RS": exact(7), "AL-MK": exact(0), "AL-RS": exact(9), "MK-RS": FEW}
    assert (leads.total, leads.across) == (Figure(Told.BETWEEN, 18, 24), Figure(Told.BETWEEN, 10, 13))
    assert row_of(of_one_bound([low, high]), "exhibits_entered").total == Figure(Told.BETWEEN, 8, 11)
    assert {item.smallest for item in of_one_bound([low, high])} == {5}
    same = [document("MK"), document("RS")]
    assert of_one_bound(same) == same


@given(st.lists(st.integers(0, 12), min_size=1, max_size=2), st.integers(3, 9), st.integers(3, 9))
def test_no_finer_than_the_widest_bound_and_still_true(halves: list[int], smallest: int, widest: int) -> None:
    """Of a half-year, and of the sum of two."""
    told, wide = (
        told_sum([told_count(count, bound) for count in halves]) for bound in (smallest, max(smallest, widest))
    )
    figure = told_no_finer(told, max(smallest, widest))
    assert (figure.low or 0) <= sum(halves) <= (figure.high or 0)
    if len(halves) == 1:
        assert figure == wide, "as a node with that bound tells it"


def year_of(*halves: Document) -> Document:
    """As `year_document` has it: each figure of what the half-years tell, and the lowest bound of theirs."""
    return replace(
        halves[-1],
        period=Year(2026),
        smallest=min(half.smallest for half in halves),
        counts={name: row_sum([half.counts[name] for half in halves]) for name in COUNTS},
        gaps={name: row_sum([half.gaps[name] for half in halves]) for name in GAPS},
    )


def less(year: Figure, told: Figure) -> tuple[float, float]:
    """What the year tells of the one half-year to whoever knows what is told of the other."""
    assert None not in (year.low, year.high, told.low, told.high)
    return (year.low or 0) - (told.high or 0), (year.high or 0) - (told.low or 0)


@pytest.mark.parametrize(
    ("few", "bounds", "held"),
    [(7, {"MK": (5, 5), "RS": (10, 10)}, (1, 9)), (3, {"MK": (3, 5), "RS": (5, 5)}, (1, 4))],
)
def test_a_year_less_its_half_year_does_not_tell_what_the_other_one_holds_back(
    few: int, bounds: Mapping[str, tuple[int, int]], held: tuple[int, int]
) -> None:
    halves = [
        [
            document(code, bounds[code][at], leads={code: 0, "AL": 0, other: count}, exhibits_entered={code: count})
            for code, other in (("MK", "RS"), ("RS", "MK"))
        ]
        for at, count in enumerate((few, 12))
    ]
    years = [year_of(*both) for both in zip(*halves, strict=True)]
    for name, cell in (("leads", "MK-RS"), ("exhibits_entered", "MK"), ("exhibits_entered", "RS")):
        first, second, year = (row_of(of_one_bound(found), name) for found in (*halves, years))
        assert first.cells[cell] == Figure(Told.BETWEEN, *held)
        for told, less_told in ((first.cells[cell], second.cells[cell]), (first.total, second.total)):
            of_year = year.cells[cell] if told is first.cells[cell] else year.total
            low, high = less(of_year, less_told)
            assert low <= (told.low or 0) <= (told.high or 0) <= high, (name, of_year)
        assert (year.cells[cell].low or 0) <= few + 12 <= (year.cells[cell].high or 0)


parts = st.tuples(st.integers(0, 30), st.booleans(), st.integers(3, 12))


@given(parts, parts, st.integers(3, 12))
def test_a_year_is_no_finer_than_the_sum_of_its_half_years(
    one: tuple[int, bool, int], other: tuple[int, bool, int], widest: int
) -> None:
    """Of counts that are told by themselves, and of parts that are told from 0 on."""
    told = [
        Figure(Told.BETWEEN, 0, count) if is_part and count else told_count(count, min(bound, widest))
        for count, is_part, bound in (one, other)
    ]
    year = told_no_finer_of_two(told_sum(told), widest)
    halves = told_sum([told_no_finer(figure, widest) for figure in told])
    assert (year.low or 0) <= (halves.low or 0) <= (halves.high or 0) <= (year.high or 0)
    assert (year == exact(0)) == (told == [exact(0), exact(0)])
    assert year.low or not any(figure.low for figure in told), "what is not 0 is not told as 0"


# no data


def test_one_side_without_data_blanks_no_total_and_is_named() -> None:
    documents = [
        document("AL", exhibits_shared={"MK": 9, "RS": 2}),
        document("MK", exhibits_shared={"AL": 0, "RS": 6}),
        document("RS", exhibits_shared={"AL": None, "MK": None}),
    ]
    shared = row_of(documents, "exhibits_shared")
    assert (shared.total, shared.without) == (Figure(Told.BETWEEN, 16, 19), ("RS",))
    assert shared.cells["RS>MK"] == NO_DATA, "not 0"
    assert row_of(documents, "queries_asked").without == ()
    nobody = row_of([document(code, exhibits_shared={"AL": None}) for code in CODES], "exhibits_shared")
    assert (nobody.total, nobody.without) == (NO_DATA, CODES)


@pytest.mark.parametrize("name", ["exhibits_entered", "leads", "exhibits_shared", "hits_retracted", "no_line"])
def test_who_leaves_its_own_cell_out_is_named(name: str) -> None:
    documents = [document("AL"), document("MK"), document("RS")]
    assert row_of(documents, name).without == ()
    rows = documents[2].gaps if name in GAPS else documents[2].counts
    for cells, total in (
        ({}, NO_DATA),
        ({code: figure for code, figure in rows[name].cells.items() if code == "AL"}, exact(0)),
    ):
        changed = {**rows, name: Row(cells, total)}
        silent = replace(documents[2], **{"gaps" if name in GAPS else "counts": changed})
        row = row_of([*documents[:2], silent], name)
        assert row.without == ("RS",), (name, cells)
        assert row.total == exact(0)
        if name in OF_ONE:
            assert row.cells["RS"] == NO_DATA


def test_nor_is_a_row_of_exact_counts_left_out_unsaid() -> None:
    cells = {"exhibits_entered": {"RS": 9}, "leads": {"RS": 0, "AL": 0, "MK": 0}, "exhibits_shared": {"AL": 1, "MK": 2}}
    told = [half("AL", exhibits_entered={"AL": 4}), half("RS", **cells)]
    rows = {row.id: row for row in exact_half(told).rows}
    assert [rows[name].without for name in cells] == [(), ("AL",), ("AL",)]
    few = half("RS", leads={"AL": 0, "MK": 0}, exhibits_shared={"AL": 1})
    rows = {row.id: row for row in exact_half([few]).rows}
    assert {rows[name].without for name in (*cells, "leads_first_signed", "held_open")} == {("RS",)}


def test_of_a_hit_that_one_side_has_no_data_of_the_other_side_tells() -> None:
    documents = [document("MK", leads={"MK": 6, "AL": 0, "RS": 8}), document("RS", leads={"RS": None})]
    leads = row_of(documents, "leads")
    assert (leads.total, leads.across, leads.without) == (exact(14), exact(8), ("RS",))


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
        "2026H1", "0" * 64, {"exhibits_shared": exact(20), "exhibits_entered": exact(4)}, SummedSides(CODES)
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
        assert ">sides: 2<" in over_periods(some).decode()
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


@pytest.mark.parametrize("first", [exact(3), FEW, NO_DATA])
def test_who_has_no_data_of_one_half_year_has_none_of_the_year(first: Figure) -> None:
    year = row_sum([Row({"RS": first}, first), Row({"RS": exact(6)}, exact(6))])
    assert (year.total == NO_DATA) == (first == NO_DATA)


# the feedback rate


def test_a_rate_is_of_the_sides_that_have_both_numbers() -> None:
    """Serbia has given numbers of one partner, and says that it has no data."""
    counts = {
        "AL": ({"MK": 6, "RS": 6}, {"MK": 2, "RS": 6}),
        "MK": ({"AL": 5, "RS": 5}, {"AL": 10, "RS": 0}),
        "RS": ({"AL": 50, "MK": None}, {"AL": 0, "MK": 1}),
    }
    halves = {
        code: half(code, feedback_given=given, feedback_missing=missing) for code, (given, missing) in counts.items()
    }
    assert {code: feedback_of([found]) for code, found in halves.items()} == {"AL": (12, 8), "MK": (10, 10), "RS": None}
    assert feedback_of([half("RS", feedback_given={"AL": 3}, feedback_missing={"AL": None})]) is None
    for some in ({"AL": 3}, {}, {"AL": 3, "MK": 1}):
        assert feedback_of([half("RS", feedback_given=some, feedback_missing={"AL": 1})]) is None, "it leaves one out"
    documents = [document("AL", rate=exact(0.6)), document("MK", rate=exact(0.5)), document("RS")]
    told = public_rate(documents, {"AL": (12, 8), "MK": (10, 10)})
    assert (told.total, told.without) == (exact(0.55), ("RS",))
    odd = public_rate(documents, {"AL": (12, 8), "MK": (10, 10), "RS": (50, 1)})
    assert odd.total == exact(0.55), "whose public edition says no data is in neither number"
    held = [document("AL", rate=HELD_BACK), *documents[1:]]
    assert public_rate(held, {"AL": (12, 8), "MK": (10, 10)}).total == HELD_BACK
    assert public_rate([document("RS")], {}).total == NO_DATA


def taken_over(rate: Figure, *sides: Figure) -> Figure:
    """The rate of a public regional report, beside the signed reports of three sides."""
    documents = [document(code, rate=side) for code, side in zip(CODES, sides, strict=True)]
    made = replace(report([]), rate=public_rate(documents, None))
    exact_of = frozenset(item.node for item in made.reports)
    regional = ReadRegional("2026H2", b"", {}, exact_of, {}, rate, {}, (), has_incidents=False)
    return _rate(made, regional, documents).total


def test_a_rate_that_is_taken_over_is_rounded_and_lies_within_those_of_the_sides() -> None:
    sides = (exact(0.6), exact(0.5), exact(0.55))
    for fine in (exact(0.5), exact(0.555), exact(0.6), HELD_BACK):
        assert taken_over(fine, *sides) == fine
    assert taken_over(exact(0.55), NO_DATA, *sides[1:]) == exact(0.55)
    for wrong in (0.9999999, 0.0, 0.12345678901, 0.601, 0.499, 0.5551):
        with pytest.raises(InvalidInput, match="feedback rate that does not follow from those of the sides"):
            taken_over(exact(wrong), *sides)
    with pytest.raises(InvalidInput, match="does not follow"):
        taken_over(exact(0.6), NO_DATA, *sides[1:])


hours = st.lists(st.integers(0, 10**5).map(lambda cents: cents / 100), min_size=1, max_size=9)


@given(st.lists(hours, min_size=1, max_size=4))
def test_times_of_all_together_lie_within_those_of_the_sides(of_sides: list[list[float]]) -> None:
    pooled = middle_and_most([span for side in of_sides for span in side])
    for number, figure in enumerate(pooled):
        told = [middle_and_most(side)[number] for side in of_sides]
        assert _can_be(figure, told, digits=1, within=0.11)
        most = max(side.low or 0 for side in told)
        assert not _can_be(exact(round(most + 0.2, 1)), told, digits=1, within=0.11)
        assert not _can_be(exact(most + 0.01), told, digits=1, within=0.11)


def test_who_has_no_rate_of_one_half_year_has_none_of_the_year() -> None:
    """And so does not blank the region's."""
    none = half("RS", "2026H1", feedback_given={"AL": None}, feedback_missing={"AL": None})
    some = half("RS", feedback_given={"AL": 6, "MK": 0}, feedback_missing={"AL": 6, "MK": 0})
    second = document("RS", rate=exact(0.5))
    year = year_document(Year(2026), [document("RS"), second], [none, some], ())
    assert year.rate.total == NO_DATA
    assert year_document(Year(2026), [document("RS", rate=HELD_BACK), second], [some, some], ()).rate.total == HELD_BACK
    assert year_document(Year(2026), [second, second], [some, some], ()).rate.total == exact(0.5)
    documents = [document("AL", rate=exact(0.6)), document("MK", rate=exact(0.5)), year]
    told = public_rate(documents, {"AL": (12, 8), "MK": (10, 10)})
    assert (told.total, told.without) == (exact(0.55), ("RS",))


@pytest.mark.parametrize(
    "figure",
    [
        {"told": "between"},
        {"told": "between", "low": 1},
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
