"""Free texts that may tell of a person, as the region's laboratories write them; and what they write every day."""

from __future__ import annotations

import pytest

from exchange.flows.free_text import Doubt, doubts


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
        ("+381 64 123 4567", Doubt.TELEPHONE),
        ("00383 44 123 456", Doubt.TELEPHONE),
        ("tel. 069/123-456", Doubt.TELEPHONE),
        ("+380 (44) 123-45-67", Doubt.TELEPHONE),
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


def test_a_municipality_has_a_name_and_no_street() -> None:
    assert doubts("Novi Pazar", place=True) == ()
    assert doubts("Novi Pazar, ul. 28. novembra", place=True) == (Doubt.ADDRESS,)
    assert doubts("Novi Pazar 0101990710008", place=True) == (Doubt.IDENTITY_NUMBER,)
