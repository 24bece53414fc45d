"""The manifest of a report or an incident annex, which the head approves with a signed statement. It names the digests
of both editions, so that one approval covers both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import StringConstraints

from exchange.coordination.approved_document import digest_of
from exchange.coordination.approved_rows import ApprovedKind, Editions
from schemas import ContractError
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import NodeId
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction

MANIFEST_FORMATS: Final[Mapping[str, str]] = {
    ApprovedKind.REPORT: "ffp-monitoring-manifest/1",
    ApprovedKind.ANNEX: "ffp-incident-annex-manifest/1",
}
MAX_MANIFEST_BYTES: Final = 4096

PeriodText = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}(H[12])?$")]


class EditionsManifest(Contract):
    """``period``: 2026H2, or 2026. ``public`` and ``restricted``: the SHA-256 of both editions' exact bytes."""

    format: str
    period: PeriodText
    node: NodeId
    jurisdiction: Jurisdiction
    public: Sha256Hex
    restricted: Sha256Hex


def editions(
    kind: ApprovedKind, period: str, node_id: str, jurisdiction: str, public: bytes, restricted: bytes
) -> Editions:
    manifest = EditionsManifest(
        format=MANIFEST_FORMATS[kind],
        period=period,
        node=node_id,
        jurisdiction=Jurisdiction(jurisdiction),
        public=digest_of(public),
        restricted=digest_of(restricted),
    )
    return Editions(write_editions_manifest(manifest), public, restricted)


def write_editions_manifest(manifest: EditionsManifest) -> bytes:
    """JSON of sorted keys without blanks, as RFC 8785 has it, and a line's end."""
    fields = manifest.model_dump(mode="json")
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def read_editions_manifest(kind: ApprovedKind, data: bytes) -> EditionsManifest:
    """Read untrusted bytes. Raises ContractError."""
    found = read_strict(EditionsManifest, data, max_bytes=MAX_MANIFEST_BYTES)
    if found.format != MANIFEST_FORMATS[kind]:
        raise ContractError("invalid-field", f"This is no manifest of the format {MANIFEST_FORMATS[kind]}.")
    return found
