"""Give away a record with all that proves it, and verify what somebody else gave, without any node."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exchange.errors import StatementInvalid
from exchange.flows.node.installed_trust import installed_trust
from exchange.flows.node.node import Node
from exchange.flows.statement.proven import make_proven, verify_proven
from exchange.log.checkpoint import Checkpoint
from exchange.trust.registry import Trust
from exchange.trust.root_files import read_rounds
from schemas import KeyEvent, Record
from schemas.bundle import Bundle, TrustRound
from schemas.exhibit import Sha256Hex


@dataclass(frozen=True)
class VerifiedBundle:
    """A record that stands in its issuer's log. ``fingerprint``: of the identity that vouches for all of it; whether it
    is the issuer's, two people must have compared. ``scans``: the SHA-256 of each that was looked at beside it."""

    statement_id: str
    record: Record
    card: KeyEvent
    fingerprint: str
    log_index: int
    head: Checkpoint
    witnesses: tuple[KeyEvent, ...]
    """The cards of those that cosigned the head; whether they are who they say, the same people must have compared."""
    trust: Trust | None
    """The trust root that names the issuer's identity; None where the bundle has none."""
    scans: tuple[Sha256Hex, ...]


def make_bundle(node: Node, statement_id: str) -> Bundle:
    """A record of this node's own with the key-event, the proof and the signed head that it rests on.

    Raises NotFound for what is not this node's own: its issuer gives the bundle. Raises Conflict, code
    "head-not-signed", while no signed head of the log covers it: ask again in a second.
    """
    return make_proven(node, statement_id, kind="record", rounds=_rounds(node))


def verify_bundle(
    data: bytes, *, confirmed: str | None = None, confirmed_root: str | None = None, scans: Sequence[Path] = ()
) -> VerifiedBundle:
    """Believe the bundle of a record, or raise the reason not to: steps 1 to 7 as ``verify_proven`` takes them.

    8. The statement is a record, of its issuer's jurisdiction.
    9. The scans beside it are those that the record names.

    Raises what ``verify_proven`` raises; OSError for a scan that cannot be read.
    """
    # 1. to 7.
    found = verify_proven(data, confirmed=confirmed, confirmed_root=confirmed_root)

    # 8.
    record = found.verified.statement
    if not isinstance(record, Record):
        raise StatementInvalid("The statement inside is no record.", code="unexpected-type")
    check_jurisdiction(record, found.card)

    # 9.
    return VerifiedBundle(
        found.verified.statement_id,
        record,
        found.card,
        found.fingerprint,
        found.log_index,
        found.head,
        found.witnesses,
        found.trust,
        _named(record, scans),
    )


def check_jurisdiction(record: Record, card: KeyEvent) -> None:
    """Raises StatementInvalid."""
    if record.jurisdiction != card.jurisdiction:
        raise StatementInvalid("The record names another jurisdiction than its issuer's.", code="wrong-jurisdiction")


def _rounds(node: Node) -> tuple[TrustRound, ...]:
    rounds = read_rounds(node.settings.trust_root) if installed_trust(node.settings) is not None else ()
    return tuple(
        TrustRound(root=base64.b64encode(files.root).decode(), registry=base64.b64encode(files.registry).decode())
        for files in rounds
    )


def _named(record: Record, scans: Sequence[Path]) -> tuple[Sha256Hex, ...]:
    known = {acquisition.blob.sha256 for acquisition in record.acquisitions}
    found = []
    for path in scans:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 not in known:
            raise StatementInvalid(f"{path.name} has the SHA-256 {sha256}; the record names no such scan.")
        found.append(sha256)
    return tuple(found)
