"""Two scans of any kind, compared in what both of them show."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.comparison import Comparison, compare
from matcher.parameters import Parameters
from matcher.photograph import Photograph
from matcher.prepared import Prepared, prepare
from matcher.prepared_photograph import parameters_for, prepare_photograph
from matcher.topography import Topography

Scan = Topography | Photograph


@dataclass(frozen=True)
class ScanPair:
    """``comparison`` of ``a`` with ``b``, which are the scans as they were compared; ``mirrored``: a photograph
    was turned upside down first."""

    a: Scan
    b: Scan
    comparison: Comparison
    parameters: Parameters
    mirrored: bool


def compare_scans(a: Scan, b: Scan) -> ScanPair:
    """Compare two scans, whether topographies or photographs.

    1. Choose what to compare: heights, or the relief (``parameters_for``).
    2. Prepare both.
    3. Compare. A photograph is compared with a topography both as it is and upside down, and the better one is
       kept: instruments differ in whether the first row of their heights is the top or the bottom one.

    Raises ``ScanNotUsable`` where nothing can be compared.
    """
    # 1.
    parameters = parameters_for(a, b)

    # 2.
    first, second = prepare_scan(a, parameters), prepare_scan(b, parameters)

    # 3.
    pair = ScanPair(a, b, compare(first, second, parameters), parameters, mirrored=False)
    match a, b:
        case Photograph(), Topography():
            other = a.mirrored()
            comparison = compare(prepare_scan(other, parameters), second, parameters)
            turned = ScanPair(other, b, comparison, parameters, mirrored=True)
        case Topography(), Photograph():
            other = b.mirrored()
            comparison = compare(first, prepare_scan(other, parameters), parameters)
            turned = ScanPair(a, other, comparison, parameters, mirrored=True)
        case _:
            return pair
    return max((pair, turned), key=lambda entry: entry.comparison.score)


def prepare_scan(scan: Scan, parameters: Parameters) -> Prepared:
    """What ``prepare`` and ``prepare_photograph`` do, by the kind of scan."""
    return prepare(scan, parameters) if isinstance(scan, Topography) else prepare_photograph(scan, parameters)
