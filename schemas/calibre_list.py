"""The list of calibres: every designation that a record may name, with its kind, its synonyms and its source.

Data alone: ``schemas.calibre`` makes of it the vocabulary of the wire and folds what laboratories write. After the
first release a new entry needs a line in ``schemas.versions.ADDED``; an entry is never taken away, nor its designation
changed.
"""

from __future__ import annotations

from typing import Final

from schemas.calibres.entry import CalibreEntry
from schemas.calibres.handguns import HANDGUNS
from schemas.calibres.others import OTHERS
from schemas.calibres.rifles import RIFLES
from schemas.calibres.rimmed import RIMMED

CALIBRES: Final[tuple[CalibreEntry, ...]] = (*HANDGUNS, *RIFLES, *RIMMED, *OTHERS)

ENTRY_OF: Final[dict[str, CalibreEntry]] = {entry.designation: entry for entry in CALIBRES}
"""By designation."""

AMBIGUOUS: Final[dict[str, tuple[str, ...]]] = {
    "9 mm": ("9 mm Luger", "9 mm Makarov", "9 mm Browning Court", "9 mm P.A."),
    "9 mm Browning": ("9 mm Browning Court", "9 mm Browning Long"),
    "9 mm Knall": ("9 mm P.A.", "9 mm R K"),
    "9 mm blank": ("9 mm P.A.", "9 mm R K"),
    "9x23": ("9 mm Steyr", "9 mm Bergmann-Bayard", "9x23 Winchester"),
    "7.62 mm": ("7.62x39", "7.62 mm Tokarev", "7.62x54R", "7.62 mm Nagant", ".308 Winchester"),
    "7.63 mm": ("7.63 mm Mauser", "7.63 mm Mannlicher"),
    "7.65 mm": ("7.65 mm Browning", "7.65 mm Parabellum", "7.65 mm Longue"),
    "7.92 mm": ("8x57 IS", "7.92x33"),
    "7.5 mm": ("7.5x55 Swiss", "7.5x54 MAS", "7.5 mm Swiss Ordnance"),
    "8 mm": ("8 mm K", "8x57 IS", "8 mm Gasser", "8 mm Lebel"),
    "8x27R": ("8 mm Gasser", "8 mm Lebel"),
    "8x50R": ("8x50R Mannlicher", "8x50R Lebel"),
    "8 mm Mannlicher": ("8x50R Mannlicher", "8x56R", "8x56 M.Sch."),
    "5.45 mm": ("5.45x39", "5.45x18"),
    "5.6 mm": (".22 LR", "5.6x39"),
    "6.5 mm": ("6.5x55 SE", "6.5x52 Carcano", "6.5x54 M.Sch."),
    "6 mm": ("6 mm Flobert", "6 mm ME Flobert", "6 mm Flobert K"),
    "4 mm": ("4 mm Randz. kurz", "4 mm Randz. lang"),
    "12.7 mm": (".50 Browning", "12.7x108"),
    ".22": (".22 LR", ".22 Short", ".22 Long", ".22 WMR"),
    ".25": ("6.35 mm Browning", ".25-06 Remington"),
    ".30": (".30-06 Springfield", ".30 Carbine", ".30-30 Winchester"),
    ".300": (".300 Winchester Magnum", ".300 AAC Blackout", ".300 Weatherby Magnum"),
    ".300 Magnum": (".300 Winchester Magnum", ".300 Weatherby Magnum", ".300 H&H Magnum"),
    ".32": ("7.65 mm Browning", ".32 S&W", ".32 S&W Long"),
    ".338": (".338 Lapua Magnum", ".338 Winchester Magnum"),
    ".357": (".357 Magnum", ".357 SIG"),
    ".38": (".38 Special", ".38 S&W", ".38 Super Auto"),
    ".380": ("9 mm Browning Court", ".380 Revolver", "9 mm R K"),
    ".44": (".44 Magnum", ".44 Special", ".44-40 Winchester"),
    ".45": (".45 ACP", ".45 Colt"),
    ".50": (".50 Browning", ".50 Action Express"),
}
"""What names several calibres -> the most usual of them, for a measure with its unit and without. It is refused: which
one it is, only the laboratory knows."""
