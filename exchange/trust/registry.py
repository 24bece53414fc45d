"""The node registry: TUF targets metadata that names each node's identity key and URL, and the time-stamping roots.

It may name jurisdictions as well, in a field that TUF does not know (``JURISDICTIONS_FIELD``): the signatures cover it
all the same (TUF 4.1).

Root and registry are published together, in rounds: registry N is signed under root N. A round is never changed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self, TypeVar

from cryptography.x509 import load_pem_x509_certificates
from pydantic import Field, ValidationError, model_validator
from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, TargetFile, Targets

from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory, shipped_directory
from exchange.jurisdictions.jurisdiction_entry import Entries, entries_in
from exchange.trust.card import spoken_fingerprint
from exchange.trust.root import RootFile, not_trusted, open_metadata, parse_root, require, verify_chain
from schemas import HybridKey, KeyEvent
from schemas.errors import shown
from schemas.exhibit import Contract
from schemas.keys import names_jurisdiction
from schemas.statement_base import NodeId, Url
from schemas.strict_json import contract_error
from schemas.vocabulary import Jurisdiction

MAX_REGISTRY_BYTES = 1280 * 1024
"""256 nodes of the longest names, signed by eight jurisdictions, take 888 kB, sixteen certificates 260 kB more."""
MAX_NODES = 256
MAX_TIME_STAMPING = 16
JURISDICTIONS_FIELD = "x-ffp-jurisdictions"
NODES = "nodes/"
TIME_STAMPING = "time-stamping/"
_E = TypeVar("_E", "RegisteredNode", "TimeStampingRoot")


class RegisteredNode(Contract):
    """A node as the registry names it: the ``custom`` part of its TUF target."""

    node_id: NodeId
    jurisdiction: Jurisdiction
    url: Url
    identity: HybridKey

    @model_validator(mode="after")
    def _of_its_jurisdiction(self) -> Self:
        if not names_jurisdiction(self.node_id, self.jurisdiction):
            raise ValueError(f"{self.node_id} is no node of the jurisdiction {self.jurisdiction}")
        return self

    @property
    def target(self) -> bytes:
        """What length and digest of the TUF target are of: both raw identity keys. So the digest is the one whose
        digits are the node's fingerprint."""
        return base64.b64decode(self.identity.ed25519) + base64.b64decode(self.identity.ml_dsa)


class TimeStampingRoot(Contract):
    """The certificate that a time-stamping authority's answers must lead to."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    certificate: Annotated[str, Field(max_length=16 * 1024)]
    """One certificate in PEM."""

    @property
    def target(self) -> bytes:
        return self.certificate.encode()


@dataclass(frozen=True)
class RegistryFile:
    """One version of the registry as its file states it: well-formed, its signatures not counted yet."""

    version: int
    expires: datetime
    nodes: tuple[RegisteredNode, ...]
    time_stamping: tuple[TimeStampingRoot, ...]
    jurisdictions: Entries
    """Those that it names beyond the release's own, or otherwise than the release does."""
    metadata: Metadata[Targets]
    signed: bytes
    raw: bytes

    @property
    def directory(self) -> Directory:
        """The jurisdictions that whoever trusts it knows."""
        if not self.jurisdictions:
            return shipped_directory()
        return shipped_directory().extended(self.jurisdictions, f"round {self.version} of the trust root")


@dataclass(frozen=True)
class RoundFiles:
    """The two files of one round, as they were read."""

    root: bytes
    registry: bytes


@dataclass(frozen=True)
class Trust:
    """All rounds, verified. Made by ``verify_rounds`` alone."""

    roots: tuple[RootFile, ...]
    registries: tuple[RegistryFile, ...]

    @property
    def root(self) -> RootFile:
        return self.roots[-1]

    @property
    def registry(self) -> RegistryFile:
        return self.registries[-1]

    @property
    def version(self) -> int:
        return self.root.version

    @property
    def expires(self) -> datetime:
        """When it stops to admit anybody; what was admitted stays."""
        return min(self.root.expires, self.registry.expires)

    @property
    def fingerprint(self) -> str:
        """The last round as people read it out: whoever confirms these digits confirms both files of it."""
        return round_fingerprint(self.root, self.registry)

    def node(self, node_id: str) -> RegisteredNode | None:
        return next((node for node in self.registry.nodes if node.node_id == node_id), None)


def verify_rounds(rounds: Sequence[RoundFiles]) -> Trust:
    """Believe what was published, from the first round on, or raise RootInvalid. No clock (see ``verify_chain``).

    1. The chain of roots verifies.
    2. Each registry is well-formed, and has the number of its root.
    3. Each registry is signed under its root.
    The caller must know one round from elsewhere (``Trust.fingerprint``), or hold it already (``check_continues``).
    """
    roots = verify_chain([files.root for files in rounds])
    registries = []
    for root, files in zip(roots, rounds, strict=True):
        registry = parse_registry(files.registry)
        if registry.version != root.version:
            raise not_trusted("wrong-version", f"Registry {registry.version} stands beside root {root.version}.")
        require(f"Registry {registry.version}", registry.metadata, registry.signed, root)
        registries.append(registry)
    return Trust(roots, tuple(registries))


def check_continues(held: Sequence[RoundFiles], offered: Trust) -> None:
    """What is offered must go on from every round that is held: the same content, and as many or more of them.

    Signatures may differ, since more can be gathered. Raises RootInvalid: "rollback", "another-history".
    """
    if len(held) > offered.version:
        raise not_trusted(
            "rollback",
            f"Round {len(held)} is installed, and round {offered.version} is offered: the registry never goes back. "
            "Fetch the newest round.",
        )
    for files, root, registry in zip(held, offered.roots, offered.registries, strict=False):
        if (parse_root(files.root).signed, parse_registry(files.registry).signed) != (root.signed, registry.signed):
            raise not_trusted(
                "another-history",
                f"Round {root.version} is another than the one that is installed. One of the two was made apart from "
                "the others: keep both, and ask the jurisdictions which one they signed.",
            )


def admit(trust: Trust, card: KeyEvent, *, now: datetime) -> RegisteredNode:
    """The registry's entry for the node that shows ``card``, or InvalidInput that says why it is not admitted.

    1. The round has not expired: what is old may name a node that was removed meanwhile.
    2. The registry names the node.
    3. The identity key is that of the registry. The jurisdiction follows from the node id in both.
    """
    if now >= trust.expires:
        raise InvalidInput(
            f"Round {trust.version} of the trust root expired on {trust.expires:%Y-%m-%d}: no new peer is admitted by "
            "it. Install a newer round with: ffp root install",
            code="root-expired",
        )
    node = trust.node(card.issuer)
    if node is None:
        raise InvalidInput(
            f"{card.issuer} is not in the registry (round {trust.version}). Install a newer round, or ask those who "
            "sign the trust root.",
            code="not-in-registry",
        )
    if node.identity != card.identity:
        raise InvalidInput(
            f"Whoever answers as {card.issuer} has not the identity that the registry names (round {trust.version}). "
            "Nothing was enrolled.",
            code="identity-differs",
        )
    return node


def parse_registry(raw: bytes) -> RegistryFile:
    """Read one version of the registry.

    1. Its bytes are bounded, strict JSON, and TUF targets metadata that delegates to nobody.
    2. Each target is a node or a time-stamping root, with the length and the digest of what it names.
    3. No identity key belongs to two nodes; the certificates can be read.
    4. The jurisdictions that it names, if any, are well-formed.
    Raises RootInvalid.
    """
    metadata = open_metadata(raw, MAX_REGISTRY_BYTES)
    targets = metadata.signed
    if not isinstance(targets, Targets):
        raise not_trusted("not-tuf", "This is TUF metadata, but no targets.")
    if targets.delegations is not None:
        raise not_trusted("wrong-entry", "The registry delegates to others; only the root's keys may sign for it.")
    nodes: list[RegisteredNode] = []
    time_stamping: list[TimeStampingRoot] = []
    for path, target in sorted(targets.targets.items()):
        if path.startswith(NODES):
            nodes.append(_entry(path, target, RegisteredNode))
        elif path.startswith(TIME_STAMPING):
            time_stamping.append(_entry(path, target, TimeStampingRoot))
        else:
            raise not_trusted("wrong-entry", f"The registry names {shown(path, 80)}, which is no kind of entry.")
    _check_nodes(nodes)
    _check_certificates(time_stamping)
    return RegistryFile(
        version=targets.version,
        expires=targets.expires,
        nodes=tuple(nodes),
        time_stamping=tuple(time_stamping),
        jurisdictions=_jurisdictions(targets),
        metadata=metadata,
        signed=metadata.signed_bytes,
        raw=raw,
    )


def as_target(entry: RegisteredNode | TimeStampingRoot) -> TargetFile:
    """An entry in TUF's form; ``_entry`` reads it back."""
    target = TargetFile.from_data(_path(entry), entry.target)
    target.unrecognized_fields["custom"] = entry.model_dump(mode="json")
    return target


def round_fingerprint(root: RootFile, registry: RegistryFile) -> str:
    """Forty digits from the SHA-256 of both SHA-256 of what is signed, root first."""
    parts = (hashlib.sha256(file.signed).digest() for file in (root, registry))
    return spoken_fingerprint(hashlib.sha256(b"".join(parts)).digest())


def _path(entry: RegisteredNode | TimeStampingRoot) -> str:
    match entry:
        case RegisteredNode():
            return f"{NODES}{entry.node_id}"
        case TimeStampingRoot():
            return f"{TIME_STAMPING}{entry.name}"


def _entry(path: str, target: TargetFile, kind: type[_E]) -> _E:
    try:
        entry = kind.model_validate_json(json.dumps(target.custom), strict=True)
        target.verify_length_and_hashes(entry.target)
    except ValidationError as error:
        raise not_trusted("wrong-entry", f"{shown(path, 80)}: {contract_error(error)}") from error
    except LengthOrHashMismatchError as error:
        raise not_trusted("wrong-entry", f"{shown(path, 80)} has another length or digest than its content.") from error
    if path != _path(entry):
        raise not_trusted("wrong-entry", f"The entry {shown(path, 80)} stands under another name than its own.")
    return entry


def _jurisdictions(targets: Targets) -> Entries:
    if JURISDICTIONS_FIELD not in targets.unrecognized_fields:
        return {}
    try:
        return entries_in(targets.unrecognized_fields[JURISDICTIONS_FIELD], f"The field {JURISDICTIONS_FIELD}")
    except InvalidInput as error:
        raise not_trusted("wrong-entry", str(error)) from error


def _check_nodes(nodes: list[RegisteredNode]) -> None:
    if len(nodes) > MAX_NODES:
        raise not_trusted("wrong-entry", f"The registry names {len(nodes)} nodes; at most {MAX_NODES} are read.")
    if len({node.target for node in nodes}) != len(nodes):
        raise not_trusted("wrong-entry", "Two nodes have one identity key.")


def _check_certificates(roots: list[TimeStampingRoot]) -> None:
    if len(roots) > MAX_TIME_STAMPING:
        raise not_trusted("wrong-entry", f"{len(roots)} time-stamping roots; at most {MAX_TIME_STAMPING} are read.")
    for root in roots:
        try:
            (_certificate,) = load_pem_x509_certificates(root.target)
        except ValueError as error:  # none, several, or one that cannot be read
            raise not_trusted("wrong-entry", f"{root.name} is not one certificate in PEM.") from error
