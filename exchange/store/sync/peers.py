"""Enrolled peers and their lanes, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, case, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.store.node.jobs import JobKind, JobState
from exchange.store.sync.refused import refused_count
from exchange.store.tables.peer_tables import (
    LaneItemRow,
    LaneRow,
    PeerRow,
    PeerState,
    QuarantineCountRow,
    QuarantineRow,
)
from exchange.store.tables.record_tables import AcquisitionRow, StatementRow
from exchange.store.tables.work_tables import JobRow
from exchange.store.witness.cosignatures import disagreements
from exchange.store.witness.witnessed_rows import unwitnessed, witnessed_log
from exchange.trust.key_history import pinned_history
from schemas.errors import shown
from schemas.lane import EMPTY_HEAD, next_head
from schemas.versions import NEWEST, is_newer

FAILED_AT_ONCE = 500
"""Bounded: a peer may have ten thousand scans that do not come, and looks at them hold up the one writer."""


ASKED: Final = (PeerState.ENROLLED, PeerState.EXPELLED)
"""Of the others nothing is read."""


def peer_addresses(session: Session, end: tuple[str, int] | None = None) -> list[tuple[str, str]]:
    """Node id and URL of every peer that is still asked for something; of a host and port, of those alone whose URL
    has them somewhere: each connection asks, and reads the rows of no more peers than it must."""
    query = _ALL_PEERS
    if end is not None:
        host, port = end
        stated = f":{port}" if port not in (80, 443) else ""
        query = query.where(PeerRow.url.contains(host, autoescape=True), PeerRow.url.endswith(stated, autoescape=True))
    return [(peer.node_id, peer.url) for peer in session.scalars(query) if peer.state in ASKED]


def new_peer(
    *, node_id: str, jurisdiction: str, url: str, card: bytes, legal_basis: str, key_chain: bytes | None = None
) -> PeerRow:
    """A peer as it will be enrolled, with an empty cursor."""
    return PeerRow(
        node_id=node_id,
        jurisdiction=jurisdiction,
        url=url,
        card=card,
        key_chain=key_chain,
        legal_basis=legal_basis,
        state=PeerState.ENROLLED,
        enrolled_at=stamp(),
        cursor_count=0,
        cursor_head=EMPTY_HEAD,
    )


def add_peer(session: Session, peer: PeerRow) -> None:
    """Enrol a peer, with an empty lane. Needs a write transaction."""
    session.add(peer)
    session.flush()
    session.add(
        LaneRow(peer=peer.node_id, count=0, head=EMPTY_HEAD, acknowledged_count=0, acknowledged_head=EMPTY_HEAD)
    )
    session.flush()


def find_peer(session: Session, node_id: str) -> PeerRow | None:
    return session.get(PeerRow, node_id)


_ALL_PEERS = select(PeerRow).order_by(PeerRow.node_id)


def all_peers(session: Session) -> Sequence[PeerRow]:
    return session.scalars(_ALL_PEERS).all()


def peers_among(session: Session, names: Collection[str]) -> Sequence[PeerRow]:
    return session.scalars(select(PeerRow).where(PeerRow.node_id.in_(names)).order_by(PeerRow.node_id)).all()


def peers_cosigned(session: Session) -> Sequence[PeerRow]:
    """Those of whose log a head was cosigned here."""
    return session.scalars(select(PeerRow).where(PeerRow.cosigned.is_not(None)).order_by(PeerRow.node_id)).all()


def put_on_lane(session: Session, peer: str, statement_id: str) -> bool:
    """Append a statement to a peer's lane; false when it stands there already, and not as one that was withheld. Needs
    a write transaction."""
    if is_on_lane(session, peer, statement_id):
        return False
    extend_lane(session, peer, [statement_id])
    return True


def extend_lane(session: Session, peer: str, statement_ids: Iterable[str]) -> None:
    """Append statements to a lane, in this order. Needs a write transaction."""
    lane = lane_of(session, peer)
    session.add(lane)
    session.flush()  # a row made again comes before its places
    for statement_id in statement_ids:
        lane.head = next_head(lane.head, statement_id)
        session.add(LaneItemRow(peer=peer, position=lane.count, statement_id=statement_id, head=lane.head))
        lane.count += 1
    session.flush()


def is_on_lane(session: Session, peer: str, statement_id: str) -> bool:
    """Whether the peer has it, or will be given it; not when it was withheld as the peer came to its place."""
    standing = select(LaneItemRow.position).where(
        LaneItemRow.peer == peer, LaneItemRow.statement_id == statement_id, LaneItemRow.withheld.is_(False)
    )
    return session.scalars(standing.limit(1)).first() is not None


def note_withheld(session: Session, peer: str, positions: Mapping[int, bool]) -> None:
    """Note of items of a lane whether the peer was given them. Needs a write transaction."""
    items = session.scalars(
        select(LaneItemRow).where(LaneItemRow.peer == peer, LaneItemRow.position.in_(list(positions)))
    )
    for item in items:
        item.withheld = positions[item.position]


def withheld_others(session: Session, peer: str) -> Sequence[StatementRow]:
    """What stands on the peer's lane beside records and was given at none of its places, in the order of the log; but
    for what a compromised key signed."""
    named = select(LaneItemRow.statement_id).where(LaneItemRow.peer == peer)
    wanted = StatementRow.statement_id.in_(named.where(LaneItemRow.withheld.is_(True)))
    given = StatementRow.statement_id.in_(named.where(LaneItemRow.withheld.is_(False)))
    others = select(StatementRow).where(
        wanted, ~given, StatementRow.type != "record", StatementRow.refused_by.is_(None)
    )
    return session.scalars(others.order_by(StatementRow.log_index)).all()


def taken_back(session: Session, peer: str, statement_id: str) -> None:
    """The peer has it no more, so that it is given it again once it may have it. Needs a write transaction."""
    session.execute(
        update(LaneItemRow)
        .where(LaneItemRow.peer == peer, LaneItemRow.statement_id == statement_id)
        .values(withheld=True)
    )


def readers_of(session: Session, statement_id: str) -> list[str]:
    """The peers on whose lanes a statement stands, withheld or not."""
    return list(
        session.scalars(
            select(LaneItemRow.peer)
            .where(LaneItemRow.statement_id == statement_id)
            .distinct()
            .order_by(LaneItemRow.peer)
        )
    )


def withheld_on(session: Session, peer: str) -> int:
    """How many places of a lane were read without their content."""
    acknowledged = lane_of(session, peer).acknowledged_count
    withheld = select(func.count()).select_from(LaneItemRow)
    return (
        session.scalar(
            withheld.where(
                LaneItemRow.peer == peer, LaneItemRow.withheld.is_(True), LaneItemRow.position < acknowledged
            )
        )
        or 0
    )


def given_to(session: Session, peer: str) -> list[str]:
    """The records that a peer was given, or stands to be given, in the order of its lane."""
    return list(
        session.scalars(
            select(LaneItemRow.statement_id)
            .join(StatementRow, StatementRow.statement_id == LaneItemRow.statement_id)
            .where(LaneItemRow.peer == peer, LaneItemRow.withheld.is_(False), StatementRow.type == "record")
            .order_by(LaneItemRow.position)
        )
    )


def lane_place(session: Session, peer: str, statement_id: str) -> LaneItemRow | None:
    """The last place of a statement on a peer's lane."""
    places = select(LaneItemRow).where(LaneItemRow.peer == peer, LaneItemRow.statement_id == statement_id)
    return session.scalars(places.order_by(LaneItemRow.position.desc()).limit(1)).first()


def find_lane(session: Session, peer: str) -> LaneRow | None:
    """None where it is lost; every peer has one."""
    return session.get(LaneRow, peer)


def lane_of(session: Session, peer: str) -> LaneRow:
    """A row that is lost is worked out of the lane's places, as if nothing of it had been acknowledged; whoever writes
    adds it."""
    found = find_lane(session, peer)
    if found is not None:
        return found
    last = select(LaneItemRow).where(LaneItemRow.peer == peer).order_by(LaneItemRow.position.desc()).limit(1)
    item = session.scalars(last).first()
    count, head = (item.position + 1, item.head) if item is not None else (0, EMPTY_HEAD)
    return LaneRow(peer=peer, count=count, head=head, acknowledged_count=0, acknowledged_head=EMPTY_HEAD)


def lane_head_at(session: Session, peer: str, count: int) -> bytes | None:
    """The running head after ``count`` items; None when the lane is not that long."""
    if count == 0:
        return EMPTY_HEAD
    return session.scalar(select(LaneItemRow.head).where(LaneItemRow.peer == peer, LaneItemRow.position == count - 1))


def asked_peers(session: Session) -> Sequence[str]:
    """Who is asked, as far as its row says: whoever reads more of it finds out whether that was altered."""
    return session.scalars(select(PeerRow.node_id).where(PeerRow.state.in_(ASKED)).order_by(PeerRow.node_id)).all()


def still_answers(session: Session, names: Collection[str], now: str) -> None:
    """They answer, and what was wrong before is over, but for what stands. Needs a write transaction."""
    for peer in peers_among(session, names):
        if peer.state in ASKED:
            peer.pulled_at, peer.alarm = now, standing_alarm(session, peer.node_id)


def lane_items(
    session: Session, peer: str, *, start: int, limit: int, below_log_index: int | None = None
) -> list[tuple[LaneItemRow, StatementRow | None]]:
    """Neighbouring items from ``start`` on, as far as the signed head of the log covers them, where its size is given;
    without its statement where that was lost."""
    rows = session.execute(
        select(LaneItemRow, StatementRow)
        .outerjoin(StatementRow, StatementRow.statement_id == LaneItemRow.statement_id)
        .where(LaneItemRow.peer == peer, LaneItemRow.position >= start)
        .order_by(LaneItemRow.position)
        .limit(limit)
    ).all()
    covered: list[tuple[LaneItemRow, StatementRow | None]] = []
    for item, statement in rows:
        if statement is not None and below_log_index is not None and statement.log_index >= below_log_index:
            break
        covered.append((item, statement))
    return covered


def quarantine(session: Session, item: QuarantineRow) -> None:
    """Keep the evidence of an item that is not believed, once."""
    session.merge(item)


NOT_OWNER: Final = "not-owner"
"""Of a statement that disposes of another's: for this node's operator alone."""
NOT_ENTERED: Final = "not-entered-here"
"""Of a hit that joins what was never entered here: for this node's operator alone too."""


def items_set_aside(session: Session, peer: str) -> int:
    """How many of its items are set aside with their digest and reason."""
    return session.scalar(select(func.count()).select_from(QuarantineRow).where(QuarantineRow.peer == peer)) or 0


def quarantined(session: Session, peer: str) -> int:
    """How many of its items are set aside, those of which only the reason is counted among them."""
    return items_set_aside(session, peer) + sum(row.items for row in counted_of(session, peer))


def is_told(row: type[QuarantineRow] | type[QuarantineCountRow] = QuarantineRow) -> ColumnElement[bool]:
    """A condition on what is set aside: its issuer may notice that it was. Of a statement that disposes of another's it
    may not: that is set aside only where the other's statement is here. Nor of a hit that joins what was never entered
    here: that tells which scans a record has."""
    return row.reason.not_in((NOT_OWNER, NOT_ENTERED))


def told_set_aside(session: Session, peer: str) -> int:
    """How many of a peer's items it is told that they are set aside."""
    told = select(func.count()).select_from(QuarantineRow).where(QuarantineRow.peer == peer, is_told())
    counted = counted_of(session, peer, is_told(QuarantineCountRow))
    return (session.scalar(told) or 0) + sum(row.items for row in counted)


def unnoted(session: Session, peer: str) -> int:
    """How many of its items are set aside without the operator having taken note of them."""
    waiting = select(func.count()).select_from(QuarantineRow)
    rows = session.scalar(waiting.where(QuarantineRow.peer == peer, QuarantineRow.seen_at.is_(None))) or 0
    return rows + sum(row.unnoted for row in counted_of(session, peer))


def counted_of(session: Session, peer: str, *conditions: ColumnElement[bool]) -> Sequence[QuarantineCountRow]:
    """The peer's items of which only the reason is counted, by reason."""
    rows = select(QuarantineCountRow).where(QuarantineCountRow.peer == peer, *conditions)
    return session.scalars(rows.order_by(QuarantineCountRow.reason)).all()


def count_beyond(session: Session, peer: str, reason: str) -> None:
    """One more item is set aside of which only the reason is counted. Needs a write transaction."""
    _count(session, peer, reason, stamp(), unnoted=True)


def count_instead(session: Session, rows: Iterable[QuarantineRow]) -> None:
    """Of these only the reasons stay, counted. Needs a write transaction."""
    for row in rows:
        _count(session, row.peer, row.reason, row.at, unnoted=row.seen_at is None)
        session.delete(row)
    session.flush()


def _count(session: Session, peer: str, reason: str, at: str, *, unnoted: bool) -> None:
    row = session.get(QuarantineCountRow, (peer, reason))
    if row is None:
        row = QuarantineCountRow(peer=peer, reason=reason, items=0, unnoted=0, last_at=at)
        session.add(row)
    row.items, row.unnoted, row.last_at = row.items + 1, row.unnoted + unnoted, max(row.last_at, at)


def items_at(session: Session, peer: str, statement_id: str) -> list[int]:
    """The places at which a statement of the peer's was set aside."""
    places = select(QuarantineRow.position).where(
        QuarantineRow.peer == peer, QuarantineRow.statement_id == statement_id
    )
    return list(session.scalars(places))


def set_aside(session: Session, peer: str, *, reasons: Collection[str] | None = None) -> Sequence[QuarantineRow]:
    """A peer's items in quarantine, those for certain reasons if some are named."""
    rows = select(QuarantineRow).where(QuarantineRow.peer == peer).order_by(QuarantineRow.position)
    return session.scalars(rows if reasons is None else rows.where(QuarantineRow.reason.in_(reasons))).all()


def last_set_aside_at(session: Session, peer: str) -> str | None:
    """When a receipt was last due for what was set aside: also for a hit of which nothing is told, as for any hit."""
    due = or_(is_told(), QuarantineRow.reason == NOT_ENTERED)
    last = session.scalar(select(func.max(QuarantineRow.at)).where(QuarantineRow.peer == peer, due))
    due = or_(is_told(QuarantineCountRow), QuarantineCountRow.reason == NOT_ENTERED)
    return max(filter(None, [last, *(row.last_at for row in counted_of(session, peer, due))]), default=None)


def last_refusals(session: Session, peer: str, limit: int) -> list[tuple[int, str, str]]:
    """Place, statement id and reason of what the peer is told was set aside last, in the lane's order; without the
    evidence, which may be large."""
    rows = select(QuarantineRow.position, QuarantineRow.statement_id, QuarantineRow.reason)
    rows = rows.where(QuarantineRow.peer == peer, is_told()).order_by(QuarantineRow.position.desc()).limit(limit)
    return [(row[0], row[1], row[2]) for row in reversed(session.execute(rows).all())]


def drop_quarantined(session: Session, peer: str, position: int) -> None:
    """It is believed after all."""
    session.execute(delete(QuarantineRow).where(QuarantineRow.peer == peer, QuarantineRow.position == position))


def take_note(session: Session, peer: str) -> int:
    """The operator has seen what is set aside of a peer's: it raises no alarm any more. Returns how much that was."""
    rows = session.scalars(select(QuarantineRow).where(QuarantineRow.peer == peer, QuarantineRow.seen_at.is_(None)))
    found = rows.all()
    for row in found:
        row.seen_at = stamp()
    noted = len(found)
    for counted in counted_of(session, peer):
        noted, counted.unnoted = noted + counted.unnoted, 0
    return noted


def node_older(peer: PeerRow) -> str | None:
    """What the operator must know of a peer whose next statement needs a later release than this; else None."""
    if peer.needs is None or not is_newer(peer.needs):
        return None
    return (
        f"This node is older: upgrade it. {peer.waiting} statements of {peer.node_id} wait on its lane, in "
        f"their order: the first needs version {peer.needs} of the contract, and this node reads {NEWEST}. Nothing is "
        "lost; once it is upgraded, this node reads on by itself."
    )


def failed_fetches(session: Session, peer: str) -> list[tuple[JobRow, AcquisitionRow]]:
    """The peer's scans that were asked for in vain so far, with why, the first of many: those in state "dead", which
    are asked for no more, before the others."""
    # in a CASE: other kinds have other subjects, and a database may cast before it looks at the kind
    subject = case((JobRow.kind == JobKind.FETCH_SCAN, cast(JobRow.subject, BigInteger)))
    rows = session.execute(
        select(JobRow, AcquisitionRow)
        .join(AcquisitionRow, AcquisitionRow.acquisition_id == subject)
        .where(*_in_vain(peer))
        .order_by(JobRow.state, JobRow.job_id)
        .limit(FAILED_AT_ONCE)
    ).all()
    return [(row[0], row[1]) for row in rows]


def _in_vain(peer: str) -> tuple[ColumnElement[bool], ...]:
    """All states are named, so that the index by node serves."""
    states = JobRow.state.in_(list(JobState))
    return JobRow.kind == JobKind.FETCH_SCAN, states, JobRow.node_id == peer, JobRow.error.is_not(None)


def _moved(peer: PeerRow) -> str | None:
    """What the operator must know of a peer that states another address than the one at which it is asked."""
    last = pinned_history(peer.card, peer.key_chain).last
    if last.event.url == peer.url:
        return None
    return (
        f"It states the address {last.event.url} since index {last.index} of its log, and is asked at {peer.url}. "
        f"Telephone its operator; if that is right: ffp peer address {peer.node_id} {last.event.url}"
    )


def standing_alarm(session: Session, peer: str) -> str | None:
    """What the operator must know of a peer although its lane goes on; None when all is well."""
    found = [f"{row.found_at} {row.detail}" for row in disagreements(session, peer)[:1]]
    row = find_peer(session, peer)
    if row is not None and (older := node_older(row)):
        found.append(older)
    if row is not None and row.state in ASKED and (moved := _moved(row)):
        found.append(moved)
    asked = witnessed_log(session, peer)
    if asked is not None and (late := unwitnessed(asked)):
        found.append(late)
    last = session.scalars(
        select(QuarantineRow)
        .where(QuarantineRow.peer == peer, QuarantineRow.seen_at.is_(None))
        .order_by(QuarantineRow.position.desc())
        .limit(1)
    ).first()
    beyond = max(counted_of(session, peer, QuarantineCountRow.unnoted > 0), key=lambda row: row.last_at, default=None)
    if last is not None:
        count = quarantined(session, peer)
        found.append(
            f"{last.at} {count} of its items are set aside and not believed, the last at place {last.position}, "
            f"{last.reason}: {last.detail}"
        )
    elif beyond is not None:
        found.append(
            f"{beyond.last_at} {quarantined(session, peer)} of its items are set aside and not believed, the last only "
            f"counted, for the reason {beyond.reason}."
        )
    not_believed = refused_count(session, peer)
    if not_believed:
        found.append(f"{not_believed} of its statements are set aside: their key was in wrong hands by then.")
    failed = session.scalar(select(func.count()).select_from(JobRow).where(*_in_vain(peer))) or 0
    if failed:
        job = session.scalars(select(JobRow).where(*_in_vain(peer)).order_by(JobRow.job_id.desc()).limit(1)).one()
        scan = session.get(AcquisitionRow, int(job.subject))
        named = f"the last {scan.sha256}, " if scan is not None else ""
        found.append(f"{failed} of its scans did not come so far, {named}{job.error}")
    return shown(" ".join(found), 1000) or None
