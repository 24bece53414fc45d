"""What a model of own test fires was made of, and what there was too little of: sentences with numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import matcher
from exchange.clock import today
from exchange.flows.node.node import Node
from exchange.flows.truth.test_fires import (
    MOST_SCANS,
    PIPELINES_OF_REGIONS,
    calibre_groups,
    firearms_with_pairs,
    known_scans,
)
from exchange.store.truth.known_pair_rows import KnownScan
from matcher.evaluate.evaluation_figures import scored_pairs
from matcher.evaluate.reference_models import KnownScores, ScanGroup
from matcher.likelihood.calibrate import leave_one_out
from matcher.likelihood.calibration_model import CalibrationRefused
from matcher.likelihood.scored_pairs import DataDescription
from schemas.vocabulary import RegionOfInterest

LEAST_FIREARMS: Final = 4
"""With two test fires each: leaving two firearms out must leave pairs of both kinds."""
LEAST_OF_GROUP: Final = 10
"""Firearms with two test fires that calibres need for a model of their own. Of fewer the bounds lie so near to 1 that
the model of all calibres says more."""
_LONGEST: Final = 120
_UNKNOWN: Final = "unknown instrument"


def described(node: Node, scans: Sequence[KnownScan]) -> DataDescription:
    """The reference population in words: whose test fires, of how many firearms, of which days and instruments."""
    days = sorted(one.record.received_at[:10] for one in scans)
    firearms = len({one.firearm for one in scans})
    instruments = ", ".join(sorted({one.instrument or _UNKNOWN for one in scans}))
    words = f"{firearms} firearms, {len(scans)} test fires registered {days[0]} to {days[-1]}; {instruments}"
    return DataDescription(
        name=f"Own test fires of {node.settings.jurisdiction} ({node.node_id})"[:_LONGEST],
        description=_line(words),
        region=RegionOfInterest.BREECH_FACE.value,
        calibres=tuple(sorted({one.scan.calibre for one in scans})),
        n_scans=len(scans),
        matcher_version=matcher.MATCHER_VERSION,
        parameters_digest=matcher.DEFAULT_PARAMETERS.digest,
        made_on=today().isoformat(),
    )


def _line(words: str) -> str:
    """What a model's file takes: an instrument's words come from outside."""
    plain = "".join(letter for letter in words if letter.isprintable())
    return plain[:_LONGEST].strip() if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 4].strip()} ..."


def in_all(scans: Sequence[KnownScan], known: KnownScores) -> str:
    full = f" (the newest {MOST_SCANS})" if len(scans) == MOST_SCANS else ""
    return f"Breech face: {_counts(scans, known)}{full}."


def by_calibre(scans: Sequence[KnownScan], groups: Sequence[ScanGroup]) -> list[str]:
    """What calibres have no model of their own, and how far they are from one."""
    of_all = calibre_groups(one.scan.calibre for one in scans)
    if len(of_all) == 1:
        return []
    modelled, told = {group.title for group in groups}, []
    for group in of_all:
        some = [one for one in scans if one.scan.calibre in group]
        able = firearms_with_pairs(some)
        if calibres_in_words(some) not in modelled:
            told.append(
                f"{calibres_in_words(some)}: pooled with the other calibres. {count_of(able, 'firearm')} with two test "
                f"fires or more; a model of their own takes at least {LEAST_OF_GROUP}."
            )
    return told


def by_instrument(scans: Sequence[KnownScan], known: KnownScores) -> list[str]:
    """How each instrument does by itself. Its scans stand in the model of all: a scan that a peer sends was measured by
    another instrument, of which a model of one alone would say nothing."""
    instruments = sorted({one.instrument or _UNKNOWN for one in scans})
    told = []
    for instrument in instruments if len(instruments) > 1 else []:
        some = [one for one in scans if (one.instrument or _UNKNOWN) == instrument]
        names = set(map(scan_name, some))
        pairs = [pair for pair in known.pairs if {pair.a, pair.b} <= names]
        inside = KnownScores({name: known.firearms[name] for name in names}, pairs, known.lateral_resolution_um)
        able = firearms_with_pairs(some)
        if able < LEAST_FIREARMS:
            how = f"too few for a Cllr of its own, which takes {LEAST_FIREARMS} firearms with two test fires or more"
        else:
            how = _cllr(inside)
        told.append(f"{instrument}: {_counts(some, inside)}; {how}. Pooled with the other instruments.")
    return told


def _cllr(known: KnownScores) -> str:
    try:
        return f"Cllr {leave_one_out(scored_pairs(known.firearms, known.pairs)).cllr:.3f} by itself"
    except CalibrationRefused as error:
        return f"no Cllr of its own: {error}"


def other_regions(node: Node) -> list[str]:
    told = []
    with node.store.read() as session:
        for roi in PIPELINES_OF_REGIONS:
            scans = [] if roi == RegionOfInterest.BREECH_FACE else known_scans(session, node, roi)
            if scans:
                firearms = count_of(len({one.firearm for one in scans}), "firearm")
                told.append(
                    f"{roi.replace('_', ' ').capitalize()}: {count_of(len(scans), 'test fire')} of {firearms}, and no "
                    "model: this release gives likelihood ratios for topographies of breech faces alone."
                )
    return told


def _counts(scans: Sequence[KnownScan], known: KnownScores) -> str:
    same = sum(known.firearms[pair.a] == known.firearms[pair.b] for pair in known.pairs)
    firearms = count_of(len({one.firearm for one in scans}), "firearm")
    return (
        f"{count_of(len(scans), 'test fire')} of {firearms}, {firearms_with_pairs(scans)} of them with two or more; "
        f"{count_of(same, 'true pair')}, {count_of(len(known.pairs) - same, 'pair')} of two firearms"
    )


def calibres_in_words(scans: Sequence[KnownScan]) -> str:
    return ", ".join(sorted({one.scan.calibre for one in scans}))


def count_of(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def scan_name(one: KnownScan) -> str:
    return str(one.scan.acquisition_id)


def firearm_name(one: KnownScan) -> str:
    return "/".join(one.firearm)
