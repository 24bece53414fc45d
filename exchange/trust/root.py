"""The trust root: TUF root metadata, its versions kept for ever, and who must sign one for it to be believed.

The TUF specification (v1.0.31) has the form and the rule by which a root hands over to the next (5.3). Added here: each
jurisdiction holds two keys, an Ed25519 and an ML-DSA-65 (TAP 21), and counts only when both have signed.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.signer import ED25519, KEY_TYPE_ED25519, KEY_TYPE_MLDSA, MLDSA_65_1, Key, SSlibKey
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Metadata, Root, Targets
from tuf.api.serialization import DeserializationError, SerializationError

from exchange.errors import RootInvalid
from schemas import ContractError, HybridKey
from schemas.errors import shown
from schemas.strict_json import check_json
from schemas.vocabulary import Jurisdiction

RootReason = Literal[
    "too-large",
    "not-tuf",
    "wrong-version",
    "wrong-keys",
    "wrong-threshold",
    "too-few-signatures",
    "wrong-entry",
    "rollback",
    "another-history",
]
"""Why a file of the trust root is not believed, beside the reasons for which bytes are no strict JSON."""

JURISDICTION_FIELD = "x-ffp-jurisdiction"  # of a key; TUF 4.1: fields that TUF does not know are signed like the others
MAX_ROOT_BYTES = 512 * 1024  # eight jurisdictions, all with an old and a new key pair, take 150 kB
MAX_ROUNDS = 256
MAX_VERSION = 1_000_000


@dataclass(frozen=True)
class RootMember:
    """A jurisdiction of the trust root, with the TUF ids of its two keys."""

    jurisdiction: Jurisdiction
    public: HybridKey
    ed25519_id: str
    ml_dsa_id: str

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset({self.ed25519_id, self.ml_dsa_id})


@dataclass(frozen=True)
class RootFile:
    """One version of the root as its file states it: well-formed, its signatures not counted yet."""

    version: int
    expires: datetime
    members: tuple[RootMember, ...]
    """In the order of their codes."""
    needed: int
    """How many of them must sign, each with both keys."""
    metadata: Metadata[Root]
    signed: bytes
    """What is signed: the canonical JSON of TUF. The one place in this exchange where bytes are made again to be
    verified."""
    raw: bytes


@dataclass(frozen=True)
class Tally:
    """Whose signatures under one file are good, counted by the keys of one root."""

    needed: int
    keys: int
    complete: tuple[Jurisdiction, ...]
    """With both keys."""
    half: tuple[Jurisdiction, ...]
    """With one of the two, which counts for nothing."""
    missing: tuple[Jurisdiction, ...]

    @property
    def good(self) -> bool:
        return self.keys >= 2 * self.needed and len(self.complete) >= self.needed


def verify_chain(files: Sequence[bytes]) -> tuple[RootFile, ...]:
    """Believe the versions of the root, from the first on, or raise RootInvalid. No clock: a root that has expired
    proves its time for ever, and whether it still admits anybody is another question.

    Each version in its turn:
    1. It is well-formed (``parse_root``).
    2. Its number is that of the version before, plus one (TUF 5.3.5).
    3. It is signed under the version before (TUF 5.3.4), the first under none;
    4. and under itself (TUF 5.3.4): by enough keys, and by enough jurisdictions with both of theirs.
    The caller must know the first version, or the last, from elsewhere.
    """
    if not 0 < len(files) <= MAX_ROUNDS:
        raise not_trusted("wrong-version", f"There are {len(files)} versions of the root; 1 to {MAX_ROUNDS} are read.")
    chain: list[RootFile] = []
    for number, raw in enumerate(files, start=1):
        root = parse_root(raw)
        if root.version != number:
            raise not_trusted("wrong-version", f"Root {root.version} stands in the place of root {number}.")
        for judge in (*chain[-1:], root):
            require(f"Root {number}", root.metadata, root.signed, judge)
        chain.append(root)
    return tuple(chain)


def parse_root(raw: bytes) -> RootFile:
    """Read one version of the root.

    1. Its bytes are bounded, strict JSON, and TUF root metadata.
    2. Its keys are two for each jurisdiction, an Ed25519 and an ML-DSA-65, none of them twice under another name.
    3. All four roles of TUF name all these keys, under one threshold: nothing is ever signed by less.
    4. The threshold is even, and more than half of the jurisdictions: no two groups apart can both reach it.
    Raises RootInvalid.
    """
    metadata = open_metadata(raw, MAX_ROOT_BYTES)
    root = metadata.signed
    if not isinstance(root, Root):
        raise not_trusted("not-tuf", "This is TUF metadata, but no root.")
    members = _members(root)
    threshold = root.roles[Root.type].threshold
    for name in TOP_LEVEL_ROLE_NAMES:
        role = root.roles[name]
        if set(role.keyids) != set(root.keys) or role.threshold != threshold:
            raise not_trusted("wrong-keys", f"The role {name} has other keys or another threshold than the root's.")
    needed, odd = divmod(threshold, 2)
    if odd or not len(members) < 2 * needed <= 2 * len(members):
        raise not_trusted(
            "wrong-threshold",
            f"A threshold of {threshold} keys for {len(members)} jurisdictions: it must be two for each of more than "
            "half of them.",
        )
    return RootFile(root.version, root.expires, members, needed, metadata, metadata.signed_bytes, raw)


def open_metadata(raw: bytes, max_bytes: int) -> Metadata[Any]:
    """TUF metadata from bounded, strict JSON, in a form that can be signed. Raises RootInvalid."""
    try:
        check_json(raw, max_bytes=max_bytes)
        metadata: Metadata[Any] = Metadata.from_bytes(raw)
        metadata.signed_bytes  # noqa: B018 - fractions and half surrogate pairs have no canonical form
    except ContractError as error:
        raise RootInvalid(str(error), code=error.reason) from error
    except (DeserializationError, SerializationError) as error:
        cause = shown(str(error.__cause__ or error), 200)
        raise not_trusted("not-tuf", f"This is no TUF metadata (version 1.0): {cause}.") from error
    version = metadata.signed.version
    if type(version) is not int or version > MAX_VERSION:  # true is an int to Python
        raise not_trusted("wrong-version", f"The version is no number from 1 to {MAX_VERSION}.")
    return metadata


def count_signatures(metadata: Metadata[Any], signed: bytes, judge: RootFile) -> Tally:
    """Whose good signatures a file carries, by the keys of ``judge``. A key id can sign once: the parser refuses it
    twice."""
    result = judge.metadata.signed.get_verification_result(metadata.signed.type, signed, metadata.signatures)
    good = {member.jurisdiction: len(member.key_ids & set(result.signed)) for member in judge.members}
    return Tally(
        needed=judge.needed,
        keys=sum(good.values()),
        complete=tuple(code for code, keys in good.items() if keys == 2),
        half=tuple(code for code, keys in good.items() if keys == 1),
        missing=tuple(code for code, keys in good.items() if keys == 0),
    )


def require(what: str, metadata: Metadata[Root] | Metadata[Targets], signed: bytes, judge: RootFile) -> None:
    """Enough keys and enough jurisdictions. Raises RootInvalid, code "too-few-signatures", naming who is there."""
    tally = count_signatures(metadata, signed, judge)
    if not tally.good:
        names = ", ".join(tally.complete) or "nobody"
        raise not_trusted(
            "too-few-signatures",
            f"{what} must be signed by {tally.needed} of the {len(judge.members)} jurisdictions of root "
            f"{judge.version}, each with both keys; it is signed by {names} ({tally.keys} keys).",
        )


def tuf_keys(jurisdiction: Jurisdiction, public: HybridKey) -> tuple[SSlibKey, SSlibKey]:
    """A jurisdiction's two keys as TUF has them. Raises ValueError when one is not a key."""
    pair = (
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public.ed25519)),
        MLDSA65PublicKey.from_public_bytes(base64.b64decode(public.ml_dsa)),
    )
    ed25519, ml_dsa = (SSlibKey.from_crypto(key) for key in pair)
    for key in (ed25519, ml_dsa):
        key.unrecognized_fields[JURISDICTION_FIELD] = str(jurisdiction)
    return ed25519, ml_dsa


def not_trusted(reason: RootReason, message: str) -> RootInvalid:
    """The error to raise, its code one of the declared reasons."""
    return RootInvalid(message, code=reason)


def _members(root: Root) -> tuple[RootMember, ...]:
    ed25519: dict[Jurisdiction, Ed25519PublicKey] = {}
    ml_dsa: dict[Jurisdiction, MLDSA65PublicKey] = {}
    for key in root.keys.values():
        code, public = _owner(key), _public(key)
        held: dict[Jurisdiction, Any] = ed25519 if isinstance(public, Ed25519PublicKey) else ml_dsa
        if code in held:
            raise not_trusted("wrong-keys", f"{code} has two keys of one kind.")
        held[code] = public
    if not ed25519 or set(ed25519) != set(ml_dsa):
        raise not_trusted("wrong-keys", "Each jurisdiction must have an Ed25519 and an ML-DSA-65 key.")
    return tuple(
        RootMember(
            code,
            HybridKey(ed25519=_raw(ed25519[code]), ml_dsa=_raw(ml_dsa[code])),
            SSlibKey.from_crypto(ed25519[code]).keyid,
            SSlibKey.from_crypto(ml_dsa[code]).keyid,
        )
        for code in sorted(ed25519)
    )


def _owner(key: Key) -> Jurisdiction:
    try:
        return Jurisdiction(key.unrecognized_fields[JURISDICTION_FIELD])
    except (KeyError, ValueError) as error:
        raise not_trusted("wrong-keys", f"A key does not name its jurisdiction in {JURISDICTION_FIELD}.") from error


def _public(key: Key) -> Ed25519PublicKey | MLDSA65PublicKey:
    """The key itself. Its text must be the one that the library would write and its id the digest of that: else one key
    could stand twice under different ids, and count twice (TUF 4.3)."""
    public: object = None
    try:
        if (key.keytype, key.scheme) == (KEY_TYPE_ED25519, ED25519):
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.keyval["public"]))
        elif (key.keytype, key.scheme) == (KEY_TYPE_MLDSA, MLDSA_65_1):
            public = load_pem_public_key(key.keyval["public"].encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise not_trusted("wrong-keys", f"The key {shown(key.keyid, 80)} is not a key.") from error
    if not isinstance(public, Ed25519PublicKey | MLDSA65PublicKey):
        raise not_trusted("wrong-keys", f"The key {shown(key.keyid, 80)} is neither Ed25519 nor ML-DSA-65.")
    plain = SSlibKey.from_crypto(public)
    if (plain.keyid, plain.keyval, plain.scheme) != (key.keyid, key.keyval, key.scheme):
        raise not_trusted("wrong-keys", f"The key {shown(key.keyid, 80)} is not written as it must be.")
    return public


def _raw(key: Ed25519PublicKey | MLDSA65PublicKey) -> str:
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
