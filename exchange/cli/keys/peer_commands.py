"""``ffp peer``: the other Firearms Focal Points, enrolled by comparing a fingerprint by telephone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.acting import Acting, maker_as_head, one_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.errors import InvalidInput

if TYPE_CHECKING:
    from exchange.flows.node.node import Node
    from exchange.flows.sync.progress import PeerStatus
    from exchange.flows.terms.first_line import FirstLine

app = typer.Typer(help="Peers of this node.", no_args_is_help=True)


@app.command("show")
def show(
    card: Annotated[
        Path | None, typer.Option(help="A file to write this node's card to, for the registry of the trust root.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show this node's own fingerprint, to read out by telephone."""
    from exchange.trust.card import fingerprint

    with node_at(home) as node:
        digits = fingerprint(node.card.identity)
        fields = {"node_id": node.node_id, "url": node.settings.url, "fingerprint": digits, "written": card}
        tell(as_json, fields, f"{node.node_id}  {node.settings.url}\n\n    {digits}\n")
        if card is not None:
            card.write_bytes(node.card_envelope.raw)
            typer.echo(f"Written: {card}", err=as_json)


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where the peer is reached.")],
    legal_basis: Annotated[str, typer.Option(help="The treaty or law, and its article, under which the two share.")],
    fingerprint: Annotated[
        str | None,
        typer.Option(help="As the other side reads it out; asked for when not given and no trust root is installed."),
    ] = None,
    address_from_card: Annotated[
        bool,
        typer.Option(
            "--address-from-card",
            help="Where its card states another address than URL: that one, since the other side confirmed it.",
        ),
    ] = False,
    share: Annotated[
        str | None,
        typer.Option(
            help="What the first line of the policy lets it have: none (the default), all, or kinds of exhibits with "
            "commas, such as crime_scene,test_fire. All but none needs --review-by and --as."
        ),
    ] = None,
    rule: Annotated[str, typer.Option(help="The rule of that line: allowed or needs_approval.")] = "allowed",
    review_by: Annotated[str | None, typer.Option(help="Until when that line holds unreviewed, as 2027-12-31.")] = None,
    acting: Annotated[
        str | None, typer.Option("--as", help="The head, by pseudonym, in whose name that line is signed.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Enrol a peer: fetch its card, compare the fingerprint, pin its keys, and state what it may have. With a trust
    root installed its registry must name the peer, and nobody needs to telephone."""
    from exchange.flows.keys.enrol import check_address, enrol, fetch_introduction
    from exchange.flows.keys.trust_root import admitted
    from exchange.flows.terms.first_line import list_peers_without_line

    with node_at(home) as node:
        line = _first_line(node, share, rule, review_by, acting, err=as_json)
        introduction = fetch_introduction(node, url)
        card = introduction.card
        typer.echo(f"At {url} answers {card.issuer} of {node.jurisdictions.name(card.jurisdiction)}.", err=as_json)
        for footnote in node.jurisdictions.footnotes([card.jurisdiction]):
            typer.echo(footnote, err=as_json)
        address = introduction.url if address_from_card else None
        if introduction.elsewhere:
            typer.echo(f"You typed {url}; its card states {introduction.url}.", err=as_json)
            typer.echo(
                "If the other side reads out the stated one: the same again with --address-from-card.", err=as_json
            )
        check_address(introduction, address)
        registered = admitted(node, card)
        if registered is not None:
            typer.echo(f"The registry names it, at {registered.url}, with this identity:\n", err=as_json)
            typer.echo(f"    {introduction.fingerprint}\n", err=as_json)
            read_out = fingerprint
        else:
            read_out = fingerprint or typer.prompt(
                "Telephone the other side on a number that you know. Type the 40 digits that they read out",
                err=as_json,
            )
        peer = enrol(node, introduction, confirmed=read_out, legal_basis=legal_basis, address=address, first_line=line)
        has_line = peer.node_id not in {item.node_id for item in list_peers_without_line(node)}
    said = f"{peer.node_id} is enrolled, at {peer.url}. It must enrol this node too before anything flows."
    nothing = "Nothing is shared with it: no line of the policy names its jurisdiction. See: ffp policy set --help"
    fields = {"node_id": peer.node_id, "url": peer.url, "state": peer.state, "has_policy_line": has_line}
    tell(as_json, fields, said, *([] if has_line else [nothing]))


def _first_line(
    node: Node, share: str | None, rule: str, review_by: str | None, acting: str | None, *, err: bool
) -> FirstLine | None:
    """The first line of the policy as the options state it; a person at a terminal is asked for what they leave out.
    None where nothing is to be shared. Raises InvalidInput, NotFound, Forbidden."""
    from datetime import date

    from exchange.flows.terms.first_line import FirstLine
    from schemas.vocabulary import ExhibitKind, SharingRule

    if sys.stdin.isatty():
        share = share or typer.prompt("What may it have (none, all, or kinds of exhibits)", default="none", err=err)
        if share != "none":
            review_by = review_by or typer.prompt("Until when does that hold unreviewed (a day)", err=err)
            acting = acting or typer.prompt("In whose name is it signed (the head's pseudonym)", err=err)
    if share in (None, "none"):
        return None
    if review_by is None or acting is None:
        raise InvalidInput("A line of the policy needs --review-by and --as. Nothing was enrolled.")
    kinds = ExhibitKind if share == "all" else (one_of(ExhibitKind, word.strip()) for word in str(share).split(","))
    try:
        day = date.fromisoformat(review_by)
    except ValueError as error:
        raise InvalidInput(f"{review_by} is no day, such as 2027-12-31. Nothing was enrolled.") from error
    return FirstLine(maker_as_head(node, acting), tuple(kinds), one_of(SharingRule, rule), day)


@app.command("list")
def list_peers(home: Home = None, as_json: AsJson = False) -> None:
    """List peers: what went, what came, what stands still and why."""
    from exchange.flows.sync.progress import plain_status, sync_status

    with node_at(home) as node:
        found = sync_status(node)
    if as_json:
        print_json([plain_status(item) for item in found])
        return
    if not found:
        typer.echo("No peer is enrolled. See: ffp peer add --help")
    numbers = ("to send", "acknowledged", "received", "quarantine")
    columns = [TableColumn("peer"), TableColumn("state"), *(TableColumn(name, number=True) for name in numbers)]
    columns += [TableColumn("last answer"), TableColumn("url")]
    rows = [
        [
            *(item.row.node_id, item.row.state, item.to_send, item.acknowledged, item.row.cursor_count),
            *(item.quarantined, item.row.pulled_at or "never", item.row.url),
        ]
        for item in found
    ]
    print_table(columns, rows)
    print_table(
        [TableColumn("peer"), TableColumn("note")],
        [[item.row.node_id, said] for item in found for said in _notes(item)],
    )


def _notes(item: PeerStatus) -> list[str]:
    from exchange.flows.sync.progress import share_in_words

    notes = [f"share: {share_in_words(item.shares)}"]
    if item.read_again_at is not None:
        notes.append(
            f"read again what it had acknowledged: {item.read_again_at}; its database was older than its receipts. Ask "
            "its operator whether a backup was restored."
        )
    if item.clock is not None:
        notes.append(f"clock: {item.clock}")
    return [*notes, *(f"alarm: {alarm}" for alarm in item.alarms)]


@app.command("address")
def follow(
    node_id: str,
    url: Annotated[str, typer.Argument(help="Where the peer is reached now, as its operator read it out.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Ask a peer at another address from now on. Its own key-events must state that address: ffp key address."""
    from exchange.flows.keys.follow import follow_peer

    with node_at(home) as node:
        stated = follow_peer(node, node_id, url)
    tell(as_json, {"node_id": node_id, "url": stated}, f"{node_id} is asked at {stated} from now on.")


@app.command("quota")
def quota(
    node_id: str,
    statements: Annotated[
        int | None,
        typer.Option(min=1, max=2**40, help="Statements a day; a record counts once for each of its scans."),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option("--bytes", min=1, max=2**50, help="Bytes a day, with the scans that are named."),
    ] = None,
    as_settings: Annotated[bool, typer.Option("--as-settings", help="As the settings give every peer again.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show what a peer may send in a day, or give it another share than the settings do: of statements, of bytes, or of
    both. Holds at once: a lane that stands still goes on, and what a peer may keep of the last days grows with it."""
    from exchange.flows.sync.peer_quota import quotas, reset_quota, set_quota
    from exchange.flows.sync.progress import share_in_words

    is_given = statements is not None or size is not None
    if as_settings and is_given:
        raise InvalidInput("Give numbers, or --as-settings, not both. Nothing was changed.")

    with node_at(home) as node:
        if as_settings:
            found = reset_quota(node, node_id)
        elif is_given:
            found = set_quota(node, node_id, statements=statements, size=size)
        else:
            found = quotas(node, node_id)
    fields = {"node_id": node_id, "statements": found.statements, "bytes": found.bytes}
    tell(as_json, fields, share_in_words(found))


@app.command("expel")
def expel(
    node_id: str,
    acting: Acting,
    erase: Annotated[bool, typer.Option("--erase", help="Erase here what it gave, too.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """A peer leaves the exchange: it must erase all that it was given from here, and is given nothing more."""
    from exchange.flows.terms.expel import expel as expel_peer

    with node_at(home) as node:
        found = expel_peer(node, maker_as_head(node, acting), node_id, erase=erase)
    went = f"{found.erased} records that it gave are erased here."
    stay = f"{found.kept} records that it gave stay here; with --erase they would go."
    tell(
        as_json,
        {"node_id": node_id, **vars(found)},
        f"{node_id} is expelled. It is asked to erase {found.asked_back} records of this node's.",
        went if erase else stay,
        "What stays is the log: every statement's hash, the withdrawals, and its acknowledgements.",
    )


@app.command("revoke")
def revoke(node_id: str, home: Home = None, as_json: AsJson = False) -> None:
    """Answer and ask a peer no more. What it has already received stays with it."""
    from exchange.flows.keys.enrol import revoke_peer

    with node_at(home) as node:
        revoke_peer(node, node_id)
    said = f"{node_id} is revoked: it gets nothing more from this node. What it holds already stays with it."
    tell(as_json, {"node_id": node_id, "state": "revoked"}, said)
