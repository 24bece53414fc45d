"""Every language says everything, with the same values in it, and nothing that a page would read as markup."""

from __future__ import annotations

import ast
import io
import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from exchange.web.languages import CODES, NAMES
from exchange.web.languages.catalogue import SOURCE, catalogue_files, read_catalogue, translations
from exchange.web.languages.cyrillic import to_cyrillic
from exchange.web.wording.messages import collect, missing, texts, write_cyrillic
from exchange.web.wording.viewer_words import viewer_texts

OTHERS = [code for code in CODES if code != SOURCE]
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|`[^`]*`")


def test_each_language_has_a_name_of_its_own() -> None:
    assert tuple(NAMES) == CODES
    assert len(set(NAMES.values())) == len(CODES)


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_missing_or_guessed(code: str) -> None:
    assert missing(code) == []
    known = read_catalogue(code)
    assert not [message.id for message in texts(known) if message.fuzzy]
    for path, collected in zip(catalogue_files(code), collect(), strict=True):
        said = read_po(io.BytesIO(path.read_bytes()))
        assert {message.id for message in texts(said)} == {message.id for message in texts(collected)}, "make messages"


@pytest.mark.parametrize("code", OTHERS)
def test_the_same_values_are_put_in(code: str) -> None:
    for message in texts(read_catalogue(code)):
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [message.string] if isinstance(message.string, str) else list(message.string or ())
        for text in filter(None, said):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(ids[-1])), (code, ids[-1], text)


@pytest.mark.parametrize("code", OTHERS)
def test_no_text_is_markup(code: str) -> None:
    """Texts go into pages as they are, also into attributes; a single per cent sign would be a place for a value."""
    for message in texts(read_catalogue(code)):
        for text in [message.string] if isinstance(message.string, str) else list(message.string or ()):
            assert not set('<>&"') & set(text), (code, text)
            assert "%" not in re.sub(r"%\(\w+\)s|%%", "", text), (code, text)
            assert text == text.strip()


def test_no_text_stands_inside_an_f_string() -> None:
    """Before Python 3.12 it is not collected, and so in no language but English."""
    found = [
        f"{path}:{call.lineno}"
        for path in (Path(__file__).parents[4] / "exchange").rglob("*.py")
        for joined in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(joined, ast.JoinedStr)
        for call in ast.walk(joined)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in {"_", "_m", "ngettext"}
        if call.args and isinstance(call.args[0], ast.Constant)
    ]
    assert found == []


def test_english_texts_are_no_markup_either() -> None:
    for message in (message for catalogue in collect() for message in texts(catalogue)):
        for text in [message.id] if isinstance(message.id, str) else list(message.id):
            assert not set('<>&"') & set(text), text


@pytest.mark.parametrize("code", OTHERS)
def test_plurals_are_chosen(code: str) -> None:
    one = "%(num)s scan is not correlated yet: load this page anew to see what it brings."
    many = "%(num)s scans are not correlated yet: load this page anew to see what they bring."
    said = {translations(code).ngettext(one, many, count) for count in (1, 2, 5, 11, 21, 25)}
    assert len(said) == (2 if code in ("sq", "mk") else 3)
    assert not said & {one, many}


def test_both_scripts_of_serbian_say_the_same() -> None:
    before = [path.read_bytes() for path in catalogue_files("sr-Cyrl")]
    write_cyrillic()
    after = [path.read_bytes() for path in catalogue_files("sr-Cyrl")]
    for path, content in zip(catalogue_files("sr-Cyrl"), before, strict=True):
        path.write_bytes(content)
    assert after == before


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("Čelo zatvarača, Njegoš, LJubav, džep", "Чело затварача, Његош, Љубав, џеп"),
        ("injekcija, nadživeti, konjugacija", "инјекција, надживети, конјугација"),
        ("PDF od 3 mm, LR %(value)s, {distance} µm", "PDF од 3 mm, LR %(value)s, {distance} µm"),
        ("naredbom `ffp verify bundle`", "наредбом `ffp verify bundle`"),
        ("SHA-256 snimka x3p, piše u docs/verify-by-hand.md", "SHA-256 снимка x3p, пише у docs/verify-by-hand.md"),
        ("Čvor ffp-rs, adresa reading-room@lab.example.", "Чвор ffp-rs, адреса reading-room@lab.example."),
        ("EU, INTERPOL, H1, WebGL 2", "ЕУ, ИНТЕРПОЛ, H1, WebGL 2"),
    ],
)
def test_from_latin_to_cyrillic(latin: str, cyrillic: str) -> None:
    assert to_cyrillic(latin) == cyrillic


def test_the_viewers_words_are_found_where_they_stand() -> None:
    texts = viewer_texts()
    assert texts["split"] == "Split"
    assert len(texts) > 30
