"""A node's private keys: one key per role, each in files of its own (`key_files`)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exchange.errors import ConfigurationError, KeysDiffer
from exchange.trust.key_files import (
    EVENTS,
    NONCE_SECRET,
    NONCE_SECRET_BYTES,
    PrivateKey,
    check_passphrase,
    drop_prepared,
    exchange_folder,
    folders_beside,
    key_in,
    nonce_secret_file,
    pem,
    prepared,
    read_key,
    read_nonce_secret,
    settle_folder,
    write_key_file,
)
from schemas import Delegation, Envelope, HybridKey, KeyRole, LogKey, pre_authentication_encoding, seal

ED25519 = "ed25519"
ML_DSA_65 = "ml-dsa-65"


@dataclass(frozen=True)
class HybridSigner:
    """Signs with Ed25519 and ML-DSA-65, so that what is signed today still convinces when one of them is broken."""

    ed25519: Ed25519PrivateKey
    ml_dsa: MLDSA65PrivateKey

    @property
    def public(self) -> HybridKey:
        return HybridKey(ed25519=raw_public(self.ed25519), ml_dsa=raw_public(self.ml_dsa))

    def sign(self, payload: bytes) -> Envelope:
        """The payload in an envelope, both signatures over its DSSE pre-authentication encoding."""
        return seal(payload, self.signatures(pre_authentication_encoding(payload)))

    def signatures(self, message: bytes) -> dict[str, bytes]:
        """By the ids of the keys. The message must say what it is, as ``pre_authentication_encoding`` does."""
        public = self.public
        return {
            key_id(ED25519, public.ed25519): self.ed25519.sign(message),
            key_id(ML_DSA_65, public.ml_dsa): self.ml_dsa.sign(message),
        }


@dataclass(frozen=True)
class LogKeys:
    """Sign heads of a log, one's own or, with another pair, a peer's: Ed25519, and ML-DSA-44 as C2SP has no note type
    for ML-DSA-65."""

    ed25519: Ed25519PrivateKey
    ml_dsa: MLDSA44PrivateKey

    @property
    def public(self) -> LogKey:
        return LogKey(ed25519=raw_public(self.ed25519), ml_dsa=raw_public(self.ml_dsa))


@dataclass(frozen=True)
class NodeKeys:
    """The working keys that a running node needs. ``nonce_secret`` makes statement nonces from what a client sent,
    so that a repeated submission gets the same id and nobody else can guess it. ``former_log`` is there from a change
    of the log's keys on until the head that both sign is signed."""

    statement: HybridSigner
    log: LogKeys
    witness: LogKeys
    transport: Ed25519PrivateKey
    nonce_secret: bytes = field(repr=False)
    former_log: LogKeys | None = None

    def delegated(self, from_index: int) -> Delegation:
        """Their public parts, as a key-event names them."""
        return Delegation(
            from_index=from_index,
            statement=self.statement.public,
            log=self.log.public,
            witness=self.witness.public,
            transport=raw_public(self.transport),
        )


def key_ids(key: HybridKey) -> set[str]:
    """Those of both halves of the pair."""
    return {key_id(ED25519, key.ed25519), key_id(ML_DSA_65, key.ml_dsa)}


def key_id(algorithm: str, public_base64: str) -> str:
    """``algorithm:`` and the first 128 bits of the SHA-256 of the raw public key."""
    return f"{algorithm}:{hashlib.sha256(base64.b64decode(public_base64)).hexdigest()[:32]}"


def requester_id(node_id: str, transport: str) -> str:
    """Return the ``keyid`` with which a node signs requests and answers: its node id and the id of its transport key.
    Both identify a requester, so a node that names another node's key as its own speaks for itself alone."""
    return f"{node_id}:{key_id(ED25519, transport)}"


def raw_public(key: PrivateKey) -> str:
    """The raw public key in Base64."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


_FILES: dict[str, Callable[[], PrivateKey]] = {
    "identity-ed25519": Ed25519PrivateKey.generate,
    "identity-ml-dsa-65": MLDSA65PrivateKey.generate,
    "statement-ed25519": Ed25519PrivateKey.generate,
    "statement-ml-dsa-65": MLDSA65PrivateKey.generate,
    "log-ed25519": Ed25519PrivateKey.generate,
    "log-ml-dsa-44": MLDSA44PrivateKey.generate,
    "witness-ed25519": Ed25519PrivateKey.generate,
    "witness-ml-dsa-44": MLDSA44PrivateKey.generate,
    "transport-ed25519": Ed25519PrivateKey.generate,
}
WORKING_KEYS: Final = tuple(name for name in _FILES if not name.startswith("identity-"))
"""What a node needs while it runs: each is a file ``<name>.pem`` in its folder of keys."""
_FORMER = "former-"


def create_keys(folder: Path, passphrase: bytes | None = None) -> None:
    """Make all keys of a new node, encrypted when there is a passphrase. Refuses to touch a folder that holds any:
    keys are never overwritten."""
    if passphrase is not None:
        check_passphrase(passphrase)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ConfigurationError(f"{folder} holds keys already; they are never overwritten.")
    for name, make in _FILES.items():
        write_key_file(folder / f"{name}.pem", pem(make(), passphrase))
    write_key_file(folder / NONCE_SECRET, nonce_secret_file(secrets.token_bytes(NONCE_SECRET_BYTES), passphrase))


def fresh_keys(folder: Path, roles: Iterable[KeyRole], passphrase: bytes | None, *, keep_log: bool) -> dict[str, bytes]:
    """All files of a folder of keys, with new keys for these roles: file name -> content. With ``keep_log`` the old
    keys of the log stay among them, since they still have one head to sign."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != EVENTS}
    for role in roles:
        for name, make in _FILES.items():
            if name.partition("-")[0] == role:
                if role == "log":
                    files.pop(f"{_FORMER}{name}.pem", None)
                    files |= {f"{_FORMER}{name}.pem": files[f"{name}.pem"]} if keep_log else {}
                files[f"{name}.pem"] = pem(make(), passphrase)
    return files


def load_identity(folder: Path, passphrase: bytes | None = None) -> HybridSigner:
    """The identity key, which signs key-events and nothing else. May be kept offline between key-events."""
    return _hybrid(folder, "identity", passphrase)


def statement_key_in(files: Mapping[str, bytes], passphrase: bytes | None = None) -> HybridKey:
    """The public statement key of the files of a folder of keys: file name -> content. Raises as ``load_keys``."""
    ed25519, ml_dsa = "statement-ed25519.pem", "statement-ml-dsa-65.pem"
    for name in (ed25519, ml_dsa):
        if name not in files:
            raise ConfigurationError(f"The keys lack {name}; take the whole folder of the key backup.")
    return HybridSigner(
        key_in(Path(ed25519), files[ed25519], Ed25519PrivateKey, passphrase),
        key_in(Path(ml_dsa), files[ml_dsa], MLDSA65PrivateKey, passphrase),
    ).public


def load_keys(folder: Path, passphrase: bytes | None = None) -> NodeKeys:
    """The working keys. Raises ConfigurationError naming a key that is missing, unreadable or open to others, and
    PassphraseNeeded."""
    former = (folder / f"{_FORMER}log-ed25519.pem").exists()
    return NodeKeys(
        statement=_hybrid(folder, "statement", passphrase),
        log=_log_keys(folder, "log", passphrase),
        witness=_log_keys(folder, "witness", passphrase),
        transport=read_key(folder / "transport-ed25519.pem", Ed25519PrivateKey, passphrase),
        nonce_secret=read_nonce_secret(folder / NONCE_SECRET, passphrase),
        former_log=_log_keys(folder, f"{_FORMER}log", passphrase) if former else None,
    )


def load_keys_in_force(folder: Path, in_force: Delegation, passphrase: bytes | None = None) -> NodeKeys:
    """The working keys that the last key-event delegates: those in use; or, while a change of keys is under way or
    after it broke off, those that were prepared. Changes nothing (that is for `settle_keys`).

    Raises ConfigurationError also when the keys are those of before or after that key-event.
    """
    delegated = in_force.from_index
    places = [place for place in (folder, *folders_beside(folder)) if place.is_dir()]
    for place in places or [folder]:
        try:
            keys = load_keys(place, passphrase)
        except ConfigurationError:
            if place == folder or place is places[-1]:
                raise
            continue
        if keys.delegated(delegated) == in_force:
            return keys
    raise KeysDiffer(
        f"The keys in {folder} are not those that the last key-event of this node's log names, of index {delegated}: "
        "restore the key backup that was made after it."
    )


def settle_keys(folder: Path, in_force: Delegation, passphrase: bytes | None = None) -> None:
    """After a change of keys, or of their encryption, that broke off: finish it if the log has it, else undo it. Only
    for whoever holds the node's home alone (`sole_server`)."""
    settle_folder(folder)
    to_come = prepared(folder)
    if to_come is None:
        return
    if load_keys(folder, passphrase).delegated(in_force.from_index) != in_force:
        if load_keys(to_come, passphrase).delegated(in_force.from_index) == in_force:
            exchange_folder(folder)
        return
    drop_prepared(folder)


def drop_former_log(folder: Path) -> None:
    """The head that the old keys of the log had still to sign is signed: they are needed no more."""
    for path in folder.glob(f"{_FORMER}*.pem"):
        path.unlink()


def _hybrid(folder: Path, role: str, passphrase: bytes | None) -> HybridSigner:
    return HybridSigner(
        read_key(folder / f"{role}-ed25519.pem", Ed25519PrivateKey, passphrase),
        read_key(folder / f"{role}-ml-dsa-65.pem", MLDSA65PrivateKey, passphrase),
    )


def _log_keys(folder: Path, role: str, passphrase: bytes | None) -> LogKeys:
    return LogKeys(
        read_key(folder / f"{role}-ed25519.pem", Ed25519PrivateKey, passphrase),
        read_key(folder / f"{role}-ml-dsa-44.pem", MLDSA44PrivateKey, passphrase),
    )
