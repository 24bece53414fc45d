"""What all checks of one run share: the connection, the node's card, the guest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exchange.conformance.verdicts import NotTried
from exchange.conformance.wire import Wire
from exchange.log.checkpoint import Checkpoint
from exchange.trust.key_history import KeyHistory, begin_history
from schemas import Envelope, KeyEvent, open_envelope

if TYPE_CHECKING:
    from exchange.conformance.guest.guest import Guest

NEEDS_A_GUEST = "Only an enrolled peer can try this: give --as and --listen."


@dataclass
class Visit:
    """One run against one node. ``patience_s`` is how long the node may take for what it does by itself."""

    wire: Wire
    patience_s: float = 90
    slow_body_s: float = 150
    """How long a body that drips may be waited for; a node behind a proxy may add the proxy's patience to its own."""
    shown: tuple[Envelope, KeyEvent] | None = None
    """The card as it was read, before its signatures were verified."""
    card: KeyEvent | None = None
    card_bytes: bytes = b""
    keys: KeyHistory | None = None
    """The card and the key-events that followed, once they were verified."""
    heads: list[Checkpoint] = field(default_factory=list)
    """Signed heads of the log that were seen in this run."""
    enrolled: Guest | None = None

    @property
    def believed_card(self) -> KeyEvent:
        """The card, once its signatures were verified."""
        if self.card is None:
            raise NotTried("The node's card could not be believed; see card-signatures.")
        return self.card

    @property
    def believed_keys(self) -> KeyHistory:
        """Which keys counted when; those of the card alone where the node shows no chain that can be believed."""
        self.believed_card  # noqa: B018 - raises where there is none
        return self.keys or begin_history(open_envelope(self.card_bytes))

    @property
    def guest(self) -> Guest:
        """The peer that the tested node has enrolled."""
        if self.enrolled is None:
            raise NotTried(NEEDS_A_GUEST)
        return self.enrolled
