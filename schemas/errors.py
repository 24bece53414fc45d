"""What the contract refuses: one class, a stable reason, a sentence for a person."""

from __future__ import annotations


class ContractError(Exception):
    """Bytes that are not a statement of this contract: refuse them, keep nothing of them but the evidence.

    ``reason`` is a stable kebab-case code, one for each bad example under ``schemas/vectors/bad``;
    ``problems`` names each faulty place as (where, what is wrong).
    """

    def __init__(self, reason: str, message: str, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.problems = problems
