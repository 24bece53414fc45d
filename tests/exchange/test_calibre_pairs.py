"""A laboratory's own pairs of calibres: read strictly, by any spelling, bounded; and what they make comparable."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.calibre_pairs import MOST_OWN_PAIRS, OwnCalibrePair, calibres_beside
from exchange.config import Settings, load_settings
from exchange.errors import SettingsRefused
from exchange.record_filter import calibres_of
from schemas.calibre import Calibre
from schemas.calibre_list import CALIBRES

BASE = 'jurisdiction = "RS"\nnode_id = "ffp-rs"\nurl = "http://127.0.0.1:8440"\n'
AK = '[[calibre_pairs]]\none = "7,62 х 39"\nother = "5.45 x 39"\nreason = "rebarrelled rifles of one workshop"\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def _loaded(home: Path, more: str) -> Settings:
    (home / "config.toml").write_text(BASE + more, encoding="utf-8")
    return load_settings(home)


def test_a_pair_is_read_by_any_spelling(home: Path) -> None:
    [pair] = _loaded(home, AK).calibre_pairs
    assert pair == OwnCalibrePair(one="7.62x39", other="5.45x39", reason="rebarrelled rifles of one workshop")
    assert _loaded(home, "").calibre_pairs == ()


def test_a_pair_of_the_environment_counts_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = '[{"one": ".22 LR", "other": "6.35 mm Browning", "reason": "a converted alarm pistol"}]'
    monkeypatch.setenv("FFP_NODE_CALIBRE_PAIRS", said)
    [pair] = _loaded(home, AK).calibre_pairs
    assert pair.calibres == {Calibre.LR_22, Calibre.BROWNING_6_35}


def test_it_makes_both_comparable_and_nothing_else(home: Path) -> None:
    own = _loaded(home, AK).calibre_pairs
    for one, other in (("7.62x39", "5.45x39"), ("5.45x39", "7.62x39")):
        assert calibres_beside(one, own) - calibres_beside(one, ()) == {other}
        assert calibres_of(one, own) == calibres_beside(one, own)
    assert calibres_beside("9 mm Luger", own) == calibres_beside("9 mm Luger", ())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (AK.replace("7,62 х 39", "7,62"), "is ambiguous: it may be 7.62x39"),
        (AK.replace("7,62 х 39", "9x91"), "is not known. Nearest"),
        (AK.replace("7,62 х 39", "5.45x39"), "a pair is two calibres"),
        (AK.replace("7,62 х 39", "other"), "'other' is no designation of the list"),
        (AK.replace("7,62 х 39", "unknown"), "'unknown' is no designation of the list"),
        (AK.replace('reason = "rebarrelled rifles of one workshop"', ""), "calibre_pairs.0.reason"),
        (AK.replace("rebarrelled rifles of one workshop", ""), "calibre_pairs.0.reason"),
        (AK + 'why = "more"\n', "calibre_pairs.0.why"),
        (AK + AK.replace("7,62 х 39", "545x39").replace("5.45 x 39", "762x39"), "is named twice"),
    ],
)
def test_what_is_no_pair_is_refused_by_its_place(home: Path, more: str, told: str) -> None:
    with pytest.raises(SettingsRefused, match="calibre_pairs") as refused:
        _loaded(home, more)
    assert told in str(refused.value)


def test_there_are_at_most_a_hundred(home: Path) -> None:
    names = [entry.designation for entry in CALIBRES]

    def tables(count: int) -> str:
        return "".join(
            f'[[calibre_pairs]]\none = "9 mm Luger"\nother = "{name}"\nreason = "a test"\n'
            for name in [name for name in names if name != "9 mm Luger"][:count]
        )

    assert len(_loaded(home, tables(MOST_OWN_PAIRS)).calibre_pairs) == MOST_OWN_PAIRS
    with pytest.raises(SettingsRefused, match="calibre_pairs"):
        _loaded(home, tables(MOST_OWN_PAIRS + 1))
