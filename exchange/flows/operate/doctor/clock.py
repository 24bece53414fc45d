"""The clock of this machine, held against what this node itself wrote down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from statistics import median_low
from typing import Final

from exchange.clock import apart, now, stamp
from exchange.config import Settings
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.store.database.engine import Store
from exchange.store.operate.newest_row import newest_row
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peers import PeerState

SET_BACK_S: Final = 60.0
"""A clock that NTP sets in one step goes back by less, once, after a start."""
SET_IT: Final = "Compare it with a clock that you trust (date -u), and have it set by NTP: timedatectl set-ntp true"


def examine_clock(settings: Settings, store: Store) -> Iterator[Finding]:
    """A row of the future: the clock is behind, or it was ahead when the row was written. The peers' clocks, as they
    were last measured, tell which of the two."""
    with store.read() as session:
        newest = newest_row(session)
        measured = [
            peer.clock_ahead_s
            for peer in all_peers(session)
            if peer.state == PeerState.ENROLLED and peer.clock_ahead_s is not None
        ]
    ahead_s = (datetime.fromisoformat(newest) - now()).total_seconds() if newest is not None else 0.0
    if ahead_s <= SET_BACK_S:
        return
    if measured and abs(median_low(measured)) <= settings.request_skew_s:
        what = f"Rows of this node are dated until {newest}, which is still to come: its clock was ahead at that time."
        then = "The clock agrees with the peers' now. Wait until then before you judge deadlines; note it in the book."
        yield warning(Cause.ROWS_OF_THE_FUTURE, "clock", what, then)
        return
    what = (
        f"The clock of this machine is off: it shows {stamp()}, {apart(-ahead_s)} the newest row that this node wrote "
        f"({newest})."
    )
    yield fault(Cause.CLOCK_OFF, "clock", what, SET_IT)
