"""Hold approved reports, incident annexes, snapshots of maturity and inputs of the meeting pack against the signed
approvals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy.orm import Session

from exchange.coordination.approved_document import digest_of
from exchange.coordination.approved_rows import ApprovedKind, ApprovedRow
from exchange.coordination.half_year.editions import MANIFEST_FORMATS, read_editions_manifest
from exchange.flows.integrity.signed_rows import UNBACKED, Difference, IntegrityPart, differing, said_in
from exchange.flows.node.node import Node
from exchange.store.operate.at_rest import rows_backed
from schemas import Approval, ContractError


def _check_approved(session: Session, node: Node) -> Iterator[Difference]:
    """Check that each approval names the digest of its document, and each manifest the digests of its editions."""
    for row, statement in rows_backed(session, ApprovedRow.approval):
        said, key = said_in(statement), f"{row.kind} {row.period}"
        where = f"{row.__tablename__} {key}"
        if not isinstance(said, Approval) or statement is None or statement.issuer != node.node_id:
            yield where, UNBACKED
            continue
        yield from differing(row, key, {"sha256": said.concerns, "approved_by": said.made_by.pseudonym})
        if digest_of(row.manifest) != said.concerns:
            yield where, "What stands in manifest is not what was signed."
            continue
        wrong = _wrong_editions(row)
        if wrong:
            yield where, f"What stands in {', '.join(wrong)} is not the edition whose digest was signed."


def _wrong_editions(row: ApprovedRow) -> list[str]:
    """The edition columns that differ from what the manifest names. A document without editions has empty ones."""
    stored = {"public": row.public, "restricted": row.restricted}
    if row.kind not in MANIFEST_FORMATS:
        return [name for name, content in stored.items() if content]
    try:
        manifest = read_editions_manifest(ApprovedKind(row.kind), row.manifest)
    except ContractError:
        return ["manifest"]
    return [name for name, content in stored.items() if digest_of(content) != getattr(manifest, name)]


INTEGRITY: Final = IntegrityPart(_check_approved)
