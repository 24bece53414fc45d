"""The incident annex of a half-year: drafted from what was entered, approved by the head, and only then handed out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from exchange.clock import stamp
from exchange.coordination.approved_document import ApprovedDocument, approve_document, digest_of, find_approval
from exchange.coordination.approved_rows import ApprovedKind, Editions, approved_periods, approved_rows
from exchange.coordination.half_year.editions import editions
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.incidents.enter_incidents import entered, halves_entered, settle
from exchange.coordination.incidents.incident_document import (
    AnnexHead,
    EarlierTotals,
    ExactAnnex,
    ToldAnnex,
    read_exact,
    read_told,
    told_edition,
    write_exact,
    write_told,
)
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from schemas import Maker

RECENT_HALVES: Final = 6
"""Half-years that the page offers, also those of which nothing is entered."""


@dataclass(frozen=True)
class AnnexDraft:
    """What would be approved. ``sha256`` is the manifest's, which is what the head signs."""

    exact: ExactAnnex
    told: ToldAnnex
    editions: Editions

    @property
    def sha256(self) -> str:
        return self.editions.sha256


@dataclass(frozen=True, kw_only=True)
class ApprovedAnnex(ApprovedDocument):
    """An annex as it was approved: what the approval concerns is the manifest."""

    exact: ExactAnnex
    told: ToldAnnex


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
    owner = (node.node_id, settings.jurisdiction)
    return AnnexDraft(exact, told, editions(ApprovedKind.ANNEX, str(half), *owner, told_bytes, exact_bytes))


def entered_annex(node: Node, half: Half) -> AnnexDraft:
    """As ``draft_annex``. Raises NotFound while nothing is entered."""
    found = draft_annex(node, half)
    if found is None:
        raise NotFound(f"Nothing is entered of {half}.")
    return found


def approve_annex(node: Node, maker: Maker, half: Half, sha256: str, because: str) -> str:
    """Approve the annex of a half-year that is over. Returns the statement's id.

    1. Draft it anew: what is approved is what was shown, whose manifest has the digest ``sha256``.
    2. Sign an approval of the manifest, and keep both editions with it. The states that could be gone back to are
       erased.

    Raises Conflict, code "half-not-over", "other-figures", "decided", "no-incident"; NotFound; InvalidInput.
    """
    # 1.
    if half.end > stamp():
        raise Conflict(f"The half-year {half} is not over before {half.end}.", code="half-not-over")
    found = entered_annex(node, half)
    if found.sha256 != sha256:
        raise Conflict("The figures are others by now. Read them again, then approve.", code="other-figures")
    if found.exact.counts.without_incident():
        raise Conflict(
            "Persons are counted whose offence and weapon kind no incident has. Correct the counts, then approve.",
            code="no-incident",
        )

    # 2.
    approved = approve_document(
        node,
        maker,
        ApprovedKind.ANNEX,
        str(half),
        found.editions,
        because,
        also=lambda session: settle(session, half),
    )
    return approved.approval


def find_annex(node: Node, half: Half) -> ApprovedAnnex | None:
    """The annex of a half-year as it was approved; None while it is not."""
    with node.store.read() as session:
        approved = find_approval(session, ApprovedKind.ANNEX, str(half))
    if approved is None:
        return None
    exact, told = read_exact(approved.editions.restricted), read_told(approved.editions.public)
    return ApprovedAnnex(exact=exact, told=told, **vars(approved))


def released_annex(node: Node, half: Half) -> ApprovedAnnex:
    """What may be handed out of a half-year. Raises NotFound, code "not-approved"."""
    found = find_annex(node, half)
    if found is None:
        raise NotFound(
            f"The incident annex of {half} is not approved for release. {approve_annex_next(half)}", code="not-approved"
        )
    return found


def approve_annex_next(half: Half) -> str:
    """What the head does about an annex that is not approved."""
    if half.end > stamp():
        return f"It can be approved once the half-year is over, from {half.end[:10]} on."
    return (
        f"The head reads it (ffp incidents show --half {half}) and approves it: on the page Incidents, or with "
        f"ffp incidents approve SHA256 --half {half} --as HEAD --because WHY."
    )


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
        approved = approved_periods(session, ApprovedKind.ANNEX)
        known = halves_entered(session) | approved
    half, recent = Half.of(datetime.fromisoformat(stamp())), list[Half]()
    while len(recent) < RECENT_HALVES:
        recent.append(half)
        half = half.before()
    halves = sorted({*recent, *map(Half.parse, known)}, reverse=True)
    return [HalfState(one, str(one) in known, str(one) in approved) for one in halves]


def _earlier(session: Session, half: Half) -> list[EarlierTotals]:
    """The approved annexes of half-years before this one, the first first."""
    return [
        EarlierTotals(row.period, digest_of(row.public), read_told(row.public).totals)
        for row in approved_rows(session, ApprovedKind.ANNEX)
        if row.period < str(half)
    ]
