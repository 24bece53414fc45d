"""The one check of paths of a backup: which names it may bring, and that each is a plain file of its own.

Whoever had the medium in hand may have written anything on it. So a name is a path below a folder, in its one spelling;
no two names are the same file on any file system; and no name takes the place of what the node makes itself, or of
what the operator alone brings: keys and secrets.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from exchange.errors import ConfigurationError
from schemas.errors import shown

MOST_CHARACTERS = 500
ANOTHER = "take another backup"
_SHOWN = 100
_KEYS, _SECRETS, _SIGN_IN_KEY = "keys", "secrets", "sign-in.key"
_OF_THE_NODE = (
    *(
        _KEYS,
        f"{_KEYS}.new",
        f"{_KEYS}.old",
        _SECRETS,
        _SIGN_IN_KEY,
        "egress.json",
        "last-head",
        "last-backup",
        "restore-drills.json",
        "restore-drill",
        "restore-drill.lock",
    ),
    *("blobs", "incoming", "prepared", "galleries", "queries", "drafts", "workers", "limits", "counts"),
    *("serve.lock", "work.lock"),
)
_DATABASE = "node.d"
"""``node.db`` with what SQLite keeps beside it, and ``node.dump``."""


def check_apart(place: Path, of: Path, said: str) -> None:
    """Raises ConfigurationError, as it is ``said``, where a folder is another one, or lies in it."""
    if place.resolve().is_relative_to(of.resolve()):
        raise ConfigurationError(f"{said} {of}.")


def check_paths(names: Iterable[str]) -> None:
    """Raises ConfigurationError for a name that is no path below a folder in its one spelling, and for two that are
    the same file, or of which one lies within the other."""
    seen: set[str] = set()
    for name in names:
        if not _is_path(name):
            raise ConfigurationError(f"The backup names {quoted(name)}, which is no path within it; {ANOTHER}.")
        if _folded(name) in seen:
            raise ConfigurationError(f"The backup names {quoted(name)} twice, in two spellings; {ANOTHER}.")
        seen.add(_folded(name))
    for name in sorted(seen):
        within = [above for above in _above(name) if above in seen]
        if within:
            raise ConfigurationError(f"The backup names {quoted(within[0])} as a file and as a folder; {ANOTHER}.")


def check_settings_path(name: str) -> None:
    """Raises ConfigurationError for a file, named beside the settings, where the node or its operator has another."""
    if not is_settings_path(name):
        raise ConfigurationError(
            f"The backup brings {quoted(name)}, which none ever has: keys come from --keys or from the sealed file "
            f"alone, and the rest the node makes itself; {ANOTHER}."
        )


def is_settings_path(name: str) -> bool:
    """Whether a home may have such a file from a backup."""
    first = _folded(name).split("/")[0]
    return first not in _OF_THE_NODE and not first.startswith(_DATABASE)


def check_sealed_path(name: str) -> None:
    """Raises ConfigurationError for a sealed file that is neither a key, nor a secret, nor the key of sign-ins."""
    folder, _, file = name.rpartition("/")
    if name != _SIGN_IN_KEY and (folder not in (_KEYS, _SECRETS) or not _is_path(file)):
        raise ConfigurationError(
            f"The sealed keys name {quoted(name)}, which is no key and no secret of a node; {ANOTHER}."
        )


def plain_file(folder: Path, name: str) -> Path:
    """The file of that name, reached through real folders. A link, a pipe or a device is never opened.

    Raises ConfigurationError when it is none, or missing. A second name of the same file (a hard link) is no harm:
    what it holds is compared with its digest.
    """
    path = folder
    *folders, _ = parts = name.split("/")
    for number, part in enumerate(parts):
        path /= part
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError as error:
            raise ConfigurationError(f"The backup lacks {path}; {ANOTHER}.") from error
        if not (stat.S_ISDIR(mode) if number < len(folders) else stat.S_ISREG(mode)):
            raise ConfigurationError(f"{path} is no file of the backup but a link or something else; {ANOTHER}.")
    return path


def names_in(folder: Path) -> set[str]:
    """What a folder holds, folders among it; nothing when it is none."""
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def names_below(folder: Path) -> Iterator[str]:
    """Everything in a folder that is no folder itself, by its path; links are not followed."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in (*files, *links):
            yield str((Path(place) / name).relative_to(folder))


def quoted(name: str) -> str:
    """A stranger's name, fit for a terminal."""
    return f"`{shown(name, _SHOWN)}`"


def _is_path(name: str) -> bool:
    plain = name.isprintable() and "\\" not in name and len(name) <= MOST_CHARACTERS
    return plain and not any(part in ("", ".", "..") for part in name.split("/"))


def _folded(name: str) -> str:
    """The same for names that some file system takes for the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def _above(name: str) -> Iterator[str]:
    parts = name.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts)))
