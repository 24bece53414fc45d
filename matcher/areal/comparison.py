"""The comparison of two prepared scans: a score that ranks, and everything that explains it."""

from __future__ import annotations

import json
import math
import string
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from matcher.areal.cells import CellFinding, FineView, correlation_of_marks, find_cells, lay
from matcher.areal.prepared import Prepared
from matcher.areal.registration import CoarseView, Registration, register
from matcher.errors import NotComparable
from matcher.numeric.parameters import DEFAULT_PARAMETERS, MATCHER_VERSION, Parameters


class ComparisonView:
    """A prepared scan with what its comparisons need, made when first asked for.

    One view of a query serves all of its references (its turned spectra are kept); a reference needs its own
    for one comparison only. Raises ``NotComparable`` for a scan that was prepared with other parameters.
    """

    def __init__(self, prepared: Prepared, parameters: Parameters) -> None:
        if prepared.parameters_digest != parameters.digest:
            raise NotComparable(
                "the scan was prepared with other parameters than it is to be compared with: prepare it again"
            )
        self.prepared = prepared
        self.parameters = parameters

    @cached_property
    def coarse(self) -> CoarseView:
        return CoarseView(self.prepared, self.parameters)

    @cached_property
    def fine(self) -> FineView:
        return FineView(self.prepared, self.parameters)


@dataclass(frozen=True)
class Cell:
    """One cell, and where its content lies on both scans.

    ``label``: row letter and column number on the grid of the scan that the cells are laid on;
    ``centre_a_um``, ``centre_b_um``: (y, x) from the first point of scan a and of scan b;
    ``displacement_um``: (y, x) in b's frame: how far b shows the content from where the registration expects it;
    ``correlation``: 0 to 1, ``congruent``: well correlated, and
    displaced like most of the others.
    """

    label: str
    centre_a_um: tuple[float, float]
    centre_b_um: tuple[float, float]
    displacement_um: tuple[float, float]
    correlation: float
    congruent: bool


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How scan a lies on scan b, and how far they agree there. A score ranks candidates; it identifies nothing.

    Scan a is the one that is moved: a point at p on a (y, x; micrometres from its first point) is expected at
    ``centre_b_um + R (p - centre_a_um) + shift_um`` on b, where R turns by ``rotation_deg``, positive from +x
    towards +y (clockwise on a screen, whose y runs downwards), in [0, 360).

    ``score``: see ``score_of``, 0 to 1; ``agreement``: see ``Registration``, in standard deviations of chance at one
    place; ``overlap``: shared area over the smaller mark's.
    Placing (b, a) gives the same score and the inverse registration.
    """

    score: float
    agreement: float
    rotation_deg: float
    shift_um: tuple[float, float]
    centre_a_um: tuple[float, float]
    centre_b_um: tuple[float, float]
    overlap: float
    parameters_digest: str
    matcher_version: str = MATCHER_VERSION

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts."""
        return asdict(self)

    def to_json(self) -> str:
        return json.dumps(self.as_dict(), allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class Comparison(Placement):
    """A placement with what shows an examiner where the marks agree. The score does not use it.

    ``g25``: correlation of the registered marks on a grid of 25 um without flattening, -1 to 1; ``cells_on``: the scan
    on whose grid the square cells were laid; ``cells``: those that both scans show.
    """

    g25: float
    cells: tuple[Cell, ...]
    cells_on: Literal["a", "b"]
    cell_size_um: float

    @property
    def n_cells(self) -> int:
        return len(self.cells)

    @property
    def n_congruent(self) -> int:
        return sum(cell.congruent for cell in self.cells)

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, strings, lists and dicts, with ``n_cells`` and ``n_congruent``."""
        plain = asdict(self)
        plain["cells"] = [dict(cell) for cell in plain["cells"]]
        return {**plain, "n_cells": self.n_cells, "n_congruent": self.n_congruent}


def compare(a: Prepared, b: Prepared, parameters: Parameters = DEFAULT_PARAMETERS) -> Comparison:
    """Compare two prepared scans.

    Deterministic, and symmetric to the last bit: the scan with the lower digest is always the one that is
    moved inside, and the answer is then given in the direction asked for.

    Raises ``NotComparable`` where either was prepared with other parameters.
    """
    first, second = ComparisonView(a, parameters), ComparisonView(b, parameters)
    return compare_cells(first, second, register_pair(first, second))


def register_pair(a: ComparisonView, b: ComparisonView) -> Registration:
    """The fine registration of the pair, moving onto fixed scan; the order asked for does not matter."""
    moving, fixed = _in_order(a, b)
    return register(moving.coarse, fixed.coarse, a.parameters)


def placement_of(a: ComparisonView, b: ComparisonView) -> Placement:
    """Register the pair, and state how a lies on b: as ``compare`` does, without the cells."""
    return Placement(**_placed(a, b, register_pair(a, b)))


def compare_cells(a: ComparisonView, b: ComparisonView, registration: Registration) -> Comparison:
    """Find the cells of a pair that ``register_pair`` registered, and state the whole comparison of a with b."""
    moving, fixed = _in_order(a, b)
    laid = lay(moving.fine, registration, a.parameters)
    findings = find_cells(laid, fixed.fine, a.parameters)
    a_moves = moving is a
    return Comparison(
        **_placed(a, b, registration),
        g25=correlation_of_marks(laid, fixed.fine),
        cells=tuple(_cell(finding, registration, moving.prepared, fixed.prepared, a_moves) for finding in findings),
        cells_on="b" if a_moves else "a",
        cell_size_um=a.parameters.cell_size_um,
    )


def _placed(a: ComparisonView, b: ComparisonView, registration: Registration) -> dict[str, Any]:
    """A placement's fields, in the direction asked for."""
    moving, _ = _in_order(a, b)
    rotation, shift = registration.rotation_deg, registration.shift_um
    if moving is not a:
        back = _turned(shift, -rotation)
        rotation, shift = -rotation % 360.0, (0.0 - back[0], 0.0 - back[1])
    return {
        "score": score_of(registration.agreement, a.parameters),
        "agreement": registration.agreement,
        "rotation_deg": rotation,
        "shift_um": shift,
        "centre_a_um": a.prepared.centre_um,
        "centre_b_um": b.prepared.centre_um,
        "overlap": registration.overlap,
        "parameters_digest": a.parameters.digest,
    }


def score_of(agreement: float, parameters: Parameters) -> float:
    """The score that ranks: the agreement, brought to a scale that does not grow without end.

    It rises with the agreement and with nothing else: weights for congruent cells or the plain correlation, fitted with
    one firearm left out, came out near zero. It is no probability and no share of anything.
    """
    square = max(agreement, 0.0) ** 2
    return square / (square + parameters.half_score_agreement**2)


def _in_order(a: ComparisonView, b: ComparisonView) -> tuple[ComparisonView, ComparisonView]:
    """The moving and the fixed scan of a pair."""
    return (a, b) if a.prepared.digest <= b.prepared.digest else (b, a)


def _cell(finding: CellFinding, registration: Registration, moving: Prepared, fixed: Prepared, a_moves: bool) -> Cell:
    """State a cell of the fixed scan in the coordinates of both scans."""
    found = _sum(finding.centre_um, finding.displacement_um)
    shift = registration.shift_um
    on_moving = _turned((found[0] - shift[0], found[1] - shift[1]), -registration.rotation_deg)
    centre_fixed = _sum(fixed.centre_um, finding.centre_um)
    centre_moving = _sum(moving.centre_um, on_moving)
    if a_moves:
        centre_a, centre_b = centre_moving, centre_fixed
        displacement = (0.0 - finding.displacement_um[0], 0.0 - finding.displacement_um[1])
    else:
        centre_a, centre_b = centre_fixed, centre_moving
        displacement = _turned(finding.displacement_um, -registration.rotation_deg)
    label = f"{string.ascii_uppercase[finding.row % 26]}{finding.column + 1}"
    return Cell(label, centre_a, centre_b, displacement, finding.correlation, finding.congruent)


def _turned(vector: tuple[float, float], degrees: float) -> tuple[float, float]:
    """A (y, x) vector turned from +x towards +y."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    y, x = vector
    return y * cosine + x * sine, x * cosine - y * sine


def _sum(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return a[0] + b[0], a[1] + b[1]
