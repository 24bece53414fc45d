"""What became of a dropped file, and how that is told to whoever dropped it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from enum import StrEnum

from exchange.clock import stamp

REPORT_SUFFIX = ".refused.txt"
MEND = (
    "Mend what is named above: the sidecar, the name of the file, or the settings of the watch. Then put the scan, "
    "with its sidecar, back into the watched folder. A scan that was taken meanwhile is not taken twice."
)
MAX_PLAIN = 200
"""Characters of a name after which a report is named as it is: names have 255 bytes."""
NEW_VERSION = "Nothing is lost. To correct or to add to the record, open it in the pages, and make a new version."
NO_SCAN = (
    "If its scan lies in taken/ or refused/, nothing is missing. Else put scan and sidecar into the watched folder "
    "again."
)


class DropOutcome(StrEnum):
    TAKEN = "taken"
    ALREADY_HERE = "already here"
    REFUSED = "refused"


@dataclass(frozen=True)
class Dropped:
    """``why``: a sentence for each column that is wrong, or one for all. ``step``: what whoever dropped it does next.
    ``doubts``: texts that may tell of a person."""

    name: str
    outcome: DropOutcome
    statement_id: str = ""
    sha256: str = ""
    why: tuple[str, ...] = ()
    step: str = ""
    doubts: str = ""

    @property
    def shown(self) -> str:
        """Its name, for a terminal or a page."""
        return plain(self.name)


def plain(name: str) -> str:
    """A file's name with nothing in it that is more than a character."""
    return "".join(each if each.isprintable() else "?" for each in name)


def report_of(told: Dropped) -> str:
    """For people, beside the file."""
    lines = [f"{told.shown} was not taken.", "", *told.why, "", "What to do:", told.step or MEND, ""]
    if told.statement_id:
        lines.append(f"Record: {told.statement_id}")
    if told.sha256:
        lines.append(f"SHA-256 of the file: {told.sha256}")
    return "\n".join([*lines, f"Looked at: {stamp()}", ""])


def report_name(name: str) -> str:
    """Of the report on a file: a plain name, whatever the file's is, and another one for each."""
    safe = "".join(each if each.isascii() and (each.isalnum() or each in "._- ()") else "_" for each in name)
    if safe == name and len(name) <= MAX_PLAIN and not name.startswith("."):
        return f"{name}{REPORT_SUFFIX}"
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
    return f"{safe.lstrip('.')[:120]}.{digest}{REPORT_SUFFIX}"
