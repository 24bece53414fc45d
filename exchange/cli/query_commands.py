"""``ffp query``: ask peers about a record, and see what became of it."""

from __future__ import annotations

from typing import Annotated

import typer

from exchange.cli.acting import Acting, maker_of, one_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import node_at
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table

app = typer.Typer(help="Queries to peers, and from them.", no_args_is_help=True)


@app.command("ask")
def ask_peers(
    record: Annotated[str, typer.Argument(help="The statement id of an own record.")],
    acting: Acting,
    purpose: Annotated[str, typer.Option(help="prevention, investigation, detection, prosecution or public_security.")],
    legal_basis: Annotated[str, typer.Option(help="The law and its article under which this is asked.")],
    peer: Annotated[list[str] | None, typer.Option(help="Whom to ask; may be repeated. Default: all.")] = None,
    position: Annotated[int, typer.Option(help="Which scan of the record, counted from 0.")] = 0,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Ask peers whether they have seen a firearm: a scan of the record travels to each, is compared there and erased.

    A node that serves sends it. Who may run this command has the node's keys; the query says so.
    """
    from exchange.flows.query.ask import Question, ask
    from schemas.vocabulary import LawfulPurpose, Role

    stated = one_of(LawfulPurpose, purpose)
    with node_at(home) as node:
        maker = maker_of(node, acting, Role.EXAMINER, Role.INVESTIGATOR)
        question = Question(record, position, stated, legal_basis)
        asked = list(ask(node, maker, question, peer))
    if as_json:
        print_json(asked)
        return
    columns = [TableColumn(heading) for heading in ("peer", "state", "query", "why")]
    print_table(columns, [[item.peer, item.state, item.query or "-", item.reason] for item in asked])


@app.command("list")
def list_them(
    received: Annotated[bool, typer.Option("--received", help="Those of peers, instead of own ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List queries, the newest first: how far each is, and what it found."""
    from exchange.flows.query.list_queries import list_queries

    with node_at(home) as node:
        queries = list_queries(node, own=not received, limit=limit)
    if as_json:
        print_json(queries)
        return
    if not queries:
        typer.echo("No query was received." if received else "No query was asked. See: ffp query ask --help")
        return
    headings = ("at", "from", "to", "case", "purpose", "legal basis", "state", "result", "why", "query")
    rows = [
        [
            query.at,
            query.asker,
            query.asked,
            query.case_reference,
            query.purpose,
            query.legal_basis,
            f"{query.state}, overdue" if query.overdue else query.state,
            query.result,
            query.detail,
            query.statement_id,
        ]
        for query in queries
    ]
    print_table([TableColumn(heading) for heading in headings], rows)
    found = [
        [
            item.band,
            item.not_validated,
            item.state,
            item.record,
            item.handle,
            query.statement_id,
        ]
        for query in queries
        for item in query.found
    ]
    columns = ("band", "not validated", "state", "record", "handle", "found by")
    print_table([TableColumn(heading) for heading in columns], found)
    typer.echo("A band ranks, coarsely, for comparison by an examiner; it identifies nothing.")
