"""A table of incidents comes to the counts that its maker knows; wrong rows are named; nothing else of it is told."""

from __future__ import annotations

import io
import time
import traceback

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.incident_vocabulary import DIMENSIONS, HarmOutcome, IncidentCell, PersonRole
from exchange.coordination.incidents.person_columns import PersonalKind, personal_kind
from exchange.coordination.incidents.platform_words import VALUE_TITLES, platform_facts
from exchange.coordination.incidents.read_incident_table import (
    INCIDENT_COLUMNS,
    MAX_CSV_COLUMNS,
    MAX_REFUSED,
    RowRefusal,
    TableEncoding,
    TableReading,
    read_incident_table,
    table_template,
)
from exchange.errors import InvalidInput, TooLarge
from tests.exchange.coordination.incidents.made_up_incidents import SECRET, made_up_table

HALF = Half(2026, 2)
HEAD = ",".join(INCIDENT_COLUMNS)
GOOD = "1,,victim,male,30,robbery,injured,pistol"


def read(*lines: str, encoding: str = "utf-8", said: TableEncoding = TableEncoding.AUTO) -> TableReading:
    return read_incident_table(io.BytesIO("\n".join(lines).encode(encoding)), HALF, said)


def refusal(data: bytes, said: TableEncoding = TableEncoding.AUTO) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_incident_table(io.BytesIO(data), HALF, said)
    return caught.value


def refused(*lines: str) -> list[tuple[int, str, RowRefusal]]:
    return [(row.number, row.column, row.reason) for row in read(HEAD, *lines).refused]


def test_five_thousand_incidents_with_two_hundred_wrong_rows() -> None:
    made = made_up_table(5, 5_000, 200)
    began = time.perf_counter()
    found = read_incident_table(io.BytesIO(made.data), HALF)
    took = time.perf_counter() - began
    assert found.counts == made.counts
    assert found.counts.incident_total == 5_000
    assert found.rows == made.rows > 10_000
    assert [(row.number, row.column, row.reason) for row in found.refused] == made.wrong
    assert len(made.wrong) == 200
    assert {why for _, _, why in made.wrong} == set(RowRefusal) - {RowRefusal.DIFFERS, RowRefusal.CELLS}
    assert found.left_out == 1
    assert SECRET not in repr(found)
    assert took < 5, f"{took:.1f} s"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_and_encoding_are_found(delimiter: str, encoding: str) -> None:
    made = made_up_table(1, 50, 5, delimiter=delimiter, encoding=encoding)
    assert read_incident_table(io.BytesIO(made.data), HALF).counts == made.counts


def test_another_encoding_is_named_and_then_read() -> None:
    lines = (f"{HEAD},Примедба", f"{GOOD},Ћ")
    with pytest.raises(InvalidInput, match="not in the encoding UTF-8"):
        read(*lines, encoding="windows-1251")
    assert read(*lines, encoding="windows-1251", said=TableEncoding.WINDOWS_1251).counts.person_total == 1
    with pytest.raises(InvalidInput, match="NUL"):
        read(*lines, encoding="utf-16-le")


def test_an_incident_of_several_persons_is_counted_once_with_its_gravest_outcome() -> None:
    found = read(
        HEAD,
        "7,,victim,male,30,robbery,not_injured,pistol",
        "7,,victim,female,31,robbery,killed,pistol",
        "7,,perpetrator,,,robbery,,pistol",
        "8,,nobody,,,celebratory_fire,,",
    )
    assert found.refused == []
    assert found.counts.persons_of(PersonRole.VICTIM) == 2
    assert found.counts.person_total == 3
    assert [(tuple(cell), count) for cell, count in found.counts.incidents.items()] == [
        (("robbery", "killed", "pistol"), 1),
        (("celebratory_fire", "unknown", "unknown"), 1),
    ]
    assert found.empty == {"sex": 1, "age": 1, "outcome": 2, "weapon": 1}


def test_rows_of_one_incident_agree() -> None:
    assert refused(
        GOOD,
        "1,,victim,male,30,threat,injured,pistol",
        "1,,victim,male,30,robbery,injured,rifle",
        "1,,nobody,,,robbery,,pistol",
        "2,,nobody,,,robbery,,pistol",
        "2,,victim,male,30,robbery,not_injured,pistol",
    ) == [
        (3, "offence", RowRefusal.DIFFERS),
        (4, "weapon", RowRefusal.DIFFERS),
        (5, "role", RowRefusal.CONTRADICTS),
        (7, "role", RowRefusal.CONTRADICTS),
    ]


def test_a_refused_row_leaves_no_trace_in_its_incident() -> None:
    found = read(HEAD, "1,,victim,male,1935,homicide,killed,rifle", GOOD)
    assert found.counts.incidents == {IncidentCell("robbery", HarmOutcome.INJURED, "pistol"): 1}  # type: ignore[arg-type]


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    assert refused("", GOOD, ",,,,,,,", '2,,victim,"male\nor not",30,robbery,injured,pistol', "3,,x,,,robbery,,") == [
        (5, "sex", RowRefusal.UNKNOWN_WORD),
        (6, "role", RowRefusal.UNKNOWN_WORD),
    ]


def test_a_row_has_as_many_cells_as_the_head() -> None:
    assert refused(GOOD + ",,", GOOD + ",more", "1,,victim") == [(3, "", RowRefusal.CELLS), (4, "", RowRefusal.CELLS)]


@pytest.mark.parametrize(
    "head",
    [
        "Name",
        "victim_name",
        "VictimName",
        "Ime i prezime",
        "Prezime žrtve",
        "Презиме",
        "Прізвище",
        "Emri",
        "Mbiemri i viktimës",
        "Nume",
        "JMBG",
        "Matični broj",
        "ЕМБГ",
        "CNP",
        "ID number of the victim",
        "personal_id",
        "Passport",
        "Date of birth",
        "dob",
        "Datum rođenja",
        "Датум рођења",
        "Datëlindja",
        "Data nașterii",
        "Address",
        "Adresa stanovanja",
        "Улица",
        "Phone",
        "E-mail",
    ],
)
def test_a_column_that_tells_a_person_refuses_the_whole_table(head: str) -> None:
    error = refusal(f"{HEAD},{head}\n{GOOD},{SECRET}\n".encode())
    assert (error.code, error.args[0].startswith("Column 9 looks like it tells ")) == ("column-of-a-person", True)
    assert "Nothing of the table was read" in str(error)
    assert head not in str(error)


@pytest.mark.parametrize(
    "head",
    [
        "Firearm name",
        "Municipality name",
        "Remark",
        "Crime",
        "Time",
        "Regime",
        "Valid",
        "Incident number",
        "Sex",
        "Type",
    ],
)
def test_a_column_that_tells_nobody_does_not(head: str) -> None:
    assert personal_kind(head) is None


def test_each_kind_of_personal_column_is_known() -> None:
    heads = ("surname", "jmbg", "birthday", "adresa", "telefon")
    assert {personal_kind(head) for head in heads} == set(PersonalKind)


def test_a_table_without_heads_is_refused_and_not_repeated() -> None:
    error = refusal(f"{SECRET},Petar,1980\nX,Y,Z\n".encode())
    assert "no column incident, role, offence" in str(error)
    assert "Petar" not in str(error)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (HEAD.encode(), "no row"),
        (f"{HEAD},Gender\n{GOOD},f\n".encode(), "two columns for sex"),
        (f'{HEAD}\n1,,"{SECRET}\n'.encode(), "no CSV at row 2"),
        (f'{HEAD}\n1,,"{SECRET}"x,,,\n'.encode(), "no CSV at row 2"),
        (f"{HEAD}\n{GOOD}\n{SECRET}".encode() + b"\xff\xfe,\n", "encoding UTF-8"),
        (f"{HEAD}\n{SECRET}\0\n".encode(), "NUL"),
        (f"{HEAD}\n{SECRET}{'x' * 70_000}\n".encode(), "line of the table has more"),
        (f"{HEAD}\n{',' * MAX_CSV_COLUMNS}{SECRET}\n".encode(), f"more than {MAX_CSV_COLUMNS} columns"),
        ((f"{HEAD}\n" + f"1,,{SECRET},,,,,\n" * (MAX_REFUSED + 1)).encode(), "in the column offence (missing)"),
    ],
)
def test_what_is_refused_whole_repeats_nothing(data: bytes, said: str) -> None:
    error = refusal(data)
    assert said in str(error)
    told = "".join(traceback.format_exception(error))
    assert SECRET not in told, "what is logged of an error holds no cell"
    assert error.__cause__ is error.__context__ is None or error.__suppress_context__


def test_bounds_of_rows_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.coordination.incidents.read_incident_table.MAX_ROWS", 3)
    assert read(HEAD, GOOD, GOOD, GOOD).rows == 3
    with pytest.raises(InvalidInput, match="at most 3 rows"):
        read(HEAD, GOOD, GOOD, GOOD, GOOD)
    monkeypatch.setattr("exchange.coordination.incidents.read_incident_table.MAX_CSV_BYTES", 100)
    with pytest.raises(TooLarge, match="at most 100 bytes"):
        read(HEAD, GOOD, GOOD)


def test_the_template_is_read() -> None:
    found = read_incident_table(io.BytesIO(table_template()), HALF)
    assert (found.rows, found.refused, found.counts.incident_total, found.counts.person_total) == (4, [], 3, 3)


def test_each_value_has_a_title_and_the_platforms_word() -> None:
    facts = platform_facts()
    wanted = {f"{name}.{value}" for name, values in DIMENSIONS.items() for value in values}
    assert wanted | {f"field.{name}" for name in INCIDENT_COLUMNS} == set(facts)
    assert {name: set(titles) for name, titles in VALUE_TITLES.items()} == {
        name: set(values) for name, values in DIMENSIONS.items()
    }
    assert not any(fact.verified for fact in facts.values())
    for name, values in DIMENSIONS.items():
        spelled = [word for value in values for word in {*facts[f"{name}.{value}"].more["words"], str(value)}]
        assert len(set(spelled)) == len(spelled), f"a word of {name} means two things"
