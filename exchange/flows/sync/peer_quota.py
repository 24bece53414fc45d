"""A peer takes its share of this node and no more: what it may send in a day, and how its lane is read on afterwards.

What came counts on the day on which it came, in the transaction that moves the cursor. Each day a peer may send so many
statements and so many bytes more; what it does not use it keeps for some days. A peer that has used its share up, or of
which too much is set aside unread, is read no further: its cursor stands, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from exchange.clock import stamp, today
from exchange.config import Settings
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from exchange.flows.sync.verify_lane_page import VerifiedPage, first_places
from exchange.store.sync.peer_quota_rows import changed_quota, count_in, days_of, quarantine_unnoted, quota_of
from exchange.store.sync.peers import find_peer, standing_alarm
from exchange.store.tables.peer_tables import PeerDayRow, PeerQuotaRow, PeerRow, PeerState
from schemas import Record
from schemas.errors import shown

MOST_DAYS = 36_500
"""No later day is told: a share may be made as small as one likes, of a peer that took gigabytes today."""


@dataclass(frozen=True)
class PeerAllowance:
    """What a peer may send, and how much of that is left; below 0 by what the last record was too much."""

    a_day: int
    used_today: int
    left: int

    def days_until_more(self) -> int:
        """After so many midnights (UTC) something is left again."""
        return 0 if self.left > 0 else -self.left // self.a_day + 1


@dataclass(frozen=True)
class PeerShares:
    """A peer's shares of statements, where a record counts once for each of its scans, and of bytes."""

    statements: PeerAllowance
    bytes: PeerAllowance
    set_aside: tuple[int, int]
    """Items that are not believed and were not noted yet, and their bytes."""
    keeps_days: int
    """So many days' shares a peer has at most, when it did not use them."""


@dataclass(frozen=True)
class Cost:
    """What one place of a lane takes of the shares."""

    statements: int
    size: int


def shares_of(session: Session, settings: Settings, peer: str) -> PeerShares:
    """By what the operator set for this peer, else by the settings."""
    quota, days = quota_of(session, peer), days_of(session, peer)
    statements = (quota and quota.statements_a_day) or settings.peer_statements_per_day
    size = (quota and quota.bytes_a_day) or settings.peer_bytes_per_day
    keeps = settings.peer_quota_days
    return PeerShares(
        statements=_share(statements, keeps, [(_day(row), row.statements) for row in days]),
        bytes=_share(size, keeps, [(_day(row), row.bytes) for row in days]),
        set_aside=quarantine_unnoted(session, peer),
        keeps_days=keeps,
    )


def why_stopped(shares: PeerShares, settings: Settings, peer: str) -> str | None:
    """Why a peer's lane is read no further, when it goes on, and what its operator's neighbour may do; None when it is
    read."""
    items, size = shares.set_aside
    if items >= settings.peer_quarantine_items or size >= settings.peer_quarantine_bytes:
        return (
            f"Its lane is not read: {items} of its items ({size} bytes) are set aside and not noted, and "
            f"{settings.peer_quarantine_items} or {settings.peer_quarantine_bytes} bytes are the most. Nothing is "
            f"lost. It goes on once you have seen them (ffp sync quarantine list {peer}): telephone its operator, "
            f"then: ffp sync note {peer}"
        )
    over = [f"{share.a_day} {what} a day" for what, share in _named(shares) if share.days_until_more()]
    if not over:
        return None
    days = max(share.days_until_more() for _, share in _named(shares))
    goes_on = today() + timedelta(days=min(days, MOST_DAYS))
    return (
        f"Its lane is not read: it has used up its share, {' and '.join(over)}, and what it had kept of the last "
        f"{settings.peer_quota_days} days. Nothing is lost, withdrawals wait too. It goes on at {goes_on}T00:00Z, or "
        f"at once when you give it more: ffp peer quota {peer} --help"
    )


def is_stopped(node: Node, peer: str) -> bool:
    """Whether the peer's lane may be read no further now. Then its alarm says why and since when, and stands as long
    as that."""
    with node.store.read() as session:
        why = why_stopped(shares_of(session, node.settings, peer), node.settings, peer)
        if why is None:
            return False
        row, quota = find_peer(session, peer), quota_of(session, peer)
        since = quota.stopped_at if quota else None
        alarm = _alarm(session, peer, since, why)
        if row is None or (since is not None and row.alarm == alarm):
            return True
    with node.store.write() as session:
        row, quota = find_peer(session, peer), changed_quota(session, peer)
        quota.stopped_at = quota.stopped_at or stamp()
        if row is not None:
            row.alarm = _alarm(session, peer, quota.stopped_at, why)
    return True


def take_share(session: Session, settings: Settings, peer: str, page: VerifiedPage, head: bytes) -> VerifiedPage:
    """As much of a verified page as the peer's shares allow, counted as taken. ``head`` is the lane's running head
    before the page. A record counts with the scans that it names, before any of them is fetched. Needs the write
    transaction that moves the cursor."""
    costs = _costs(page)
    kept = _affordable(costs, shares_of(session, settings, peer))
    quota = quota_of(session, peer)
    if quota is not None:
        quota.stopped_at = None
    if kept:
        taken = costs[:kept]
        size = sum(cost.size for cost in taken)
        count_in(session, peer, statements=sum(cost.statements for cost in taken), size=size)
    return first_places(page, head, kept)


def has_bytes_left(node: Node, peer: str) -> bool:
    """Return whether more bytes of the peer may be kept today."""
    with node.store.read() as session:
        return not shares_of(session, node.settings, peer).bytes.days_until_more()


def set_quota(node: Node, peer: str, *, statements: int | None, size: int | None) -> PeerShares:
    """What one peer may send in a day, in place of the settings; None leaves that as it is. Holds at once.

    Raises NotFound.
    """
    return _set_quota(node, peer, lambda quota: (statements or quota.statements_a_day, size or quota.bytes_a_day))


def reset_quota(node: Node, peer: str) -> PeerShares:
    """As the settings give every peer again. Raises NotFound."""
    return _set_quota(node, peer, lambda _: (None, None))


def _set_quota(node: Node, peer: str, given: Callable[[PeerQuotaRow], tuple[int | None, int | None]]) -> PeerShares:
    with node.store.write() as session:
        if find_peer(session, peer) is None:
            raise NotFound(f"There is no peer {peer}. See: ffp peer list")
        quota = changed_quota(session, peer)
        quota.statements_a_day, quota.bytes_a_day = given(quota)
        session.flush()
        return shares_of(session, node.settings, peer)


def quotas(node: Node, peer: str) -> PeerShares:
    """Raises NotFound."""
    with node.store.read() as session:
        if find_peer(session, peer) is None:
            raise NotFound(f"There is no peer {peer}. See: ffp peer list")
        return shares_of(session, node.settings, peer)


def stopped_lanes(session: Session, settings: Settings, peers: Iterable[PeerRow]) -> dict[str, str]:
    """The enrolled peers whose lanes are read no further now, each with why."""
    found = {
        peer.node_id: why_stopped(shares_of(session, settings, peer.node_id), settings, peer.node_id)
        for peer in peers
        if peer.state == PeerState.ENROLLED
    }
    return {peer: why for peer, why in found.items() if why is not None}


def share_alarms(session: Session, settings: Settings, peers: Iterable[PeerRow]) -> list[str]:
    """One sentence for each peer whose lane is read no further."""
    return [f"{peer}: {why}" for peer, why in stopped_lanes(session, settings, peers).items()]


def _share(a_day: int, keeps_days: int, used: Sequence[tuple[date, int]]) -> PeerAllowance:
    """Day by day from the first that is remembered, before which nothing was used. A day that is still to come, as a
    clock had it that was ahead, counts from when it comes: else it would forgive all days until then."""
    most, now = a_day * keeps_days, today()
    left, before = most, now
    for day, count in used:
        if day > now:
            break
        left = min(most, left + a_day * max(0, (day - before).days)) - count
        before = day
    left = min(most, left + a_day * max(0, (now - before).days))
    return PeerAllowance(a_day, used_today=sum(count for day, count in used if day == now), left=left)


def _day(row: PeerDayRow) -> date:
    return date.fromisoformat(row.day)


def _named(shares: PeerShares) -> tuple[tuple[str, PeerAllowance], tuple[str, PeerAllowance]]:
    return ("statements", shares.statements), ("bytes", shares.bytes)


def _alarm(session: Session, peer: str, since: str | None, why: str) -> str:
    return shown(f"{since} {why} {standing_alarm(session, peer) or ''}".rstrip(), 1000)


def _costs(page: VerifiedPage) -> list[Cost]:
    """Of each place, in the order of the lane."""
    costs = {place.position: Cost(1, 0) for place in page.places}
    for item in page.poisoned:
        costs[item.position] = Cost(1, item.size)
    for received in page.accepted:
        scans = received.statement.acquisitions if isinstance(received.statement, Record) else ()
        named = sum(scan.blob.size for scan in scans)
        costs[received.position] = Cost(max(1, len(scans)), len(received.envelope.raw) + named)
    return [costs[place.position] for place in page.places]


def _affordable(costs: Iterable[Cost], shares: PeerShares) -> int:
    """How many places are taken: as long as something of both shares is left."""
    statements, size, kept = shares.statements.left, shares.bytes.left, 0
    for cost in costs:
        if statements <= 0 or size <= 0:
            break
        statements, size, kept = statements - cost.statements, size - cost.size, kept + 1
    return kept
