"""What a file says of its own making: when, by whom, with which instrument. Kept for people, no part of a score."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

_NOTHING = frozenset({"", "unknown", "n/a", "na", "none", "not available"})
"""What software writes where it does not know."""
_LONGEST = 200
_FRACTION = re.compile(r"(?<=:\d\d)\.(\d+)")
_MICROSECONDS = 6


@dataclass(frozen=True)
class Origin:
    """Each is None where the file does not say it.

    ``measured``, ``calibrated``: date and time as ISO 8601 (``dateTime`` of XML Schema), without a time zone where the
    file names none. ``creator``: who measured or wrote the file, which may be a person's name. ``version``: of the
    instrument's software. ``comment``: what an x3p says beside all that.
    """

    measured: str | None = None
    calibrated: str | None = None
    creator: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    version: str | None = None
    comment: str | None = None

    @property
    def instrument(self) -> str | None:
        """Maker and model, as a person names it."""
        return stated(f"{self.manufacturer or ''} {self.model or ''}")


ORIGIN_UNKNOWN = Origin()


def stated(text: str | None) -> str | None:
    """A text of a file on one line, printable and of bounded length; None where it says nothing."""
    words = " ".join((text or "").split())
    printable = "".join(letter for letter in words if letter.isprintable())[:_LONGEST].strip()
    return None if printable.lower() in _NOTHING else printable


def stated_time(text: str | None) -> str | None:
    """A date and time of a file as ISO 8601; None where there is none that can be read."""
    found = stated(text)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(_microseconds, found))
    except ValueError:
        return None
    return moment.isoformat()


def _microseconds(fraction: re.Match[str]) -> str:
    """Files bring one to nine digits; what is finer than a microsecond is left out."""
    return f".{fraction[1][:_MICROSECONDS]:0<{_MICROSECONDS}}"
