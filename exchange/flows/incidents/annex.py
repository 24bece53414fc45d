"""The incident annex of a half-year: drafted from what was entered, approved by the head, and only then handed out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.errors import Conflict, InvalidInput, NotFound
from exchange.flows.incidents.document import (
    AnnexHead,
    EarlierTotals,
    ExactAnnex,
    ToldAnnex,
    read_exact,
    read_told,
    told_edition,
    write_annex_manifest,
    write_exact,
    write_told,
)
from exchange.flows.incidents.enter import entered, settle
from exchange.flows.monitoring.half_years import Half
from exchange.flows.node.node import Node
from exchange.flows.statement.sign_statement import enter, say
from exchange.store.incidents.entries import approved_annex, approved_annexes, halves_entered, keep_annex
from exchange.store.log.statements import find_statement
from exchange.store.tables.incidents import IncidentAnnexRow
from schemas import Approval, Maker, open_envelope, parse_statement
from schemas.vocabulary import Decision

RECENT_HALVES: Final = 6
"""Half-years that the page offers, also those of which nothing is entered."""


@dataclass(frozen=True)
class AnnexDraft:
    """What would be approved. ``sha256`` is the manifest's, which is what the head signs."""

    exact: ExactAnnex
    told: ToldAnnex
    exact_bytes: bytes
    told_bytes: bytes
    manifest: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.manifest).hexdigest()


@dataclass(frozen=True)
class ApprovedAnnex:
    """An annex as it was approved. ``approval`` is the signed statement, ``envelope`` its exact bytes."""

    exact: ExactAnnex
    told: ToldAnnex
    exact_bytes: bytes
    told_bytes: bytes
    manifest: bytes
    sha256: str
    approval: str
    log_index: int
    envelope: bytes
    approved_by: str
    approved_at: str
    because: str
    """To whom it goes and on what ground, as the head signed it."""


@dataclass(frozen=True)
class HalfState:
    half: Half
    entered: bool
    approved: bool


def draft_annex(node: Node, half: Half) -> AnnexDraft | None:
    """What is entered of a half-year as both editions; None while nothing is. The same state gives the same bytes."""
    current = entered(node, half).current
    if current is None:
        return None
    with node.store.read() as session:
        earlier = _earlier(session, half)
    settings = node.settings
    head = AnnexHead(half, node.node_id, settings.jurisdiction, settings.monitoring_smallest)
    exact = ExactAnnex(head, current.salt, current.counts)
    told = told_edition(exact, earlier)
    exact_bytes, told_bytes = write_exact(exact, node.jurisdictions), write_told(told, node.jurisdictions)
    return AnnexDraft(exact, told, exact_bytes, told_bytes, write_annex_manifest(head, exact_bytes, told_bytes))


def approve_annex(node: Node, maker: Maker, half: Half, sha256: str, because: str) -> str:
    """Approve the annex of a half-year that is over. Returns the statement's id.

    1. Draft it anew: what is approved is what was shown, whose manifest has the digest ``sha256``.
    2. Sign an approval of that digest.
    3. In one transaction: the statement into the log, and both editions with it. It goes on nobody's lane. The states
       that could be gone back to are erased.

    Raises Conflict, code "half-not-over", "other-figures", "decided", "no-incident"; NotFound; InvalidInput.
    """
    # 1.
    if half.end > stamp():
        raise Conflict(f"The half-year {half} is not over before {half.end}.", code="half-not-over")
    found = draft_annex(node, half)
    if found is None:
        raise NotFound(f"Nothing is entered of {half}.")
    if found.sha256 != sha256:
        raise Conflict("The figures are others by now. Read them again, then approve.", code="other-figures")
    if found.exact.counts.without_incident():
        raise Conflict(
            "Persons are counted whose offence and weapon kind no incident has. Correct the counts, then approve.",
            code="no-incident",
        )

    # 2.
    said = say(
        node,
        Approval,
        maker,
        concerns=found.sha256,
        jurisdiction=node.settings.jurisdiction,
        decision=Decision.APPROVED,
        because=because,
    )

    # 3.
    with node.store.write() as session:
        if approved_annex(session, str(half)) is not None:
            raise Conflict(f"The incident annex of {half} was approved already.", code="decided")
        enter(session, said, to=[])
        keep_annex(
            session,
            IncidentAnnexRow(
                half=str(half),
                exact=found.exact_bytes,
                told=found.told_bytes,
                manifest=found.manifest,
                sha256=found.sha256,
                approval=said.statement_id,
                approved_by=maker.pseudonym,
                approved_at=stamp(),
            ),
        )
        settle(session, half)
    return said.statement_id


def find_annex(node: Node, half: Half) -> ApprovedAnnex | None:
    """The annex of a half-year as it was approved; None while it is not."""
    with node.store.read() as session:
        row = approved_annex(session, str(half))
        statement = find_statement(session, row.approval) if row is not None else None
    if row is None or statement is None or statement.envelope is None:
        return None
    said = parse_statement(open_envelope(statement.envelope).payload)
    return ApprovedAnnex(
        exact=read_exact(row.exact),
        told=read_told(row.told),
        exact_bytes=row.exact,
        told_bytes=row.told,
        manifest=row.manifest,
        sha256=row.sha256,
        approval=row.approval,
        log_index=statement.log_index,
        envelope=statement.envelope,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        because=said.because if isinstance(said, Approval) else "",
    )


def released_annex(node: Node, half: Half) -> ApprovedAnnex:
    """What may be handed out of a half-year. Raises NotFound, code "not-approved"."""
    found = find_annex(node, half)
    if found is None:
        raise NotFound(f"The incident annex of {half} is not approved for release.", code="not-approved")
    return found


def annex_document(node: Node, half: Half) -> ExactAnnex | None:
    """The exact counts of a half-year, for the node's own people: as they were approved, else as they are entered."""
    found = find_annex(node, half) or draft_annex(node, half)
    return None if found is None else found.exact


def told_annex(node: Node, half: Half) -> ToldAnnex | None:
    """The public edition of a half-year that was approved; None while it is not: nothing of it leaves the node."""
    found = find_annex(node, half)
    return None if found is None else found.told


def half_states(node: Node) -> list[HalfState]:
    """The newest first: the last half-years, and each of which something is entered or approved."""
    with node.store.read() as session:
        approved = {row.half for row in approved_annexes(session)}
        known = halves_entered(session) | approved
    half, recent = Half.of(datetime.fromisoformat(stamp())), list[Half]()
    while len(recent) < RECENT_HALVES:
        recent.append(half)
        half = half.before()
    halves = sorted({*recent, *map(Half.parse, known)}, reverse=True)
    return [HalfState(one, str(one) in known, str(one) in approved) for one in halves]


def check_digest(text: str) -> str:
    """Raises InvalidInput for what is no SHA-256 in hexadecimal digits."""
    if len(text) != hashlib.sha256().digest_size * 2 or set(text) - set("0123456789abcdef"):
        raise InvalidInput("Approve what the page shows.", code="invalid-field")
    return text


def _earlier(session: Session, half: Half) -> list[EarlierTotals]:
    """The approved annexes of half-years before this one, the first first."""
    return [
        EarlierTotals(row.half, hashlib.sha256(row.told).hexdigest(), read_told(row.told).totals)
        for row in approved_annexes(session)
        if row.half < str(half)
    ]
