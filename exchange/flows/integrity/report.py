"""What a check of content at rest read, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from exchange.flows.integrity.signed_rows import Difference

MAX_FINDINGS = 1000
"""More tell an operator no more: one that has so many restores a backup."""

ReadProgress = Callable[[str, int, int], None]
"""Called with what is read, how much of it was, and how much there is."""


@dataclass(frozen=True)
class Discrepancy:
    """Something that is not what was signed: ``subject`` names it, ``what`` is a sentence for the operator."""

    subject: str
    what: str


@dataclass
class LogCheck:
    """What was read, and what was found. ``findings`` ends after MAX_FINDINGS; ``unnamed`` counts the others."""

    statements: int = 0
    heads: int = 0
    stamps: int = 0
    scans: int = 0
    scan_bytes: int = 0
    acts: int = 0
    """Audit rows."""
    findings: list[Discrepancy] = field(default_factory=list)
    unnamed: int = 0

    @property
    def good(self) -> bool:
        return not self.findings

    def found(self, subject: str, what: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Discrepancy(subject, what))
        else:
            self.unnamed += 1

    def differ(self, differences: Iterable[Difference]) -> None:
        for subject, what in differences:
            self.found(subject, what)
