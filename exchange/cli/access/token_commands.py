"""``ffp token``: what programs sign in with, each with the scopes that it needs."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.acting import HIGHEST
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.clock import stamp

app = typer.Typer(help="Tokens of programs, in the name of a user.", no_args_is_help=True)


@app.command("add")
def add(
    pseudonym: Annotated[str, typer.Argument(help="The user in whose name the program acts.")],
    name: Annotated[str, typer.Option(help="What the token is called: the program that has it.")],
    scope: Annotated[
        list[str],
        typer.Option(help="What it is for: read, submit, ask, review, release, audit, operate or status; repeatable."),
    ],
    days: Annotated[int, typer.Option(help="How long it holds, at most three years.")] = 365,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, once. The user's role must allow each of its scopes."""
    from exchange.flows.access.tokens import give_token

    with node_at(home) as node:
        token = give_token(node, pseudonym, name, scope, days)
    tell(as_json, {"pseudonym": pseudonym, "name": name, "scopes": scope, "days": days, "token": token}, token)
    typer.echo(f"This token of {pseudonym} ({', '.join(scope)}) is shown once; only its hash is kept.", err=True)


@app.command("list")
def list_all(
    pseudonym: Annotated[str | None, typer.Argument(help="One user's alone.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List tokens: number, user, name, scopes, when last used, and until when each holds."""
    from exchange.flows.access.tokens import list_tokens

    with node_at(home) as node:
        tokens = list_tokens(node, pseudonym)
    if as_json:
        print_json([{**vars(token), "scopes": token.scopes.split()} for token in tokens])
        return
    rows = []
    for token in tokens:
        used = f"used {token.used_at[:16]}" if token.used_at else "never used"
        until = f"expired {token.expires_at}" if token.expires_at <= stamp() else f"until {token.expires_at}"
        state = f"revoked {token.revoked_at}" if token.revoked_at else until
        rows.append([token.number, token.pseudonym, token.name, token.scopes, used, state])
    headings = ("user", "name", "scopes", "used", "state")
    print_table([TableColumn("number", number=True), *map(TableColumn, headings)], rows)


@app.command("revoke")
def revoke(
    token: Annotated[int, typer.Argument(min=1, max=HIGHEST, help="Its number, as `ffp token list` has it.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Revoke one token at once; the user's others stay."""
    from exchange.flows.access.tokens import revoke_token

    with node_at(home) as node:
        revoked = revoke_token(node, token)
    fields = {"number": revoked.number, "pseudonym": revoked.pseudonym, "name": revoked.name, "revoked": True}
    tell(as_json, fields, f"The token {revoked.number} ({revoked.name}) of {revoked.pseudonym} is revoked.")
