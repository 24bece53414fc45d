"""The ceremony by which jurisdictions make a new round of the trust root: propose, sign, combine. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Key
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Metadata, Role, Root, Targets
from tuf.api.serialization.json import JSONSerializer

from exchange.errors import InvalidInput, RootInvalid
from exchange.jurisdictions.directory import Directory, check_entries, shipped_directory
from exchange.jurisdictions.jurisdiction_entry import Entries, plain_entries
from exchange.trust.registry import (
    JURISDICTIONS_FIELD,
    RegisteredNode,
    RegistryFile,
    RoundFiles,
    TimeStampingRoot,
    Trust,
    as_target,
    parse_registry,
    round_fingerprint,
    verify_rounds,
)
from exchange.trust.root import RootFile, Tally, count_signatures, not_trusted, parse_root, tuf_keys
from exchange.trust.root_keys import RootKey, RootSigner
from schemas.vocabulary import Jurisdiction


@dataclass(frozen=True)
class Proposal:
    """A round that is being signed, after the one before it."""

    root: RootFile
    registry: RegistryFile
    previous: RootFile | None

    @property
    def files(self) -> RoundFiles:
        return RoundFiles(self.root.raw, self.registry.raw)

    @property
    def fingerprint(self) -> str:
        """What all who sign compare by telephone: that they sign the same."""
        return round_fingerprint(self.root, self.registry)

    @property
    def tallies(self) -> tuple[tuple[str, Tally], ...]:
        """Each condition under which the round can be published, in words, with who has signed."""
        root, registry, own = self.root, self.registry, f"root {self.root.version}"
        found = [(f"{own} under itself", count_signatures(root.metadata, root.signed, root))]
        if self.previous is not None:
            handed_over = count_signatures(root.metadata, root.signed, self.previous)
            found.insert(0, (f"{own} under root {self.previous.version}", handed_over))
        return (
            *found,
            (f"registry {registry.version} under {own}", count_signatures(registry.metadata, registry.signed, root)),
        )

    @property
    def complete(self) -> bool:
        return all(tally.good for _, tally in self.tallies)


def usual_threshold(members: int) -> int:
    """How many jurisdictions must sign unless they agree otherwise: two thirds, 4 of 6."""
    return -(-2 * members // 3)


def propose(
    previous: RootFile | None,
    *,
    keys: Sequence[RootKey],
    needed: int,
    nodes: Iterable[RegisteredNode],
    time_stamping: Iterable[TimeStampingRoot],
    jurisdictions: Entries | None = None,
    expires: datetime,
) -> Proposal:
    """The next round, unsigned; ``jurisdictions`` are those that it names beyond the release's own. Raises RootInvalid
    or InvalidInput when these parts make none."""
    version = 1 if previous is None else previous.version + 1
    if len({key.jurisdiction for key in keys}) != len(keys):
        raise InvalidInput("Two of the keys are of one jurisdiction; leave the one that holds from now on.")
    try:
        pairs = [key for member in keys for key in tuf_keys(member.jurisdiction, member.key)]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidInput("One of the root keys is not a key; ask for it again.") from error
    ids = sorted(key.keyid for key in pairs)
    root = Root(
        version=version,
        expires=expires,
        keys={key.keyid: key for key in pairs},
        # nobody here keeps timestamp and snapshot; TUF wants them named, so they ask for no less than the root
        roles={name: Role(list(ids), 2 * needed) for name in sorted(TOP_LEVEL_ROLE_NAMES)},
    )
    registered = list(nodes)
    entries: list[RegisteredNode | TimeStampingRoot] = [*registered, *time_stamping]
    targets = {target.path: target for target in map(as_target, entries)}
    registry = Targets(version=version, expires=expires, targets=targets)
    if jurisdictions:
        registry.unrecognized_fields[JURISDICTIONS_FIELD] = plain_entries(jurisdictions)
    known = shipped_directory().extended(jurisdictions or {}, "the proposal")
    _check_known(known, [*(key.jurisdiction for key in keys), *(node.jurisdiction for node in registered)])
    files = RoundFiles(_written(Metadata(root)), _written(Metadata(registry)))
    return open_proposal(files, previous)


def open_proposal(files: RoundFiles, previous: RootFile | None) -> Proposal:
    """Read a round that is being signed. Raises RootInvalid."""
    root, registry = parse_root(files.root), parse_registry(files.registry)
    version = 1 if previous is None else previous.version + 1
    if not root.version == registry.version == version:
        raise not_trusted(
            "wrong-version",
            f"Round {version} is next, and root {root.version} with registry {registry.version} are proposed. Propose "
            "anew with: ffp root init",
        )
    try:
        check_entries(registry.jurisdictions, f"Registry {registry.version}")
    except InvalidInput as error:  # of a round that is signed already it would be asked no more
        raise not_trusted("wrong-entry", str(error)) from error
    return Proposal(root, registry, previous)


def sign_proposal(proposal: Proposal, signer: RootSigner) -> tuple[Jurisdiction, RoundFiles]:
    """A copy with one jurisdiction's two signatures under both files, and whose they are.

    A key that is being replaced signs too: the root before must hand over. Raises InvalidInput for a key of neither.
    """
    ids = {one.public_key.keyid for one in signer.signers}
    judges = [root for root in (proposal.root, proposal.previous) if root is not None]
    owner = next((member.jurisdiction for root in judges for member in root.members if member.key_ids == ids), None)
    if owner is None:
        raise InvalidInput("This key pair is in neither the proposed root nor the one before; it cannot sign.")
    signed = []
    for raw in (proposal.root.raw, proposal.registry.raw):
        copy: Metadata[Any] = Metadata.from_bytes(raw)
        for one in signer.signers:
            copy.sign(one, append=True)
        signed.append(_written(copy))
    return owner, RoundFiles(*signed)


def combine_proposals(proposal: Proposal, copy: RoundFiles) -> Proposal:
    """The proposal with the signatures of a copy added.

    Raises RootInvalid when the copy is of something else, or holds a signature that is not good.
    """
    other = open_proposal(copy, proposal.previous)
    return open_proposal(
        RoundFiles(_merged(proposal, proposal.root, other.root), _merged(proposal, proposal.registry, other.registry)),
        proposal.previous,
    )


def publish_signed_round(trust: Trust | None, proposal: Proposal) -> Trust:
    """All rounds with the proposal as the last. Raises RootInvalid when it is not signed by enough."""
    before = () if trust is None else tuple(map(RoundFiles, *_raws(trust)))
    return verify_rounds((*before, proposal.files))


def _check_known(known: Directory, named: Iterable[Jurisdiction]) -> None:
    if unknown := sorted({code for code in named if code not in known}):
        raise InvalidInput(
            f"A key or a node is of {', '.join(unknown)}, which nobody has a name for: the round must name each "
            "jurisdiction that is not of this release. Put a file with its names into jurisdictions/ and propose anew.",
            code="unknown-jurisdiction",
        )


def _raws(trust: Trust) -> tuple[list[bytes], list[bytes]]:
    return [root.raw for root in trust.roots], [registry.raw for registry in trust.registries]


def _merged(proposal: Proposal, ours: RootFile | RegistryFile, theirs: RootFile | RegistryFile) -> bytes:
    if ours.signed != theirs.signed:
        raise not_trusted("another-history", "A copy is of another proposal than this one; nothing was taken from it.")
    keys: dict[str, Key] = dict(proposal.root.metadata.signed.keys)
    if proposal.previous is not None:
        keys |= proposal.previous.metadata.signed.keys
    merged: Metadata[Any] = Metadata.from_bytes(ours.raw)
    for key_id, signature in theirs.metadata.signatures.items():
        try:
            keys[key_id].verify_signature(signature, ours.signed)
        except (KeyError, UnverifiedSignatureError) as error:
            raise RootInvalid(
                "A copy holds a signature that is not good: by a key that is not of this root, or damaged on its way. "
                "Ask for that copy again.",
                code="too-few-signatures",
            ) from error
        merged.signatures[key_id] = signature
    return _written(merged)


def _written(metadata: Metadata[Any]) -> bytes:
    """With one field a line, so that people can read what they sign."""
    return JSONSerializer(compact=False).serialize(metadata) + b"\n"
