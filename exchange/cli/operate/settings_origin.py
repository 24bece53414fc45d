"""Where each setting of a node comes from, and what is wrong with those that were given: all of it at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr

from exchange.cli.operate.settings_page import allowed_values
from exchange.config import Settings, load_settings
from exchange.errors import SettingFault, SettingFaultKind, SettingsRefused
from exchange.home import HOME_VARIABLE, resolve_home
from exchange.setting_faults import named_in, origins

MASKED: Final = "********"
"""In place of a secret, however long it is."""
_DEFAULT: Final = "default"


@dataclass(frozen=True)
class Setting:
    """One setting as the node has it. ``overridden``: where it is given too, and does not count."""

    name: str
    value: Any
    origin: str
    overridden: tuple[str, ...]


def settings_with_origins(given_home: Path | None) -> list[Setting]:
    """Every setting, in the order of the code. ``given_home``: what ``--home`` says, if anything. Raises
    ConfigurationError where the node would not start."""
    home = resolve_home(given_home)
    settings, given = load_settings(home), origins(home)
    variable = f"environment variable {HOME_VARIABLE}" if os.environ.get(HOME_VARIABLE) else _DEFAULT
    found = [Setting("home", str(home), variable if given_home is None else "--home", ())]
    for name in Settings.model_fields:
        if name != "home":
            places = [str(origin) for origin in given.get(name, ())]
            value = getattr(settings, name)
            plain = MASKED if isinstance(value, SecretStr) else _plain(value)
            found.append(Setting(name, plain, places[0] if places else _DEFAULT, tuple(places[1:])))
    return found


def setting_faults(home: Path) -> list[SettingFault]:
    """What stands in the way of ``ffp serve``, as far as it is in the settings; none when all is well. Raises
    ConfigurationError where there is no node.

    1. What is wrong with the settings themselves.
    2. What is given well, and cannot be used: files that are not there, parts that are not installed; and what
       contradicts the node's card, where the database can be read.
    """
    # 1.
    try:
        settings = load_settings(home)
    except SettingsRefused as error:
        return list(error.faults)
    # 2.
    from exchange.flows.operate.doctor.setting_files import against_card, examine_files
    from exchange.flows.operate.findings import Gravity

    given = origins(home)
    unusable = [found for found in examine_files(settings) if found.gravity is Gravity.FAULT]
    faults = [named_in(found.in_words, given, found.next) for found in unusable]
    for name, what, then in against_card(settings):
        faults.append(SettingFault(name, f"{what} {then}.", next(iter(given.get(name, ())), None), then))
    return faults


def fault_fields(fault: SettingFault) -> dict[str, object]:
    """As JSON has it. ``nearest``: the setting that was probably meant; ``allowed``: which values there are."""
    field = Settings.model_fields.get(fault.name) if fault.kind is SettingFaultKind.NOT_ALLOWED else None
    return {
        "name": fault.name,
        "origin": str(fault.origin or "settings"),
        "line": fault.origin.line if fault.origin else None,
        "what": fault.what,
        "nearest": fault.nearest,
        "allowed": (allowed_values(fault.name, field) or None) if field else None,
    }


def _plain(value: Any) -> Any:
    """As JSON has it: text, a number, true or false, a list, a table, or null."""
    match value:
        case Path():
            return str(value)
        case BaseModel():
            return value.model_dump(mode="json")
        case tuple():
            return [_plain(item) for item in value]
    return value
