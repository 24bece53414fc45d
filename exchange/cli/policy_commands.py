"""``ffp policy``: with whom this node shares what, under which article, and what waits for a decision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exchange.cli.acting import Acting, code_of, maker_as_head, one_of, reason_line, warn_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.clock import stamp
from exchange.errors import InvalidInput

if TYPE_CHECKING:
    from exchange.flows.node.node import Node

app = typer.Typer(help="Legal bases, groups, approvals.", no_args_is_help=True)


@app.command("show")
def show(home: Home = None) -> None:
    """Show the policy in force as JSON, ready to be changed and given to `ffp policy set`."""
    import json

    from exchange.flows.terms.terms import policy_of

    with node_at(home) as node:
        found = policy_of(node)
    fields = found[1].model_dump(mode="json", include={"groups", "bases"}) if found else {"groups": [], "bases": []}
    typer.echo(json.dumps(fields, indent=2, ensure_ascii=False))
    if found is None:
        typer.echo("No policy was made: nothing is shared with anybody. See: ffp policy set --help", err=True)


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

    from exchange.flows.terms.policy_change import change_policy, preview_policy, told_held
    from schemas import Group, LegalBasis

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
    with node_at(home) as node:
        asked = (groups if "groups" in named else None, bases if "bases" in named else None)
        maker = maker_as_head(node, acting)
        change = preview_policy(node, maker, *asked)
        held = tuple(told_held(change.held, node.jurisdictions))
        for sentence in (*change.changes, *held):
            typer.echo(sentence, err=as_json)
        for footnote in node.jurisdictions.footnotes_in(change.changes):
            typer.echo(footnote, err=as_json)
        if not yes:
            typer.confirm("Change the policy?", abort=True, err=as_json)
        said = change_policy(node, maker, *asked, confirmed=change.confirmation)
    told = {"statement": said, "changes": change.changes, "held": held}
    tell(as_json, told, f"The policy is in force; the statement is {said}.")


@app.command("approvals")
def approvals(home: Home = None, as_json: AsJson = False) -> None:
    """List what waits for a decision, the most pressing first."""
    from exchange.flows.review.approvals import Concern, queue

    with node_at(home) as node:
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
    from exchange.flows.review.approvals import sign_decision
    from schemas.vocabulary import Decision

    to, decided = code_of(jurisdiction), one_of(Decision, decision)
    with node_at(home) as node:
        said = sign_decision(node, maker_as_head(node, acting), concerns, to, decided, because)
    warn_of("--because", because)
    fields = {"concerns": concerns, "jurisdiction": to, "decision": decided, "statement": said}
    tell(as_json, fields, f"{decided.capitalize()}; the statement is {said}.")


@app.command("held")
def show_held(
    revoke: Annotated[
        str | None, typer.Option(help="Take all of it back from this jurisdiction; needs --because and --as.")
    ] = None,
    leave: Annotated[
        str | None, typer.Option(help="Let it stay with this jurisdiction; needs --because and --as.")
    ] = None,
    record: Annotated[str | None, typer.Option(help="This record alone.")] = None,
    because: Annotated[str | None, typer.Option(help="Why, in one line.")] = None,
    acting: Annotated[
        str | None, typer.Option("--as", help="The user, by pseudonym, in whose name this is done.")
    ] = None,
    skip: Annotated[int, typer.Option(min=0, help="Leave out so many of the list.")] = 0,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List what peers hold of this node's records that the policy in force would not give them any more. Take it back
    from its holder, or let it stay there."""
    from exchange.flows.terms.held_under_old_line import held_page

    if revoke is not None and leave is not None:
        raise InvalidInput("Take it back, or let it stay: name one of --revoke and --leave.")
    with node_at(home) as node:
        if revoke is not None or leave is not None:
            _decide_held(node, (revoke or leave or "", revoke is not None), record, because, acting, as_json=as_json)
            return
        found = held_page(node, skip=skip)
    fields = [
        {
            "record": item.record.statement_id,
            "case_reference": item.record.case_reference,
            "jurisdiction": item.jurisdiction,
            "holder": item.holder,
            "reason": item.reason,
            "acknowledged": item.acknowledged,
        }
        for item in found.records
    ]
    holders = {holder.node_id: dict(holder.reasons) for holder in found.holders}
    if as_json:
        print_json({"holders": holders, "records": fields, "following": found.following})
        return
    if not found.holders:
        typer.echo("No peer holds anything that the policy in force would not give it.")
        return
    for holder in found.holders:
        typer.echo(f"{node.jurisdictions.name(holder.jurisdiction)}, {holder.node_id}: {holder.records} records")
    headings = ("to", "case", "because", "read there", "named")
    rows = [
        [
            one["jurisdiction"],
            one["case_reference"],
            one["reason"],
            "yes" if one["acknowledged"] else "?",
            one["record"],
        ]
        for one in fields
    ]
    print_table([TableColumn(heading) for heading in headings], rows)
    if found.following is not None:
        typer.echo(f"There is more: ffp policy held --skip {found.following}")


def _decide_held(
    node: Node,
    asked: tuple[str, bool],
    record: str | None,
    because: str | None,
    acting: str | None,
    *,
    as_json: bool,
) -> None:
    """All that waits, a few hundred at a time; what was decided stands where this is broken off."""
    from exchange.flows.terms.held_under_old_line import HeldDecision, decide_held
    from exchange.log.audit_entry import Actor, ActorKind

    if because is None or acting is None:
        raise InvalidInput("Say why with --because, and in whose name with --as.")
    because = reason_line(because)
    jurisdiction, taking = code_of(asked[0]), asked[1]
    maker = maker_as_head(node, acting)
    actor = Actor(ActorKind.PERSON, maker.pseudonym, maker.role)
    decision = HeldDecision.TAKE_BACK if taking else HeldDecision.STAYS
    statements, records, waiting = list[str](), 0, 1
    while waiting:
        done = decide_held(node, maker, actor, decision, jurisdiction, because, record=record)
        statements += done.statements
        records += done.records
        waiting = done.waiting if record is None else 0
    warn_of("--because", because)
    what = "Taken back from" if taking else "Left with"
    tell(
        as_json,
        {"jurisdiction": jurisdiction, "decision": decision, "records": records, "statements": statements},
        f"{what} {node.jurisdictions.name(jurisdiction)}: {records} records.",
    )
