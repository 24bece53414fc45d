"""What observers may see differ between two worlds: masked before these are compared, each with its reason.

The same list stands in docs/threat-model.md; a test holds the two equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowed:
    """``asked`` finds the requests, ``told`` what in their answers may differ; both are regular expressions. What
    changes more than an answer is not tried at all: statements of the types ``left_out`` about ids that were told."""

    name: str
    reason: str
    asked: str | None = None
    told: str = ""
    left_out: frozenset[str] = frozenset()

    def masked(self, asked: str, came: str) -> str:
        """The answer without what may differ."""
        if self.asked is None or not re.search(self.asked, asked):
            return came
        return re.sub(self.told, f"<{self.name}>", came)


ALLOWED: tuple[Allowed, ...] = (
    Allowed(
        "Whether another's statement is here, told to a peer that signs a withdrawal, a grant or a retraction of it",
        "The signed receipt names what was set aside because another owns it. Who names an id, a digest over a random "
        "nonce, was told it by somebody; what the statement says is not learned.",
        left_out=frozenset({"withdrawal", "grant", "retraction"}),
    ),
)
LEFT_OUT = frozenset[str]().union(*(entry.left_out for entry in ALLOWED))
