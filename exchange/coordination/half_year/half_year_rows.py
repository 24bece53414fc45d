"""What a half-year is counted from: rows and signed statements as they were known at one moment; and what is counted of
exhibits and of hits.

A link id lets a reader of both sides' restricted editions count a hit of both sides once, without learning the cases.

A link id is an HMAC-SHA256 of the two cases. Its key is derived from the nonces of the first receipt that each of the
two nodes signed for the other's lane. No third node has the key: a receipt is on one lane only, and witnesses of a log
know digests, not statements. Both sides have both receipts from the first exchange on, and receipts are never erased.
Therefore both sides compute the same id for the same two cases in every half-year, in whatever order things arrived.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Session

from exchange.clock import LAST, stamp
from exchange.config import Settings
from exchange.coordination.half_year import counted
from exchange.coordination.half_year.counted import Compared, Given, Version, first_receipts
from exchange.coordination.half_year.half_years import Half
from exchange.flows.hits.stage import Entry, HitProgress, both_have, progress
from exchange.flows.node.node import Node
from exchange.store.hits.joined_pairs import countersigned
from exchange.store.sync.node_hours import hours_between
from exchange.store.sync.peers import all_peers
from exchange.store.tables.query_tables import QueryRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.tables.review_tables import VerificationTaskRow
from exchange.store.tables.terms_tables import ApprovalRow
from schemas import Conclusion, Feedback, Hit, Pair, Receipt, Verification, about, open_envelope, parse_statement
from schemas.kinds import OF_A_HIT
from schemas.vocabulary import HitStage

BETWEEN_TWO = ("hit", *sorted(OF_A_HIT), "retraction")
REVIEWING = (*BETWEEN_TWO, "conclusion", "verification", "withdrawal")


@dataclass(frozen=True)
class HalfYearRows:
    """``moment`` is the end of the half-year, or now while it lasts: nothing that came later is in here, so that the
    same half-year is counted the same at any later time. ``began_at``: None of a node without a log.

    ``partners`` has the jurisdiction of each peer that was enrolled by then. ``audited_since``: None when all audit
    rows are kept. ``hours``: by node, in how many it was asked and in how many it answered.
    """

    node_id: str
    jurisdiction: str
    half: Half
    moment: str
    began_at: str | None
    partners: Mapping[str, str]
    versions: tuple[Version, ...]
    said: tuple[Entry, ...]
    sent: tuple[Entry, ...]
    """Own hits by when this node signed them: also those that the other side read after the moment."""
    cases: Mapping[str, tuple[str, str]]
    given: tuple[Given, ...]
    audited_since: str | None
    compared: tuple[Compared, ...]
    tasks: tuple[VerificationTaskRow, ...]
    approvals: tuple[ApprovalRow, ...]
    queries: tuple[QueryRow, ...]
    hours: Mapping[str, tuple[int, int]]

    @property
    def columns(self) -> list[str]:
        """The codes of the partners, in their order."""
        return sorted(set(self.partners.values()) - {self.jurisdiction})

    def column(self, issuer: str) -> str | None:
        """The jurisdiction of a node; None of one that is no partner."""
        return self.jurisdiction if issuer == self.node_id else self.partners.get(issuer)

    def within(self, at: str | None) -> bool:
        """Whether it happened in the half-year, as far as it has come."""
        return self.half.holds(at) and at is not None and at < self.moment


def rows_of(session: Session, node: Node, half: Half) -> HalfYearRows:
    moment = min(half.end, stamp())
    entries = _reviewing(session, node)
    return HalfYearRows(
        node_id=node.node_id,
        jurisdiction=node.settings.jurisdiction,
        half=half,
        moment=moment,
        began_at=counted.begun_at(session, node.node_id),
        partners={peer.node_id: peer.jurisdiction for peer in all_peers(session) if peer.enrolled_at < moment},
        versions=tuple(counted.versions_before(session, moment)),
        said=tuple(sorted((entry for entry in entries if entry.at < moment), key=lambda entry: entry.at)),
        sent=tuple(
            entry
            for entry in entries
            if isinstance(entry.statement, Hit)
            and entry.statement.issuer == node.node_id
            and entry.received_at < moment
        ),
        cases=counted.cases_of(session),
        given=tuple(counted.given_before(session, node.node_id, moment)),
        audited_since=counted.audit_kept_since(session),
        compared=tuple(counted.compared_records(session, node.node_id)),
        tasks=tuple(counted.tasks_before(session, moment)),
        approvals=tuple(counted.approvals_before(session, moment)),
        queries=tuple(counted.queries_before(session, moment)),
        hours=hours_between(session, half.start[:10], half.end[:10]),
    )


def _reviewing(session: Session, node: Node) -> list[Entry]:
    """What both sides of a hit say to each other, by the time that both have; the rest by this node's own. An own one
    that the other side has not countersigned yet counts from when it was signed."""
    rows = counted.said_before(session, REVIEWING, stamp())
    shared = [row.statement_id for row in rows if row.type in BETWEEN_TWO]
    times = countersigned(session, node.node_id, shared)
    return [entry_of(row, times.get(row.statement_id)) for row in rows]


def entry_of(row: StatementRow, countersigned_at: str | None = None) -> Entry:
    statement = parse_statement(open_envelope(row.envelope or b"").payload)
    return Entry(row.statement_id, statement, row.received_at, row.log_index, both_have(statement, countersigned_at))


def asked_hours(rows: HalfYearRows) -> dict[str, tuple[int, int]]:
    """By node, this one first: in how many hours it was asked, and in how many of these it answered. Of this node: the
    hours since it began, and those in which it ran."""
    others = {node_id: rows.hours.get(node_id, (0, 0)) for node_id in sorted(rows.partners)}
    own = own_hours(rows)
    return {rows.node_id: (own, min(own, rows.hours.get(rows.node_id, (0, 0))[1])), **others}


def own_hours(rows: HalfYearRows) -> int:
    """The hours of the half-year that were touched since the node began; 0 when it never ran in it."""
    if rows.began_at is None or rows.began_at >= rows.moment or rows.node_id not in rows.hours:
        return 0
    since, until = (datetime.fromisoformat(at) for at in (max(rows.began_at, rows.half.start), rows.moment))
    first = since.replace(minute=0, second=0, microsecond=0)
    return -int(-(until - first).total_seconds() // 3600)


def roots_of(rows: HalfYearRows) -> dict[str, str]:
    """Map each version of a record to its earliest version that is in ``rows``."""
    roots: dict[str, str] = {}
    for version in rows.versions:
        before = version.before
        roots[version.statement_id] = version.statement_id if before is None else roots.get(before, before)
    return roots


def first_versions(rows: HalfYearRows) -> dict[tuple[str, str], str]:
    """By issuer and exhibit, when its first version came to be known here."""
    roots, first = roots_of(rows), dict[tuple[str, str], str]()
    for version in rows.versions:
        first.setdefault((version.issuer, roots[version.statement_id]), version.at)
    return first


def compared_at(rows: HalfYearRows, *, across: bool = False) -> dict[str, str]:
    """By own exhibit, when a scan of it was first compared; ``across``: of those alone that have a pair across a
    border."""
    roots, found = roots_of(rows), dict[str, str]()
    for item in rows.compared:
        root = roots.get(item.record)
        if root is not None and item.correlated_at is not None and (item.cross_border or not across):
            found[root] = min(item.correlated_at, found.get(root, item.correlated_at))
    return found


def opened_at(rows: HalfYearRows) -> dict[str, str]:
    """By own exhibit, when a pair of it was first opened."""
    roots, found = roots_of(rows), dict[str, str]()
    for item in rows.compared:
        root = roots.get(item.record)
        if root is not None and item.opened_at is not None:
            found[root] = min(item.opened_at, found.get(root, item.opened_at))
    return found


def shared_with(rows: HalfYearRows) -> list[str | None]:
    """For each own exhibit that a partner was first given in the half-year, that partner's jurisdiction."""
    roots, first = roots_of(rows), dict[tuple[str | None, str], str]()
    for given in rows.given:
        key = rows.column(given.peer), roots.get(given.record, given.record)
        first[key] = min(given.at, first.get(key, given.at))
    return [column for (column, _), at in first.items() if rows.within(at)]


Cases = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Joined:
    """Two cases, at least one of which is this node's. ``column`` is the jurisdiction of the other case. ``partner`` is
    the node of the other case, or None if both cases are this node's. ``hits`` are the hits that stand, ``feedback``
    this node's own feedback on them."""

    column: str
    partner: str | None
    cases: Cases
    hits: tuple[Entry, ...]
    feedback: tuple[Entry, ...]

    @property
    def first_at(self) -> str:
        return self.hits[0].at

    @property
    def confirmed_at(self) -> str | None:
        return next((hit.at for hit in self.hits if _is_confirmed(hit)), None)


def joined_cases(rows: HalfYearRows, terms: Settings) -> list[Joined]:
    """Those that still stood joined at the moment, in the order in which they came to be: by hits that count."""
    hits: dict[Cases, list[Entry]] = defaultdict(list)
    feedback: dict[Cases, list[Entry]] = defaultdict(list)
    columns: dict[Cases, tuple[str, str | None]] = {}
    for pair, history in histories_of(rows).items():
        column, cases = column_of(rows, pair), _cases(rows, pair)
        counts_not = progress(history, terms).no_effect
        standing = [said for said in history if said.statement_id not in counts_not]
        found = [said for said in standing if isinstance(said.statement, Hit)]
        if column is not None and found:
            columns[cases] = column, partner_in(rows, pair)
            hits[cases] += found
            feedback[cases] += [said for said in standing if _is_own_feedback(rows, said, found)]
    joined = [
        Joined(*columns[cases], cases, _in_time(found), _in_time(feedback[cases])) for cases, found in hits.items()
    ]
    return sorted(joined, key=lambda item: (item.first_at, item.hits[0].statement_id))


def _is_own_feedback(rows: HalfYearRows, said: Entry, hits: Sequence[Entry]) -> bool:
    told = said.statement
    if not isinstance(told, Feedback) or told.issuer != rows.node_id:
        return False
    return told.hit in {hit.statement_id for hit in hits}


def _in_time(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.statement_id)))


def column_of(rows: HalfYearRows, pair: Pair) -> str | None:
    """The jurisdiction of the side that is not this node's, this node's own when both are; None when neither is, or
    the other is no partner."""
    others = [side.issuer for side in (pair.a, pair.b) if side.issuer != rows.node_id]
    if len(others) == 2:
        return None
    return rows.column(others[0]) if others else rows.jurisdiction


def partner_in(rows: HalfYearRows, pair: Pair) -> str | None:
    """The node of the side that is not this one's; None where both are."""
    return next((side.issuer for side in (pair.a, pair.b) if side.issuer != rows.node_id), None)


def progress_of_hits(rows: HalfYearRows, terms: Settings) -> list[tuple[str, HitProgress]]:
    """How far each pair of scans that is a hit was at the moment, with its column; as the pages say it."""
    found = ((column_of(rows, pair), history) for pair, history in histories_of(rows).items())
    return [(column, progress(history, terms)) for column, history in found if column is not None]


def histories_of(rows: HalfYearRows) -> dict[Pair, list[Entry]]:
    """Return, for each pair that has a hit, the statements about this pair."""
    pairs: dict[str, Pair] = {}
    for said in rows.said:
        if isinstance(said.statement, Hit | Conclusion | Verification):
            pairs[said.statement_id] = said.statement.pair
    histories: dict[Pair, list[Entry]] = {
        said.statement.pair: [] for said in rows.said if isinstance(said.statement, Hit)
    }
    for said in rows.said:
        pair = pairs.get(said.statement_id) or pairs.get(about(said.statement) or "")
        if pair in histories:
            histories[pair].append(said)
    return histories


def _cases(rows: HalfYearRows, pair: Pair) -> Cases:
    """A record that is gone stands for a case of its own."""
    return frozenset(rows.cases.get(side.record, (side.issuer, side.record)) for side in (pair.a, pair.b))


def _is_confirmed(hit: Entry) -> bool:
    return isinstance(hit.statement, Hit) and hit.statement.stage is HitStage.CONFIRMED


_PURPOSE = b"ffp-link-id/1"


@dataclass(frozen=True)
class LinkedCases:
    """Two cases that a hit joins across a border and that stood joined at the moment. ``link``: None while the two
    nodes have signed no receipts for each other's lanes yet. ``lead`` and ``confirmed``: the half-years of the first
    hit and of the first confirmed one; ``by``: the jurisdiction whose node signed that first hit."""

    partner: str
    link: str | None
    by: str
    lead: Half
    confirmed: Half | None


def linked_cases_of(session: Session, rows: HalfYearRows, joined: Sequence[Joined]) -> tuple[LinkedCases, ...]:
    """Those across a border, in the order of their ids: the order in which they came to be tells nothing then."""
    keys: dict[str, bytes | None] = {}
    found = []
    for item in joined:
        if item.partner is None:
            continue
        if item.partner not in keys:
            keys[item.partner] = link_key(session, rows.node_id, item.partner)
        key = keys[item.partner]
        found.append(
            LinkedCases(
                partner=item.column,
                link=link_id(key, item.cases) if key is not None else None,
                by=rows.column(item.hits[0].statement.issuer) or item.column,
                lead=_half_of(item.first_at),
                confirmed=_half_of(item.confirmed_at) if item.confirmed_at is not None else None,
            )
        )
    return tuple(sorted(found, key=lambda link: (link.partner, link.link or "", link.lead, str(link.confirmed))))


def link_key(session: Session, node_id: str, partner: str) -> bytes | None:
    """Return the key (32 bytes) of the link ids of two nodes, or None until each has signed a receipt for the other."""
    nonces: Mapping[str, str | None] = {
        node_id: _first_nonce(session, node_id, owner=partner),
        partner: _first_nonce(session, partner, owner=node_id),
    }
    names = sorted(nonces)
    parts = [nonces[name] for name in names]
    if None in parts:
        return None
    secret = b"".join(bytes.fromhex(part) for part in parts if part is not None)
    info = b"\0".join([_PURPOSE, *(name.encode() for name in names)])
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def link_id(key: bytes, cases: Cases) -> str:
    """64 hexadecimal digits. ``cases``: each as its owner and reference."""
    said = json.dumps(sorted(cases), ensure_ascii=False, separators=(",", ":")).encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()


def _first_nonce(session: Session, issuer: str, *, owner: str) -> str | None:
    """Of the first receipt, by its issuer's log, for the lane of this owner."""
    for envelope in first_receipts(session, issuer):
        said = parse_statement(open_envelope(envelope).payload)
        if isinstance(said, Receipt) and said.owner == owner:
            return said.nonce
    return None


def _half_of(at: str) -> Half:
    at = min(at, LAST)
    return Half(int(at[:4]), 1 if int(at[5:7]) <= 6 else 2)
