"""Compare a peer's scan with what the peer may search, and with nothing else.

It enters no gallery, and whatever is made of it lies beside it, to be erased with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import matcher
from exchange.errors import NotSearched
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import PipelineRole, Variant, photographed_of, roles_of, why_not_correlated
from exchange.flows.node.region_masks import region_mask_of
from exchange.flows.node.regions import Pipeline
from exchange.flows.scan.gallery_upkeep import hopeless
from exchange.flows.scan.inspect import Appearance, Correlated, inspect_scan, prepare_scan, rank_stored_profiles
from exchange.flows.scan.prepared_scans import acquisition_id_of
from exchange.flows.scan.references import TRIES, all_names, ask_gallery, prepared_profiles
from exchange.store.tables.record_tables import AcquisitionRow
from schemas import Query
from schemas.vocabulary import Modality, ScoreBand


@dataclass(frozen=True)
class Bands:
    """From which score on something is a candidate, and of which band.

    Three bands and no finer: whoever could vary a scan and watch the score move would learn the marks themselves.
    They say how far a pair stands out from chance, never how certain anything is.

    Raises ValueError where they do not rise.
    """

    areal_low: float = 0.36
    """An agreement of 9 standard deviations: the most that unrelated marks reached in some ten thousand pairs."""
    areal_middle: float = 0.50
    """12 standard deviations: twice what unrelated marks reach at the best of all places."""
    areal_high: float = 0.70
    """18 standard deviations. Whole marks of one firearm reach 20 to 50."""
    profile_low: float = 1.00
    """Of 364 pairs of drawn striae of two firearms the highest scored 0.96; drawn ones agree more by chance than the
    published figures of real ones."""
    profile_middle: float = 1.10
    profile_high: float = 1.20
    """Of 14 pairs of drawn striae of one firearm, scored 1.14 to 1.34, all but three."""

    def __post_init__(self) -> None:
        for low, middle, high in (self._areal, self._profile):
            if not 0.0 < low < middle < high < 2.0:
                raise ValueError(f"bands must rise within 0 to 2, not {low}, {middle}, {high}")

    def of(self, score: float, pipeline: Pipeline) -> ScoreBand | None:
        """None: no candidate."""
        low, middle, high = self._profile if isinstance(pipeline, matcher.ProfileParameters) else self._areal
        if score >= high:
            return ScoreBand.HIGH
        if score >= middle:
            return ScoreBand.MIDDLE
        return ScoreBand.LOW if score >= low else None

    @property
    def _areal(self) -> tuple[float, float, float]:
        return self.areal_low, self.areal_middle, self.areal_high

    @property
    def _profile(self) -> tuple[float, float, float]:
        return self.profile_low, self.profile_middle, self.profile_high


BANDS = Bands()


_RISING = {ScoreBand.LOW: 0, ScoreBand.MIDDLE: 1, ScoreBand.HIGH: 2}


@dataclass(frozen=True)
class StandsOut:
    """A record of which a scan stands out, and how far."""

    record: str
    band: ScoreBand


def scan_asked_with(statement_id: str, query: Query) -> AcquisitionRow:
    """The query's acquisition in the form in which acquisitions are compared. It is in no database."""
    asked = query.acquisition
    return AcquisitionRow(
        statement_id=statement_id,
        position=0,
        roi=asked.roi,
        modality=asked.modality,
        calibre=query.calibre,
        sha256=asked.blob.sha256,
        size=asked.blob.size,
        media_type=asked.blob.media_type,
        lateral_resolution_um=asked.lateral_resolution_um,
        lighting=asked.lighting,
        light_hour=asked.light_hour,
        region_mask=asked.region_mask and asked.region_mask.model_dump_json(),
    )


def search_for_peer(
    node: Node, scan: AcquisitionRow, among: Sequence[AcquisitionRow], bands: Bands = BANDS
) -> list[StandsOut]:
    """The records that stand out, best first.

    1. The scan is a peer's: it is read as untrusted as anybody's.
    2. In each way in which its region is compared: prepare it, rank what it may be compared with. This is done too
       where that is nothing.
    3. Of each record the best band counts.

    Raises NotSearched; ComputeFailed, StoreUnavailable: the worker tries again later.
    """
    # 1.
    _inspect(node, scan)
    roles = roles_of(scan)
    if not roles:
        raise NotSearched(why_not_correlated(scan))

    # 2.
    records = {row.acquisition_id: row.statement_id for row in among}
    best: dict[str, tuple[int, float, ScoreBand]] = {}
    for role in roles:
        for found in _ranked(node, scan, among, role):
            record = records.get(acquisition_id_of(found.reference))
            band = bands.of(found.score, role.pipeline)
            if record is not None and band is not None:
                # 3.
                standing = _RISING[band], found.score, band
                best[record] = max(standing, best.get(record, standing))
    ranked = sorted(best.items(), key=lambda item: item[1], reverse=True)
    return [StandsOut(record, band) for record, (_, _, band) in ranked]


def _inspect(node: Node, scan: AcquisitionRow) -> None:
    path = node.query_scans.path(scan.statement_id)
    if not path.is_file():  # this node was restored: backups hold no scans of queries
        raise NotSearched("The scan is not here any more; ask again.")
    try:
        found = node.background.run(inspect_scan, path)
    except matcher.ScanRefused as error:
        raise NotSearched(f"{error.reason}: {error}") from error
    if found.media_type != scan.media_type:
        raise NotSearched(f"The query names its scan as {scan.media_type}, but it is {found.media_type}.")


def _ranked(
    node: Node, scan: AcquisitionRow, among: Sequence[AcquisitionRow], role: PipelineRole
) -> Iterator[Correlated]:
    for ask in role.asks:
        match role.pipeline:
            case matcher.Parameters() as parameters:
                filters = matcher.Filters(
                    regions=ask.labels,
                    modalities=frozenset({Modality.TOPOGRAPHY.value}) if ask.topographies_only else None,
                    included=frozenset(name for row in among for name in all_names(row)),
                )
                yield from _from_gallery(node, scan, parameters, ask.variant, filters)
            case matcher.ProfileParameters() as profile:
                yield from _from_profiles(node, scan, among, profile)
            case other:
                assert_never(other)


def _from_gallery(
    node: Node, scan: AcquisitionRow, parameters: matcher.Parameters, variant: Variant, filters: matcher.Filters
) -> list[Correlated]:
    """As ``exchange.flows.scan.references`` asks for an own scan, but the gallery stays as it is."""
    appearance = _appearance(node, scan, parameters, variant)
    target = node.query_scans.beside(scan.statement_id, f"{parameters.digest[:16]}.{variant.value}")
    _prepare(node, appearance, target)
    return ask_gallery(node, parameters, lambda: target, filters)


def _from_profiles(
    node: Node, scan: AcquisitionRow, among: Sequence[AcquisitionRow], parameters: matcher.ProfileParameters
) -> list[Correlated]:
    target = node.query_scans.beside(scan.statement_id, parameters.digest[:16])
    _prepare(node, _appearance(node, scan, parameters), target)
    rows = [row for row in among if row.parameters == parameters.digest]
    for _ in range(TRIES):
        references = list(prepared_profiles(node, rows, parameters))
        found = node.background.run(rank_stored_profiles, target, references, parameters)
        if not found.damaged:
            return found.candidates
        for name, path in references:
            if name in found.damaged:
                path.unlink(missing_ok=True)
    raise hopeless()


def _appearance(
    node: Node, scan: AcquisitionRow, pipeline: Pipeline, variant: Variant = Variant.AS_TAKEN
) -> Appearance:
    path, region = node.query_scans.path(scan.statement_id), region_mask_of(scan)
    return Appearance(path, pipeline, photographed_of(scan), variant, region)


def _prepare(node: Node, appearance: Appearance, target: Path) -> None:
    try:
        prepared = node.background.run(prepare_scan, appearance, target)
    except matcher.ScanRefused as error:
        raise NotSearched(f"{error.reason}: {error}") from error
    if prepared.not_usable is not None:
        raise NotSearched(prepared.not_usable)
