"""The made-up records that a guest shares: an exhibit that never was, of which nothing can be correlated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.vocabulary import Jurisdiction

_DAYS = 2
"""A record that stays behind, as the owner's withdrawal was not heeded, is over by itself after that."""


def sample_record(issuer: str, jurisdiction: Jurisdiction, audience: Jurisdiction) -> dict[str, Any]:
    """The fields of a record for one jurisdiction; its scan is no scan, and its calibre unknown."""
    return {
        "contract": "1.0",
        "nonce": "0" * 64,
        "issuer": issuer,
        "made_by": {"pseudonym": "conformance", "role": "examiner", "signed_in": "node_key"},
        "type": "record",
        "jurisdiction": jurisdiction,
        "case_reference": f"{jurisdiction}-0",
        "exhibit": {"kind": "replica", "calibre": "unknown", "headstamp": "CONFORMANCE TEST"},
        "acquisitions": [
            {
                "roi": "breech_face",
                "modality": "topography",
                "lighting": "none",
                "blob": {"sha256": "0" * 64, "size": 1, "media_type": "application/x-x3p"},
            }
        ],
        "handling": {"code": "H0"},
        "level": "full",
        "audience": [audience],
        "retention_until": (datetime.now(UTC).date() + timedelta(days=_DAYS)).isoformat(),
        "supersedes": None,
        "first_version": None,
    }
