"""Free texts that may tell of a person, as the region's laboratories write them; and what they write every day."""

from __future__ import annotations

import pytest

from exchange.flows.entry.free_text import Doubt, doubts, doubts_in, doubts_of_field
from schemas import parse_statement
from tests.schemas.examples import encoded, exhibit_fields, record_fields


@pytest.mark.parametrize(
    "text",
    [
        "Petar Petrović",
        "PETROVIĆ MARKO",
        "found by Kenan Ilić",
        "osumnjičeni Marko M. Jovanović",
        "Петар Петровић",
        "Трајко Трајковски",
        "Arben Hoxha",
        "i dyshuari Agron Çela",
        "Ion Popescu",
        "Ștefan Ciobanu",
        "Олександр Шевченко",
        "Ana-Marija Kovač",
        "Popescu",
        "P. Petrovic",
        "Petrovi\u0107",
        "Petar\u00a0Petrov",
    ],
)
def test_names(text: str) -> None:
    assert doubts(text) == (Doubt.NAME,)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("JMBG 0101990710008", Doubt.IDENTITY_NUMBER),
        ("0101 990 710 008", Doubt.IDENTITY_NUMBER),
        ("ЕМБГ 1505985450012", Doubt.IDENTITY_NUMBER),
        ("J12345678N", Doubt.IDENTITY_NUMBER),
        ("1234567890", Doubt.IDENTITY_NUMBER),
        ("1234 567 890", Doubt.IDENTITY_NUMBER),
        ("01-01-990-71-0008", Doubt.IDENTITY_NUMBER),
        ("0101\u00a0990\u202f710\u00a0008", Doubt.IDENTITY_NUMBER),
        ("j12345678n", Doubt.IDENTITY_NUMBER),
        ("+381 64 123 4567", Doubt.TELEPHONE),
        ("00383 44 123 456", Doubt.TELEPHONE),
        ("tel. 069/123-456", Doubt.TELEPHONE),
        ("+380 (44) 123-45-67", Doubt.TELEPHONE),
        ("+381\u00a064\u00a0123\u00a04567", Doubt.TELEPHONE),
        ("+381\u201364\u2013123\u20134567", Doubt.TELEPHONE),
        ("064 / 123 456", Doubt.TELEPHONE),
        ("064 - 123 - 4567", Doubt.TELEPHONE),
        ("kontakt: nekoga@primer.rs", Doubt.E_MAIL),
        ("ul. kneza 5", Doubt.ADDRESS),
        ("rruga e kavajës 12", Doubt.ADDRESS),
        ("вул. садова 3", Doubt.ADDRESS),
    ],
)
def test_numbers_and_addresses(text: str, doubt: Doubt) -> None:
    assert doubts(text) == (doubt,)


@pytest.mark.parametrize(
    "text",
    [
        "Crvena Zastava",
        "Црвена Застава",
        "Prvi Partizan Užice",
        "Smith & Wesson",
        "Sellier & Bellot",
        "Heckler & Koch USP",
        "PPU 9 mm 1998",
        "lot 12/2004",
        "RS-2026-0815",
        "M70, by the rifling",
        "test fire of a seized pistol",
        "Tokarev TT-33",
        "пиштољ ЦЗ 99",
        "9x19 Parabellum",
        "North Macedonia",
        "",
    ],
)
def test_what_laboratories_write_every_day_is_left_alone(text: str) -> None:
    assert doubts(text) == ()


@pytest.mark.parametrize(
    "text", ["0101990710008, +381641234567", "+381641234567 0101990710008", "0101990710008 / 064 123 4567"]
)
def test_one_number_hides_no_other(text: str) -> None:
    assert Doubt.IDENTITY_NUMBER in doubts(text)


@pytest.mark.parametrize(
    "text",
    [
        "KU-45/2026-0012",
        "BG-2026-11-0012",
        "Lot 2026 0045 12",
        "KU 05/2026-0123",
        "K-2026/0012345678",
        "2026-0001234567",
        "04-1-233.2-4512/2026",
        "12026 10006 0001234",
        "until 05.03.2026",
        "05.03.2026 - 06.03.2026",
    ],
)
def test_references_and_dates_are_no_numbers_of_persons(text: str) -> None:
    assert doubts(text) == ()


def test_a_municipality_has_a_name_and_no_street() -> None:
    assert doubts("Novi Pazar", place=True) == ()
    assert doubts("Novi Pazar, ul. 28. novembra", place=True) == (Doubt.ADDRESS,)
    assert doubts("Novi Pazar 0101990710008", place=True) == (Doubt.IDENTITY_NUMBER,)


@pytest.mark.parametrize(
    ("field", "text", "doubt"),
    [
        ("case_reference", "KU-12/Petrovic.Petar", Doubt.NAME),
        ("case_reference", "PETROVIC-2026", Doubt.NAME),
        ("exhibit.incident", "Hoxha-Arben", Doubt.NAME),
        ("exhibit.firearm.firearm_id", "Pistol.Ilievski", Doubt.NAME),
        ("exhibit.item", "Петров Иван 2", Doubt.NAME),
        ("exhibit.item", "1505985450012", Doubt.IDENTITY_NUMBER),
        ("case_reference", "K-0101990710008", Doubt.IDENTITY_NUMBER),
        ("exhibit.incident", "38164123456", None),
        ("exhibit.incident", "0641234567", Doubt.TELEPHONE),
        ("exhibit.firearm.firearm_id", "0038344123456", Doubt.TELEPHONE),
        ("case_reference", "RS-2026-0815", None),
        ("case_reference", "SYN-CASE-ALPHA/3", None),
        ("exhibit.incident", "KTJ-BEOGRAD-12/2026", None),
        ("exhibit.item", "K-2/1", None),
        ("exhibit.firearm.firearm_id", "F-2026-0007", None),
        ("exhibit.seal", "B 004711", None),
    ],
)
def test_references_are_read_word_by_word(field: str, text: str, doubt: Doubt | None) -> None:
    assert doubts_of_field(field, text) == ((doubt,) if doubt else ())


def test_what_names_a_record_is_looked_at_too() -> None:
    record = parse_statement(
        encoded(record_fields(case_reference="KU-Petrovic", exhibit=exhibit_fields(incident="Ilic-Ana")))
    )
    assert doubts_in(record) == {"case_reference": (Doubt.NAME,), "exhibit.incident": (Doubt.NAME,)}
