"""What this node knows of an instrument: the last check that it passed, which a record names, and how it stands."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from exchange.clock import today
from exchange.flows.node.node import Node
from exchange.store.entry.instrument_checks import checks_of, fold, is_intact, last_check
from exchange.store.tables.instruments import InstrumentCheckRow
from matcher.instrument.check_limits import CheckOutcome
from schemas import Acquisition, Instrument, InstrumentCheck
from schemas.vocabulary import Modality

_PASSED = (CheckOutcome.PASSED, CheckOutcome.WARNING)


class CheckStanding(StrEnum):
    """How an instrument stands; all but the last are told the examiner who submits a scan of it."""

    NOT_STATED = "not-stated"
    """The acquisition names no instrument."""
    NEVER_CHECKED = "never-checked"
    """Under these words: no check, or the first scan of a series alone."""
    FAILED = "failed"
    """The last check of one of its specimens."""
    OVERDUE = "overdue"
    GOOD = "good"


@dataclass(frozen=True)
class InstrumentStanding:
    """``check``: the last one that was passed, where none failed since."""

    standing: CheckStanding
    check: InstrumentCheckRow | None = None


def instrument_key(maker: str, model: str, serial: str | None) -> str:
    """By which one device is known, whatever its software: that may change, and its series goes on."""
    return json.dumps([fold(maker), fold(model), fold(serial or "")], ensure_ascii=False)


def instrument_standing(session: Session, instrument: Instrument | None, *, days: int) -> InstrumentStanding:
    """By the words of a record: maker, model and serial number name the device, and its software must be that of the
    check.

    Of each specimen the last check counts. One that failed, whatever passed before, takes the instrument out of
    service; a first scan, of a new series, says nothing yet.
    """
    if instrument is None:
        return InstrumentStanding(CheckStanding.NOT_STATED)
    software, last = fold(instrument.software or ""), dict[str, InstrumentCheckRow]()
    for row in checks_of(session, instrument_key(instrument.maker, instrument.model, instrument.serial)):
        if row.software == software and is_intact(session, row):
            last.setdefault(row.specimen_key, row)
    if any(row.outcome == CheckOutcome.FAILED for row in last.values()):
        return InstrumentStanding(CheckStanding.FAILED)
    passed = [row for row in last.values() if row.outcome in _PASSED]
    if not passed:
        return InstrumentStanding(CheckStanding.NEVER_CHECKED)
    newest = max(passed, key=lambda row: row.check_id)
    return InstrumentStanding(
        CheckStanding.OVERDUE if due_on(newest.at, days) < today() else CheckStanding.GOOD, newest
    )


def due_on(at: str, days: int) -> date:
    """The last day on which a check still holds."""
    return date.fromisoformat(at[:10]) + timedelta(days=days)


def named_check(session: Session, node: Node, instrument: Instrument | None) -> InstrumentCheck | None:
    """Return the check that a record made now names for the instrument; None where none was passed."""
    found = instrument_standing(session, instrument, days=node.settings.instrument_check_days).check
    if found is None:
        return None
    return InstrumentCheck(
        specimen=found.specimen,
        checked_on=date.fromisoformat(found.at[:10]),
        warning=found.outcome == CheckOutcome.WARNING,
        digest=found.sha256,
    )


def instrument_doubts(node: Node, acquisitions: Sequence[Acquisition]) -> dict[str, InstrumentStanding]:
    """Of the topographies of a record that is about to be signed those whose instrument is not in order, by the digest
    of the scan. Nothing on a node where no instrument was ever checked."""
    with node.store.read() as session:
        if last_check(session) is None:
            return {}
        days = node.settings.instrument_check_days
        found = {
            one.blob.sha256: instrument_standing(session, one.instrument, days=days)
            for one in acquisitions
            if one.modality is Modality.TOPOGRAPHY
        }
    return {sha256: standing for sha256, standing in found.items() if standing.standing is not CheckStanding.GOOD}


def check_document(row: InstrumentCheckRow) -> dict[str, Any] | None:
    """All that is kept of a check; None where that is not what its digest is of."""
    if hashlib.sha256(row.document.encode()).hexdigest() != row.sha256:
        return None
    found: dict[str, Any] = json.loads(row.document)
    return found
