"""The trust root in a node's home: install a newer round, admit by it, and say what stands against it.

What reads it is loaded where there is one: most commands of most nodes need it not, and TUF takes 0.1 s to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exchange.clock import now
from exchange.config import Settings
from exchange.errors import ConfigurationError, InvalidInput
from exchange.flows.node.installed_trust import installed_trust
from exchange.flows.node.node import Node
from exchange.store.tables.peer_tables import PeerRow, PeerState
from exchange.trust.card import open_card, same_fingerprint
from schemas import KeyEvent, open_envelope

if TYPE_CHECKING:
    from exchange.trust.registry import RegisteredNode, Trust

WARNING = timedelta(days=60)  # six capitals need weeks to bring signatures together


def read_published(folder: Path) -> Trust:
    """What somebody published, verified. Raises RootInvalid, ConfigurationError when there is nothing."""
    from exchange.trust.registry import verify_rounds
    from exchange.trust.root_files import read_rounds

    rounds = read_rounds(folder)
    if not rounds:
        raise ConfigurationError(f"There is no 1.root.json in {folder}; name the folder that ffp root publish wrote.")
    return verify_rounds(rounds)


def install_trust(settings: Settings, offered: Trust, *, confirmed: str | None) -> None:
    """``install_rounds`` in a node."""
    install_rounds(settings.trust_root, offered, confirmed=confirmed)


def install_rounds(folder: Path, offered: Trust, *, confirmed: str | None) -> None:
    """Install what was published in the folder of a home, which may have no node yet.

    1. What is installed already goes on in what is offered: no round back, none changed.
    2. The first time there is nothing to go on from: the digits of the last round were compared with somebody else.
    3. Only the new rounds are written.
    Raises RootInvalid, InvalidInput.
    """
    from exchange.trust.registry import check_continues
    from exchange.trust.root_files import read_rounds, write_rounds

    held = read_rounds(folder)
    check_continues(held, offered)
    if not held and not (confirmed and same_fingerprint(confirmed, offered.fingerprint)):
        raise InvalidInput(
            "The digits differ from those of the round that is offered. Nothing was installed.",
            code="fingerprint-differs",
        )
    write_rounds(folder, offered, public=False)


def admitted(node: Node, card: KeyEvent) -> RegisteredNode | None:
    """The registry's entry for a new peer; None when no trust root is installed, and people must compare fingerprints.

    Raises InvalidInput when the registry does not admit it, ConfigurationError when it cannot be believed.
    """
    trust = installed_trust(node.settings)
    if trust is None:
        return None
    from exchange.trust.registry import admit

    return admit(trust, card, now=now())


def root_alarms(node: Node, peers: Sequence[PeerRow]) -> list[str]:
    """What the operator must know. None of it stops the exchange with peers that are enrolled."""
    try:
        trust = installed_trust(node.settings)
    except ConfigurationError as error:
        return [str(error)]
    if trust is None:
        return []
    cards = [open_card(open_envelope(peer.card)) for peer in peers if peer.state == PeerState.ENROLLED]
    return [*_expiry(trust), *_own(trust, node.card), *(alarm for card in cards for alarm in _peer(trust, card))]


def _expiry(trust: Trust) -> list[str]:
    moment, day = now(), f"{trust.expires:%Y-%m-%d}"
    if moment >= trust.expires:
        return [
            f"Round {trust.version} of the trust root expired on {day}: no new peer is admitted; enrolled peers go on. "
            "Install a newer round with: ffp root install"
        ]
    if moment >= trust.expires - WARNING:
        return [f"Round {trust.version} of the trust root expires on {day}. The next round must be signed before then."]
    return []


def _own(trust: Trust, card: KeyEvent) -> list[str]:
    if _stands(trust, card):
        return []
    return [
        f"This node is not in the registry with its identity (round {trust.version}): peers that have the trust root "
        "cannot enrol it. Send its card to those who sign the next round."
    ]


def _peer(trust: Trust, card: KeyEvent) -> list[str]:
    if _stands(trust, card):
        return []
    how = "has another identity in" if trust.node(card.issuer) else "is not in"
    return [
        f"The peer {card.issuer} {how} the registry (round {trust.version}). It goes on until you decide: ask those "
        f"who signed, then have it entered, or ffp peer revoke {card.issuer}"
    ]


def _stands(trust: Trust, card: KeyEvent) -> bool:
    entry = trust.node(card.issuer)
    return entry is not None and entry.identity == card.identity
