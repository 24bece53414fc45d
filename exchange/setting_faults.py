"""What is wrong with a node's settings, where it stands, and what the operator does; without the values, which may be
secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from exchange.errors import SettingsRefused

UNKNOWN, NOT_ALLOWED, NOT_TOML, SECRET_IN_CONFIG, VARIABLE = (
    "unknown",
    "refused",
    "not-toml",
    "secret-in-config",
    "variable",
)
"""The kinds of ``SettingsRefused``."""
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


def value_faults(error: ValidationError) -> list[tuple[str, str]]:
    """Each faulty setting with what is wrong, without the value: it may be a secret. The name is empty of settings that
    do not go together."""
    return [
        (name := ".".join(map(str, item["loc"])), WRITTEN_AS.get(name, item["msg"].removeprefix("Value error, ")))
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def told_faults(error: ValidationError) -> str:
    """The same in one sentence."""
    return "; ".join(f"{name}: {what}" if name else what for name, what in value_faults(error))


def unknown_variables(names: Collection[str], known: Collection[str]) -> SettingsRefused:
    """Of variables of the environment that name no setting."""
    told = "; ".join(f"{name}{_nearest(name.upper(), known)}" for name in sorted(names))
    first = sorted(names)[0]
    meant = get_close_matches(first.upper(), known, n=1)
    step = f"unset {first}" + (f", and set {meant[0]} in its place" if meant else "")
    return SettingsRefused(
        f"The environment names settings that do not exist: {told}.",
        kind=VARIABLE,
        step=f"{step}. Of a service: systemctl edit ffp, or its EnvironmentFile.",
    )


def unknown_secrets(folder: Path, names: Collection[str], known: Collection[str]) -> SettingsRefused:
    """Of files among the secrets that name no setting."""
    lower = [name.lower() for name in known]
    told = "; ".join(f"{name}{_nearest(name.lower(), lower)}" for name in sorted(names))
    first = sorted(names)[0]
    meant = get_close_matches(first.lower(), lower, n=1)
    return SettingsRefused(
        f"{folder} names settings that do not exist: {told}.",
        kind=UNKNOWN,
        step=f"mv {folder / first} {folder / meant[0]}" if meant else f"rm {folder / first}",
    )


def secret_in_config(config: Path, name: str, what: str, variable: str) -> SettingsRefused:
    """Of a secret that lies beside the keys that it opens."""
    where = _place_in(config, name)
    return SettingsRefused(
        f"{what} must not stand in {config}: give it in {variable} or in the secret file of that name.",
        kind=SECRET_IN_CONFIG,
        step=f"Move it from {where} to the file {config.parent / 'secrets' / variable.lower()} (chmod 600).",
    )


def not_toml(config: Path, error: Exception) -> SettingsRefused:
    """``error`` says line and column."""
    line = re.search(r"line (\d+)", str(error))
    place = f"line {line[1]} of {config}" if line else str(config)
    return SettingsRefused(
        f"{config} is not TOML: {error}.",
        kind=NOT_TOML,
        step=f'Mend {place}. A setting is a line such as: port = 8440, or: url = "https://ffp.example"',
    )


def refused_settings(
    home: Path, errors: list[Any], *, known: Collection[str], forms: Mapping[str, str], prefix: str
) -> SettingsRefused:
    """Of what pydantic says of each faulty setting (``ValidationError.errors``). Several are named, the first with its
    step."""
    clauses = list(_clauses(home, errors, known, forms, prefix))
    unknown = errors[0]["type"] == "extra_forbidden"
    name = ".".join(map(str, errors[0]["loc"]))
    where = _where(home, str(errors[0]["loc"][0]), prefix) if errors[0]["loc"] else str(home / "config.toml")
    meant = get_close_matches(name, known, n=1) if unknown else []
    if meant:
        step = f"Write {meant[0]} in place of {name} in {where}."
    elif unknown:
        step = f"Take {name} out of {where}. All settings: docs/settings.md"
    elif name:
        step = f"Correct {name} in {where}. What it may be: docs/settings.md"
    else:
        step = f"Correct {where}. What belongs together: docs/settings.md"
    return SettingsRefused(f"{'; '.join(clauses)}.", kind=UNKNOWN if unknown else NOT_ALLOWED, step=step)


def _clauses(
    home: Path, errors: list[Any], known: Collection[str], forms: Mapping[str, str], prefix: str
) -> Iterator[str]:
    """The first begins the sentence."""
    for item in errors:
        name = ".".join(map(str, item["loc"]))
        if not name:
            yield f"The settings in {home / 'config.toml'} or the environment: " + item["msg"].removeprefix(
                "Value error, "
            )
        elif item["type"] == "extra_forbidden":
            yield f"{name} is no setting, in {_where(home, name, prefix)}{_nearest(name, known)}"
        elif item["type"] == "missing":
            yield f"{name}: is missing in {home / 'config.toml'}"
        else:
            said = forms.get(name, item["msg"])
            place = _where(home, str(item["loc"][0]), prefix)
            yield f"{name}: {said.replace('Input should be', 'must be')}, in {place}"


def _where(home: Path, name: str, prefix: str) -> str:
    """Where a setting comes from: the environment counts before secret files, these before ``config.toml``."""
    variables = {variable.upper(): variable for variable in os.environ}
    variable = variables.get(f"{prefix}{name}".upper())
    if variable is not None:
        return f"the variable {variable} of the environment"
    folders = [os.environ.get("CREDENTIALS_DIRECTORY"), home / "secrets"]
    for folder in folders:
        file = Path(folder or os.devnull) / f"{prefix}{name}".lower()
        if file.is_file():
            return f"the secret file {file}"
    return _place_in(home / "config.toml", name)


def _place_in(config: Path, name: str) -> str:
    """``line 7 of /var/lib/ffp/config.toml``."""
    begins = re.compile(rf"""\s*["']?{re.escape(name)}["']?\s*=|\s*\[+\s*["']?{re.escape(name)}["']?\s*[.\]]""")
    lines = config.read_text(encoding="utf-8", errors="replace").splitlines() if config.is_file() else []
    for number, line in enumerate(lines, 1):
        if begins.match(line):
            return f"line {number} of {config}"
    return str(config)


def _nearest(name: str, known: Collection[str]) -> str:
    meant = get_close_matches(name, known, n=1)
    return f" (the nearest that exists: {meant[0]})" if meant else ""
