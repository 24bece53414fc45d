"""``ffp maturity``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.node import Home
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.flows.maturity.assess import Maturity
    from exchange.jurisdictions.directory import Directory


def maturity(
    home: Home = None, as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False
) -> None:
    """Say how far this focal point has come, by what the node itself can prove, and what the next step is."""
    import json

    from exchange.cli.opening import opened_here
    from exchange.flows.maturity.assess import maturity_of

    with opened_here(resolve_home(home)) as node:
        found = maturity_of(node)
        lines = [] if as_json else _in_words(found, node.jurisdictions)
    typer.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


def _as_json(found: Maturity) -> dict[str, Any]:
    levels = [
        {
            "level": rung.number,
            "title": rung.title,
            "practices": [
                {
                    "id": item.name,
                    "title": item.practice.title,
                    "state": item.proof.state,
                    "figure": None if item.proof.figure is None else item.proof.figure.as_json(),
                    "unit": None if item.proof.figure is None else item.proof.unit,
                    "at": item.proof.at,
                    "names": item.proof.names,
                    "partners": item.proof.partners,
                    "next": item.then,
                    "typed": item.practice.typed if item.then else None,
                }
                for item in rung.seen
            ],
        }
        for rung in found.rungs
    ]
    return {
        "node_id": found.node_id,
        "jurisdiction": found.jurisdiction,
        "seen_at": found.at,
        "reached": found.reached,
        "levels": levels,
    }


def _in_words(found: Maturity, known: Directory) -> list[str]:
    from exchange.web.languages import Spoken
    from exchange.web.languages.spoken import speaking
    from exchange.web.pages.maturity import evidence_words

    lines = [f"Level {found.reached} of {len(found.rungs)} is reached."]
    for rung in found.rungs:
        lines.append(f"{rung.number} {rung.title}: {rung.held} of {len(rung.seen)} hold")
        for item in rung.seen:
            state = item.proof.state.replace("_", " ")
            with speaking(Spoken(directory=lambda: known)):
                evidence = evidence_words(item.proof)
            lines.append(f"  {state:<13}  {'  '.join([item.practice.title, *evidence])}")
            if item.then:
                lines.append(f"  {'':<13}  {'  '.join(filter(None, (item.then, item.practice.typed)))}")
    named = {code for rung in found.rungs for item in rung.seen for code in item.proof.partners}
    return [*lines, *known.footnotes(named)]
