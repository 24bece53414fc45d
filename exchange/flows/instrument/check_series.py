"""The series of this node's instruments, for people and programs: what was checked when, and what is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from exchange.clock import today
from exchange.errors import NotFound
from exchange.flows.instrument.check_standing import check_document, due_on
from exchange.flows.node.node import Node
from exchange.store.entry.instrument_checks import find_check, firsts, is_intact, last_of_series, series_of
from exchange.store.tables.instruments import InstrumentCheckRow
from matcher.instrument.check_limits import MEASURES, CheckOutcome, Measure
from schemas import Instrument


@dataclass(frozen=True)
class CheckPoint:
    """One check. ``values``, ``uncertainties``: by the names of ``MEASURES``; empty of a first scan, and the
    correlation alone of what may be another specimen. ``intact``: the row is as this node wrote it."""

    check_id: int
    at: str
    outcome: str
    made_by: str
    software: str | None
    scan_sha256: str
    sha256: str
    told: tuple[dict[str, Any], ...]
    same_specimen: bool | None
    values: dict[str, float]
    uncertainties: dict[str, float | None]
    intact: bool

    def sign_of(self, measure: str) -> str | None:
        """What was told of a figure."""
        return next((str(one["sign"]) for one in self.told if one["measure"] == measure), None)


@dataclass(frozen=True)
class CheckSeries:
    """All checks against one first scan. ``closed``: a newer series of this specimen and instrument was begun."""

    series_id: int
    instrument: Instrument
    specimen: str
    region: str
    reason: str | None
    closed: bool
    points: tuple[CheckPoint, ...]
    due: date
    """By when the next check is to be made: after one that failed, at once."""
    measures: tuple[Measure, ...] = field(default=MEASURES)

    @property
    def last(self) -> CheckPoint:
        return self.points[-1]

    @property
    def is_overdue(self) -> bool:
        return not self.closed and self.due < today()


_UNREADABLE: Final[dict[str, Any]] = {
    "made_by": "?",
    "instrument": {"maker": "?", "model": "?", "serial": None, "software": None},
    "region": "unknown",
    "reason": None,
    "scan": {"sha256": "?"},
    "values": None,
    "told": [],
    "same_specimen": None,
}
"""Of a check whose document was altered past this node: nothing of it is shown."""


def list_series(node: Node, *, closed: bool = False) -> list[CheckSeries]:
    """One for each instrument and specimen, with its first and its last check alone, the newest first; with ``closed``
    also those after which a newer one was begun."""
    with node.store.read() as session:
        found, seen = [], set[tuple[str, str]]()
        for first in firsts(session):
            is_closed = (first.instrument, first.specimen_key) in seen
            seen.add((first.instrument, first.specimen_key))
            if is_closed and not closed:
                continue
            last = last_of_series(session, first.check_id)
            rows = [first] if last.check_id == first.check_id else [first, last]
            points = tuple(_point(row, is_intact(session, row)) for row in rows)
            found.append(_series(node, first, points, closed=is_closed))
    return found


def read_series(node: Node, check_id: int) -> CheckSeries:
    """The whole series that a check belongs to. Raises NotFound."""
    with node.store.read() as session:
        row = find_check(session, check_id)
        if row is None:
            raise NotFound(f"There is no instrument check {check_id} on this node. See: ffp instrument list")
        first = row if row.reference is None else find_check(session, row.reference) or row
        rows = series_of(session, first.check_id)
        same = (first.instrument, first.specimen_key)
        newer = (one for one in firsts(session) if (one.instrument, one.specimen_key) == same)
        is_closed = any(one.check_id > first.check_id for one in newer)
        points = tuple(_point(one, is_intact(session, one)) for one in rows)
        return _series(node, first, points, closed=is_closed)


def _series(node: Node, first: InstrumentCheckRow, points: tuple[CheckPoint, ...], *, closed: bool) -> CheckSeries:
    said = check_document(first) or _UNREADABLE
    return CheckSeries(
        first.check_id,
        Instrument.model_validate(said["instrument"]),
        first.specimen,
        said["region"],
        said["reason"],
        closed,
        points,
        due_on(points[-1].at, 0 if points[-1].outcome == CheckOutcome.FAILED else node.settings.instrument_check_days),
    )


def _point(row: InstrumentCheckRow, intact: bool) -> CheckPoint:
    said = check_document(row) or _UNREADABLE
    values = said["values"] or {}
    if said["same_specimen"] is not None:
        values = {"correlation": values["correlation"]}
    return CheckPoint(
        row.check_id,
        row.at,
        row.outcome,
        said["made_by"],
        said["instrument"]["software"],
        said["scan"]["sha256"],
        row.sha256,
        tuple(said["told"]),
        said["same_specimen"],
        {name: one["value"] for name, one in values.items()},
        {name: one["uncertainty"] for name, one in values.items()},
        intact,
    )
