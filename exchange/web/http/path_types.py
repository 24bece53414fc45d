"""What stands in the paths of pages and of the API: which statement, which scan, which row is meant."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

StatementId = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the signed payload.")]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the scan.")]
MarkedRegion = Annotated[
    str | None,
    Query(pattern="^[0-9a-f]{64}$", description="Digest of the region marked by hand that the filtered form is of."),
]
FirearmInPath = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$", description="The pseudonym that its test fires name.")
]
RowNumber = Annotated[int, Path(ge=1, le=2**62)]
"""Of what this node numbers: a candidate, a saved view, a token, a kept search, a proposal."""
RandomId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
"""Of what nobody may guess: a verification, a draft, a file of a draft."""
