"""Any two scans next to each other of which one is this node's own, whether or not they were ever compared.

Nothing that the node holds of the pair is in it: no score, no registration, no cells. It is the same of two exhibits
that wait for this person's blind judgement, of two that were compared, and of two that never were: so it tells nobody
which of these they are, and shows no more than the page of a verification does. Where the person never will be asked to
judge them, since no examiner or shown a score of the exhibits before, it says which pair they were compared as.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.errors import Forbidden, InvalidInput, NotFound
from exchange.flows.blind.compared_sides import ComparedSide, shown_side
from exchange.flows.blind.visibility import view_of
from exchange.flows.candidates.candidates import CandidatePair
from exchange.flows.node.delivered_scan import Entitling
from exchange.flows.node.node import Node
from exchange.record_filter import RecordFilter
from exchange.store.entry.draft_rows import last_submitted
from exchange.store.entry.record_rows import find_records
from exchange.store.entry.search import search_records
from exchange.store.review.candidate_rows import candidate_of
from exchange.store.review.review_rows import Scans, saw, scans_of
from exchange.store.scan.deliveries import records_showing
from exchange.store.scan.listed import ListedRow, scans_listed
from exchange.store.tables.record_tables import AcquisitionRow, RecordRow
from schemas.vocabulary import Role

MOST_OFFERED = 20
"""Records to choose from: who does not find theirs among them types more of its name."""
_DIGEST_LENGTH, _LONGEST_ITEM = 64, 32


@dataclass(frozen=True)
class TwoScans:
    """Of each scan the newest of the records that show it, an own one before all others. ``compared``: as which pair
    the matcher compared them, where this person may be told."""

    one: ComparedSide
    other: ComparedSide
    compared: CandidatePair | None


@dataclass(frozen=True)
class OfferedRecord:
    """A record to choose a scan of: those that are here."""

    record: RecordRow
    scans: tuple[ListedRow, ...]


def two_scans(node: Node, role: Role, pseudonym: str, one: str, other: str) -> TwoScans:
    """Two scans by their digests.

    1. Refuse the same scan twice, whatever it is.
    2. Find the records that show each.
    3. Refuse a pair of two other nodes, which only its owners compare (docs/sharing.md).
    4. Say as which pair they were compared, where no blind judgement of this person can come of it.

    Raises InvalidInput, code "same-scan"; NotFound; Forbidden, code "pair-of-others".
    """
    # 1.
    if one == other:
        raise InvalidInput("This is one scan twice; choose another one beside it.", code="same-scan")

    with node.store.read() as session:
        # 2.
        first, second = _chosen(session, node, one, other)
        if first is None or second is None:
            raise _not_here()

        # 3.
        if not (_is_own(node, first) or _is_own(node, second)):
            raise Forbidden(
                "Neither scan is of a record of this node's own. Only the owners of two records compare them; choose a "
                "scan of an own record.",
                code="pair-of-others",
            )

        # 4.
        return TwoScans(first, second, _compared(session, role, pseudonym, scans_of(one, other)))


def one_scan(node: Node, sha256: str) -> ComparedSide:
    """One scan, to choose another one beside it. Raises NotFound."""
    with node.store.read() as session:
        [found] = _chosen(session, node, sha256)
    if found is None:
        raise _not_here()
    return found


def offered_records(
    node: Node, role: Role, pseudonym: str, typed: str, *, beside: ComparedSide | None = None
) -> list[OfferedRecord]:
    """Records to choose a scan of, newest first: those that fit what was typed (a case reference or an item number, a
    record's id, the SHA-256 of one of its scans); where nothing was typed, an examiner's own, else what came last.
    Next to a scan of another node only this node's own records are offered."""
    owner = None if beside is None or _is_own(node, beside) else node.node_id
    with node.store.read() as session:
        rows = _fitting(session, role, pseudonym, typed, owner)[:MOST_OFFERED]
        listed = scans_listed(session, {row.statement_id for row in rows})
    here = [scan for scan in listed if scan.delivered_at is not None]
    return [OfferedRecord(row, tuple(scan for scan in here if scan.statement_id == row.statement_id)) for row in rows]


def _fitting(session: Session, role: Role, pseudonym: str, typed: str, owner: str | None) -> Sequence[RecordRow]:
    """``owner``: only the records of this node; None for all."""
    if not typed:
        own = last_submitted(session, pseudonym, MOST_OFFERED) if role is Role.EXAMINER else ()
        return own or _found(session, RecordFilter(issuer=owner))
    if not typed.isprintable():
        return []
    if _is_digest(typed):
        named = [row for row in find_records(session, [typed]).values() if owner in (None, row.issuer)]
        return named or _found(session, RecordFilter(sha256=typed, issuer=owner))
    of_case = _found(session, RecordFilter(case_reference=typed, issuer=owner))
    return of_case or (_found(session, RecordFilter(item=typed, issuer=owner)) if len(typed) <= _LONGEST_ITEM else [])


def _found(session: Session, wanted: RecordFilter) -> Sequence[RecordRow]:
    return search_records(session, wanted, before=None, limit=MOST_OFFERED)


def _is_digest(typed: str) -> bool:
    return len(typed) == _DIGEST_LENGTH and set(typed) <= set("0123456789abcdef")


def _is_own(node: Node, chosen: ComparedSide) -> bool:
    return chosen.record.issuer == node.node_id


def _chosen(session: Session, node: Node, *digests: str) -> list[ComparedSide | None]:
    """Each scan, or None where no record shows it."""
    showing: list[Sequence[Entitling]] = [records_showing(session, sha256) for sha256 in digests]
    records = find_records(session, {statement.statement_id for rows in showing for _, statement in rows})
    return [_newest([(scan, records[scan.statement_id]) for scan, _ in rows], node) for rows in showing]


def _newest(shown: list[tuple[AcquisitionRow, RecordRow]], node: Node) -> ComparedSide | None:
    if not shown:
        return None
    scan, record = max(
        shown,
        key=lambda pair: (pair[1].issuer == node.node_id, pair[1].superseded_by is None, pair[1].sequence),
    )
    return shown_side(record, scan)


def _compared(session: Session, role: Role, pseudonym: str, scans: Scans) -> CandidatePair | None:
    found = candidate_of(session, scans, view_of(role, pseudonym))
    if found is None or (role is Role.EXAMINER and saw(session, pseudonym, found.exhibits, scans) is None):
        return None
    return found


def _not_here() -> NotFound:
    return NotFound("These scans are not on this node.")
