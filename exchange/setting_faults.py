"""What is wrong with a node's settings, where each is given, and what the operator does; without the values, which may
be secrets."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from exchange.config_files import PREFIX, secret_folders
from exchange.errors import SettingFault, SettingFaultKind, SettingOrigin

WRITTEN_AS: Final = {
    "url": "is written http://host:port or https://host:port, in lower case and without a path",
    "node_id": "is written ffp-rs or ffp-rs-name, in lower case",
    "database_url": "is written postgresql+psycopg://user:password@host:port/database",
    "cluster_scheduler": "is written tls://host:port, or tcp://127.0.0.1:port on this machine alone",
    "oidc_issuer": "is written https://host/path, without a name and a query; http on this machine alone",
    "objects_url": "is written s3://bucket/prefix, in lower case",
    "objects_endpoint": "is written https://host:port; http on this machine alone",
    "tracing_url": "is written http://host/path or https://host/path, without a name and password",
    "timestamp_url": "is written http://host/path or https://host/path, without a name and password",
}
"""How an address of the settings is written, by the setting: said in place of its pattern."""


def told_faults(error: ValidationError) -> str:
    """Each faulty setting with what is wrong, in one sentence."""
    return "; ".join(f"{name}: {what}" if name else what for name, what, _ in _value_faults(error))


def origins(home: Path) -> dict[str, list[SettingOrigin]]:
    """All places at which each setting is given, the one that counts first; names that are no settings too. Raises
    TOMLDecodeError, UnicodeDecodeError, OSError of config.toml."""
    found: dict[str, list[SettingOrigin]] = {}
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() != f"{PREFIX}HOME":
            origin = SettingOrigin("environment variable", variable)
            found.setdefault(variable[len(PREFIX) :].lower(), []).append(origin)
    for folder in reversed(secret_folders(home)):
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            is_named = file.name.upper().startswith(PREFIX)
            if is_named or (folder == home / "secrets" and not file.name.startswith(".")):
                name = file.name[len(PREFIX) :].lower() if is_named else file.name
                found.setdefault(name, []).append(SettingOrigin("secret file", str(file)))
    config = home / "config.toml"
    text = config.read_text(encoding="utf-8")
    for name in tomllib.loads(text):
        found.setdefault(name, []).append(SettingOrigin("config.toml", str(config), _line_of(name, text)))
    return found


def not_toml(config: Path, error: Exception) -> SettingFault:
    """``error`` says line and column."""
    line = re.search(r"line (\d+)", str(error))
    origin = SettingOrigin("config.toml", str(config), int(line[1]) if line else None)
    step = f'Mend {origin}. A setting is a line such as: port = 8440, or: url = "https://ffp.example"'
    return SettingFault("", f"{config} is not TOML: {error}.", origin, step)


def no_list(error: Exception, given: Mapping[str, list[SettingOrigin]]) -> SettingFault:
    """Of a list in the environment that is not written as JSON."""
    what = f'{error}; a list in the environment is written as JSON: ["10.8.0.0/16"].'
    return named_in(what, given, "Write it as JSON. All settings: docs/settings.md")


def named_in(sentence: str, given: Mapping[str, list[SettingOrigin]], step: str) -> SettingFault:
    """Of a sentence that names settings: the first of them that is given says where."""
    name = next((word for word in re.findall(r"[a-z_]+", sentence) if word in given), "")
    return SettingFault(name, sentence, given[name][0] if name else None, step)


def misplaced(
    given: Mapping[str, list[SettingOrigin]], known: Collection[str], secrets: Mapping[str, str]
) -> Iterator[SettingFault]:
    """Names that are no settings, and secrets that lie beside the keys that they open."""
    for name, origin in ((name, origin) for name, places in given.items() for origin in places):
        if name == "home":
            step = f"Take home out of {origin}."
            yield SettingFault(name, "No file names the home; give --home.", origin, step)
        elif name not in known:
            yield _unknown(name, origin, known)
        elif origin.kind == "config.toml" and name in secrets:
            variable = f"{PREFIX}{name}"
            what = (
                f"{secrets[name]} must not stand in {origin.place}: give it in {variable.upper()} or in the secret "
                "file of that name."
            )
            file = Path(origin.place).parent / "secrets" / variable.lower()
            yield SettingFault(name, what, origin, f"Move it from {origin} to the file {file} (chmod 600).")


def _unknown(name: str, origin: SettingOrigin, known: Collection[str]) -> SettingFault:
    nearest = next(iter(get_close_matches(name, [one for one in known if one != "home"], n=1)), None)
    match origin.kind:
        case "environment variable":
            meant = f", and set {PREFIX}{nearest.upper()} in its place" if nearest else ""
            step = f"unset {origin.place}{meant}. Of a service: systemctl edit ffp, or its EnvironmentFile."
        case "secret file":
            meant = str(Path(origin.place).with_name(f"{PREFIX}{nearest}".lower()))
            step = f"mv {origin.place} {meant}" if nearest else f"rm {origin.place}"
        case _:
            step = f"Take {name} out of {origin}. All settings: docs/settings.md"
            step = f"Write {nearest} in place of {name} in {origin}." if nearest else step
    kind = SettingFaultKind.VARIABLE if origin.kind == "environment variable" else SettingFaultKind.UNKNOWN
    return SettingFault(name, f"{name} is no setting", origin, step, kind, nearest)


def refused_values(
    error: ValidationError, home: Path, given: Mapping[str, list[SettingOrigin]], known: Collection[str]
) -> Iterator[SettingFault]:
    """Values that are not allowed, and settings that do not go together."""
    for name, what, missing in _value_faults(error):
        setting = name.partition(".")[0]
        if not name:
            said = f"The settings in {home / 'config.toml'} or the environment: {what}"
            yield named_in(said, given, f"Correct {home / 'config.toml'}. What belongs together: docs/settings.md")
        elif setting in known:
            config = SettingOrigin("config.toml", str(home / "config.toml"))
            origin = next(iter(given.get(setting, ())), config)
            said = "is missing" if missing else what.replace("Input should be", "must be")
            step = f"Correct {name} in {origin}. What it may be: docs/settings.md"
            yield SettingFault(setting, f"{name}: {said}", origin, step)


def _value_faults(error: ValidationError) -> list[tuple[str, str, bool]]:
    """Each faulty setting, what is wrong without the value, which may be a secret, and whether it is missing. The name
    is empty of settings that do not go together."""
    return [
        (
            name := ".".join(map(str, item["loc"])),
            WRITTEN_AS.get(name, item["msg"].removeprefix("Value error, ")),
            item["type"] == "missing",
        )
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def _line_of(name: str, text: str) -> int | None:
    """Where a key of the file's top stands, or a table of that name begins."""
    pattern = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[].=]")
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)
