"""Where each setting of a node comes from, and what is wrong with those that were given: all of it at once."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError

from exchange.cli.operate.settings_page import allowed_values
from exchange.config import SECRETS, Settings, load_settings
from exchange.config_files import PREFIX, secret_folders
from exchange.errors import ConfigurationError
from exchange.home import HOME_VARIABLE, resolve_home
from exchange.setting_faults import value_faults

MASKED: Final = "********"
"""In place of a secret, however long it is."""
_DEFAULT: Final = "default"


@dataclass(frozen=True)
class SettingOrigin:
    """One place at which a setting is given. ``line``: of config.toml, None elsewhere or where it is not found."""

    kind: str
    """environment, secret file or config.toml."""
    place: str
    """The variable's name or the file's path."""
    line: int | None = None

    def __str__(self) -> str:
        if self.kind == "environment":
            return f"environment variable {self.place}"
        if self.kind == "config.toml":
            return "config.toml" if self.line is None else f"config.toml line {self.line}"
        return f"secret file {self.place}"


@dataclass(frozen=True)
class Setting:
    """One setting as the node has it. ``overridden``: where it is given too, and does not count."""

    name: str
    value: Any
    origin: str
    overridden: tuple[str, ...]


@dataclass(frozen=True)
class SettingFault:
    """One fault. ``nearest``: the setting that was probably meant; ``allowed``: which values there are."""

    name: str
    origin: str
    line: int | None
    what: str
    nearest: str | None = None
    allowed: str | None = None

    def __str__(self) -> str:
        meant = f" Did you mean {self.nearest}?" if self.nearest else ""
        return f"{self.origin}: {self.what}{meant}{f' Allowed: {self.allowed}.' if self.allowed else ''}"


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


def origins(home: Path) -> dict[str, list[SettingOrigin]]:
    """All places at which each setting is given, the one that counts first; names that are no settings too. Raises
    TOMLDecodeError, UnicodeDecodeError, OSError of config.toml."""
    found: dict[str, list[SettingOrigin]] = {}
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() != f"{PREFIX}HOME":
            found.setdefault(variable[len(PREFIX) :].lower(), []).append(SettingOrigin("environment", variable))
    for folder in reversed(secret_folders(home)):
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if file.name.upper().startswith(PREFIX):
                found.setdefault(file.name[len(PREFIX) :].lower(), []).append(SettingOrigin("secret file", str(file)))
    config = home / "config.toml"
    text = config.read_text(encoding="utf-8")
    for name in tomllib.loads(text):
        found.setdefault(name, []).append(SettingOrigin("config.toml", str(config), _line_of(name, text)))
    return found


def setting_faults(home: Path) -> list[SettingFault]:
    """What stands in the way of ``ffp serve``, as far as it is in the settings; none when all is well. Raises
    ConfigurationError where there is no node.

    1. A file that is no TOML: then nothing else of it can be said.
    2. Names that are no settings, and secrets where they must not stand.
    3. Values that are not allowed, and settings that do not go together.
    4. What is given well, and cannot be used: files that are not there, parts that are not installed; and what
       contradicts the node's card, where the database can be read.
    """
    config = home / "config.toml"
    if not config.is_file():
        load_settings(home)
    # 1.
    try:
        given = origins(home)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        line = re.search(r"at line (\d+)", str(error))
        return [SettingFault("", str(config), int(line[1]) if line else None, f"It is not TOML: {error}.")]
    # 2. and 3.
    faults = [*_misplaced(given), *_values(home, given)]
    if faults:
        return faults
    # 4.
    try:
        settings = load_settings(home)
    except ConfigurationError as error:  # what the two above do not know
        return [SettingFault("", str(config), None, str(error))]
    from exchange.flows.operate.doctor.setting_files import against_card, examine_files
    from exchange.flows.operate.findings import Gravity

    unusable = [found for found in examine_files(settings) if found.gravity is Gravity.FAULT]
    faults = [_of_sentence(found.in_words, given) for found in unusable]
    for name, what, then in against_card(settings):
        place = next(iter(given.get(name, ())), None)
        where, number = (str(place), place.line) if place is not None else ("settings", None)
        faults.append(SettingFault(name, where, number, f"{what} {then}."))
    return faults


def _misplaced(given: dict[str, list[SettingOrigin]]) -> Iterator[SettingFault]:
    for name, places in given.items():
        for origin in places:
            if name not in Settings.model_fields or (name == "home" and origin.kind == "config.toml"):
                near = difflib.get_close_matches(name, [*Settings.model_fields], n=1)
                what = f"{name} is no setting." if name != "home" else "No file names the home; give --home."
                yield SettingFault(name, str(origin), origin.line, what, near[0] if near and name != "home" else None)
            elif origin.kind == "config.toml" and name in SECRETS:
                what = (
                    f"{SECRETS[name]} must not stand in this file: give it in {PREFIX}{name.upper()} or in a secret "
                    "file of that name."
                )
                yield SettingFault(name, str(origin), origin.line, what)


def _values(home: Path, given: dict[str, list[SettingOrigin]]) -> Iterator[SettingFault]:
    try:
        Settings(home=home)
    except ValidationError as error:
        for name, what in value_faults(error):
            if name and name.partition(".")[0] not in Settings.model_fields:
                continue  # told already
            setting, _, inside = name.partition(".")
            yield _fault(setting, f"{inside}: {what}" if "." in inside else what, given)
    except ValueError as error:  # pydantic-settings: a list in the environment that is no JSON
        yield _of_sentence(f"{error}; a list is written as JSON there.", given)


def _fault(name: str, what: str, given: dict[str, list[SettingOrigin]]) -> SettingFault:
    """``name``: empty of settings that do not go together; the first of them that stands in ``what`` says where."""
    named = name or next((word for word in re.findall(r"[a-z_]+", what) if word in given), "")
    origin = next(iter(given.get(named, ())), None)
    allowed = allowed_values(name, Settings.model_fields[name]) if name else ""
    if origin is None:
        place = "config.toml" if not name else f"config.toml, {name}"
        return SettingFault(name, place, None, f"{what}.", allowed=allowed or None)
    return SettingFault(
        name or named, str(origin), origin.line, f"{name}: {what}." if name else f"{what}.", None, allowed or None
    )


def _of_sentence(sentence: str, given: dict[str, list[SettingOrigin]]) -> SettingFault:
    named = next((word for word in re.findall(r"[a-z_]+", sentence) if word in given), "")
    origin = next(iter(given.get(named, ())), None)
    return SettingFault(named, str(origin) if origin else "settings", origin.line if origin else None, sentence)


def _line_of(name: str, text: str) -> int | None:
    """Where a key of the file's top stands, or a table of that name begins."""
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[].=]")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)


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
