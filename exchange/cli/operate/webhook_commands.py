"""``ffp webhook``: programs of the laboratory that are told that something is new."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.acting import HIGHEST
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell

app = typer.Typer(help="Programs that are told that something is new.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(min=1, max=HIGHEST, help="Its number, by: ffp webhook list")]


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="Where it is told: https, or http on this machine.")],
    events: Annotated[str, typer.Option(help="Of what: candidates, hits, or both with a comma between them.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Have a program told, and print the secret with which its messages are signed, once."""
    from exchange.flows.alerts.webhooks import add_webhook

    wanted = [event.strip() for event in events.split(",") if event.strip()]
    with node_at(home) as node:
        number, secret = add_webhook(node, url, wanted)
    tell(as_json, {"number": number, "url": url, "events": wanted, "secret": secret}, secret)
    typer.echo(f"Webhook {number}. This secret is shown once. Try it: ffp webhook test {number}", err=True)


@app.command("list")
def list_told(home: Home = None, as_json: AsJson = False) -> None:
    """List them: number, address, events, when last told, and what was wrong since."""
    from exchange.flows.alerts.webhooks import list_webhooks

    with node_at(home) as node:
        found = list_webhooks(node)
    if as_json:
        print_json(found)
        return
    rows = []
    for hook in found:
        told = f"told {hook.told_at[:16]}" if hook.told_at else "never told"
        state = f"stopped {hook.stopped_at[:16]}" if hook.stopped_at else "failed" if hook.failure else "good"
        rows.append([hook.number, hook.url, ",".join(hook.events), told, state, hook.failure])
    headings = ("number", "url", "events", "last told", "state", "what was wrong")
    print_table([TableColumn(heading, number=heading == "number") for heading in headings], rows)


@app.command("remove")
def remove(number: Number, home: Home = None, as_json: AsJson = False) -> None:
    """Tell it nothing more, nor what it was still to be told."""
    from exchange.flows.alerts.webhooks import remove_webhook

    with node_at(home) as node:
        url = remove_webhook(node, number)
    tell(as_json, {"number": number, "url": url}, f"Webhook {number} is told nothing more: {url}")


@app.command("test")
def try_out(number: Number, home: Home = None, as_json: AsJson = False) -> None:
    """Send it a signed message that tells of nothing. Exit code 2: it did not take it."""
    from exchange.flows.alerts.webhooks import try_webhook

    with node_at(home) as node:
        url = try_webhook(node, number)
    tell(as_json, {"number": number, "url": url, "taken": True}, f"Webhook {number} took the message: {url}")
