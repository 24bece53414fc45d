"""``ffp user``: people that may use this node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.errors import InvalidInput

if TYPE_CHECKING:
    from schemas.vocabulary import Role

app = typer.Typer(help="Users of this node, by pseudonym.", no_args_is_help=True)


@app.command("add")
def add(
    pseudonym: Annotated[str, typer.Argument(help="Lower-case letters, digits, dots and dashes; no name of a person.")],
    role: Annotated[str, typer.Option(help="examiner, investigator, operator, head or auditor.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Add a user and print a first token, once: for all that the role may, and for a year. `ffp token` makes others."""
    import re

    from exchange.flows.access.users import add_users

    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,31}", pseudonym):
        raise InvalidInput("A pseudonym has up to 32 lower-case letters, digits, dots and dashes.")
    given = _role(role)
    with node_at(home) as node:
        tokens = add_users(node, {pseudonym: given})
    tell(as_json, {"pseudonym": pseudonym, "role": given, "token": tokens[pseudonym]}, tokens[pseudonym])
    typer.echo(
        f"This token of {pseudonym} ({role}) is shown once, and holds for a year; only its hash is kept.", err=True
    )


@app.command("invite")
def invite(pseudonym: str, home: Home = None, as_json: AsJson = False) -> None:
    """Print an address at which a user chooses a password and an authenticator, once, within three days.

    For the pages. What the user signed in with before is void, and so are open sessions: also the way back for whoever
    lost a telephone.
    """
    from exchange.flows.access.sign_in import invite_user

    with node_at(home) as node:
        address = invite_user(node, pseudonym)
    tell(as_json, {"pseudonym": pseudonym, "address": address}, address)
    typer.echo(f"Hand this to {pseudonym} in person. It works once, for three days.", err=True)


@app.command("list")
def list_users(home: Home = None, as_json: AsJson = False) -> None:
    """List users with their roles."""
    from exchange.flows.access.users import all_users

    with node_at(home) as node:
        users = all_users(node)
    if as_json:
        print_json(users)
        return
    print_table(
        [TableColumn("user"), TableColumn("role"), TableColumn("state"), TableColumn("authorisation")],
        [
            [
                *(user.pseudonym, user.role, f"revoked {user.revoked_at}" if user.revoked_at else "active"),
                user.authorisation or "-",
            ]
            for user in users
        ],
    )


@app.command("role")
def role(
    pseudonym: str,
    role: Annotated[str, typer.Argument(help="examiner, investigator, operator, head or auditor.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Give a user another role, at once: also in open sessions. Tokens keep their scopes, and do no more than the role
    may. What was signed stays signed in the role that it was; verifications that an examiner took wait for another."""
    from exchange.flows.access.users import change_role

    given = _role(role)
    with node_at(home) as node:
        change_role(node, pseudonym, given)
    tell(as_json, {"pseudonym": pseudonym, "role": given}, f"{pseudonym} is {given} from now on.")


@app.command("authorise")
def authorise(
    pseudonym: str,
    words: Annotated[
        str | None,
        typer.Argument(help='In one line, such as "authorised for cartridge cases". Without it: stated no more.'),
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """State what the laboratory authorised a user for. Reports print it beside the pseudonym and the role, with the day
    on which it was entered here. Never a person's name."""
    from exchange.flows.access.users import authorise_user
    from exchange.flows.entry.free_text import doubts

    with node_at(home) as node:
        authorise_user(node, pseudonym, words)
    said = f"{pseudonym}: {words}" if words else f"What {pseudonym} is authorised for is stated no more."
    tell(as_json, {"pseudonym": pseudonym, "authorisation": words}, said)
    if words and (found := doubts(words)):
        looks = ", ".join(doubt.replace("_", " ") for doubt in found)
        typer.echo(f"Is there a person in it ({looks})? Reports go to others: then state it without.", err=True)


@app.command("revoke")
def revoke(pseudonym: str, home: Home = None, as_json: AsJson = False) -> None:
    """Revoke a user at once, with all tokens and sessions."""
    from exchange.flows.access.users import revoke_user

    with node_at(home) as node:
        revoke_user(node, pseudonym)
    tell(as_json, {"pseudonym": pseudonym, "revoked": True}, f"{pseudonym} is revoked.")


def _role(named: str) -> Role:
    """Raises InvalidInput."""
    from schemas.vocabulary import Role

    roles = [known for known in Role if known is not Role.NODE]
    if named not in roles:
        raise InvalidInput(f"The role {named} is none of {', '.join(roles)}.")
    return Role(named)
