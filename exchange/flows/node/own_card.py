"""This node's card and key-events, as its database has them, and whether the settings agree with them.

The card was signed into the log once, and peers pinned it: what settings say otherwise would be signed for good.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.config import Settings
from exchange.errors import KeysDiffer, SettingsDiffer
from exchange.log import merkle
from exchange.store.log.statement_rows import find_node, first_key_events, key_events
from exchange.trust.key_history import KeyHistory, history_of
from schemas import open_envelope


@dataclass(frozen=True)
class CardDifference:
    """One setting that contradicts what this node signed, with the ``next`` step."""

    setting: str
    what: str
    next: str


def own_history(session: Session) -> KeyHistory:
    """The key-events that the own log has, its card first. Raises KeysDiffer where the database has no card."""
    cards = first_key_events(session)
    if len(cards) > 1:  # altered: the tree says which is the own one
        cards = [row for row in cards if find_node(session, 0, 0) == merkle.leaf_hash(row.leaf)]
    if len(cards) != 1:
        raise KeysDiffer("The database has no card of a node as the first leaf of its log. Correct `database_url`.")
    events = [row.envelope or b"" for row in key_events(session, cards[0].issuer)]
    return history_of(open_envelope(events[0]), events[1:])


def card_differences(settings: Settings, history: KeyHistory) -> list[CardDifference]:
    """Compare the settings, field by field, with what this node signed. Its keys are compared when they are opened, and
    the name of its log follows from its node id."""
    card = history.card
    found = []
    for setting, given, signed in (
        ("node_id", settings.node_id, card.issuer),
        ("jurisdiction", settings.jurisdiction, card.jurisdiction),
        ("url", settings.url, history.url),
    ):
        if given != signed:
            what = f"The setting {setting} is {given}, and this node's log states {signed}, as its peers know it."
            then = f"Set {setting} to {signed}. Where it is set: ffp config show --origin --home {settings.home}"
            if setting == "node_id":
                then += ". If the database is that of another node: correct database_url"
            if setting == "url":
                then += f". If the address did change, sign it: ffp key address --home {settings.home}"
            found.append(CardDifference(setting, what, then))
    return found


def check_card(settings: Settings, history: KeyHistory, *, moved: bool = False) -> None:
    """Raises SettingsDiffer that names every setting which contradicts the card; ``moved``: but for the address."""
    differences = [found for found in card_differences(settings, history) if not (moved and found.setting == "url")]
    if differences:
        whole = " ".join(f"{found.what} {found.next}." for found in differences)
        told = tuple((found.setting, found.what, found.next) for found in differences)
        raise SettingsDiffer(f"{whole} The node does not start before.", settings=told)
