"""The manifest of a report: what the head's signed approval is of. It names the digests of both editions, so that they
are approved together, once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import StringConstraints

from exchange.coordination.approved_document import digest_of
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import NodeId
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction

MANIFEST_FORMAT: Final = "ffp-monitoring-manifest/1"
MAX_MANIFEST_BYTES: Final = 4096

PeriodText = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}(H[12])?$")]


class ReportManifest(Contract):
    """``period``: 2026H2, or 2026. ``public`` and ``restricted``: the SHA-256 of both editions' exact bytes."""

    format: Literal["ffp-monitoring-manifest/1"]
    period: PeriodText
    node: NodeId
    jurisdiction: Jurisdiction
    public: Sha256Hex
    restricted: Sha256Hex


@dataclass(frozen=True)
class Editions:
    """Both, with their manifest: exact bytes."""

    manifest: bytes
    public: bytes
    restricted: bytes

    @property
    def sha256(self) -> str:
        """What an approval concerns."""
        return digest_of(self.manifest)


def editions(period: str, node_id: str, jurisdiction: str, public: bytes, restricted: bytes) -> Editions:
    manifest = ReportManifest(
        format=MANIFEST_FORMAT,
        period=period,
        node=node_id,
        jurisdiction=Jurisdiction(jurisdiction),
        public=digest_of(public),
        restricted=digest_of(restricted),
    )
    return Editions(write_report_manifest(manifest), public, restricted)


def write_report_manifest(manifest: ReportManifest) -> bytes:
    """JSON of sorted keys without blanks, as RFC 8785 has it, and a line's end."""
    fields = manifest.model_dump(mode="json")
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def read_report_manifest(data: bytes) -> ReportManifest:
    """Strictly, from bytes of whoever. Raises ContractError."""
    return read_strict(ReportManifest, data, max_bytes=MAX_MANIFEST_BYTES)
