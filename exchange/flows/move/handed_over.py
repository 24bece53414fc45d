"""The last steps of a move: the settings name the other database, and the file of SQLite is set aside."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import UTC
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from exchange.clock import now
from exchange.config import Settings, load_settings
from exchange.config_files import PREFIX, secret_folders
from exchange.errors import ConfigurationError
from exchange.flows.move.move_places import place_name
from exchange.flows.node.node import store_of
from exchange.home import private_folder
from exchange.store.database.database_standing import Use
from exchange.store.scan.copies import sync, write_file

_NAME: Final = "database_url"
_FILE: Final = f"{PREFIX}{_NAME}".lower()
_LINE = re.compile(rf"^[ \t]*(?:{_NAME}|\"{_NAME}\"|'{_NAME}')[ \t]*=.*(?:\n|\Z)", re.MULTILINE)


def switch_settings(home: Path, place: SecretStr | None) -> str | None:
    """Have the settings of the home name this database. Doing so twice changes nothing.

    1. An address of PostgreSQL goes to the secret file of the home, which counts before `config.toml` and before the
       credentials of the service: so one change of one file is the switch.
    2. A line in `config.toml` goes, and no other one with it. For SQLite it goes first, then the secret file.

    Returns what still names another database, and only the operator can change: the environment, or the credentials.
    Raises OSError, ConfigurationError when `config.toml` must be changed by hand.
    """
    secret = _secret_file(home)
    if place is None:
        _drop_line(home / "config.toml")
        if secret.exists():
            secret.unlink()
            sync(secret.parent)
    else:
        private_folder(secret.parent)
        part = secret.with_name(f".{_FILE}")  # with a dot: left over by a kill, it is no unknown setting
        write_file(part, f"{place.get_secret_value()}\n".encode())
        part.replace(secret)
        sync(secret.parent)
        _drop_line(home / "config.toml")
    return None if place_name(load_settings(home).database_url) == place_name(place) else _elsewhere(place)


def check_switch(home: Path) -> None:
    """Raises ConfigurationError when the settings could not be switched later."""
    _without_line(home / "config.toml")
    folder = home / "secrets"
    place = folder if folder.is_dir() else home
    if not os.access(place, os.W_OK):
        raise ConfigurationError(f"{place} cannot be written: the address of the database is kept there.")


def set_database_aside(settings: Settings, move: str) -> Path:
    """Give the file of SQLite that this move left another name, and return it. Doing so twice changes nothing.

    Raises ConfigurationError when the file is another one, or when a process has it open.
    """
    name = settings.database.name
    earlier = sorted(settings.home.glob(f"{name}.set-aside-*"))
    if not settings.database.exists():
        return earlier[-1] if earlier else settings.database
    store = store_of(settings.model_copy(update={_NAME: None}))
    try:
        standing = store.standing()
        if standing is None or (standing.use, standing.move) != (Use.MOVED, move):
            raise ConfigurationError(
                f"{settings.database} is not the database that was moved ({standing or 'empty'}); it is left as it is. "
                "Find out who put it there."
            )
        store.forget_overwritten()  # what stands in the log of changes goes into the file
    finally:
        store.close()
    for end in ("-wal", "-shm"):
        _empty_only(settings.database.with_name(name + end))
    aside = settings.database.with_name(f"{name}.set-aside-{now().astimezone(UTC):%Y-%m-%dT%H%M%SZ}")
    settings.database.rename(aside)
    sync(settings.home)
    return aside


def _empty_only(path: Path) -> None:
    """The log of changes is gone with the last process that had the database open."""
    if path.exists() and path.name.endswith("-wal") and path.stat().st_size:
        raise ConfigurationError(
            f"Another process has the database open still: {path} is not empty. End it (fuser {path}), and give the "
            "same command once more."
        )
    path.unlink(missing_ok=True)


def _secret_file(home: Path) -> Path:
    """Its name counts in upper and in lower case."""
    folder = home / "secrets"
    found = [path for path in folder.iterdir() if path.name.lower() == _FILE] if folder.is_dir() else []
    return found[0] if found else folder / _FILE


def _elsewhere(place: SecretStr | None) -> str:
    wanted = f"set it to the address of {place_name(place)}" if place is not None else "remove it"
    for name in os.environ:
        if name.lower() == _FILE:
            return f"{name} in the environment still names the database that was left: {wanted}."
    for folder in secret_folders(Path("/nonexistent"))[:-1]:
        return (
            f"{folder / _FILE}, among the credentials of the service, still names the database that was left: {wanted}."
        )
    return f"The settings still name the database that was left: {wanted} (ffp config show --origin)."


def _drop_line(config: Path) -> None:
    content = _without_line(config)
    if content is not None:
        write_file(config, content.encode())


def _without_line(config: Path) -> str | None:
    """None where there is no such line."""
    before = config.read_text(encoding="utf-8")
    known = tomllib.loads(before)
    if _NAME not in known:
        return None
    after = _LINE.sub("", before, count=1)
    wanted = {name: value for name, value in known.items() if name != _NAME}
    try:
        good = tomllib.loads(after) == wanted
    except tomllib.TOMLDecodeError:
        good = False
    if not good:
        raise ConfigurationError(
            f"{_NAME} in {config} is not written in one line, and is not changed by a program: write it in one line, "
            "and give the same command once more."
        )
    return after
