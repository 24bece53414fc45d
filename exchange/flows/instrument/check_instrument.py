"""Check an instrument: a scan of a reference specimen is held against the first one, and the series is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

import matcher
from exchange.clock import stamp
from exchange.errors import Conflict, InvalidInput, TooLarge
from exchange.flows.instrument.check_standing import check_document, instrument_key
from exchange.flows.instrument.specimen import SPECIMEN_REGIONS, SpecimenScan, hold_against, read_specimen
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act, Actor, Deed
from exchange.store.entry.instrument_checks import (
    add_check,
    checks_of,
    fold,
    heights_of,
    last_check,
    reference_in_force,
    series_of,
)
from exchange.store.log.audit import add_deeds
from exchange.store.tables.instruments import InstrumentCheckRow
from matcher.instrument.check_limits import MEASURES, CheckOutcome, CheckVerdict, judge_check, values_of
from matcher.instrument.specimen_figures import CHECK_VERSION, SpecimenFigures
from schemas import Instrument
from schemas.exhibit import ShortText
from schemas.vocabulary import RegionOfInterest

_TEXT: TypeAdapter[str] = TypeAdapter(ShortText)


@dataclass(frozen=True)
class StatedCheck:
    """What whoever checks says. Maker, model, serial number and software are those of the file where they are not
    stated. ``new_reference``: begin a new series with this scan, for ``reason``, as after a repair or a calibration."""

    specimen: str
    maker: str | None = None
    model: str | None = None
    serial: str | None = None
    software: str | None = None
    roi: str = RegionOfInterest.BREECH_FACE.value
    new_reference: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class CheckDone:
    """``verdict`` and ``figures`` are None of the first scan of a series."""

    row: InstrumentCheckRow
    instrument: Instrument
    figures: SpecimenFigures | None
    verdict: CheckVerdict | None
    warnings: tuple[str, ...]


def check_instrument(node: Node, by: Actor, scan: Path, stated: StatedCheck) -> CheckDone:
    """The whole way of a check:

    1. Read the scan in a worker process; say whose it is. A scan that is in a series already is no check.
    2. The first scan of the specimen by this instrument, or one that is stated to be a new reference, begins a series.
    3. Any other is held against the first one of its series, in a worker process, and judged with those before it.
    4. Keep it, sealed, and note in the audit who made it.

    Raises InvalidInput with one sentence where the scan cannot be used or something is not stated, TooLarge; Conflict
    when a new series was begun meanwhile, or what is kept of the first scan is damaged; ComputeFailed.
    """
    # 1.
    _check_stated(stated)
    if scan.stat().st_size > node.settings.max_scan_bytes:
        most = node.settings.max_scan_bytes
        raise TooLarge(f"A scan may have at most {most} bytes; crop it to the specimen's mark, or scan it coarser.")
    read = _read(node, scan, stated)
    instrument = _instrument(stated, read)
    key = instrument_key(instrument.maker, instrument.model, instrument.serial)

    # 2.
    with node.store.read() as session:
        _check_new(checks_of(session, key), read)
        first = None if stated.new_reference else reference_in_force(session, key, fold(stated.specimen))
        kept = None if first is None else heights_of(session, first.check_id)
        earlier = [] if first is None else _values(series_of(session, first.check_id))
    if first is not None and kept is None:
        raise Conflict(
            "What is kept of the first scan is gone or was altered: restore a backup, or begin a new series with "
            "--new-reference.",
            code="reference-damaged",
        )

    # 3.
    figures = None if first is None or kept is None else _figures(node, kept, read.heights, stated.roi, first)
    verdict = None if figures is None else judge_check(values_of(figures), earlier)

    # 4.
    with node.store.write() as session:
        now = reference_in_force(session, key, fold(stated.specimen))
        if not stated.new_reference and (now and now.check_id) != (first and first.check_id):
            raise Conflict("A new series was begun meanwhile; check again.", code="series-changed")
        row = _row(session, by, stated, instrument, key, read, first, figures, verdict)
        add_check(session, row, read.heights if first is None else None)
        asked = f"{instrument.maker} {instrument.model}, {stated.specimen}: {row.outcome}"
        add_deeds(session, [Deed(by, Act.CHECK_INSTRUMENT, 1, (f"check {row.check_id}", row.sha256), asked)])
    return CheckDone(row, instrument, figures, verdict, read.warnings)


def _check_stated(stated: StatedCheck) -> None:
    """Raises InvalidInput."""
    if stated.roi not in SPECIMEN_REGIONS:
        message = (
            f"A specimen of the region {stated.roi} is not checked here, only {' or '.join(sorted(SPECIMEN_REGIONS))}."
        )
        raise InvalidInput(message, code="no-specimen-region")
    if stated.new_reference and not stated.reason:
        raise InvalidInput("Say why a new series is begun: --reason, in one line.", code="reason-missing")
    _line("the specimen's name", stated.specimen)
    if stated.reason:
        _line("the reason", stated.reason)


def _line(what: str, text: str) -> None:
    try:
        _TEXT.validate_python(text)
    except ValidationError as error:
        message = f"{what}: write one line of 1 to 120 printable characters, with no space at either end."
        raise InvalidInput(message[0].upper() + message[1:], code="invalid-field") from error


def _read(node: Node, scan: Path, stated: StatedCheck) -> SpecimenScan:
    try:
        return node.compute.run(read_specimen, scan, stated.roi)
    except matcher.ScanRefused as error:
        said = str(error)
        if error.reason == "not-an-x3p":
            said = "This is no topography (x3p, al3d, sur or plux). An instrument is checked by heights, no pictures."
        raise InvalidInput(said, code=error.reason) from error
    except matcher.ScanNotUsable as error:
        raise InvalidInput(f"This is no scan of a specimen: {error}.", code="not-usable") from error


def _instrument(stated: StatedCheck, read: SpecimenScan) -> Instrument:
    """As it is stated, else as the file says."""
    maker, model = stated.maker or read.maker, stated.model or read.model
    if not maker or not model:
        raise InvalidInput(
            "The file does not name the instrument: state its maker and its model (--maker and --model), as records "
            "state them.",
            code="instrument-missing",
        )
    try:
        return Instrument(
            maker=_short(maker),
            model=_short(model),
            serial=_short(stated.serial or read.serial or "") or None,
            software=_short(stated.software or read.software or "") or None,
        )
    except ValidationError as error:
        where = str(error.errors()[0]["loc"][0])
        message = f"{where}: write one line of 1 to 120 printable characters."
        raise InvalidInput(message, code="invalid-field") from error


def _short(text: str) -> str:
    return " ".join(text.split())[:120].strip()


def _check_new(known: Sequence[InstrumentCheckRow], read: SpecimenScan) -> None:
    """The same bytes, or the same heights exported anew, pass any check: nothing was measured. Raises InvalidInput."""
    heights = hashlib.sha256(read.heights).hexdigest()
    for row in known:
        said = check_document(row)
        if said is not None and (read.sha256 == said["scan"]["sha256"] or heights == said["heights"]):
            message = f"This scan is check {row.check_id} of {row.at[:10]} already: scan the specimen again."
            raise InvalidInput(message, code="scan-known")


def _figures(node: Node, first: bytes, now: bytes, roi: str, reference: InstrumentCheckRow) -> SpecimenFigures:
    region = (check_document(reference) or {}).get("region")
    if region != roi:
        message = f"The first scan of this series is of the region {region}; check the same one."
        raise InvalidInput(message, code="region-differs")
    try:
        return node.compute.run(hold_against, first, now, roi)
    except matcher.ScanNotUsable as error:
        raise InvalidInput(f"The scan cannot be held against the first one: {error}.", code="not-usable") from error
    except matcher.ScanRefused as error:
        raise Conflict(str(error), code="reference-damaged") from error


def _values(series: Sequence[InstrumentCheckRow]) -> list[dict[str, float]]:
    """The figures of a series' checks that are of the specimen, the oldest first."""
    found = [check_document(row) for row in series]
    return [
        {name: figure["value"] for name, figure in said["values"].items()}
        for said in found
        if said is not None
        if said["values"] and said["same_specimen"] is None
    ]


def _row(
    session: Session,
    by: Actor,
    stated: StatedCheck,
    instrument: Instrument,
    key: str,
    read: SpecimenScan,
    first: InstrumentCheckRow | None,
    figures: SpecimenFigures | None,
    verdict: CheckVerdict | None,
) -> InstrumentCheckRow:
    before, at = last_check(session), stamp()
    outcome = CheckOutcome.REFERENCE if verdict is None else verdict.outcome
    document: dict[str, Any] = {
        "check": CHECK_VERSION,
        "previous": None if before is None else before.sha256,
        "at": at,
        "made_by": by.name,
        "instrument": instrument.model_dump(),
        "specimen": stated.specimen,
        "region": stated.roi,
        "scan": {"sha256": read.sha256, "spacing_um": read.spacing_um, "measured": read.measured},
        "file": {"maker": read.maker, "model": read.model, "serial": read.serial, "software": read.software},
        "first": None if first is None else first.sha256,
        "heights": hashlib.sha256(read.heights).hexdigest(),
        "reason": stated.reason if first is None else None,
        "figures": None if figures is None else asdict(figures),
        "values": None if figures is None else {name: asdict(one) for name, one in values_of(figures).items()},
        "limits": {
            one.name: {"warning": one.bounds(one.warning), "action": one.bounds(one.action)} for one in MEASURES
        },
        "outcome": outcome,
        "told": [] if verdict is None else [asdict(one) for one in verdict.told],
        "same_specimen": None if verdict is None else verdict.same_specimen,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return InstrumentCheckRow(
        instrument=key,
        software=fold(instrument.software or ""),
        specimen=stated.specimen if first is None else first.specimen,
        specimen_key=fold(stated.specimen),
        reference=None if first is None else first.check_id,
        at=at,
        outcome=outcome.value,
        document=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
