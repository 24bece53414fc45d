"""Each value of each vocabulary has its term in each language, and a laboratory may say it otherwise."""

from __future__ import annotations

import inspect
import re
from enum import StrEnum
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exchange.cli.glossary import app
from exchange.config_files import write_config
from exchange.errors import ConfigurationError
from exchange.flows.hits.stage import Stage
from exchange.log.audit_entry import SUPERVISION
from exchange.policy import Purpose
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.query.queries import FoundState, QueryState
from exchange.store.tables.peer_tables import PeerState
from exchange.web.languages import CODES, Spoken
from exchange.web.languages.catalogue import translations
from exchange.web.languages.terms_glossary import GLOSSARY_FILE, glossary_of, own_glossary, read_terms
from matcher.likelihood.ratio import verbal_equivalent
from schemas import vocabulary
from schemas.calibre import Calibre, read_calibre
from schemas.jurisdiction import Jurisdiction

VOCABULARIES = [
    kind
    for _, kind in inspect.getmembers(vocabulary, inspect.isclass)
    if issubclass(kind, StrEnum) and kind is not StrEnum
] + [Stage, AcquisitionState, PeerState, QueryState, FoundState]


SETTINGS = {"jurisdiction": "RS", "node_id": "ffp-rs", "url": "http://127.0.0.1:8440"}


def section_of(kind: type) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


@pytest.mark.parametrize("kind", VOCABULARIES, ids=section_of)
def test_every_value_has_a_term_in_every_language(kind: type[StrEnum]) -> None:
    terms = own_glossary().terms
    values = {str(value).replace("-", "_") for value in kind}
    assert {value for section, value in terms if section == section_of(kind)} == values
    for value in values:
        assert set(terms[section_of(kind), value]) == set(CODES), (section_of(kind), value)


@pytest.mark.parametrize("purpose", [SUPERVISION, Purpose.CORRELATION])
def test_what_the_audit_log_calls_a_purpose_and_no_law_does_has_a_term(purpose: str) -> None:
    assert own_glossary().term(str(purpose), "mk") != own_glossary().term(str(purpose), "en") == purpose


@pytest.mark.parametrize("word", [Calibre.OTHER, Calibre.UNKNOWN, Calibre.NOT_EXAMINED])
def test_what_a_page_shows_in_the_place_of_a_calibre_is_understood_where_it_is_typed(word: Calibre) -> None:
    for code in CODES:
        assert read_calibre(own_glossary().term(word, code, "calibre")).calibre is word, code


def test_every_entry_is_complete_and_no_markup() -> None:
    for entry, said in own_glossary().terms.items():
        assert set(said) == set(CODES), entry
        assert not set('<>&"') & set("".join(said.values())), entry


@pytest.mark.parametrize("log10", [0, 0.5, 1.5, 2.5, 3.5, 4.5, 7, -0.5, -1.5, -2.5, -3.5, -4.5, -7])
def test_every_step_of_the_scale_has_words(log10: float) -> None:
    said = verbal_equivalent(log10)
    assert own_glossary().term(said, "en") == said
    assert own_glossary().term(said, "uk") != said


def test_kosovo_never_stands_without_its_asterisk_and_the_footnote() -> None:
    for code in CODES:
        said = Spoken(code)
        assert said.term(Jurisdiction.XK).endswith("*")
        (footnote,) = said.footnotes([Jurisdiction.RS, Jurisdiction.XK])
        assert footnote.startswith("* ")
        assert "1244 (1999)" in footnote
    assert Spoken().footnotes() == [vocabulary.KOSOVO_FOOTNOTE]


def test_a_score_is_never_called_a_match() -> None:
    assert not [said for said in own_glossary().terms.values() if "match" in said["en"]]


@pytest.mark.parametrize("code", [code for code in CODES if code != "en"])
def test_what_is_open_is_not_called_as_the_button_that_opens(code: str) -> None:
    button = translations(code).gettext("Open")
    said = {own_glossary().term("open", code, of) for of in ("action_state", "onboarding_state")}
    assert button not in said


def test_a_value_is_found_by_its_vocabulary() -> None:
    glossary = own_glossary()
    assert glossary.term(vocabulary.Lighting.NONE, "en") == "none"
    assert glossary.term(vocabulary.ReleaseLevel.NONE, "en") == "stays at home"
    assert glossary.term("none", "en", "release_level") == "stays at home"
    assert glossary.term("not_in_any_vocabulary", "uk") == "not in any vocabulary"


def test_a_laboratory_corrects_a_term(tmp_path: Path) -> None:
    write_config(SETTINGS, tmp_path)
    (tmp_path / GLOSSARY_FILE).write_text(
        '[region_of_interest.breech_face]\n"sr-Latn" = "čeoni deo zatvarača"\n[region_of_interest.nose]\nen = "nose"\n',
        encoding="utf-8",
    )
    corrected = glossary_of(tmp_path)
    assert corrected.term("breech_face", "sr-Latn") == "čeoni deo zatvarača"
    assert corrected.term("breech_face", "sr-Cyrl") == "чеони део затварача"
    assert corrected.term("breech_face", "hr") == own_glossary().term("breech_face", "hr")
    assert ("region_of_interest", "nose") not in corrected.terms
    said = CliRunner().invoke(app, ["check", "--home", str(tmp_path)])
    assert said.exit_code == 1
    assert "region_of_interest.breech_face, sr-Latn: čeoni deo zatvarača, instead of čelo zatvarača" in said.output
    assert "region_of_interest.nose, en: no page uses such an entry" in said.output


def test_a_home_without_corrections(tmp_path: Path) -> None:
    write_config(SETTINGS, tmp_path)
    assert glossary_of(tmp_path) is own_glossary()
    said = CliRunner().invoke(app, ["check", "--home", str(tmp_path)])
    assert said.exit_code == 0
    assert "replaces nothing" in said.output


def test_a_folder_without_a_node(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["check", "--home", str(tmp_path)])
    assert isinstance(said.exception, ConfigurationError)
    assert "There is no node" in str(said.exception)


@pytest.mark.parametrize(
    "content",
    [
        "no toml",
        'a = "b"',
        '[a]\nb = "c"',
        '[a.b]\nxx = "c"',
        "[a.b]\nen = 5",
        '[a.b]\nen = " "',
        f'[a.b]\nen = "{"c" * 301}"',
        '[a.b]\nen = "two\\nlines"',
        '[a.b]\nen = "turned \\u202e round"',
    ],
)
def test_what_is_no_glossary_is_refused_with_its_place(tmp_path: Path, content: str) -> None:
    (tmp_path / GLOSSARY_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=GLOSSARY_FILE):
        read_terms(tmp_path / GLOSSARY_FILE)
