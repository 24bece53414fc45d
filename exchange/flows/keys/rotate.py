"""The operator replaces working keys: because it is time, or because one is in wrong hands."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.errors import Conflict, InvalidInput
from exchange.flows.keys.events import drop_refused, key_chain
from exchange.flows.keys.restore_key_events import cosigned_anew, put_cosigned
from exchange.flows.log.start import is_unsettled
from exchange.flows.node.last_head import check_last_head
from exchange.flows.node.node import Node, check_keys
from exchange.store.log.statement_rows import append_own, latest_checkpoint, log_size
from exchange.store.sync.peers import all_peers, put_on_lane
from exchange.store.sync.refused import refuse_statements
from exchange.store.tables.peer_tables import PeerState
from exchange.store.witness.cosignatures import witnesses
from exchange.trust.key_files import exchange_folder, keep_events, prepare_folder
from exchange.trust.key_history import KeyHistory, extend_history
from exchange.trust.keys import HybridSigner, NodeKeys, fresh_keys, load_keys, settle_keys
from exchange.trust.possession import prove_possession
from schemas import CONTRACT_VERSION, Compromise, Envelope, KeyEvent, KeyRole, Maker, statement_id, statement_payload
from schemas.vocabulary import Role, SignedInBy


@dataclass(frozen=True)
class Replaced:
    """The key-event that was logged, and how many own statements are not believed any more because of it."""

    event: KeyEvent
    refused: int


def replace_keys(
    node: Node,
    identity: HybridSigner,
    roles: Sequence[KeyRole],
    *,
    compromised: bool = False,
    from_index: int | None = None,
) -> Replaced:
    """Replace the keys of these roles. Only for whoever holds the node's home alone (`at_rest`).

    1. Where they are ``compromised``, their signatures are not believed from the log's ``from_index`` on. It is within
       what a peer cosigned: what came before is proved to have been there. None: good up to now.
    2. The new keys are written beside the old ones.
    3. The identity signs the key-event; it is verified as every peer will, and kept beside the keys that it names.
    4. In one transaction: the log goes no further meanwhile, the event is its next leaf and on each peer's lane, heads
       that were cosigned are cosigned anew, and what a compromised key signed is set aside.
    5. The new keys take the place of the old ones. What breaks off between 4 and 5 is finished at the next start
       (`settle_keys`).

    Raises InvalidInput, Conflict, StatementInvalid, ConfigurationError; up to step 4 nothing has changed.
    """
    # 1.
    _check(node, identity, roles, compromised, from_index)
    if not compromised:
        return _sign(node, identity, roles, None)
    with node.store.read() as session:
        since = log_size(session) if from_index is None else from_index
    return _sign(node, identity, roles, Compromise(roles=tuple(roles), from_index=since))


def state_address(node: Node, identity: HybridSigner) -> KeyEvent:
    """Sign that this node is reached at the address of its settings from now on; its keys stay. Only for whoever holds
    the node's home alone (`at_rest`), opened as ``moved``.

    Peers go on asking at the former address until their operators confirm the new one (`ffp peer address`): whoever has
    the keys could otherwise send every peer elsewhere. Raises as ``replace_keys``.
    """
    if node.settings.url == node.history.url:
        raise Conflict(f"This node's log states the address {node.settings.url} already.", code="same-address")
    _check_standing(node, identity)
    return _sign(node, identity, (), None).event


def _sign(node: Node, identity: HybridSigner, roles: Sequence[KeyRole], compromised: Compromise | None) -> Replaced:
    """Steps 2 to 5 of ``replace_keys``."""
    # 2.
    folder, passphrase = node.settings.keys, node.settings.passphrase
    settle_keys(folder, node.history.in_force, passphrase)
    fresh = fresh_keys(folder, roles, passphrase, keep_log=compromised is None)
    keys = load_keys(prepare_folder(folder, fresh), passphrase)

    # 3.
    with node.store.read() as session:
        size = log_size(session)
    event = _event(node, identity, keys, roles, size, compromised)
    payload = statement_payload(event)
    envelope = identity.sign(payload)
    history = extend_history(node.history, envelope.raw)
    keep_events(folder, key_chain(history))

    # 4. Whatever is raised here: the prepared keys stay, since they may be those that the log names by now.
    count = _store(node, statement_id(payload), event, envelope, history, keys)

    # 5.
    exchange_folder(folder)
    drop_refused(node, node.history, history)
    return Replaced(event, count)


def cosigned_up_to(node: Node) -> int:
    """The size of the largest head of the own log that a peer is known to have cosigned; 0 when there is none."""
    with node.store.read() as session:
        return max(witnesses(session).values(), default=0)


def _check(
    node: Node, identity: HybridSigner, roles: Sequence[KeyRole], compromised: bool, from_index: int | None
) -> None:
    _check_standing(node, identity)
    if not roles or len(set(roles)) != len(roles):
        raise InvalidInput("Name each key to replace once: statement, log, witness, transport.")
    if "log" in roles and not compromised and _owes_a_head(node):
        raise Conflict(
            "The log's keys were replaced before, and the head that the former ones sign too is not signed yet. Start "
            "the node, wait until `ffp status` shows the head signed, stop it, and replace them then.",
            code="head-not-signed",
        )
    limit = cosigned_up_to(node)
    if compromised and {"statement", "log"} & set(roles) and (from_index is None or from_index > limit):
        raise InvalidInput(
            f"A peer is known to have cosigned this log up to size {limit}; what came after is proved by nobody, so "
            f"say from which index on the key is not believed, with --from-index, {limit} at the most.",
            code="past-the-last-witness",
        )


def _check_standing(node: Node, identity: HybridSigner) -> None:
    """It is this node's identity, and the log is the whole one. Raises InvalidInput, Conflict, StoreUnavailable."""
    if identity.public != node.card.identity:
        raise InvalidInput("That identity key is another one than that of this node's card.", code="wrong-identity")
    with node.store.read() as session:
        check_last_head(node.settings, session)
    if is_unsettled(node):
        raise Conflict(
            "This node's log may not be the whole one: it was restored from a backup, or contradicts what a peer "
            "holds. Start it, and let it meet its peers first; `ffp status` says when it has.",
            code="log-unsettled",
        )


def _owes_a_head(node: Node) -> bool:
    """Whether the former keys of the log have still to sign the head at their replacement."""
    due = node.history.last_doubly_signed
    with node.store.read() as session:
        latest = latest_checkpoint(session)
    return due is not None and (latest is None or latest.size < due)


def _event(
    node: Node,
    identity: HybridSigner,
    keys: NodeKeys,
    roles: Sequence[KeyRole],
    size: int,
    compromised: Compromise | None,
) -> KeyEvent:
    previous = node.history.last.statement_id
    return KeyEvent(
        contract=CONTRACT_VERSION,
        type="key-event",
        event="rotate" if compromised is None else "compromise",
        nonce=secrets.token_hex(32),
        issuer=node.node_id,
        made_by=Maker(pseudonym="operator", role=Role.OPERATOR, signed_in=SignedInBy.NODE_KEY),
        jurisdiction=node.card.jurisdiction,
        url=node.settings.url,
        log_origin=node.card.log_origin,
        identity=identity.public,
        delegation=keys.delegated(size),
        possession=prove_possession(keys, roles, issuer=node.node_id, identity=identity.public, previous=previous),
        previous=previous,
        compromised=compromised,
    )


def _store(node: Node, name: str, event: KeyEvent, envelope: Envelope, history: KeyHistory, keys: NodeKeys) -> int:
    """The one transaction; returns how many own statements were set aside."""
    replaced = keys.witness.public != node.keys.witness.public
    cosigned = cosigned_anew(node, keys.witness) if replaced else {}
    with node.store.write() as session:
        check_keys(session, node.history.last.index)
        if log_size(session) != event.delegation.from_index:
            raise Conflict("The log grew meanwhile; nothing was changed. Try again.", code="log-grew")
        append_own(session, name, event, event.type, envelope)
        for peer in all_peers(session):
            if peer.state == PeerState.ENROLLED:
                put_on_lane(session, peer.node_id, name)
        put_cosigned(session, cosigned)
        ranges = [found for found in history.refused_by(history.last) if found.role == "statement"]
        return sum(refuse_statements(session, node.node_id, found.first, found.end, name) for found in ranges)
