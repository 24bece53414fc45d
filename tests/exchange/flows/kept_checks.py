"""Instrument checks as they are kept, without a scan: for tests of what follows from them."""

from __future__ import annotations

import hashlib
import json

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.instrument.check_standing import instrument_key
from exchange.store.entry.instrument_checks import add_check, fold, last_check, reference_in_force
from exchange.store.tables.instruments import InstrumentCheckRow

MAKER, MODEL, SERIAL, SOFTWARE = "Test", "Profiler", "12", "1.0"
STATED = {"maker": MAKER, "model": MODEL, "serial": SERIAL, "software": SOFTWARE}


def keep_check(
    session: Session,
    outcome: str = "passed",
    *,
    specimen: str = "SRM 2461-7",
    at: str | None = None,
    software: str = SOFTWARE,
    **figures: float,
) -> InstrumentCheckRow:
    """One check of the one instrument. The first of a specimen, and each that is a "reference", begins a series."""
    key, before, at = instrument_key(MAKER, MODEL, SERIAL), last_check(session), at or stamp()
    first = None if outcome == "reference" else reference_in_force(session, key, fold(specimen))
    if first is None:
        outcome = "reference"
    values = {name: {"value": value, "uncertainty": 0.001} for name, value in figures.items()}
    document = json.dumps(
        {
            "previous": None if before is None else before.sha256,
            "at": at,
            "made_by": "examiner-1",
            "instrument": STATED | {"software": software},
            "specimen": specimen,
            "region": "breech_face",
            "scan": {"sha256": hashlib.sha256(f"{at} {before and before.check_id}".encode()).hexdigest()},
            "heights": hashlib.sha256(b"heights").hexdigest(),
            "reason": None,
            "values": None if first is None else values,
            "outcome": outcome,
            "told": [],
            "same_specimen": None,
        },
        sort_keys=True,
    )
    row = InstrumentCheckRow(
        instrument=key,
        software=fold(software),
        specimen=specimen,
        specimen_key=fold(specimen),
        reference=None if first is None else first.check_id,
        at=at,
        outcome=outcome,
        document=document,
        sha256=hashlib.sha256(document.encode()).hexdigest(),
    )
    return add_check(session, row, b"heights" if first is None else None)
