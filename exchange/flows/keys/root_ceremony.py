"""The folder that a ceremony of the trust root works on; people carry it about on a stick.

``keys/``           the public part of each jurisdiction's key pair, as ``ffp root key`` made it
``nodes/``          each node's card, as ``ffp peer show --card`` wrote it
``time-stamping/``  certificates of time-stamping authorities in PEM, one a file
``jurisdictions/``  names, footnotes, languages and clocks of jurisdictions beyond the release's own
``proposed/``       the next round while it is being signed; below ``signed/`` a copy by each who signed
``published/``      all rounds, for ever; this is what nodes install
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from exchange.errors import ConfigurationError, InvalidInput, RootInvalid, StatementInvalid
from exchange.home import read_bounded
from exchange.jurisdictions.directory import check_entries
from exchange.jurisdictions.jurisdiction_entry import Entries, JurisdictionEntry
from exchange.jurisdictions.own_file import read_entries_file
from exchange.trust.card import open_card
from exchange.trust.ceremony import (
    Proposal,
    combine_proposals,
    open_proposal,
    propose,
    publish_signed_round,
    sign_proposal,
    usual_threshold,
)
from exchange.trust.registry import RegisteredNode, RoundFiles, TimeStampingRoot, Trust, verify_rounds
from exchange.trust.root_files import read_round, read_rounds, write_round_file, write_rounds
from exchange.trust.root_keys import RootSigner, read_root_key
from schemas import ContractError, open_envelope
from schemas.envelope import MAX_ENVELOPE_BYTES
from schemas.vocabulary import Jurisdiction

MAX_PEM_BYTES = 16 * 1024


def published_in(folder: Path) -> Trust | None:
    """All rounds that were published so far, verified; None before the first. Raises RootInvalid."""
    rounds = read_rounds(folder / "published")
    return verify_rounds(rounds) if rounds else None


def proposal_in(folder: Path) -> Proposal:
    """The round that is being signed. Raises ConfigurationError when there is none, RootInvalid."""
    if not (folder / "proposed").is_dir():
        raise ConfigurationError(f"Nothing is proposed in {folder}. Propose a round with: ffp root init {folder}")
    trust = published_in(folder)
    return open_proposal(_copy_in(folder / "proposed"), None if trust is None else trust.root)


def propose_round(folder: Path, *, needed: int | None, expires: datetime) -> Proposal:
    """Put the next round, unsigned, into ``proposed/``: what lies in keys, nodes, time-stamping and jurisdictions, and
    nothing else.

    ``needed`` jurisdictions must sign from then on; as many as before when None, at first two thirds.
    Raises ConfigurationError when a round is being signed already; InvalidInput, RootInvalid.
    """
    if (folder / "proposed").exists():
        raise ConfigurationError(
            f"A round is being signed in {folder / 'proposed'}. Publish it, or remove that folder with all signatures."
        )
    trust = published_in(folder)
    keys = [read_root_key(path) for path in _files(folder / "keys", "*.json")]
    if not keys:
        raise ConfigurationError(f"There is no key in {folder / 'keys'}. Each jurisdiction makes its own: ffp root key")
    if needed is None:
        needed = trust.root.needed if trust is not None else usual_threshold(len(keys))
    proposal = propose(
        None if trust is None else trust.root,
        keys=keys,
        needed=needed,
        nodes=[_registered(path) for path in _files(folder / "nodes", "*.json")],
        time_stamping=[_certificate(path) for path in _files(folder / "time-stamping", "*.pem")],
        jurisdictions=_jurisdictions(folder / "jurisdictions"),
        expires=expires,
    )
    _write_copy(folder / "proposed", proposal.files)
    return proposal


def sign_round(folder: Path, signer: RootSigner) -> tuple[Jurisdiction, Path]:
    """Put a copy with one jurisdiction's signatures beside the proposal, and say whose and where."""
    proposal = proposal_in(folder)
    owner, copy = sign_proposal(proposal, signer)
    key_id = signer.signers[0].public_key.keyid  # a jurisdiction that replaces its keys signs with both pairs
    place = folder / "proposed" / "signed" / f"{owner}-{key_id[:8]}"
    _write_copy(place, copy)
    return owner, place


def combine_copies(folder: Path, others: Sequence[Path]) -> Proposal:
    """Gather the signatures of this folder and of others, which are copies of it or single copies of who signed.

    Raises RootInvalid naming the copy that is of something else or not good; what was gathered before stays.
    """
    proposal = proposal_in(folder)
    for place in (copy for source in (folder, *others) for copy in _copies(source)):
        try:
            proposal = combine_proposals(proposal, _copy_in(place))
        except RootInvalid as error:
            raise RootInvalid(f"{place}: {error}", code=error.code) from error
    _write_copy(folder / "proposed", proposal.files)
    return proposal


def publish_round(folder: Path) -> Trust:
    """Put the proposal behind the published rounds, once it is signed by enough. Raises RootInvalid."""
    proposal = proposal_in(folder)
    trust = publish_signed_round(published_in(folder), proposal)
    write_rounds(folder / "published", trust)
    shutil.rmtree(folder / "proposed")
    return trust


def _copies(source: Path) -> Iterator[Path]:
    places = (source, source / "proposed", *sorted((source / "proposed" / "signed").glob("*")))
    found = [place for place in places if (place / "root.json").is_file()]
    if not found:
        raise ConfigurationError(f"There is no signed copy in {source}; name the folder that ffp root sign wrote.")
    yield from found


def _copy_in(place: Path) -> RoundFiles:
    return read_round(place / "root.json", place / "targets.json")


def _write_copy(place: Path, files: RoundFiles) -> None:
    write_round_file(place / "targets.json", files.registry)
    write_round_file(place / "root.json", files.root)


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def _registered(path: Path) -> RegisteredNode:
    try:
        card = open_card(open_envelope(read_bounded(path, MAX_ENVELOPE_BYTES)))
    except (ContractError, StatementInvalid) as error:
        raise InvalidInput(f"{path} is no node's card: {error}") from error
    return RegisteredNode(node_id=card.issuer, jurisdiction=card.jurisdiction, url=card.url, identity=card.identity)


def _jurisdictions(folder: Path) -> Entries:
    """Of all files together. Raises InvalidInput where two name the same one, or the whole does not go."""
    found: dict[Jurisdiction, JurisdictionEntry] = {}
    for path in _files(folder, "*.json"):
        more = read_entries_file(path)
        if twice := sorted(found.keys() & more.keys()):
            raise InvalidInput(f"{path} names {', '.join(twice)}, as another file of that folder does.")
        found |= more
    check_entries(found, str(folder))
    return found


def _certificate(path: Path) -> TimeStampingRoot:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_PEM_BYTES).decode("ascii")
        return TimeStampingRoot(name=path.stem, certificate=text)
    except ValueError as error:
        raise InvalidInput(
            f"{path} is no time-stamping root: a PEM file named in small letters, digits and hyphens."
        ) from error
