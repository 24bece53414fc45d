"""Which keys of a node were in force at which index of its log: its card, and the key-events that followed. No I/O.

The log's own index is the only clock: a time that a signer states is never believed. A key-event is good from its own
leaf on. Statements are verified with the key in force at their leaf, heads with the one in force at their last leaf.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from exchange.errors import CheckpointInvalid, StatementInvalid
from exchange.trust.card import open_card
from exchange.trust.possession import check_possession
from exchange.trust.verify import not_believed, verify_statement
from schemas import Delegation, Envelope, HybridKey, KeyEvent, KeyRole, LogKey, open_envelope
from schemas.key_chain import parse_key_chain
from schemas.keys import KEY_ROLES
from schemas.statements import statement_id


@dataclass(frozen=True)
class VerifiedKeyEvent:
    """A key-event that was verified, with its exact bytes."""

    statement_id: str
    envelope: Envelope
    event: KeyEvent

    @property
    def index(self) -> int:
        """Of its leaf in its issuer's log."""
        return self.event.delegation.from_index


@dataclass(frozen=True)
class Refused:
    """What a compromised key signed from index ``first`` on, up to but not including ``end``."""

    role: KeyRole
    first: int
    end: int

    def __contains__(self, index: int) -> bool:
        return self.first <= index < self.end


@dataclass(frozen=True)
class KeyHistory:
    """The verified key-events of one node, its card first. Each names the one before it, so there is one order."""

    links: tuple[VerifiedKeyEvent, ...]

    @property
    def card(self) -> KeyEvent:
        """What was pinned: identity, jurisdiction and the log's origin stand in it and never change."""
        return self.links[0].event

    @property
    def last(self) -> VerifiedKeyEvent:
        return self.links[-1]

    @property
    def url(self) -> str:
        """The address that the node states: in its last key-event."""
        return self.last.event.url

    @property
    def in_force(self) -> Delegation:
        """The keys of today. The witness and transport keys count by today alone: what they signed is used at once."""
        return self.last.event.delegation

    def statement_key(self, index: int) -> HybridKey:
        """What must have signed the statement at this index. Raises StatementInvalid, code "key-compromised"."""
        if self.is_refused("statement", index):
            raise not_believed(
                "key-compromised",
                f"The key that signs statement {index} of {self.card.issuer}'s log was in wrong hands.",
            )
        return self.at(index).event.delegation.statement

    def log_keys(self, size: int) -> tuple[LogKey, ...]:
        """What must have signed the head of this size: one pair of keys, or two, the former first, where the head's
        last leaf is the key-event that replaced them. Raises CheckpointInvalid when it was compromised."""
        last_leaf = max(size - 1, 0)
        if self.is_refused("log", last_leaf):
            raise CheckpointInvalid(
                f"the key that signs the head of size {size} of {self.card.log_origin} was in wrong hands"
            )
        signs = self.at(last_leaf)
        if size in self._doubly_signed():
            return self.at(last_leaf - 1).event.delegation.log, signs.event.delegation.log
        return (signs.event.delegation.log,)

    @property
    def last_doubly_signed(self) -> int | None:
        """The size of the last head that two pairs of log keys must sign; None when there is none."""
        return max(self._doubly_signed(), default=None)

    def statement_keys(self) -> tuple[HybridKey, ...]:
        """Those of today and all former ones that no key-event calls compromised: for what has no place in the log,
        and so could have been signed at any time by whoever had the key."""
        lost = [
            self.meant_by(link).event.delegation.statement
            for link in self.links
            if link.event.compromised is not None and "statement" in link.event.compromised.roles
        ]
        found = dict.fromkeys(link.event.delegation.statement for link in self.links)
        return tuple(key for key in found if key not in lost)

    def meant_by(self, compromise: VerifiedKeyEvent) -> VerifiedKeyEvent:
        """The link whose keys a compromise is of: at its own index its new keys are in force, so it is those before."""
        found = compromise.event.compromised
        return self.at(compromise.index - 1 if found is None else min(found.from_index, compromise.index - 1))

    def at(self, index: int) -> VerifiedKeyEvent:
        """The key-event in force at this index, whether its keys were compromised or not.

        Raises StatementInvalid for an index before the card's, as an altered row may state it.
        """
        found = next((link for link in reversed(self.links) if link.index <= index), None)
        if found is None:
            raise not_believed("out-of-order", f"The log of {self.card.issuer} has no statement {index}.")
        return found

    def is_refused(self, role: KeyRole, index: int) -> bool:
        """Whether what the role's key signed at this index is not believed."""
        return any(found.role == role and index in found for found in self.refused())

    def refused(self) -> tuple[Refused, ...]:
        """Every range that is not believed."""
        return tuple(found for link in self.links for found in self.refused_by(link))

    def refused_by(self, link: VerifiedKeyEvent) -> tuple[Refused, ...]:
        """The ranges that this key-event says are not to be believed; none unless it is a compromise."""
        if (compromised := link.event.compromised) is None:
            return ()
        meant, found = self.meant_by(link), []
        for role in compromised.roles:
            later = (item for item in self.links if meant.index < item.index <= link.index)
            end = next((item.index for item in later if _key(item, role) != _key(meant, role)), link.index)
            found.append(Refused(role, compromised.from_index, end))
        return tuple(found)

    def _doubly_signed(self) -> Iterator[int]:
        """A compromised key vouches for nothing, so the new one signs alone then."""
        for before, link in zip(self.links, self.links[1:], strict=False):
            compromised = link.event.compromised
            excepted = compromised is not None and "log" in compromised.roles
            if _key(before, "log") != _key(link, "log") and not excepted and not self.is_refused("log", link.index):
                yield link.index + 1


def begin_history(card: Envelope) -> KeyHistory:
    """The history of a node that is known by its card alone. Raises StatementInvalid."""
    return KeyHistory((VerifiedKeyEvent(statement_id(card.payload), card, open_card(card)),))


def extend_history(history: KeyHistory, raw: bytes) -> KeyHistory:
    """Believe the next key-event of a node whose card is pinned, or raise StatementInvalid.

    1. Both signatures are those of the pinned identity; it is a statement of the contract and names that issuer.
    2. It is a key-event other than a card.
    3. It does not change the identity. The jurisdiction and the log's origin follow from the issuer.
    4. It names the last key-event that is known, and its index is past that one's: none is left out, none comes twice.
    5. It replaces at least one key, all of those that it calls compromised and that are still in use, and brings back
       none; or it states another address.
    6. Each new key proves that the issuer has its private half.
    The caller must still check, where there is a proof, that its index is that of its leaf.
    """
    card, last = history.card, history.last
    verified = verify_statement(raw, issuer=card.issuer, key=card.identity)
    event = verified.statement
    if not isinstance(event, KeyEvent) or event.event == "delegate":
        raise not_believed("unexpected-type", "This does not follow on a card: it is no change of keys.")
    if event.identity != card.identity:
        raise not_believed("unchangeable", "A key-event never changes the identity.")
    if event.previous != last.statement_id or event.delegation.from_index <= last.index:
        raise not_believed(
            "out-of-order",
            f"This key-event of {card.issuer} does not follow on the last one that is known, of index {last.index}.",
        )
    link = VerifiedKeyEvent(verified.statement_id, verified.envelope, event)
    _check_keys(history, link)
    return KeyHistory((*history.links, link))


def history_of(card: Envelope, events: Iterable[bytes]) -> KeyHistory:
    """The card and all key-events that followed, in their order. Raises StatementInvalid."""
    history = begin_history(card)
    for raw in events:
        history = extend_history(history, raw)
    return history


@functools.lru_cache(maxsize=256)
def pinned_history(card: bytes, chain: bytes | None) -> KeyHistory:
    """Return the history of the node whose card is pinned, as far as ``chain`` goes. Cached: rows of peers are read all
    the time, and a registry names at most 256 nodes. Raises StatementInvalid, ContractError."""
    if chain is None:
        return begin_history(open_envelope(card))
    first, *later = (base64.b64decode(event) for event in parse_key_chain(chain).events)
    if first != card:
        raise StatementInvalid("The chain of key-events begins with another card than the one that is pinned.")
    return history_of(open_envelope(card), later)


def history_in(chain: bytes) -> KeyHistory:
    """The history that the answer to `GET /v1/node/keys`, or a file with the same, tells. Whether its card is the right
    one, the caller must know. Raises StatementInvalid, ContractError."""
    card, *later = (base64.b64decode(event) for event in parse_key_chain(chain).events)
    return history_of(open_envelope(card), later)


def replaced_roles(before: Delegation, after: Delegation) -> tuple[KeyRole, ...]:
    """The roles whose keys differ."""
    return tuple(role for role in KEY_ROLES if getattr(before, role) != getattr(after, role))


def _check_keys(history: KeyHistory, link: VerifiedKeyEvent) -> None:
    replaced = replaced_roles(history.in_force, link.event.delegation)
    former = {part for earlier in history.links for role in KEY_ROLES for part in _parts(_key(earlier, role))}
    moves = link.event.url != history.last.event.url
    if not (replaced or moves) or any(former & _parts(_key(link, role)) for role in replaced):
        raise not_believed("key-reused", "This key-event replaces no key, or brings back one that was in use before.")
    compromised, meant = link.event.compromised, history.meant_by(link)
    for role in compromised.roles if compromised is not None else ():
        if role not in replaced and _key(meant, role) == _key(history.last, role):
            raise not_believed("key-reused", f"This key-event calls the {role} key compromised and goes on with it.")
    check_possession(link.event, replaced)


def _key(link: VerifiedKeyEvent, role: KeyRole) -> HybridKey | LogKey | str:
    key: HybridKey | LogKey | str = getattr(link.event.delegation, role)
    return key


def _parts(key: HybridKey | LogKey | str) -> set[str]:
    """The raw keys in it: of a pair both are replaced together."""
    return {key} if isinstance(key, str) else {key.ed25519, key.ml_dsa}
