"""Proof of possession: a key-event names only keys whose private halves its issuer has. No I/O.

Without it, a node could name the public key of another node as its own. Each key signs the message for itself, so both
halves of a pair are proved.
"""

from __future__ import annotations

import base64
from collections.abc import Collection

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey, MLDSA65PublicKey

from exchange.trust.keys import HybridSigner, LogKeys, NodeKeys
from exchange.trust.verify import not_believed
from schemas import HybridKey, KeyEvent, KeyRole, LogKey
from schemas.keys import KEY_ROLES, HybridProof, LogProof, Possession, possession_message


def prove_possession(
    keys: NodeKeys, roles: Collection[KeyRole], *, issuer: str, identity: HybridKey, previous: str | None
) -> Possession:
    """Sign for each of these roles that ``issuer`` has the private key; ``previous`` as the key-event will state it."""
    message = {role: possession_message(role, issuer, identity, previous) for role in roles}
    return Possession(
        statement=_hybrid_proof(keys.statement, message["statement"]) if "statement" in message else None,
        log=_log_proof(keys.log, message["log"]) if "log" in message else None,
        witness=_log_proof(keys.witness, message["witness"]) if "witness" in message else None,
        transport=_base64(keys.transport.sign(message["transport"])) if "transport" in message else None,
    )


def check_possession(event: KeyEvent, introduced: Collection[KeyRole]) -> None:
    """Check that the key-event proves each key that it introduces, and no other.

    Raises StatementInvalid, code "possession-missing" or "possession-invalid".
    """
    proofs = {role: proof for role in KEY_ROLES if (proof := getattr(event.possession, role)) is not None}
    if proofs.keys() != set(introduced):
        raise not_believed(
            "possession-missing",
            f"This key-event of {event.issuer} introduces keys for {', '.join(introduced) or 'no role'} and proves "
            f"possession of those for {', '.join(proofs) or 'no role'}. Its operator must make it anew.",
        )
    for role, proof in proofs.items():
        message = possession_message(role, event.issuer, event.identity, event.previous)
        try:
            _verify(getattr(event.delegation, role), proof, message)
        except (InvalidSignature, ValueError) as error:  # a ValueError: what the key-event names is no key
            raise not_believed(
                "possession-invalid",
                f"{event.issuer} does not prove that it has the {role} key that it names: the key may be that of "
                "another node.",
            ) from error


def _verify(key: HybridKey | LogKey | str, proof: HybridProof | LogProof | str, message: bytes) -> None:
    match key, proof:
        case HybridKey(), HybridProof():
            MLDSA65PublicKey.from_public_bytes(_bytes(key.ml_dsa)).verify(_bytes(proof.ml_dsa), message)
            _verify(key.ed25519, proof.ed25519, message)
        case LogKey(), LogProof():
            MLDSA44PublicKey.from_public_bytes(_bytes(key.ml_dsa)).verify(_bytes(proof.ml_dsa), message)
            _verify(key.ed25519, proof.ed25519, message)
        case str(), str():
            Ed25519PublicKey.from_public_bytes(_bytes(key)).verify(_bytes(proof), message)
        case _:
            raise TypeError("a key and a proof of two kinds")  # the contract gives each role one kind


def _hybrid_proof(signer: HybridSigner, message: bytes) -> HybridProof:
    return HybridProof(
        ed25519=_base64(signer.ed25519.sign(message)),
        ml_dsa=_base64(signer.ml_dsa.sign(message)),
    )


def _log_proof(keys: LogKeys, message: bytes) -> LogProof:
    return LogProof(ed25519=_base64(keys.ed25519.sign(message)), ml_dsa=_base64(keys.ml_dsa.sign(message)))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
