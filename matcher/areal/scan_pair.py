"""Two scans of any kind, compared in what both of them show."""

from __future__ import annotations

from dataclasses import dataclass

from matcher.areal.comparison import Comparison, compare
from matcher.areal.prepared import Prepared, extent_of, prepare
from matcher.areal.prepared_photograph import inverted, parameters_for, prepare_photograph
from matcher.likelihood.mark_limits import Extents
from matcher.numeric.parameters import DEFAULT_PARAMETERS, RELIEF_PARAMETERS, Parameters
from matcher.read.photograph import Photograph
from matcher.read.topography import Topography

Scan = Topography | Photograph


@dataclass(frozen=True)
class ScanPair:
    """``comparison`` of ``a`` with ``b``, the scans as they were compared, and how much they show of their ``marks``;
    ``mirrored``: a photograph was turned upside down first."""

    a: Scan
    b: Scan
    comparison: Comparison
    parameters: Parameters
    marks: Extents
    mirrored: bool


def compare_scans(
    a: Scan, b: Scan, heights: Parameters = DEFAULT_PARAMETERS, relief: Parameters | None = RELIEF_PARAMETERS
) -> ScanPair:
    """Compare two scans of a region, whether topographies or, where its relief is compared too, photographs.

    1. Choose what to compare: heights, or the relief (``parameters_for``).
    2. Prepare both. A photograph that meets a topography is prepared upside down too: instruments differ in whether
       the first row of their heights is the top or the bottom one.
    3. Compare; where nobody noted from which side the light came, with either sign of the heights. Keep the best.

    Raises ``ScanNotUsable`` where nothing can be compared.
    """
    # 1.
    parameters = parameters_for(a, b, heights=heights, relief=relief)

    # 2.
    views: list[tuple[Scan, Scan]] = [(a, b)]
    if isinstance(a, Photograph) and isinstance(b, Topography):
        views.append((a.mirrored(), b))
    elif isinstance(a, Topography) and isinstance(b, Photograph):
        views.append((a, b.mirrored()))
    ready = [(_prepare_scan(first, parameters), _prepare_scan(second, parameters)) for first, second in views]

    # 3.
    signs = 2 if parameters.channel == "height" and any(_sign_unknown(scan) for scan in (a, b)) else 1
    pairs = [
        ScanPair(
            *view,
            compare(first, other, parameters),
            parameters,
            (extent_of(first, parameters), extent_of(other, parameters)),
            mirrored=place > 0,
        )
        for place, (view, (first, second)) in enumerate(zip(views, ready, strict=True))
        for other in (second, inverted(second))[:signs]
    ]
    return max(pairs, key=lambda pair: pair.comparison.score)


def _sign_unknown(scan: Scan) -> bool:
    return isinstance(scan, Photograph) and scan.lighting.azimuth_deg is None


def _prepare_scan(scan: Scan, parameters: Parameters) -> Prepared:
    """What ``prepare`` and ``prepare_photograph`` do, by the kind of scan."""
    return prepare(scan, parameters) if isinstance(scan, Topography) else prepare_photograph(scan, parameters)
