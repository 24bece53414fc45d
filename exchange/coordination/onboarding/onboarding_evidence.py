"""Files that show a step: their SHA-256 is kept, and of a conformance report what it says is read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from exchange.clock import DAY_S, stamp_in, today
from exchange.coordination.onboarding.onboarding_steps import STEP_GUIDES
from exchange.errors import InvalidInput, TooLarge
from exchange.home import read_bounded
from schemas import ContractError
from schemas.statement_base import Moment, Url
from schemas.strict_json import read_strict
from schemas.vocabulary import OnboardingStep

MAX_EVIDENCE_BYTES: Final = 64 * 1024 * 1024
MAX_CONFORMANCE_BYTES: Final = 1024 * 1024
LEAST_KEPT: Final = 15
"""As a stranger alone tries two dozen checks; a report of fewer tried next to nothing."""


@dataclass(frozen=True)
class FileEvidence:
    """``on``: the day that the file itself states; None of one that states none."""

    sha256: str
    on: date | None


class _Check(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    name: Annotated[str, Field(max_length=100)]
    verdict: Literal["kept", "not kept", "not tried"]


class _ConformanceReport(BaseModel):
    """As ``ffp conformance --json`` writes it. It is signed by nobody: whoever names it answers for it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    url: Url
    at: Moment
    kept: bool
    checks: Annotated[tuple[_Check, ...], Field(max_length=500)]


def read_evidence(step: OnboardingStep, path: Path, address: str | None) -> FileEvidence:
    """As ``take_evidence``, of a file. Raises OSError too."""
    return take_evidence(step, read_bounded(path, MAX_EVIDENCE_BYTES), address)


def take_evidence(step: OnboardingStep, data: bytes, address: str | None) -> FileEvidence:
    """What a file shows of a step. ``address``: where the jurisdiction's node is reached; None where that is not known.

    Raises InvalidInput for a conformance report that shows nothing, or the contrary; TooLarge.
    """
    if not data:
        raise InvalidInput("The file is empty.", code="invalid-file")
    if len(data) > MAX_EVIDENCE_BYTES:
        raise TooLarge(f"A file of evidence has at most {MAX_EVIDENCE_BYTES} bytes.")
    on = _conformance(data, address) if step is OnboardingStep.CONFORMANCE else None
    return FileEvidence(hashlib.sha256(data).hexdigest(), on)


def _conformance(data: bytes, address: str | None) -> date:
    try:
        found = read_strict(_ConformanceReport, data, max_bytes=MAX_CONFORMANCE_BYTES)
    except ContractError as error:
        raise InvalidInput(
            "This is no file of findings as `ffp conformance ADDRESS --json FILE` writes it.", code="invalid-file"
        ) from error
    broken = [check.name for check in found.checks if check.verdict == "not kept"]
    if broken or not found.kept:
        raise InvalidInput(f"The node did not keep: {', '.join(broken[:10]) or 'all'}.", code="not-kept")
    kept = sum(check.verdict == "kept" for check in found.checks)
    if kept < LEAST_KEPT:
        raise InvalidInput(f"Only {kept} checks were tried; at least {LEAST_KEPT} show something.", code="not-kept")
    if address is not None and found.url.rstrip("/") != address.rstrip("/"):
        raise InvalidInput(f"The file is of the node at {found.url}; the node is at {address}.", code="other-node")
    on = date.fromisoformat(found.at[:10])
    if found.at > stamp_in(DAY_S) or STEP_GUIDES[OnboardingStep.CONFORMANCE].is_old(on, today()):
        raise InvalidInput(f"The node was checked on {on}. Check it again.", code="too-old")
    return min(on, today())
