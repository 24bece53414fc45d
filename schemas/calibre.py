"""Calibres by their C.I.P. designation, with the synonyms that laboratories write folded together."""

from __future__ import annotations

import difflib
import re
import unicodedata
from enum import StrEnum

from schemas.errors import ContractError, shown


class Calibre(StrEnum):
    LUGER_9MM = "9 mm Luger"
    BROWNING_7_65 = "7.65 mm Browning"
    MAKAROV_9MM = "9 mm Makarov"
    M43_7_62X39 = "7.62x39"
    TOKAREV_7_62 = "7.62 mm Tokarev"
    BROWNING_COURT_9MM = "9 mm Browning Court"
    ACP_45 = ".45 ACP"
    SPECIAL_38 = ".38 Special"
    MAGNUM_357 = ".357 Magnum"
    SW_40 = ".40 S&W"
    M74_5_45X39 = "5.45x39"
    REM_223 = "5.56x45"
    LR_22 = ".22 LR"
    BROWNING_6_35 = "6.35 mm Browning"
    GAUGE_12 = "12 gauge"
    PA_9MM = "9 mm P.A."
    UNKNOWN = "unknown"
    NOT_EXAMINED = "not_examined"


_SYNONYMS: dict[Calibre, tuple[str, ...]] = {
    Calibre.LUGER_9MM: ("9x19", "9x19 mm", "9 mm Parabellum", "9 mm Para", "9 Luger", "9x19 Parabellum", "9x19 Para"),
    Calibre.BROWNING_7_65: (".32 ACP", ".32 Auto", "7.65x17", "7.65 Browning", "7.65x17SR"),
    Calibre.MAKAROV_9MM: ("9x18", "9x18 mm", "9x18 Makarov", "9 Makarov"),
    Calibre.M43_7_62X39: ("7.62x39 mm", "7.62 mm M43", "7.62x39 M43"),
    Calibre.TOKAREV_7_62: ("7.62x25", "7.62x25 mm", "7.62x25 Tokarev", "7.62 Tokarev"),
    Calibre.BROWNING_COURT_9MM: (".380 ACP", ".380 Auto", "9x17", "9 mm Kurz", "9 mm Short", "9 mm Corto"),
    Calibre.ACP_45: (".45 Auto", "11.43x23"),
    Calibre.SPECIAL_38: (".38 Spl", "9x29R"),
    Calibre.MAGNUM_357: (".357 Mag", "9x33R"),
    Calibre.SW_40: (".40 SW", "10x22"),
    Calibre.M74_5_45X39: ("5.45x39 mm", "5.45 mm M74"),
    Calibre.REM_223: ("5.56x45 mm", "5.56 NATO", ".223 Rem", ".223 Remington"),
    Calibre.LR_22: (".22 Long Rifle", "5.6x15R"),
    Calibre.BROWNING_6_35: (".25 ACP", ".25 Auto", "6.35x16", "6.35 Browning"),
    Calibre.GAUGE_12: ("12 ga", "12/70", "12/76", "12 bore"),
    Calibre.PA_9MM: ("9 mm PA", "9 mm P.A.K.", "9 mm PAK", "9x22 PA", "9 mm P.A. Knall"),
    Calibre.UNKNOWN: ("not known",),
    Calibre.NOT_EXAMINED: (),
}

# Cartridges that one firearm may fire as made or as commonly converted in the region: their marks are worth
# comparing although the designations differ. .38 Special chambers in .357 Magnum revolvers; alarm pistols for
# 9 mm P.A. are converted to the 9 mm cartridges of similar case.
_INTERCHANGEABLE: tuple[frozenset[Calibre], ...] = (
    frozenset({Calibre.SPECIAL_38, Calibre.MAGNUM_357}),
    frozenset({Calibre.PA_9MM, Calibre.BROWNING_COURT_9MM}),
    frozenset({Calibre.PA_9MM, Calibre.LUGER_9MM}),
    frozenset({Calibre.PA_9MM, Calibre.MAKAROV_9MM}),
)

_ANY = frozenset({Calibre.UNKNOWN, Calibre.NOT_EXAMINED})


def _folded(text: str) -> str:
    """Letters of any script stay, so that no word is lost silently; the Cyrillic letter that looks like x is one."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = text.translate({ord("×"): "x", ord("\N{CYRILLIC SMALL LETTER HA}"): "x", ord(","): "."})
    return re.sub(r"[^\w.&/]|_", "", text).strip(".")


_BY_SYNONYM: dict[str, Calibre] = {
    _folded(name): calibre for calibre in Calibre for name in (calibre.value, *_SYNONYMS[calibre])
}


def fold_calibre(text: str) -> Calibre:
    """The C.I.P. designation of whatever a laboratory writes: ``9x19``, ``9 mm Para`` and ``9 mm Luger`` are one.

    Raises ContractError("unknown-calibre") that names the nearest known designations.
    """
    found = _BY_SYNONYM.get(_folded(text))
    if found is not None:
        return found
    near = difflib.get_close_matches(_folded(text), _BY_SYNONYM, n=3, cutoff=0.5)
    hint = ", ".join(dict.fromkeys(_BY_SYNONYM[name].value for name in near))
    raise ContractError(
        "unknown-calibre",
        f"The calibre '{shown(text, 40)}' is not known. "
        + (f"Nearest: {hint}. " if hint else "")
        + "Use a designation of /v1/vocabularies, or 'unknown'.",
    )


def compatible_calibres(calibre: Calibre) -> frozenset[Calibre]:
    """The calibres whose cartridge cases may come from the same firearm as one of ``calibre``.

    One that is unknown or was not examined may be any: it is compatible with all, and all with it.
    """
    if calibre in _ANY:
        return frozenset(Calibre)
    others = (group for group in _INTERCHANGEABLE if calibre in group)
    return (_ANY | {calibre}).union(*others)
