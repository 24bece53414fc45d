"""The calibration models that a node's own test fires support, and in words what there was too little of."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import matcher
from exchange.errors import InvalidInput
from exchange.flows.node.delivered_scan import delivered_scan
from exchange.flows.node.node import Node
from exchange.flows.truth.known_pairs import scans_with_missing, score_test_fire
from exchange.flows.truth.own_words import (
    LEAST_FIREARMS,
    LEAST_OF_GROUP,
    by_calibre,
    by_instrument,
    calibres_in_words,
    count_of,
    described,
    firearm_name,
    in_all,
    other_regions,
    scan_name,
)
from exchange.flows.truth.test_fires import (
    PIPELINES_OF_REGIONS,
    calibre_groups,
    firearms_with_pairs,
    known_scans,
    may_share_firearm,
    pair_key,
    pairs_compared,
)
from exchange.store.truth.known_pair_rows import KnownScan, known_scores
from matcher.evaluate.evaluated_pairs import Progress
from matcher.evaluate.reference_models import KnownScore, KnownScores, ScanGroup, make_models
from matcher.likelihood.calibration_file import CalibrationModels
from matcher.likelihood.calibration_model import NOT_SAID
from schemas.calibre import Calibre
from schemas.vocabulary import RegionOfInterest

_MOST_GROUPS: Final = 5
"""A file holds eight models, and three are of all calibres."""
_MOST_CALIBRES: Final = 16
"""That a model may name."""


@dataclass(frozen=True)
class OwnModels:
    """``told``: what they were made of, and what there was too little of, one sentence each."""

    models: CalibrationModels
    missing: Mapping[str, str]
    told: tuple[str, ...]


def make_own_models(node: Node, *, whole_marks_only: bool, show: Progress) -> OwnModels:
    """Make the models of the node's own test fires.

    1. Choose the test fires: topographies of breech faces, whose calibre is known. Refuse where they are too few.
    2. Score the pairs that are not scored with this matcher and these parameters; those that are stay as they are.
    3. Make the models: by calibre where there are firearms enough, and of all together, pairs of calibres that one
       firearm may have fired alone. Each pair is judged by a fit that saw neither of its firearms.
    4. Say in words what there was, by calibre, instrument and region.

    Raises InvalidInput where the firearms are too few or their scores tell nothing, ComputeFailed, StoreUnavailable.
    """
    # 1.
    roi = RegionOfInterest.BREECH_FACE.value
    with node.store.read() as session:
        found = known_scans(session, node, roi)
    scans, left_out = _of_known_calibre(found)
    _check_enough(scans)

    # 2.
    missing = scans_with_missing(node, [roi])
    for done, acquisition_id in enumerate(missing, start=1):
        score_test_fire(node, acquisition_id)
        show("scoring test fires", done, len(missing))
    known = _known_scores(node, roi, scans)

    # 3.
    by_name = {scan_name(one): one for one in scans}
    groups = _groups(node, scans)
    with tempfile.TemporaryDirectory() as folder:
        truth = _lay_out(node, scans, Path(folder))
        try:
            made = make_models(
                Path(folder),
                truth,
                described(node, scans),
                whole_marks_only=whole_marks_only,
                known=known,
                counted=lambda a, b: may_share_firearm(by_name[a].scan.calibre, by_name[b].scan.calibre),
                groups=groups,
                progress=show,
            )
        except matcher.MatcherError as error:
            raise InvalidInput(f"The own test fires give no model: {error}.", code="no-model") from error

    # 4.
    told = [in_all(scans, known), *left_out, *by_calibre(scans, groups), *by_instrument(scans, known)]
    return OwnModels(made.models, made.missing, (*told, *other_regions(node)))


def _of_known_calibre(found: Sequence[KnownScan]) -> tuple[list[KnownScan], list[str]]:
    """Those that a model may name, of the most frequent calibres, and what is to be said of the others."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.scan.calibre] = counts.get(one.scan.calibre, 0) + 1
    stated = [calibre for calibre in counts if calibre not in NOT_SAID and calibre != Calibre.OTHER]
    named = set(sorted(stated, key=lambda calibre: -counts[calibre])[:_MOST_CALIBRES])
    scans = [one for one in found if one.scan.calibre in named]
    if len(scans) == len(found):
        return scans, []
    return scans, [
        f"Left out: {len(found) - len(scans)} test fires whose calibre is unknown, other, or beyond the "
        f"{_MOST_CALIBRES} most frequent."
    ]


def _check_enough(scans: Sequence[KnownScan]) -> None:
    able, firearms = firearms_with_pairs(scans), len({one.firearm for one in scans})
    if able < LEAST_FIREARMS:
        true = sum(one.firearm == other.firearm for one, other in pairs_compared(scans))
        fired = f"{count_of(len(scans), 'test fire')} of breech faces are of {count_of(firearms, 'firearm')}"
        raise InvalidInput(
            f"Too few firearms: {fired}, of which {able} fired two or more ({count_of(true, 'true pair')}). A model "
            f"takes at least {LEAST_FIREARMS} such firearms, and twenty are worth the work: register test fires with "
            "their firearm.",
            code="too-few-firearms",
        )


def _known_scores(node: Node, roi: str, scans: Sequence[KnownScan]) -> KnownScores:
    """The pairs of these scans that are scored; without those of which the mark's extent is not known."""
    with node.store.read() as session:
        scores = known_scores(session, PIPELINES_OF_REGIONS[roi].digest)
    extents = {scan_name(one): _extent(one) for one in scans}
    pairs = []
    for one, other in pairs_compared(scans):
        a, b = extents[scan_name(one)], extents[scan_name(other)]
        if pair_key(one, other) in scores and a is not None and b is not None:
            pairs.append(KnownScore(scan_name(one), scan_name(other), scores[pair_key(one, other)], (a, b)))
    spacings = [um for one in scans for um in (one.scan.spacing_y_um, one.scan.spacing_x_um) if um is not None]
    if not pairs or not spacings:
        raise InvalidInput(
            "The own test fires are not scored: their scans cannot be prepared. See: ffp job list", code="not-scored"
        )
    return KnownScores({scan_name(one): firearm_name(one) for one in scans}, pairs, (min(spacings), max(spacings)))


def _extent(one: KnownScan) -> matcher.MarkExtent | None:
    area, sides, directed = one.scan.mark_mm2, one.scan.mark_one_sidedness, one.scan.mark_directedness
    return None if area is None or sides is None or directed is None else matcher.MarkExtent(area, sides, directed)


def _lay_out(node: Node, scans: Sequence[KnownScan], folder: Path) -> Path:
    """The scans by links, and the truth beside them; of no scan a copy stays if this is broken off."""
    truth = folder / "truth.csv"
    with truth.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("scan", "firearm"))
        for one in scans:
            (folder / f"{scan_name(one)}.x3p").symlink_to(delivered_scan(node, one.scan))
            table.writerow((scan_name(one), firearm_name(one)))
    return truth


def _groups(node: Node, scans: Sequence[KnownScan]) -> list[ScanGroup]:
    """Of calibres with firearms enough, the largest first; none where all calibres are one group."""
    groups = calibre_groups(one.scan.calibre for one in scans)
    inside = [[one for one in scans if one.scan.calibre in group] for group in groups]
    able = sorted((some for some in inside if firearms_with_pairs(some) >= LEAST_OF_GROUP), key=len, reverse=True)
    return [
        ScanGroup(calibres_in_words(some), frozenset(map(scan_name, some)), described(node, some))
        for some in (able[:_MOST_GROUPS] if len(groups) > 1 else [])
    ]
