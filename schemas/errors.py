"""What the contract refuses: one class, a stable reason, a sentence for a person."""

from __future__ import annotations

from typing import Literal

ContractReason = Literal[
    "too-large",
    "too-deep",
    "not-json",
    "duplicate-key",
    "not-an-envelope",
    "not-base64",
    "duplicate-signature",
    "unknown-type",
    "unknown-contract",
    "unknown-field",
    "unknown-calibre",
    "invalid-field",
]
"""Every reason for which bytes are refused; each has a bad example in ``schemas/vectors``."""


class ContractError(Exception):
    """Bytes that are not a statement of this contract: refuse them, keep nothing of them but the evidence.

    ``reason`` is stable; ``problems`` names each faulty place as (where, what is wrong).
    """

    def __init__(self, reason: ContractReason, message: str, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.reason: ContractReason = reason
        self.problems = problems


class NewerContract(ContractError):
    """A statement that this release is too old to read: upgrade, and read it then. ``version`` is what it needs."""

    def __init__(self, version: str, problems: tuple[tuple[str, str], ...]) -> None:
        message = f"It needs version {version} of the contract: this node is older. Upgrade it, and it is read."
        super().__init__("unknown-contract", message, problems)
        self.version = version


def shown(text: str, limit: int) -> str:
    """What a sender wrote, fit for a message: cut short, with nothing in it that hides, reorders or is half a pair."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:limit])
