"""The rules that start a search: what each needs, what it leaves alone, and that they are off by default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.config import Settings, load_settings
from exchange.errors import SettingsRefused
from exchange.search_triggers import SearchTrigger, count_firearms, triggers_fitting
from schemas.exhibit import Exhibit
from schemas.vocabulary import LawfulPurpose
from tests.schemas.examples import exhibit_fields, firearm_fields, fired_fields

ALL = tuple(SearchTrigger)
PLAIN = {"offence": "robbery", "within_80_km_of_border": "no", "suspected_firearm": None}
BASE = 'jurisdiction = "RS"\nnode_id = "ffp-rs"\nurl = "http://127.0.0.1:8440"\n'
WHY = 'search_trigger_purpose = "investigation"\nsearch_trigger_legal_basis = "Police Act, article 9"\n'


def exhibit(**changes: Any) -> Exhibit:
    return Exhibit.model_validate(exhibit_fields(**PLAIN | changes))


def fired(firearm_id: str, **changes: Any) -> Exhibit:
    """A test fire of a firearm that is told apart by its pseudonym."""
    firearm = firearm_fields(firearm_id=firearm_id, **changes)
    stated = {**PLAIN, "kind": "test_fire", "firearm": firearm}
    return Exhibit.model_validate(fired_fields(**stated))


def suspecting(make: str, model: str | None) -> Exhibit:
    return exhibit(suspected_firearm={"make": make, "model": model, "basis": "class characteristics"})


@pytest.mark.parametrize(
    ("fits", "stated"),
    [
        ((), {}),
        (("border",), {"within_80_km_of_border": "yes"}),
        ((), {"within_80_km_of_border": "unknown"}),
        ((), {"within_80_km_of_border": "not_examined"}),
        (("seizure",), {"offence": "border_seizure"}),
        (("trafficking",), {"offence": "trafficking"}),
        (("terrorism",), {"offence": "terrorism"}),
        (("border", "terrorism"), {"offence": "terrorism", "within_80_km_of_border": "yes"}),
    ],
)
def test_each_rule_goes_by_what_is_stated(fits: tuple[str, ...], stated: dict[str, str]) -> None:
    one = exhibit(**stated)
    assert triggers_fitting(one, [one], ALL) == fits
    assert triggers_fitting(one, [one], ()) == (), "off by default"


def test_a_firearm_that_was_seized_at_a_border_is_enough() -> None:
    seized, found = fired("F-1", origin="border_seizure"), fired("F-2", origin="seized")
    assert triggers_fitting(seized, [seized], ALL) == (SearchTrigger.SEIZURE,)
    assert triggers_fitting(found, [found], ALL) == ()


def test_only_rules_in_force_fit() -> None:
    one = exhibit(offence="terrorism", within_80_km_of_border="yes")
    assert triggers_fitting(one, [one], [SearchTrigger.TERRORISM]) == (SearchTrigger.TERRORISM,)


@pytest.mark.parametrize(
    ("count", "case"),
    [
        (0, []),
        (1, [fired("F-1"), fired("F-1")]),
        (3, [fired("F-1"), fired("F-2"), fired("F-3")]),
        (2, [fired("F-1"), suspecting("Crvena zastava", "M57")]),
        (1, [fired("F-1", make="Zastava", model="M57"), suspecting("ZASTAVA", "m57")]),
        (1, [suspecting("Zastava", "M57"), suspecting("Застава", "М57")]),
        (0, [suspecting("Zastava", None)]),
        (3, [fired("F-1", make=None, model=None), suspecting("Zastava", "M57"), suspecting("Glock", "17")]),
    ],
)
def test_firearms_of_a_case_are_counted_at_least(count: int, case: list[Exhibit]) -> None:
    """Two firearms of one model stay two where test fires name them; a suspected model may be a named firearm's."""
    assert count_firearms(case) == count
    fits = triggers_fitting(exhibit(), case, ALL)
    assert fits == ((SearchTrigger.THREE_FIREARMS,) if count >= 3 else ())


def test_the_case_is_not_read_where_its_rule_is_not_in_force() -> None:
    def unread() -> Any:
        raise AssertionError("read")
        yield

    assert triggers_fitting(exhibit(), unread(), [SearchTrigger.BORDER]) == ()


def _loaded(home: Path, more: str) -> Settings:
    (home / "config.toml").write_text(BASE + more, encoding="utf-8")
    return load_settings(home)


def test_rules_are_off_until_purpose_and_law_are_stated(tmp_path: Path) -> None:
    assert _loaded(tmp_path, "").search_triggers == ()
    settings = _loaded(tmp_path, 'search_triggers = ["border", "three_firearms"]\n' + WHY)
    assert settings.search_triggers == (SearchTrigger.BORDER, SearchTrigger.THREE_FIREARMS)
    assert settings.search_trigger_purpose is LawfulPurpose.INVESTIGATION
    assert settings.search_trigger_most_a_day == 20
    with pytest.raises(SettingsRefused, match="search_trigger_legal_basis"):
        _loaded(tmp_path, 'search_triggers = ["border"]\n')


@pytest.mark.parametrize("faulty", ['["border", "border"]', '["borders"]', '"border"'])
def test_rules_that_nobody_knows_are_refused(tmp_path: Path, faulty: str) -> None:
    with pytest.raises(SettingsRefused, match="search_triggers"):
        _loaded(tmp_path, f"search_triggers = {faulty}\n" + WHY)
