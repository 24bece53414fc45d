"""Whoever has all that is published of incidents, and an integer programme, finds no small count: each may still be
anything from 1 to below the smallest count that is told."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import LinearConstraint, milp

from exchange.coordination.half_year.small_counts import HELD_BACK, Figure, Told, exact
from exchange.coordination.incidents.incident_vocabulary import (
    AgeBand,
    HarmOutcome,
    IncidentCell,
    IncidentCounts,
    Offence,
    PersonCell,
    PersonRole,
    Sex,
    WeaponKind,
)
from exchange.coordination.incidents.told_incidents import (
    ROLE_TOTALS,
    TABLES,
    USE_BY_OFFENCE,
    USE_BY_OUTCOME,
    CellPlace,
    ToldTable,
    exact_table,
    exact_totals,
    told_table,
    told_tables,
    told_totals,
)
from tests.exchange.coordination.incidents.incident_attack import Attack, is_hurt
from tests.exchange.coordination.incidents.made_up_incidents import random_counts


def meant(counts: IncidentCounts) -> bool:
    """Whether the words mean in these counts what a reader takes them to mean."""
    totals, cells = exact_totals(counts), exact_table(counts, TABLES[USE_BY_OUTCOME])
    hurt = sum(count for place, count in cells.items() if is_hurt(place))
    threats = exact_table(counts, TABLES[USE_BY_OFFENCE])[("threat",)]
    return hurt <= totals["victims"] + totals["persons_of_unknown_role"] and threats <= totals["use"] - hurt


@pytest.mark.slow
def test_an_integer_programme_finds_no_small_count() -> None:
    """100 random half-years of a jurisdiction, from a quiet one to 5,000 incidents."""
    drawn = random.Random(38)
    attacked = told = half_years = 0
    while half_years < 100:
        counts = random_counts(drawn, round(10 ** drawn.uniform(0.5, 3.0)) if half_years else 5_000)
        if not meant(counts):
            continue
        half_years += 1
        smallest = drawn.choice((3, 5, 10))
        attack = Attack(counts, smallest)
        for name, table in attack.tables.items():
            truth = exact_table(counts, table.kind)
            told += table.is_told
            for place, count in truth.items():
                if not 0 < count < smallest:
                    continue
                low, high = attack.interval(name, place)
                assert low <= 1, (name, place, count, low, high)
                assert high >= smallest - 1, (name, place, count, low, high)
                attacked += 1
    print(
        f"{attacked} small counts attacked in {half_years} half-years; {told} of {half_years * len(TABLES)} tables told"
    )
    assert attacked > 1_000
    assert told > half_years * len(TABLES) / 2, "and what is told is worth reading"


def test_the_attack_finds_what_a_naive_table_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can fail: of a table whose cells are held back one by one beside an exact total it finds the small one."""
    counts = random_counts(random.Random(3), 120)

    def naive(cells: Mapping[CellPlace, int], smallest: int) -> dict[CellPlace, Figure]:
        return {at: Figure(Told.BETWEEN, 1, smallest - 1) if 0 < n < smallest else exact(n) for at, n in cells.items()}

    monkeypatch.setattr("exchange.coordination.incidents.told_incidents.told_table", naive)
    attack, found = Attack(counts, 5), 0
    for name, table in attack.tables.items():
        small = [place for place, count in exact_table(counts, table.kind).items() if 0 < count < 5]
        found += sum(attack.interval(name, place) != (1, 4) for place in small)
    assert found > 0


@pytest.mark.slow
def test_nor_does_one_over_single_people() -> None:
    """The same over what the tables are made of: victims by sex, age band and offence at once."""
    drawn = random.Random(7)
    attacked = 0
    for _ in range(12):
        counts = random_counts(drawn, drawn.randint(20, 300))
        tables = {name: table for name, table in told_tables(counts, 5).items() if table.kind.of == "victims"}
        total = told_totals(counts, 5)["victims"]
        people = sorted({cell[1:4] for cell in counts.persons} | {("female", "0-18", "other")})
        rows, low, high = [np.ones(len(people))], [total.low], [total.high]
        places = [(name, place) for name, table in tables.items() for place in table.cells]
        for name, place in places:
            figure, names = tables[name].cells[place], tables[name].kind.properties
            at = [dict(zip(("sex", "age", "offence"), person, strict=True)) for person in people]
            rows.append(np.array([float(tuple(one[key] for key in names) == place) for one in at]))
            low.append(figure.low or 0)
            high.append(np.inf if figure.high is None else figure.high)
        for number, (name, place) in enumerate(places, start=1):
            if tables[name].cells[place] != Figure(Told.BETWEEN, 1, 4):
                continue
            limits, ends = LinearConstraint(np.array(rows), low, high), []
            for sign in (1.0, -1.0):
                solved = milp(sign * rows[number], constraints=limits, integrality=np.ones(len(people)))
                assert solved.status == 0, solved.message
                ends.append(round(sign * solved.fun))
            assert ends == [1, 4], (name, place)
            attacked += 1
    assert attacked > 50


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(3, 8))
def test_what_is_told_is_true(cells: list[int], smallest: int) -> None:
    table = {(str(number),): count for number, count in enumerate(cells)}
    told = told_table(table, smallest)
    for place, count in table.items():
        figure = told[place]
        assert figure == HELD_BACK or (figure.low or 0) <= count <= (figure.high or 0)
    small = [place for place, count in table.items() if 0 < count < smallest]
    if not small:
        assert all(told[place] == exact(count) for place, count in table.items())
    elif HELD_BACK not in told.values():
        assert all(told[place] == Figure(Told.BETWEEN, 1, smallest - 1) for place in small)
        assert any(figure.told is Told.BETWEEN and (figure.low or 0) >= smallest for figure in told.values())


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(3, 8), st.data())
def test_another_small_count_would_be_told_the_same(cells: list[int], smallest: int, data: st.DataObject) -> None:
    """For each small count and each value that it may have there is a table with the same total that agrees with all
    that is told: what the small cell gains or loses, the largest cells make up for."""
    table = {(str(number),): count for number, count in enumerate(cells)}
    told, total = told_table(table, smallest), sum(cells)
    small = [place for place, count in table.items() if 0 < count < smallest]
    if not small or HELD_BACK in told.values():
        return
    changed = data.draw(st.sampled_from(small))
    value = data.draw(st.integers(1, smallest - 1))
    other = table | {changed: value}
    free = [place for place, figure in told.items() if figure.told is Told.BETWEEN and place not in small]
    missing = total - sum(other.values())
    for place in free:
        figure = told[place]
        moved = min(max(other[place] + missing, int(figure.low or 0)), int(figure.high or 0))
        missing -= moved - other[place]
        other[place] = moved
    assert missing == 0
    assert all((told[at].low or 0) <= count <= (told[at].high or 0) for at, count in other.items())


def test_the_largest_cells_are_held_back_as_ranges() -> None:
    cells = {("a",): 40, ("b",): 12, ("c",): 2, ("d",): 0, ("e",): 4}
    assert told_table(cells, 5) == {
        ("a",): Figure(Told.BETWEEN, 38, 44),
        ("b",): exact(12),
        ("c",): Figure(Told.BETWEEN, 1, 4),
        ("d",): exact(0),
        ("e",): Figure(Told.BETWEEN, 1, 4),
    }
    close = {("a",): 13, ("b",): 12, ("c",): 7, ("d",): 1}
    assert told_table(close, 5) == {
        ("a",): Figure(Told.BETWEEN, 7, 18),
        ("b",): Figure(Told.BETWEEN, 7, 18),
        ("c",): exact(7),
        ("d",): Figure(Told.BETWEEN, 1, 4),
    }


@pytest.mark.parametrize("cells", [(5, 4), (1, 1, 1, 3), (3,), (6, 5, 2)])
def test_a_table_of_too_few_is_not_told(cells: tuple[int, ...]) -> None:
    table = {(str(number),): count for number, count in enumerate(cells)}
    assert set(told_table(table, 5).values()) == {HELD_BACK}


def test_sums_are_ranges_of_what_is_told() -> None:
    kind = TABLES["victims_by_sex_and_age"]
    cells = {("female", "0-18"): exact(9), ("female", "19-35"): Figure(Told.BETWEEN, 1, 4), ("male", "0-18"): exact(7)}
    table = ToldTable(kind, cells)
    assert table.sums(0) == {"female": Figure(Told.BETWEEN, 10, 13), "male": exact(7)}
    assert table.sums(1) == {"0-18": exact(16), "19-35": Figure(Told.BETWEEN, 1, 4)}


def test_tables_of_one_total_have_no_property_in_common() -> None:
    for name, kind in TABLES.items():
        others = [other for known, other in TABLES.items() if known != name and other.of == kind.of]
        assert not any(set(kind.properties) & set(other.properties) for other in others)
    assert set(ROLE_TOTALS) | {"use", "possession"} == {*told_totals(IncidentCounts(), 5)}


def test_what_words_mean_links_no_two_tables_closely() -> None:
    """20 incidents in which somebody was hurt and 21 victims: the killed by rifle are few, and cannot be many more."""
    at = IncidentCell(Offence.HOMICIDE, HarmOutcome.KILLED, WeaponKind.PISTOL)
    rifle = at._replace(weapon=WeaponKind.RIFLE)
    unhurt = IncidentCell(Offence.ROBBERY, HarmOutcome.NOT_INJURED, WeaponKind.PISTOL)
    person = PersonCell(
        PersonRole.VICTIM, Sex.MALE, AgeBand.TO_35, Offence.HOMICIDE, HarmOutcome.KILLED, WeaponKind.PISTOL
    )
    for victims, is_told in ((21, False), (23, True), (19, True)):
        counts = IncidentCounts({person: victims}, {at: 18, rifle: 2, unhurt: 30})
        assert told_tables(counts, 5)[USE_BY_OUTCOME].is_told == is_told
