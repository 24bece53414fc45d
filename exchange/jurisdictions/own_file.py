"""``jurisdictions.json`` in a node's home: what a node without a trust root knows beside the eight of the release."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from exchange.errors import ConfigurationError, InvalidInput
from exchange.home import private_folder, read_bounded, write_private
from exchange.jurisdictions.directory import check_entries, shipped_directory
from exchange.jurisdictions.jurisdiction_entry import MAX_ENTRIES_BYTES, Entries, plain_entries, read_entries

OWN_FILE: Final = "jurisdictions.json"


def read_entries_file(path: Path) -> Entries:
    """The entries of a file that somebody wrote, checked in full. Raises InvalidInput that says what is wrong."""
    try:
        raw = read_bounded(path, MAX_ENTRIES_BYTES)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    found = read_entries(raw, str(path))
    check_entries(found, str(path))
    return found


def own_entries(home: Path) -> Entries:
    """What the node's own file holds; nothing where there is none. Raises ConfigurationError."""
    path = home / OWN_FILE
    if not os.path.lexists(path):
        return {}
    try:
        found = read_entries_file(path)
        _refuse_shipped(found, str(path))
    except InvalidInput as error:
        raise ConfigurationError(f"{error} Correct or remove the file; ffp jurisdiction check says more.") from error
    return found


def add_own_entries(home: Path, more: Entries) -> Entries:
    """Put entries into the node's own file, beside those that are there or in place of them; all that it holds then.

    A home in which no node is yet gets the file too: ``ffp init`` needs it. Raises InvalidInput for the eight of the
    release, which only a registry renames; ConfigurationError when the file that is there cannot be read.
    """
    _refuse_shipped(more, "The file")
    whole = {**own_entries(home), **more}
    check_entries(whole, OWN_FILE)
    text = json.dumps(plain_entries(whole), ensure_ascii=False, indent=1) + "\n"
    read_entries(text.encode(), OWN_FILE)  # not larger than what is read
    private_folder(home)
    write_private(home / OWN_FILE, text)
    return whole


def _refuse_shipped(entries: Entries, where: str) -> None:
    if named := sorted(code for code in entries if code in shipped_directory()):
        raise InvalidInput(
            f"{where} names {', '.join(named)}, which this release knows: only a round of the trust root renames them."
        )
