"""``ffp policy``: with whom this node shares what, under which article, and what waits for a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.acting import Acting, code_of, one_of
from exchange.cli.node import Home
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
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
    as_json: AsJson = False,
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
            typer.echo(sentence, err=as_json)
        for footnote in node.jurisdictions.footnotes_in(change.changes):
            typer.echo(footnote, err=as_json)
        if not yes:
            typer.confirm("Change the policy?", abort=True, err=as_json)
        said = change_policy(node, maker, *asked, confirmed=change.confirmation)
    told = {"statement": said, "changes": change.changes}
    tell(as_json, told, f"The policy is in force; the statement is {said}.")


@app.command("approvals")
def approvals(home: Home = None, as_json: AsJson = False) -> None:
    """List what waits for a decision, the most pressing first."""
    from exchange.clock import stamp
    from exchange.flows.node.node import opened
    from exchange.flows.review.approvals import Concern, queue

    with opened(resolve_home(home)) as node:
        waiting = queue(node)
    fields = [
        {
            "concern": item.concern,
            "concerns": item.row.concerns,
            "jurisdiction": item.row.jurisdiction,
            "asked_at": item.row.asked_at,
            "due_at": item.row.due_at,
            "overdue": item.row.due_at < stamp(),
            "case_reference": item.record.case_reference if item.record else None,
            "because": item.because,
        }
        for item in waiting
    ]
    if as_json:
        print_json(fields)
        return
    if not waiting:
        typer.echo("Nothing waits for a decision.")
    headings = ("concern", "to", "asked", "due", "case", "because", "named")
    rows = []
    for one in fields:
        due = f"{'OVERDUE since ' if one['overdue'] else ''}{one['due_at']}"
        case = one["case_reference"] or ("" if one["concern"] is Concern.RECORD else "withdrawn")
        rows.append([one["concern"], one["jurisdiction"], one["asked_at"], due, case, one["because"], one["concerns"]])
    print_table([TableColumn(heading) for heading in headings], rows)


@app.command("decide")
def decide(
    concerns: Annotated[str, typer.Argument(help="As the list of approvals names it: a record, a query, a handle.")],
    jurisdiction: Annotated[str, typer.Argument(help="The code of the jurisdiction that would get it.")],
    decision: Annotated[str, typer.Argument(help="approved or refused.")],
    acting: Acting,
    because: Annotated[str, typer.Option(help="Why, in one line.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Decide whether a record, a query with its scan, or what a query found, goes to a jurisdiction."""
    from exchange.cli.acting import maker_of, warn_of
    from exchange.flows.node.node import opened
    from exchange.flows.review.approvals import sign_decision
    from schemas.vocabulary import Decision, Role

    to, decided = code_of(jurisdiction), one_of(Decision, decision)
    with opened(resolve_home(home)) as node:
        said = sign_decision(node, maker_of(node, acting, Role.HEAD), concerns, to, decided, because)
    warn_of("--because", because)
    fields = {"concerns": concerns, "jurisdiction": to, "decision": decided, "statement": said}
    tell(as_json, fields, f"{decided.capitalize()}; the statement is {said}.")
