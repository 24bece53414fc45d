"""``ffp egress``: where this node may connect to, and what the kernel is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell

if TYPE_CHECKING:
    from exchange.flows.operate.egress import ListedName

app = typer.Typer(help="Where this node may connect to.", no_args_is_help=True)


@app.command("list")
def list_names(home: Home = None, as_json: AsJson = False) -> None:
    """List names: who is reached there, what was confirmed, where they lead. Exit code 1 when one leads elsewhere."""
    from exchange.flows.operate.egress import listing

    with node_at(home) as node:
        found, networks = listing(node), node.egress.networks
    if as_json:
        print_json({"names": found, "egress_networks": [str(network) for network in networks]})
    else:
        columns = [TableColumn(heading) for heading in ("name", "port", "who", "state")]
        rows = [
            [item.host, ", ".join(map(str, item.ports)) or "any port", ", ".join(item.who), _state(item)]
            for item in found
        ]
        print_table(columns, rows)
        typer.echo(f"egress_networks: {', '.join(map(str, networks)) or 'none'}")
    raise typer.Exit(1 if any(item.strange for item in found) else 0)


@app.command("allow")
def allow_name(
    host: Annotated[str, typer.Argument(help="The name as it stands in the address of the peer or service.")],
    network: Annotated[
        list[str] | None, typer.Option(help="A network in which it may lead anywhere; default: where it leads now.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Confirm where a name leads, in place of what was confirmed before. A running node follows at once."""
    from exchange.flows.operate.egress import allow, leads

    with node_at(home) as node:
        before, found = leads(node, host, network or [])
        change = f"{host} may lead to {', '.join(before) or 'nothing yet'}; from now on to {', '.join(found)}."
        typer.echo(change, err=as_json)
        if not yes:
            typer.confirm("Has whoever runs it confirmed that by telephone?", abort=True, err=as_json)
        allow(node, host, found)
    fields = {"name": host, "before": before, "allowed": found}
    tell(as_json, fields, "Allowed. If the kernel keeps to this list too: ffp egress unit")


@app.command("forget")
def forget_name(host: str, home: Home = None, as_json: AsJson = False) -> None:
    """Forget what was confirmed for a name: its next connection confirms it anew, or it is not in the list any more."""
    from exchange.flows.operate.egress import forget_destination

    with node_at(home) as node:
        known = forget_destination(node, host)
    fields = {"name": host, "forgotten": known}
    if known:
        tell(as_json, fields, f"Nothing is confirmed for {host} any more.")
    else:
        said = f"Nothing was confirmed for {host}, so nothing was forgotten. See the names with: ffp egress list"
        tell(as_json, fields, said)


@app.command("unit")
def write_unit(home: Home = None) -> None:
    """Print a drop-in for systemd with this list, for ffp.service and ffp-worker.service."""
    from exchange.flows.operate.egress import unconfirmed, unit

    with node_at(home) as node:
        text, missing = unit(node), unconfirmed(node)
    typer.echo(text, nl=False)
    for host in missing:
        typer.echo(f"Not in it, since nothing was confirmed of it yet: {host}", err=True)


def _state(item: ListedName) -> str:
    known = item.confirmed if item.confirmed and item.confirmed.networks else None
    confirmed = f"confirmed: {', '.join(known.networks)}, {known.since}, by {known.why}" if known else ""
    if item.strange:
        then = f"If that is right: ffp egress allow {item.host}"
        return f"REFUSED: leads to {', '.join(item.strange)} now. {then} {confirmed}".rstrip()
    if item.leads_to and not known:
        return f"not connected to yet; leads to {', '.join(item.leads_to)} now"
    return confirmed
