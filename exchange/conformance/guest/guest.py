"""A peer for the length of one run: its own keys, log, lanes and address, in a folder that goes with it."""

from __future__ import annotations

import base64
import contextlib
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from exchange.clock import now
from exchange.config import load_settings
from exchange.conformance.guest.owner import Owner, Published
from exchange.conformance.guest.peer_simulator import PeerSimulator
from exchange.conformance.guest.poison import PoisonedItem
from exchange.conformance.targets import LANE
from exchange.conformance.verdicts import NotKept
from exchange.conformance.wire import Wire, WireAnswer
from exchange.errors import ConfigurationError
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.keys.events import key_chain
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node, create_node, opened
from exchange.flows.terms.first_line import FirstLine
from exchange.net.message_signatures import sign_request
from exchange.trust.card import fingerprint
from exchange.trust.key_history import KeyHistory
from schemas import KeyEvent, Maker
from schemas.vocabulary import ExhibitKind, Jurisdiction, Role, SharingRule, SignedInBy

_DAYS = 2
"""A record that stays behind, as the owner's withdrawal was not heeded, is over by itself after that."""


def sample_record(issuer: str, jurisdiction: Jurisdiction, audience: Jurisdiction) -> dict[str, Any]:
    """The fields of a record for one jurisdiction; its scan is no scan, and its calibre unknown."""
    return {
        "contract": "1.0",
        "nonce": "0" * 64,
        "issuer": issuer,
        "made_by": {"pseudonym": "conformance", "role": "examiner", "signed_in": "node_key"},
        "type": "record",
        "jurisdiction": jurisdiction,
        "case_reference": f"{jurisdiction}-0",
        "exhibit": {"kind": "replica", "calibre": "unknown", "headstamp": "CONFORMANCE TEST"},
        "acquisitions": [
            {
                "roi": "breech_face",
                "modality": "topography",
                "lighting": "none",
                "blob": {"sha256": "0" * 64, "size": 1, "media_type": "application/x-x3p"},
            }
        ],
        "handling": {"code": "H0"},
        "level": "full",
        "audience": [audience],
        "retention_until": (datetime.now(UTC).date() + timedelta(days=_DAYS)).isoformat(),
        "supersedes": None,
        "first_version": None,
    }


_LEGAL_BASIS = "Conformance test with made-up data; no legal basis is needed or claimed"
CONFORMANCE_HEAD = Maker(pseudonym="conformance", role=Role.HEAD, signed_in=SignedInBy.NODE_KEY)
_LASTS = timedelta(days=365)
POLL_S = 2.0
_T = TypeVar("_T")


@dataclass
class Guest:
    """The guest's node, what it shows of itself, and how it speaks to the ``tested`` node."""

    node: Node
    owner: Owner
    peer: PeerSimulator
    wire: Wire
    keys: KeyHistory
    """Those of the tested node."""
    patience_s: float
    honest: list[Published] = field(default_factory=list)
    """The good records on the lane for the tested node."""
    poison: dict[int, PoisonedItem] = field(default_factory=dict)
    """The deliberately bad items on the lane, by their position."""
    withdrawn: bool = False
    """Whether the good records were withdrawn."""
    lane_end: tuple[int, bytes] | None = None
    """Count and running head after the last of these."""

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.node.card.identity)

    @property
    def tested(self) -> KeyEvent:
        """The card of the tested node."""
        return self.keys.card

    @property
    def answers_with(self) -> Ed25519PublicKey:
        """The key that must have signed the tested node's answers."""
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.keys.in_force.transport))

    def url(self, target: str) -> str:
        """As it is signed: with the address of the card, whatever way leads there."""
        return self.keys.url + target

    def signed(
        self,
        target: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        age_s: int = 0,
        url: str | None = None,
        nonce: str | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """The headers of a request, a body of which is JSON."""
        key = self.node.keys.transport
        covered = {**(fields or {}), **({"Content-Type": "application/json"} if body else {})}
        return sign_request(
            key,
            self.node.requester_id,
            method=method,
            url=(url or self.keys.url) + target,
            body=body,
            now=int(time.time()) - age_s,
            fields=covered,
            nonce=nonce,
        )

    def get(self, target: str, **headers: str) -> WireAnswer:
        """Ask with these of the fields that a signature covers."""
        return self.wire.ask("GET", target, self.signed(target, fields=headers))

    def post(self, target: str, body: bytes) -> WireAnswer:
        return self.wire.ask("POST", target, self.signed(target, method="POST", body=body), body)

    def is_enrolled(self) -> bool:
        """Whether the tested node answers this peer by now."""
        return self.get(LANE).status == 200

    def wait_enrolled(self, within_s: float) -> None:
        """Until the tested node's operator has enrolled this peer. Raises ConfigurationError when nobody does."""
        deadline = time.monotonic() + within_s
        while not self.is_enrolled():
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"{self.node.node_id} was not enrolled within {within_s:.0f} s. Enrol it on the tested node with "
                    "the command that was shown, or give more time with --wait."
                )
            time.sleep(POLL_S)

    def wait_for(self, found: Callable[[], _T | None], what: str) -> _T:
        """What comes when the tested node does something by itself. Raises NotKept when it does not."""
        deadline = time.monotonic() + self.patience_s
        while (it := found()) is None:
            if time.monotonic() > deadline:
                raise NotKept(f"Within {self.patience_s:.0f} s {what}.")
            time.sleep(0.05)
        return it


@contextlib.contextmanager
def guest_at(
    wire: Wire,
    keys: KeyHistory,
    *,
    jurisdiction: Jurisdiction,
    listen: tuple[str, int],
    reached_at: str | None = None,
    patience_s: float,
) -> Iterator[Guest]:
    """A new peer that serves at ``listen`` and has enrolled the node of ``keys``. Its folder goes with the block.

    Raises ConfigurationError for an address that cannot be had, InvalidInput for what is no card.
    """
    host, port = listen
    node_id = f"ffp-{jurisdiction.lower()}-conformance{secrets.token_hex(2)}"
    url = reached_at or f"http://{host}:{port}"
    with tempfile.TemporaryDirectory(prefix="ffp-conformance-") as folder:
        home = Path(folder) / "node"
        create_node(home, jurisdiction=jurisdiction, url=url, node_id=node_id, port=port)
        settings = load_settings(home)
        if (settings.node_id, settings.url, settings.jurisdiction) != (node_id, url, jurisdiction):
            raise ConfigurationError("The environment names another node; unset what begins with FFP_NODE_ first.")
        with opened(home) as node:
            introduction = replace(read_introduction(node, keys.links[0].envelope.raw), chain=key_chain(keys))
            tested = introduction.card
            if tested.jurisdiction == jurisdiction:
                raise ConfigurationError(f"The tested node is of {jurisdiction} itself; give another one with --as.")
            line = FirstLine(CONFORMANCE_HEAD, tuple(ExhibitKind), SharingRule.ALLOWED, now().date() + _LASTS)
            enrol(node, introduction, confirmed=introduction.fingerprint, legal_basis=_LEGAL_BASIS, first_line=line)
            sign_head(node)
            owner = Owner(node, reader=tested.issuer, sample=sample_record(node_id, jurisdiction, tested.jurisdiction))
            with _serving(owner, host, port) as peer:
                guest = Guest(node, owner, peer, wire, keys, patience_s)
                peer.reader_key = guest.answers_with
                yield guest


@contextlib.contextmanager
def _serving(owner: Owner, host: str, port: int) -> Iterator[PeerSimulator]:
    try:
        peer = PeerSimulator(owner, port, host)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} on {host} cannot be had ({error.strerror}); give another with --listen."
        ) from error
    try:
        yield peer
    finally:
        peer.close()
