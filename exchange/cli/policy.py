"""``ffp policy``: with whom this node shares what, under which article, and what waits for a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.acting import Acting, one_of
from exchange.cli.node import Home
from exchange.home import resolve_home

app = typer.Typer(help="Legal bases, groups, approvals.", no_args_is_help=True)


@app.command("show")
def show(home: Home = None) -> None:
    """Show the policy in force as JSON, ready to be changed and given to `ffp policy set`."""
    import json

    from exchange.flows.node.node import opened
    from exchange.flows.terms.terms import policy_of

    with opened(resolve_home(home)) as node:
        found = policy_of(node)
    fields = found[1].model_dump(mode="json", include={"groups", "bases"}) if found else {"groups": [], "bases": []}
    typer.echo(json.dumps(fields, indent=2, ensure_ascii=False))
    if found is None:
        typer.echo("No policy was made: what was stated at enrolment holds for everything.", err=True)


@app.command("set")
def set_policy(
    file: Annotated[Path, typer.Argument(help="JSON with groups, bases or both, as `ffp policy show` writes it.")],
    acting: Acting,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    home: Home = None,
) -> None:
    """Change the policy, once you have confirmed what would change; what no line allows is blocked from then on. Of
    groups and bases, what the file does not name stays as it is."""
    from pydantic import TypeAdapter, ValidationError

    from exchange.cli.acting import maker_of
    from exchange.errors import InvalidInput
    from exchange.flows.node.node import opened
    from exchange.flows.terms.policy_change import change_policy, preview_policy
    from schemas import Group, LegalBasis
    from schemas.vocabulary import Role

    try:
        fields = TypeAdapter(dict[str, list[dict[str, object]]]).validate_json(file.read_bytes())
        named = set(fields)
        groups = tuple(Group.model_validate(item) for item in fields.pop("groups", []))
        bases = tuple(LegalBasis.model_validate(item) for item in fields.pop("bases", []))
    except ValidationError as error:
        where = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the file'}: {item['msg']}" for item in error.errors()[:5]
        )
        raise InvalidInput(f"{file} is no policy: {where}.") from error
    if fields:
        raise InvalidInput(f"{file} has what no policy has: {', '.join(fields)}.")
    with opened(resolve_home(home)) as node:
        asked = (groups if "groups" in named else None, bases if "bases" in named else None)
        maker = maker_of(node, acting, Role.HEAD)
        change = preview_policy(node, maker, *asked)
        for sentence in change.changes:
            typer.echo(sentence)
        if not yes:
            typer.confirm("Change the policy?", abort=True)
        said = change_policy(node, maker, *asked, confirmed=change.confirmation)
    typer.echo(f"The policy is in force; the statement is {said}.")


@app.command("approvals")
def approvals(home: Home = None) -> None:
    """List what waits for a decision, the most pressing first."""
    from exchange.clock import stamp
    from exchange.flows.node.node import opened
    from exchange.flows.review.approvals import Concern, queue

    with opened(resolve_home(home)) as node:
        waiting = queue(node)
    for item in waiting:
        row = item.row
        due = "OVERDUE since" if row.due_at < stamp() else "due"
        typer.echo(f"{row.concerns}  to {row.jurisdiction}  asked {row.asked_at}  {due} {row.due_at}")
        if item.concern is not Concern.RECORD:
            case = item.record.case_reference if item.record else "withdrawn"
            typer.echo(f"  {item.concern}, of {case}  {item.because or ''}".rstrip())
    if not waiting:
        typer.echo("Nothing waits for a decision.")


@app.command("decide")
def decide(
    concerns: Annotated[str, typer.Argument(help="As the list of approvals names it: a record, a query, a handle.")],
    jurisdiction: Annotated[str, typer.Argument(help="The code of the jurisdiction that would get it.")],
    decision: Annotated[str, typer.Argument(help="approved or refused.")],
    acting: Acting,
    because: Annotated[str, typer.Option(help="Why, in one line.")],
    home: Home = None,
) -> None:
    """Decide whether a record, a query with its scan, or what a query found, goes to a jurisdiction."""
    from exchange.cli.acting import maker_of, warn_of
    from exchange.flows.node.node import opened
    from exchange.flows.review.approvals import sign_decision
    from schemas.vocabulary import Decision, Jurisdiction, Role

    to, decided = one_of(Jurisdiction, jurisdiction), one_of(Decision, decision)
    with opened(resolve_home(home)) as node:
        said = sign_decision(node, maker_of(node, acting, Role.HEAD), concerns, to, decided, because)
    warn_of("--because", because)
    typer.echo(f"{decided.capitalize()}; the statement is {said}.")
