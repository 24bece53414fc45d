"""``ffp key``: replace this node's keys, say that one is in wrong hands, encrypt them at rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import ask_secret, opened_here
from exchange.cli.tables import AsJson, print_json, tell
from exchange.errors import ConfigurationError, InvalidInput, PassphraseNeeded
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.keys.rotate import Replaced
    from exchange.flows.node.node import Node
    from exchange.trust.keys import HybridSigner
    from schemas import KeyRole

app = typer.Typer(help="The keys of this node.", no_args_is_help=True)

Identity = Annotated[
    Path | None,
    typer.Option(help="The folder with the identity key, where it is kept apart. Default: the node's own keys."),
]
_BACKUP = (
    "Make a new backup of the keys now: the former one does not fit this log any more. Then start the node; its peers "
    "learn the new keys from it."
)


@app.command("list")
def list_events(home: Home = None, as_json: AsJson = False) -> None:
    """List this node's key-events, what each replaced, and how its keys are kept."""
    from exchange.flows.keys.rotate import cosigned_up_to
    from exchange.trust.key_files import is_encrypted
    from exchange.trust.key_history import replaced_roles
    from schemas.keys import KEY_ROLES

    with opened_here(resolve_home(home)) as node:
        links, cosigned, encrypted = node.history.links, cosigned_up_to(node), is_encrypted(node.settings.keys)
    events: list[dict[str, Any]] = []
    before = None
    for link in links:
        keys, compromised = link.event.delegation, link.event.compromised
        roles = KEY_ROLES if before is None else replaced_roles(before, keys)
        wrong = None if compromised is None else {"from": compromised.from_index, "roles": compromised.roles}
        stated = {"log_index": link.index, "event": link.event.event, "url": link.event.url}
        events.append({**stated, "roles": roles, "compromised": wrong})
        before = keys
    if as_json:
        print_json({"events": events, "cosigned_size": cosigned, "keys_encrypted": encrypted})
        return
    for event in events:
        what = f"new keys for {', '.join(event['roles'])}" if event["roles"] else f"another address, {event['url']}"
        typer.echo(f"log index {event['log_index']}: {event['event']}, {what}")
        if (wrong := event["compromised"]) is not None:
            typer.echo(f"  in wrong hands from index {wrong['from']} on: {', '.join(wrong['roles'])}")
    typer.echo(f"A peer is known to have cosigned this log up to size {cosigned}.")
    kept = "encrypted" if encrypted else "NOT encrypted; to encrypt them: ffp key encrypt"
    typer.echo(f"On disk the keys are {kept}.")


@app.command("rotate")
def rotate(
    roles: Annotated[
        list[str] | None, typer.Argument(help="statement, log, witness, transport. Default: all four.")
    ] = None,
    identity: Identity = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Replace keys because it is time. What the former ones signed stays good. The node must be stopped."""
    from exchange.flows.keys.rotate import replace_keys
    from schemas.keys import KEY_ROLES

    with _alone(home) as node:
        done = replace_keys(node, _identity(node, identity), _roles(roles or list(KEY_ROLES)))
        _tell(node, done, as_json=as_json)


@app.command("compromised")
def compromised(
    roles: Annotated[list[str], typer.Argument(help="statement, log, witness, transport: each that is concerned.")],
    from_index: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="The first index of this node's log from which the key is not believed; not past what a peer cosigned "
            "(ffp key list). Needed for statement and log.",
        ),
    ] = None,
    identity: Identity = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Replace keys that are in wrong hands. What they signed before an index of the log stands, the rest is refused
    everywhere. The node must be stopped. The identity key cannot be replaced so: that is for the trust root."""
    from exchange.flows.keys.rotate import replace_keys

    chosen = _roles(roles)
    with _alone(home) as node:
        done = replace_keys(node, _identity(node, identity), chosen, compromised=True, from_index=from_index)
        _tell(node, done, as_json=as_json)
        if done.refused and not as_json:
            typer.echo(
                f"{done.refused} own statements are not believed any more, here and at every peer. Submit those that "
                "are genuine again, each under a new Idempotency-Key."
            )


@app.command("address")
def address(identity: Identity = None, home: Home = None, as_json: AsJson = False) -> None:
    """Sign the address that the settings state, where this node's log states another one. The node must be stopped.
    Peers go on asking at the former address until their operators confirm the new one: ffp peer address."""
    from exchange.flows.keys.rotate import state_address
    from exchange.flows.operate.home_lock import at_rest

    with opened_here(resolve_home(home), moved=True) as node, at_rest(node):
        event = state_address(node, _identity(node, identity))
        fields = {"node_id": node.node_id, "log_index": event.delegation.from_index, "url": event.url}
    tell(
        as_json,
        fields,
        f"{event.issuer} states the address {event.url}, in statement {event.delegation.from_index} of its log.",
        f"Telephone each peer's operator, who confirms it with: ffp peer address {event.issuer} {event.url}",
    )


@app.command("encrypt")
def encrypt(home: Home = None, as_json: AsJson = False) -> None:
    """Encrypt the private keys on disk: all of them, or none. The node must be stopped."""
    from exchange.trust.key_files import check_passphrase, exchange_folder, prepare_folder, recrypted

    with _alone(home) as node:
        given = node.settings.key_passphrase or ask_secret("New passphrase of the keys", twice=True)
        if given is None:
            raise PassphraseNeeded(
                "Give the new passphrase in FFP_NODE_KEY_PASSPHRASE or in the secret file of that name."
            )
        passphrase = given.get_secret_value().encode()
        check_passphrase(passphrase)
        prepare_folder(node.settings.keys, recrypted(node.settings.keys, passphrase, passphrase))
        exchange_folder(node.settings.keys)
    tell(
        as_json,
        {"keys_encrypted": True},
        "The keys are encrypted. Without the passphrase they are lost: keep it apart from them, and twice.",
        "Unencrypted copies may remain in backups and on the disk's free blocks.",
    )


@app.command("decrypt")
def decrypt(home: Home = None, as_json: AsJson = False) -> None:
    """Keep the private keys unencrypted again: all of them, or none. The node must be stopped."""
    from exchange.trust.key_files import exchange_folder, prepare_folder, recrypted

    with _alone(home) as node:
        prepare_folder(node.settings.keys, recrypted(node.settings.keys, node.settings.passphrase, None))
        exchange_folder(node.settings.keys)
    said = "The keys are NOT encrypted any more: whoever reads the node's folder has them."
    tell(as_json, {"keys_encrypted": False}, said)


@contextmanager
def _alone(home: Path | None) -> Iterator[Node]:
    """The node, which nobody else serves meanwhile; what an earlier change left half done is settled."""
    from exchange.flows.operate.home_lock import at_rest

    with opened_here(resolve_home(home)) as node, at_rest(node):
        yield node


def _identity(node: Node, folder: Path | None) -> HybridSigner:
    """The identity key, whose passphrase may be another than that of the working keys."""
    from exchange.trust.key_files import is_encrypted
    from exchange.trust.keys import load_identity

    place, own = folder or node.settings.keys, node.settings.passphrase
    try:
        return load_identity(place, own)
    except ConfigurationError:
        given = ask_secret("Passphrase of the identity key") if folder is not None and is_encrypted(place) else None
        if given is None:
            raise
    return load_identity(place, given.get_secret_value().encode())


def _roles(named: list[str]) -> tuple[KeyRole, ...]:
    from schemas.keys import KEY_ROLES

    unknown = sorted(set(named) - set(KEY_ROLES))
    if unknown:
        raise InvalidInput(f"{', '.join(unknown)}: there are keys for {', '.join(KEY_ROLES)}.")
    return tuple(role for role in KEY_ROLES if role in named)


def _tell(node: Node, done: Replaced, *, as_json: bool) -> None:
    index = done.event.delegation.from_index
    fields = {"node_id": node.node_id, "log_index": index, "event": done.event.event, "refused": done.refused}
    tell(as_json, fields, f"{node.node_id}: the key-event is statement {index} of its log.", _BACKUP)
