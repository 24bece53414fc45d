"""What the database knows of each pair that a hit joins: worked out of its statements whenever one of them comes.

``note_said`` marks a pair within the transaction that stores a statement; ``settle_pairs`` works it out after that, and
stores the result. Nothing is decided by these rows alone: a page that shows a hit reads its statements.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.flows.hits.history import Link, links_of, pair_id, pairs_of_same_exhibits
from exchange.flows.hits.stage import Stage
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import (
    add_hit,
    begin_pair,
    hits_of_pairs,
    hits_without_pair,
    mark_stale,
    settle_pair,
    stale_pairs,
    stored_stage,
)
from exchange.store.log.statement_rows import find_statement
from exchange.store.long_lists import AT_ONCE
from exchange.store.review.review_rows import scans_of
from exchange.store.review.webhook_rows import WebhookEvent, announce_event
from exchange.store.tables.hits import HitPairRow
from schemas import (
    AnyStatement,
    Conclusion,
    Hit,
    Pair,
    Receipt,
    Verification,
    about,
    open_envelope,
    parse_statement,
)
from schemas.kinds import MeantFor, kind_of


def note_said(session: Session, statement_id: str, statement: AnyStatement) -> None:
    """A statement was stored: the pair that it concerns is to be worked out anew. Needs a write transaction."""
    if isinstance(statement, Receipt):
        mark_stale(session, provisional=True)
        return
    pair = _pair_concerned(session, statement)
    if isinstance(statement, Hit):
        if stored_stage(session, pair_id(statement.pair)) is None:
            announce_event(session, WebhookEvent.HITS)
        add_hit(session, statement_id, pair_id(statement.pair))
        begin_pair(session, _begun(statement_id, statement.pair))
    elif pair is not None:
        for joined in pairs_of_same_exhibits(session, pair):
            mark_stale(session, joined)


def settle_pairs(node: Node) -> None:
    """Work out what is stale, and store it. A pair that cannot be worked out stays stale, and holds up no other."""
    after = ""
    while True:
        with node.store.read() as session:
            stale = dict(stale_pairs(session, after=after, limit=AT_ONCE))
            found = {pair_id(link.pair): link for link in links_of(session, node, stale)}
            lacking = stale.keys() - found.keys()
            gone = lacking - hits_of_pairs(session, lacking, most=1).keys()
        if not stale:
            return
        with node.store.write() as session:
            for pair, changed in stale.items():
                if pair in found:
                    worked_out = _worked_out(found[pair])
                    if stored_stage(session, pair) != worked_out["stage"]:
                        announce_event(session, WebhookEvent.HITS)
                    settle_pair(session, pair, changed, worked_out)
                elif pair in gone:
                    announce_event(session, WebhookEvent.HITS)
                    settle_pair(session, pair, changed, None)
        after = max(stale)


def work_out_all(node: Node) -> None:
    """At a start, and after keys were found to have been in wrong hands: pairs of hits that stand in none, and all
    others anew, since terms and releases change."""
    with node.store.write() as session:
        mark_stale(session)
    while True:
        with node.store.read() as session:
            hits = [(row.statement_id, row.envelope or b"") for row in hits_without_pair(session, limit=AT_ONCE)]
        said = [(name, parse_statement(open_envelope(raw).payload)) for name, raw in hits]
        if not said:
            break
        with node.store.write() as session:
            for name, statement in said:
                note_said(session, name, statement)
    settle_pairs(node)


def _pair_concerned(session: Session, statement: AnyStatement) -> Pair | None:
    if isinstance(statement, Hit | Conclusion | Verification):
        return statement.pair
    spoken_of = about(statement)
    concerns_hit = kind_of(statement).meant_for is MeantFor.CONCERNED
    return _pair_of(session, spoken_of) if concerns_hit and spoken_of is not None else None


def _pair_of(session: Session, statement_id: str) -> Pair | None:
    row = find_statement(session, statement_id)
    if row is None or row.envelope is None or row.type not in ("hit", "conclusion", "verification"):
        return None
    said = parse_statement(open_envelope(row.envelope).payload)
    return said.pair if isinstance(said, Hit | Conclusion | Verification) else None


def _begun(hit: str, pair: Pair) -> HitPairRow:
    """As if it were due at once, until it is worked out."""
    low, high = scans_of(pair.a.scan, pair.b.scan)
    now = stamp()
    return HitPairRow(
        pair=pair_id(pair),
        link_id=hit,
        record_a=pair.a.record,
        record_b=pair.b.record,
        exhibit_a=pair.a.exhibit,
        exhibit_b=pair.b.exhibit,
        scan_low=low,
        scan_high=high,
        stage=Stage.LEAD,
        since=now,
        due_at=now,
        waits_for="",
        tasks="[]",
        provisional=True,
        changed=0,
        stale=True,
    )


def _worked_out(link: Link) -> dict[str, Any]:
    found = link.progress
    return {
        "link_id": link.link_id,
        "stage": str(found.stage),
        "since": found.since,
        "due_at": found.due_at or "",
        "waits_for": " ".join(found.waits_for),
        "tasks": json.dumps([[task.todo, task.node, task.due_at] for task in found.tasks]),
        "provisional": found.provisional,
    }
