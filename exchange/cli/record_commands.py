"""``ffp record``: withdraw what was shared, grant it later, hold it for a court, and see what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.acting import HIGHEST, Acting, code_of, maker_as_head, maker_of, one_of, reason_line, warn_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, print_json, tell

app = typer.Typer(help="The owner's terms of one record.", no_args_is_help=True)

RecordId = Annotated[str, typer.Argument(help="The statement id of the record.")]
Authority = Annotated[str, typer.Option(help="The court, and the reference of its order.")]


@app.command("withdraw")
def withdraw(
    record: RecordId,
    acting: Acting,
    reason: Annotated[str, typer.Option(help="As in the vocabulary WithdrawalReason.")] = "entered_in_error",
    holder: Annotated[str | None, typer.Option(help="Take it from this peer alone.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a record of this node, in all its versions, from every holder or from one. Only the record's author and
    the head may do this; others propose it with: ffp record propose-withdrawal."""
    from exchange.flows.terms.withdraw import revoke_from
    from exchange.flows.terms.withdraw import withdraw as withdraw_record
    from schemas.vocabulary import Role, WithdrawalReason

    why = one_of(WithdrawalReason, reason)
    with node_at(home) as node:
        maker = maker_of(node, acting, Role.EXAMINER, Role.HEAD)
        if holder is not None:
            said = revoke_from(node, maker, record, holder, why)
        else:
            said = withdraw_record(node, maker, record, why)
    tell(
        as_json,
        {"record": record, "holder": holder, "reason": why, "statements": said},
        f"Withdrawn; the statement is {', '.join(said)}.",
        f"A running node erases it and tells the holders. See: ffp record withdrawals {record}",
    )


@app.command("propose-withdrawal")
def propose_to_withdraw(
    record: RecordId,
    acting: Acting,
    because: Annotated[str, typer.Option(help="Why, in one line.")],
    reason: Annotated[str, typer.Option(help="As in the vocabulary WithdrawalReason.")] = "entered_in_error",
    holder: Annotated[str | None, typer.Option(help="Take it from this peer alone.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Propose to withdraw a record that a colleague entered. Its author or the head decides."""
    from exchange.flows.terms.proposals import propose_withdrawal
    from exchange.log.audit_entry import Actor, ActorKind
    from schemas.vocabulary import Role, WithdrawalReason

    why, words = one_of(WithdrawalReason, reason), reason_line(because)
    with node_at(home) as node:
        maker = maker_of(node, acting, Role.EXAMINER, Role.HEAD)
        actor = Actor(ActorKind.PERSON, maker.pseudonym, maker.role)
        number = propose_withdrawal(node, maker, actor, record, why, words, holder=holder)
    warn_of("--because", because)
    tell(as_json, {"proposal": number, "record": record}, f"Proposed as number {number}. See: ffp record proposals")


@app.command("proposals")
def proposals(acting: Acting, home: Home = None, as_json: AsJson = False) -> None:
    """List the withdrawals that wait for somebody's decision, or that somebody proposed."""
    from exchange.flows.terms.proposals import proposals_for
    from schemas.vocabulary import Role

    with node_at(home) as node:
        maker = maker_of(node, acting, Role.EXAMINER, Role.HEAD)
        found = proposals_for(node, maker.role, maker.pseudonym)
    fields = [
        {
            "proposal": item.proposal_id,
            "record": item.record.statement_id,
            "case_reference": item.record.case_reference,
            "holder": item.holder,
            "reason": item.reason,
            "because": item.because,
            "proposed_by": item.proposed_by,
            "proposed_at": item.proposed_at,
            "author": item.author,
            "may_decide": item.may_decide,
        }
        for item in found
    ]
    if as_json:
        print_json(fields)
        return
    if not found:
        typer.echo("No proposal is open.")
    for item in found:
        who = f"{item.author} or the head" if item.author else "the head"
        typer.echo(
            f"{item.proposal_id}: {item.record.case_reference}, from {item.holder or 'everybody'}, {item.reason}. "
            f"For {who} to decide."
        )
        typer.echo(f"  {item.because} ({item.proposed_by}, {item.proposed_at}; record {item.record.statement_id})")


@app.command("decide-withdrawal")
def decide_withdrawal(
    proposal: Annotated[int, typer.Argument(min=1, max=HIGHEST, help="Its number, by `ffp record proposals`.")],
    step: Annotated[str, typer.Argument(help="approve, decline, or undo (by whoever proposed it).")],
    acting: Acting,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Approve, decline or undo a proposed withdrawal. Approving withdraws the record."""
    from exchange.flows.terms.proposals import ProposalStep, decide_proposal
    from exchange.log.audit_entry import Actor, ActorKind
    from schemas.vocabulary import Role

    chosen = one_of(ProposalStep, step)
    with node_at(home) as node:
        maker = maker_of(node, acting, Role.EXAMINER, Role.HEAD)
        actor = Actor(ActorKind.PERSON, maker.pseudonym, maker.role)
        said = decide_proposal(node, maker, actor, proposal, chosen)
    fields = {"proposal": proposal, "step": chosen, "statements": said}
    tell(as_json, fields, f"Withdrawn; the statement is {', '.join(said)}." if said else f"Done: {chosen}.")


@app.command("withdrawals")
def withdrawals(record: RecordId, home: Home = None, as_json: AsJson = False) -> None:
    """Show how far the withdrawals of a record have come, here and at each holder."""
    from exchange.flows.terms.withdraw import withdrawal_states

    with node_at(home) as node:
        found = withdrawal_states(node, record)
    if as_json:
        print_json(found)
        return
    for state in found:
        typer.echo(f"Withdrawn {state.at} from {state.holder or 'everybody'}, {state.reason}.")
        if state.holder is None:
            typer.echo(f"  here: {state.here or 'is being erased'}")
        for scan in state.kept:
            typer.echo(f"    the scan {scan.sha256} stays: delivered by {', '.join(scan.by)} too")
        for holder in state.holders:
            told = f"{holder.outcome}, {holder.at}" if holder.outcome else "has not acknowledged it yet"
            typer.echo(f"  {holder.node_id}: {told}")
            for scan in holder.kept:
                typer.echo(f"    the scan {scan.sha256} stays there: delivered by {', '.join(scan.by)} too")


@app.command("grant")
def grant(
    record: RecordId,
    jurisdiction: Annotated[str, typer.Argument(help="Its code, such as ME.")],
    acting: Acting,
    legal_basis: Annotated[str, typer.Option(help="The article under which it is given.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Let a jurisdiction have an own record that its audience does not name, however old."""
    from exchange.flows.terms.terms import grant as grant_record

    to = code_of(jurisdiction)
    with node_at(home) as node:
        said = grant_record(node, maker_as_head(node, acting), record, to, legal_basis)
    tell(as_json, {"record": record, "jurisdiction": to, "statement": said}, f"Granted; the statement is {said}.")


@app.command("hold")
def hold(record: RecordId, acting: Acting, authority: Authority, home: Home = None, as_json: AsJson = False) -> None:
    """Put a record on hold for a court: if it is withdrawn during the hold, none of its versions is erased; they are
    kept, but shown to nobody and compared with nothing."""
    from exchange.flows.terms.withdraw import place_hold

    with node_at(home) as node:
        place_hold(node, maker_as_head(node, acting), record, authority)
    tell(as_json, {"record": record, "held": True, "authority": authority}, f"{record} is held for {authority}.")


@app.command("release-hold")
def release_hold(
    record: RecordId, acting: Acting, authority: Authority, home: Home = None, as_json: AsJson = False
) -> None:
    """The court holds it no more: what was withdrawn meanwhile is erased now."""
    from exchange.flows.terms.withdraw import end_hold

    with node_at(home) as node:
        end_hold(node, maker_as_head(node, acting), record, authority)
    tell(as_json, {"record": record, "held": False, "authority": authority}, f"{record} is held no more.")
