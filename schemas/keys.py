"""Public keys, and the key-events with which a node names those that it uses."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import LogIndex, Statement, Url
from schemas.vocabulary import Jurisdiction

# Raw public keys in canonical Base64: 32 bytes, and those of FIPS 204, table 2: 1,312 and 1,952 bytes. The last
# character before the padding carries 2 or 4 bits that are nought.
Ed25519Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
MlDsa44Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{1749}[AQgw]==$")]
MlDsa65Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{2602}[AEIMQUYcgkosw048]=$")]


class HybridKey(Contract):
    """An Ed25519 and an ML-DSA-65 public key, raw, in Base64. Both must sign a statement."""

    ed25519: Ed25519Key
    ml_dsa: MlDsa65Key


class LogKey(Contract):
    """An Ed25519 and an ML-DSA-44 public key, raw, in Base64. Both must sign a head of a log: the log's as its own, a
    witness's as its cosignature."""

    ed25519: Ed25519Key
    ml_dsa: MlDsa44Key


KeyRole = Literal["statement", "log", "witness", "transport"]
"""What a key signs: statements, the heads of its own log, the heads of its peers' logs, requests between nodes."""


class Delegation(Contract):
    """The keys that a node uses day by day, good from ``from_index`` of its log on: the index of the key-event's own
    leaf. ``log`` signs the heads of its own log, ``witness`` those of its peers' logs; requests between nodes are
    signed with Ed25519 alone."""

    from_index: LogIndex
    statement: HybridKey
    log: LogKey
    witness: LogKey
    transport: Ed25519Key


class Compromise(Contract):
    """Of each of these roles, the key that was in force at ``from_index`` is in wrong hands: what it signed at this
    index or after it is not believed. Heads count by their last leaf; witness and transport keys are simply out of
    use."""

    roles: Annotated[tuple[KeyRole, ...], Field(min_length=1, max_length=4)]
    from_index: LogIndex

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.roles)) != len(self.roles):
            raise ValueError("a role stands once")
        return self


class KeyEvent(Statement):
    """Which working keys an identity delegates; the identity key signs this, and nothing else does.

    ``delegate`` is the first leaf of a node's log, its card. ``rotate`` and ``compromise`` name the key-event before
    them, and all four keys anew: those that differ are replaced. Only ``compromise`` has ``compromised``, and its index
    is not past the event's own. A replaced key never comes back.
    """

    type: Literal["key-event"]
    event: Literal["delegate", "rotate", "compromise"]
    jurisdiction: Jurisdiction
    url: Url
    log_origin: Annotated[str, Field(pattern=r"^[a-z0-9./-]{3,120}$")]
    identity: HybridKey
    delegation: Delegation
    previous: Sha256Hex | None = None
    compromised: Compromise | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        index = self.delegation.from_index
        if (self.event == "delegate") != (self.previous is None) or (self.event == "delegate") != (index == 0):
            raise ValueError("the first key-event, and it alone, names no previous one and is good from index 0 on")
        if (self.event == "compromise") != (self.compromised is not None):
            raise ValueError("a compromise, and nothing else, says what is compromised")
        if self.compromised is not None and self.compromised.from_index > index:
            raise ValueError("a compromise is of what came before it")
        return self
