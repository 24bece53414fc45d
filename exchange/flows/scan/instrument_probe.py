"""A new instrument is probed: does a scan of it agree with others only when it is mirrored in y, inverted, or both?

A program that exports y the other way, or heights downwards, makes scans that agree with none, and no list of
candidates shows why. So the first scans of each instrument are tried turned over as well, after their ordinary
correlation and beside it: nothing waits for that, no candidate comes of it, and the scan stays as it was signed.

Scans of one instrument say nothing of it, since they agree whichever way y runs: they are left out. So are those of an
instrument that is known to export as this one does, since scans of both agree as they are; where no other is left,
nothing is tried. Two issuers that name the same make, model and program have two instruments: the settings of an export
are each one's own, and no peer uses up what is tried of another's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import structlog
from sqlalchemy.orm import Session

import matcher
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import VARIANTS, Variant, roles_of
from exchange.flows.scan.inspect import prepare_scan
from exchange.flows.scan.prepared_scans import (
    acquisition_id_of,
    appearance_of,
    prepared_path,
    prepared_scan,
    reference_name,
    variant_of,
)
from exchange.flows.scan.references import all_names, ask_gallery, calibres_for, owners_for
from exchange.store.entry.record_rows import (
    AcquisitionState,
    acquisition_with_record,
    acquisitions_of,
    acquisitions_with_records,
)
from exchange.store.entry.scan_instruments import (
    IssuersInstrument,
    exporting_alike,
    findings_on,
    has_scans_of_others,
    instruments_of,
    keep_finding,
    scans_before,
    scans_of_instruments,
)
from exchange.store.log.statement_rows import find_statement
from exchange.store.node.jobs import JobKind, promise
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas import Record, open_envelope, parse_statement
from schemas.vocabulary import Modality

log = structlog.get_logger(__name__)

NEW_FOR: Final = 20
"""So many scans of an instrument are tried: of the first ones none may show a firearm that another instrument saw."""
CHANCE: Final = 8.0
"""The agreement that unrelated marks may reach (docs/adr/0008)."""
CLEARLY: Final = 1.5
"""Times what chance reaches, or the scan as it is, if that is more. 12 is half a score. Unrelated pairs fall off by e
about every 0.4, from 5.5 on: 12 is beyond what three tries with 100,000 references reach. Of 43 scans of one public set
tried so with the other set, 5,400 tries, the highest was 7.4; true pairs turned over have 38 and more."""

ALIKE: Final = 24.0
"""The agreement as they are, from which on two instruments export alike. Marks with parallel lines agree a little
turned over too: pairs of one firearm of which one was mirrored came to 12, as they should be to 50."""

LONGEST_WORDS: Final = 400
"""1,600 bytes at most; a row of an index of PostgreSQL takes 2,704."""

_HOW: Final = {
    Variant.MIRRORED: "mirrored in y",
    Variant.INVERTED: "with its heights inverted",
    Variant.MIRRORED | Variant.INVERTED: "mirrored in y and with its heights inverted",
}
_WRONG: Final = {
    Variant.MIRRORED: "exports mirrored in y",
    Variant.INVERTED: "exports heights downwards",
    Variant.MIRRORED | Variant.INVERTED: "exports mirrored in y and heights downwards, or its scan is of a cast",
}
_Try: TypeAlias = tuple[float, bytes]
"""The best agreement, and with which reference."""


@dataclass(frozen=True)
class Mirrored:
    """One scan that agrees with another when it is turned over; ``in_words``: for the examiner, in English."""

    acquisition: AcquisitionRow
    other: AcquisitionRow
    other_record: RecordRow
    in_words: str


def instrument_in_words(session: Session, acquisition: AcquisitionRow, issuer: str, made_with: str | None) -> str:
    """Make, model and program of the instrument that measured a scan, as its record states them and its file says.

    Where neither does, it is an instrument of the record's issuer that nobody knows. Whatever is said, it is no longer
    than an index takes: the issuer of the record, or whoever made the file, may be hostile.
    """
    return _in_words(session, acquisition, issuer, made_with)[:LONGEST_WORDS]


def _in_words(session: Session, acquisition: AcquisitionRow, issuer: str, made_with: str | None) -> str:
    row = find_statement(session, acquisition.statement_id)
    said = None if row is None or row.envelope is None else parse_statement(open_envelope(row.envelope).payload)
    stated = said.acquisitions[acquisition.position].instrument if isinstance(said, Record) else None
    if stated is None:
        return made_with or f"an instrument of {issuer} that is not named"
    words = ", ".join(part for part in (f"{stated.maker} {stated.model}", stated.software) if part)
    return words if made_with in (None, words) else f"{words} (in the file: {made_with})"


def promise_probe(session: Session, node: Node, acquisition: AcquisitionRow, record: RecordRow) -> None:
    """To be called with the correlation of a scan: promise to try it turned over, where its instrument is new and
    another one has measured a reference."""
    instrument, parameters = _instrument(session, acquisition, record), _parameters(acquisition)
    if instrument is None or parameters is None or record.superseded_by is not None:
        return
    if scans_before(session, acquisition.acquisition_id, instrument) >= NEW_FOR:
        return
    calibres, owners = calibres_for(node, acquisition), owners_for(node, record)
    if has_scans_of_others(session, acquisition, {instrument}, calibres, parameters.digest, owners):
        promise(session, JobKind.PROBE, acquisition.acquisition_id)


def probe_instrument(node: Node, acquisition_id: int) -> Variant | None:
    """Try a scan as it is, mirrored, inverted and both; returns how it is turned over where that stands out.

    1. Leave out the scans of the same record, of the same instrument and of those that export alike.
    2. Ask the gallery four times, in worker processes.
    3. Keep what stands out.

    Raises ComputeFailed, StoreUnavailable, NotFound: the worker tries again later.
    """
    # 1.
    with node.store.read() as session:
        acquisition, record = acquisition_with_record(session, acquisition_id)
        instrument, parameters = _instrument(session, acquisition, record), _parameters(acquisition)
        if instrument is None or parameters is None or record.superseded_by is not None:
            return None
        alike, calibres = _exporting_alike(session, instrument, parameters), calibres_for(node, acquisition)
        owners = owners_for(node, record)
        if not has_scans_of_others(session, acquisition, alike, calibres, parameters.digest, owners):
            return None  # it agrees with all of them as it is
        same = [*acquisitions_of(session, acquisition.statement_id), *scans_of_instruments(session, alike)]
    filters = matcher.Filters(
        calibres=calibres,
        regions=frozenset({acquisition.roi}),
        modalities=frozenset({Modality.TOPOGRAPHY.value}),
        owners=owners,
        excluded=frozenset(name for row in same for name in all_names(row)),
    )

    # 2.
    found = {variant: _tried(node, acquisition, parameters, filters, variant) for variant in VARIANTS}

    # 3.
    as_it_is, _ = found.pop(Variant.AS_TAKEN)
    turned = max(found, key=lambda variant: found[variant][0])
    agreement, other = found[turned]
    if not stands_out(agreement, as_it_is):
        return None
    with node.store.write() as session:
        row = session.get(AcquisitionRow, acquisition_id_of(other))
        if row is None or reference_name(row, variant_of(other)) != other:  # withdrawn meanwhile: its number is free
            return None
        keep_finding(
            session,
            acquisition_id,
            turned=turned,
            other=row.acquisition_id,
            agreement=agreement,
            as_it_is=as_it_is,
        )
    log.warning("a new instrument's scan agrees turned over", acquisition=acquisition_id, how=_HOW[turned])
    return turned


def stands_out(turned: float, as_it_is: float) -> bool:
    """Whether the best agreement of a scan that was turned over is clearly more than chance, and than its best as it
    is."""
    return turned >= CLEARLY * max(as_it_is, CHANCE)


def mirrored_scans(session: Session, statement_id: str) -> list[Mirrored]:
    """What was found on the scans of a record, as far as what they agree with may be shown."""
    findings = findings_on(session, statement_id)
    if not findings:
        return []
    others = acquisitions_with_records(session, [row.other for row in findings if row.other is not None])
    named = instruments_of(session, list(others))
    told = []
    for row in findings:
        if row.other not in others or row.turned is None:
            continue
        acquisition, (other, other_record) = session.get_one(AcquisitionRow, row.acquisition_id), others[row.other]
        how = _HOW[Variant(row.turned)]
        told.append(
            Mirrored(
                acquisition,
                other,
                other_record,
                f"Tried turned over, since its instrument was new here: {how}, this scan agrees with scan "
                f"{other.position} of the record {other.statement_id} (agreement {row.agreement:.0f}; as it is "
                f"{row.as_it_is:.0f}; chance reaches 5 to 8). One of the two programs {_WRONG[Variant(row.turned)]}. "
                f"Look first at the one that exported this scan, {row.instrument}; then at that of the other, "
                f"{named.get(other.acquisition_id, 'of an instrument that is not named')}. Correct the export and "
                "submit a new version: see docs/instruments.md.",
            )
        )
    return told


def _tried(
    node: Node, acquisition: AcquisitionRow, parameters: matcher.Parameters, filters: matcher.Filters, variant: Variant
) -> _Try:
    """The best that the gallery has for a scan in a variant; nothing, where its mark is not found that way."""
    if variant is Variant.AS_TAKEN:
        candidates = ask_gallery(node, parameters, lambda: prepared_scan(node, acquisition, parameters), filters)
    else:
        target = prepared_path(node, acquisition, parameters)
        target = target.with_name(f"{target.name}.turned-{variant.value}")
        try:
            if not _prepared(node, acquisition, parameters, variant, target):
                return 0.0, b""
            candidates = ask_gallery(node, parameters, lambda: target, filters)
        finally:
            target.unlink(missing_ok=True)
    agreements = [(float(json.loads(item.comparison)["agreement"]), item.reference) for item in candidates]
    return max(agreements, default=(0.0, b""))


def _prepared(
    node: Node, acquisition: AcquisitionRow, parameters: matcher.Parameters, variant: Variant, target: Path
) -> bool:
    appearance = replace(appearance_of(node, acquisition, parameters), variant=variant)
    return node.background.run(prepare_scan, appearance, target, node.settings.prepared).not_usable is None


def _instrument(session: Session, acquisition: AcquisitionRow, record: RecordRow) -> IssuersInstrument | None:
    words = instruments_of(session, [acquisition.acquisition_id]).get(acquisition.acquisition_id)
    return None if words is None else IssuersInstrument(record.issuer, words)


def _exporting_alike(
    session: Session, instrument: IssuersInstrument, parameters: matcher.Parameters
) -> frozenset[IssuersInstrument]:
    from matcher.areal.comparison import score_of

    return exporting_alike(session, instrument, parameters.digest, at_least=score_of(ALIKE, parameters))


def _parameters(acquisition: AcquisitionRow) -> matcher.Parameters | None:
    """Those in which a correlated topography is compared by its area. Striae are not probed."""
    roles = roles_of(acquisition)
    if acquisition.modality != Modality.TOPOGRAPHY or acquisition.state != AcquisitionState.CORRELATED or not roles:
        return None
    pipeline = roles[0].pipeline
    return pipeline if isinstance(pipeline, matcher.Parameters) else None
