"""The incident annex of a half-year within a report's file: its manifest, its public edition, the proof that the head
approved it, and the exact edition sealed for the file's recipient, or not at all.

It is a document of its own with an approval of its own, so that report and annex can be approved in either order, and
a report is the same with an annex beside it and without.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from exchange.coordination.approved_document import check_approval, check_part
from exchange.coordination.approved_rows import ApprovedKind
from exchange.coordination.half_year.editions import EditionsManifest, read_editions_manifest
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.restricted_edition import BLOCK, HalfText
from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.coordination.incidents.incident_document import (
    AnnexHead,
    ExactAnnex,
    ToldAnnex,
    read_exact,
    read_told,
)
from exchange.coordination.incidents.told_incidents import exact_table, exact_totals
from exchange.coordination.region_files.recipient import SealedEdition
from exchange.errors import InvalidInput, StatementInvalid
from exchange.flows.statement.proven import ProvenStatement
from schemas.exhibit import Contract
from schemas.lane import Base64Text


class BoundAnnex(Contract):
    """``proof`` is the bundle of the signed approval, which concerns the manifest."""

    half: HalfText
    manifest: Base64Text
    public: Base64Text
    exact: SealedEdition | None
    proof: Base64Text


@dataclass(frozen=True)
class VerifiedAnnex:
    """An annex that its node's head approved. ``exact``: None where the file has none, or there is no key. ``sha256``:
    of the manifest; ``approval``: the id of the statement that concerns it."""

    told: ToldAnnex
    exact: ExactAnnex | None
    sha256: str
    approval: str

    @property
    def half(self) -> Half:
        return self.told.head.half


def filled_up(exact: bytes) -> bytes:
    """With blanks behind it, so that the length of what is sealed does not tell how many cells are counted."""
    return exact + b" " * (-len(exact) % BLOCK)


def check_annex(
    bound: BoundAnnex, proven: ProvenStatement, opened: Callable[[SealedEdition, bytes], bytes | None]
) -> VerifiedAnnex:
    """Believe an annex whose proof verified, for an identity that is believed, or raise the reason not to.
    ``opened``: opens what was sealed beside a manifest; None of whoever has no key.

    1. The statement is an approval, by the node's own head, of this manifest.
    2. The manifest is of that node and of the half-year that the file says.
    3. The public edition is the one that it names, and of the same node and half-year.
    4. So is the exact edition, and every range of the public one holds what it counts.

    Raises StatementInvalid, InvalidInput, ContractError, and what ``opened`` raises.
    """
    # 1.
    manifest_bytes, public = base64.b64decode(bound.manifest), base64.b64decode(bound.public)
    said = check_approval(proven, manifest_bytes)

    # 2.
    manifest = read_editions_manifest(ApprovedKind.ANNEX, manifest_bytes)
    if (manifest.node, manifest.jurisdiction, manifest.period) != (
        proven.card.issuer,
        proven.card.jurisdiction,
        bound.half,
    ):
        raise StatementInvalid("The annex is of another node or half-year than the file says.", code="wrong-issuer")

    # 3.
    check_part(public, manifest.public, "public")
    told = read_told(public)
    _check_head(told.head, manifest)

    # 4.
    counted = None
    exact = None if bound.exact is None else opened(bound.exact, manifest_bytes)
    if exact is not None:
        counted_bytes = exact.rstrip(b" ")
        check_part(counted_bytes, manifest.restricted, "exact")
        counted = read_exact(counted_bytes)
        _check_head(counted.head, manifest)
        _check_agreement(told, counted)
    return VerifiedAnnex(told, counted, said.concerns, proven.verified.statement_id)


def _check_head(head: AnnexHead, manifest: EditionsManifest) -> None:
    if (head.node_id, head.jurisdiction, str(head.half)) != (manifest.node, manifest.jurisdiction, manifest.period):
        raise StatementInvalid("An edition of the annex is of another node or half-year.", code="wrong-issuer")


def _check_agreement(told: ToldAnnex, exact: ExactAnnex) -> None:
    totals = exact_totals(exact.counts)
    pairs = [(figure, totals[name]) for name, figure in told.totals.items()]
    for table in told.tables.values():
        cells = exact_table(exact.counts, table.kind)
        pairs += [(figure, cells[place]) for place, figure in table.cells.items()]
    if told.head.smallest != exact.head.smallest or not all(_holds(figure, count) for figure, count in pairs):
        raise InvalidInput("The two editions of the annex contradict each other.", code="contradicts")


def _holds(told: Figure, count: int) -> bool:
    return told.told is Told.HELD_BACK or (told.low or 0) <= count <= (told.high or 0)
