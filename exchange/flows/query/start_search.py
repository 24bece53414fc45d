"""Ask peers about a new own record by itself, where it fits a rule of this node (``search_triggers``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog
from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp, stamp_in
from exchange.flows.log.audit_rows import NODE_ITSELF
from exchange.flows.node.node import Node
from exchange.flows.node.pipelines import roles_of
from exchange.flows.query.ask import Question, ask_each
from exchange.flows.statement.sharing import decide_sharing, record_of
from exchange.log.audit_entry import Act, Deed
from exchange.search_triggers import SearchTrigger, triggers_fitting
from exchange.store.entry.record_rows import acquisitions_of, find_record, record_by_sequence
from exchange.store.log.audit import add_deeds
from exchange.store.query import started_searches as store
from exchange.store.query.queries import QueryState
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState
from exchange.store.tables.query_tables import StartedSearchRow
from exchange.store.tables.record_tables import AcquisitionRow
from schemas import Record
from schemas.exhibit import Exhibit

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StartedSearch:
    """Why a record was searched by itself, and what became of that. ``not_allowed``: peers to which policy lets no scan
    go; ``left_out``: peers that were not asked about each scan, since a day's most was reached."""

    triggers: tuple[SearchTrigger, ...]
    started_at: str
    asked: int
    not_allowed: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Found:
    """An own record that fits rules, its scans that are compared, and the peers that do not get it anyway."""

    statement_id: str
    record: Record
    triggers: tuple[SearchTrigger, ...]
    scans: tuple[AcquisitionRow, ...]
    peers: tuple[str, ...]


@dataclass
class _Outcome:
    not_allowed: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)


def start_search(node: Node, sequence: int) -> None:
    """Ask about one own record, once. ``sequence`` is its place among all that arrived here.

    1. The record stays at home, is current, and nobody was asked about it by itself before. Which rules does it fit?
    2. Each enrolled peer that does not get the record is asked about each of its scans, in the name of who submitted
       it, as a person would ask: by the same policy, with the same approvals. Not about a scan of which that peer was
       ever asked, and no more in 24 hours than the settings say.
    3. Note what became of it, and write it down in the audit log. Where the case has three firearms, the records that
       it had before fit as well: promise to ask about these.

    A node that dies in step 2 goes on where it was: what was asked is not asked again.
    """
    # 1.
    with node.store.read() as session:
        found = _look(session, node, sequence)
    if found is None:
        return

    # 2.
    outcome = _Outcome()
    for scan in found.scans:
        for peer in found.peers:
            _ask_about(node, found, scan, peer, outcome)

    # 3.
    with node.store.write() as session:
        _note(session, node, found, outcome)
    if outcome.left_out:
        log.warning(
            "the most queries of a day were asked by themselves; the rest was left out",
            record=found.statement_id,
            peers=sorted(outcome.left_out),
            most_a_day=node.settings.search_trigger_most_a_day,
        )


def started_search(session: Session, record: str) -> StartedSearch | None:
    """Why a record was searched by itself; None where it was not."""
    row = store.find_started(session, record)
    if row is None:
        return None
    return StartedSearch(
        triggers=triggers_named(row.triggers),
        started_at=row.started_at,
        asked=row.asked,
        not_allowed=tuple(row.not_allowed.split()),
        left_out=tuple(row.left_out.split()),
    )


def triggers_named(stored: str | None) -> tuple[SearchTrigger, ...]:
    """The rules that a row names."""
    return tuple(SearchTrigger(name) for name in (stored or "").split())


def _look(session: Session, node: Node, sequence: int) -> _Found | None:
    row = record_by_sequence(session, sequence)
    shown = None if row is None else find_record(session, row.statement_id)
    if row is None or shown is None or shown[1].refused_by is not None:
        return None
    if row.issuer != node.node_id or row.level not in store.STAYS_AT_HOME or row.superseded_by is not None:
        return None
    if store.find_started(session, row.statement_id) is not None:
        return None
    record = record_of(session, row.statement_id)
    triggers = triggers_fitting(record.exhibit, _case(session, record), node.settings.search_triggers)
    if not triggers:
        return None
    peers = [
        peer.node_id
        for peer in all_peers(session)
        if peer.state == PeerState.ENROLLED
        and decide_sharing(session, row.statement_id, record, peer, history=node.history) is not None
    ]
    scans = [scan for scan in acquisitions_of(session, row.statement_id) if roles_of(scan)]
    return _Found(row.statement_id, record, triggers, tuple(scans), tuple(peers))


def _case(session: Session, record: Record) -> Iterator[Exhibit]:
    """The exhibits of the record's case; nothing is read before somebody asks for the first."""
    for statement_id in store.case_at_home(session, record.issuer, record.case_reference):
        yield record_of(session, statement_id).exhibit


def _ask_about(node: Node, found: _Found, scan: AcquisitionRow, peer: str, outcome: _Outcome) -> None:
    """Whether the peer is to be asked is looked up twice: before anything is signed, and by whoever writes, since other
    workers ask it of other records meanwhile."""
    settings = node.settings

    def is_left_out(session: Session, asked: str) -> bool:
        if store.is_asked(session, node.node_id, asked, scan.sha256):
            return True
        today = store.asked_by_itself_since(session, node.node_id, asked, stamp_in(-DAY_S))
        if today >= settings.search_trigger_most_a_day:
            outcome.left_out.add(asked)
            return True
        return False

    with node.store.read() as session:
        if is_left_out(session, peer):
            return
    purpose, legal_basis = settings.search_trigger_purpose, settings.search_trigger_legal_basis
    if purpose is None or legal_basis is None:  # the settings would not have been read
        raise RuntimeError("search_triggers without a purpose and a legal basis")
    question = Question(found.statement_id, scan.position, purpose, legal_basis, found.triggers)
    for item in ask_each(node, found.record.made_by, question, [peer], unless=is_left_out):
        if item.state is QueryState.WITHHELD:
            outcome.not_allowed.add(item.peer)


def _note(session: Session, node: Node, found: _Found, outcome: _Outcome) -> None:
    if store.find_started(session, found.statement_id) is not None:  # by another worker, after this one's lease
        return
    queries = store.queries_by_itself(session, node.node_id, found.statement_id)
    row = StartedSearchRow(
        record=found.statement_id,
        triggers=" ".join(found.triggers),
        started_at=stamp(),
        asked=len(queries),
        not_allowed=" ".join(sorted(outcome.not_allowed)),
        left_out=" ".join(sorted(outcome.left_out)),
    )
    store.note_started(session, row)
    told = [f"rules: {row.triggers}"]
    told += [f"not allowed: {row.not_allowed}"] if row.not_allowed else []
    told += [f"left out, a day's most was reached: {row.left_out}"] if row.left_out else []
    deed = Deed(
        NODE_ITSELF,
        Act.START_SEARCH,
        len(queries),
        (found.statement_id, *queries),
        "; ".join(told),
        purpose=node.settings.search_trigger_purpose,
        legal_basis=node.settings.search_trigger_legal_basis,
    )
    add_deeds(session, [deed])
    if SearchTrigger.THREE_FIREARMS in found.triggers:
        store.promise_searches_of_case(session, node.node_id, found.record.case_reference)
