"""The leaf that stands in the log for a batch of audited acts: who saw or asked what, when, and why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.exhibit import Sha256Hex
from schemas.statement_base import Statement


class AuditBatch(Statement):
    """``root`` is the Merkle root (RFC 6962, 2.1) over ``count`` audit rows, the first of which has number ``first``.
    The rows stay at home: they are shown to the supervisor, and to nobody by the log."""

    type: Literal["audit-batch"]
    first: Annotated[int, Field(ge=1, le=2**62)]
    count: Annotated[int, Field(ge=1, le=2**20)]
    root: Sha256Hex
