"""Public keys, and the key-events with which a node names those that it uses."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.envelope import pre_authentication_encoding
from schemas.exhibit import Contract, Sha256Hex
from schemas.statement_base import LogIndex, Statement, Url
from schemas.vocabulary import Jurisdiction

# Raw public keys in canonical Base64: 32 bytes, and those of FIPS 204, table 2: 1,312 and 1,952 bytes. The last
# character before the padding carries 2 or 4 bits that are nought.
Ed25519Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
MlDsa44Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{1749}[AQgw]==$")]
MlDsa65Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{2602}[AEIMQUYcgkosw048]=$")]
# Signatures in the same spelling: 64 bytes, and those of FIPS 204, table 2: 2,420 and 3,309 bytes.
Ed25519Signature = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{85}[AQgw]==$")]
MlDsa44Signature = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{3226}[AEIMQUYcgkosw048]=$")]
MlDsa65Signature = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{4412}$")]
POSSESSION_TYPE: Final = "application/vnd.ffp.key-possession"
"""The payload type of a proof of possession, so that the proof is never taken for a statement or a statement for it."""


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
KEY_ROLES: Final[tuple[KeyRole, ...]] = ("statement", "log", "witness", "transport")


class Delegation(Contract):
    """The keys that a node uses day by day, good from ``from_index`` of its log on: the index of the key-event's own
    leaf. ``log`` signs the heads of its own log, ``witness`` those of its peers' logs; requests between nodes are
    signed with Ed25519 alone."""

    from_index: LogIndex
    statement: HybridKey
    log: LogKey
    witness: LogKey
    transport: Ed25519Key


class HybridProof(Contract):
    """The signatures of both halves of a statement key over ``possession_message``, in Base64."""

    ed25519: Ed25519Signature
    ml_dsa: MlDsa65Signature


class LogProof(Contract):
    """The signatures of both halves of a log or witness key over ``possession_message``, in Base64."""

    ed25519: Ed25519Signature
    ml_dsa: MlDsa44Signature


class Possession(Contract):
    """For each role whose key the key-event introduces, and for no other: the proof that its issuer has the private
    key. Without it, a node could name another node's public key as its own."""

    statement: HybridProof | None
    log: LogProof | None
    witness: LogProof | None
    transport: Ed25519Signature | None


def possession_message(role: KeyRole, issuer: str, identity: HybridKey, previous: str | None) -> bytes:
    """Return the bytes that each key of ``role`` signs to prove possession: DSSE's pre-authentication encoding, with a
    payload type of its own, of five lines. The lines bind the proof to one place in the key-events of one identity."""
    lines = (role, issuer, identity.ed25519, identity.ml_dsa, previous or "none")
    return pre_authentication_encoding("".join(f"{line}\n" for line in lines).encode(), POSSESSION_TYPE)


def log_origin_of(node_id: str) -> str:
    """Return the name of a node's log. It follows from the node id, so no card can name another node's log."""
    return f"{node_id}.ffp-exchange/log"


def names_jurisdiction(node_id: str, jurisdiction: str) -> bool:
    """Return whether a node id belongs to a jurisdiction: ``ffp-rs`` and ``ffp-rs-2`` to RS."""
    return node_id.split("-")[1] == jurisdiction.lower()


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
    is not past the event's own. A replaced key never comes back. ``possession`` proves each key that the event
    introduces: all four on a card. ``log_origin`` and ``jurisdiction`` follow from ``issuer``.
    """

    type: Literal["key-event"]
    event: Literal["delegate", "rotate", "compromise"]
    jurisdiction: Jurisdiction
    url: Url
    log_origin: Annotated[str, Field(pattern=r"^[a-z0-9./-]{3,120}$")]
    identity: HybridKey
    delegation: Delegation
    possession: Possession
    previous: Sha256Hex | None = None
    compromised: Compromise | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.log_origin != log_origin_of(self.issuer):
            raise ValueError(f"the log of {self.issuer} is named {log_origin_of(self.issuer)}")
        if not names_jurisdiction(self.issuer, self.jurisdiction):
            raise ValueError(f"{self.issuer} is no node of the jurisdiction {self.jurisdiction}")
        index = self.delegation.from_index
        if (self.event == "delegate") != (self.previous is None) or (self.event == "delegate") != (index == 0):
            raise ValueError("the first key-event, and it alone, names no previous one and is good from index 0 on")
        if (self.event == "compromise") != (self.compromised is not None):
            raise ValueError("a compromise, and nothing else, says what is compromised")
        if self.compromised is not None and self.compromised.from_index > index:
            raise ValueError("a compromise is of what came before it")
        return self
