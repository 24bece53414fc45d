"""What observers may see differ between two worlds: masked before these are compared, each with its reason.

The same list stands in docs/threat-model.md; a test holds the two equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowed:
    """``asked`` finds the requests, ``told`` what in their answers may differ; both are regular expressions."""

    name: str
    reason: str
    asked: str
    told: str

    def masked(self, asked: str, came: str) -> str:
        """The answer without what may differ."""
        return re.sub(self.told, f"<{self.name}>", came) if re.search(self.asked, asked) else came


ALLOWED: tuple[Allowed, ...] = ()
