"""How a calibre is shown, in one place: its designation, or what a laboratory calls one that has none; and the list of
calibres by their kinds, for the fields that take one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from exchange.web.languages import gettext, term
from exchange.web.languages import marked as _m
from schemas.calibre import Calibre, read_calibre
from schemas.calibre_list import CALIBRES
from schemas.calibres.entry import CalibreEntry, CalibreKind

KIND_LABELS: Final = {
    CalibreKind.PISTOL: _m("pistol"),
    CalibreKind.REVOLVER: _m("revolver"),
    CalibreKind.RIFLE: _m("rifle"),
    CalibreKind.RIMFIRE: _m("rimfire"),
    CalibreKind.SHOTGUN: _m("shotgun"),
    CalibreKind.BLANK_AND_ALARM: _m("blank and alarm"),
}
"""In the order of the list."""


@dataclass(frozen=True)
class CalibresOfKind:
    """``label``: the kind in English, for the page to translate."""

    kind: CalibreKind
    label: str
    entries: Sequence[CalibreEntry]


BESIDE_THE_LIST: Final = (Calibre.OTHER, Calibre.UNKNOWN, Calibre.NOT_EXAMINED)
"""What may be stated of a calibre that is no designation."""
CALIBRES_BY_KIND: Final = tuple(
    CalibresOfKind(kind, label, tuple(entry for entry in CALIBRES if entry.kind is kind))
    for kind, label in KIND_LABELS.items()
)


class HasCalibre(Protocol):
    """An exhibit as it was signed, or the summary of its record."""

    @property
    def calibre(self) -> str: ...

    @property
    def calibre_words(self) -> str | None: ...


def calibre_words(exhibit: HasCalibre) -> str:
    """``9 mm Luger``; ``other: 11 mm Werndl``; unknown and not examined in the language that is spoken."""
    return named_calibre(exhibit.calibre, exhibit.calibre_words)


def named_calibre(calibre: str, words: str | None) -> str:
    """``words``: of a calibre that the list has no designation for; without them ``other`` stands alone."""
    named = term(str(calibre), "calibre")
    return f"{named}: {words}" if calibre == Calibre.OTHER and words else named


def calibre_problem(typed: str) -> str | None:
    """Why a spelling is no calibre of the list, with those that it may mean; None where it is one."""
    read = read_calibre(typed)
    if read.calibre is not None:
        return None
    if read.may_be:
        return gettext("Several calibres are called so: %(calibres)s.", calibres=", ".join(read.may_be))
    if read.near:
        near = ", ".join(read.near)
        return gettext("This designation is not known here. The nearest: %(calibres)s.", calibres=near)
    return gettext("This designation is not known here: choose one from the list.")
