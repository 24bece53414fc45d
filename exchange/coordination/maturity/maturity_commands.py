"""``ffp maturity``: what the node proves now, the snapshot of a half-year, and the path over half-years."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.acting import maker_as_head
from exchange.cli.node import Home
from exchange.cli.opening import opened_here
from exchange.cli.tables import print_json, tell
from exchange.coordination.half_year.half_years import Half
from exchange.errors import InvalidInput
from exchange.home import resolve_home

if TYPE_CHECKING:
    from exchange.coordination.maturity.keep_snapshot import KeptSnapshot
    from exchange.coordination.maturity.maturity_path import MaturityPath
    from exchange.coordination.maturity.practices_here import Maturity
    from exchange.jurisdictions.directory import Directory


def maturity(
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what it shows as the signed snapshot of the half-year that ended last.")
    ] = False,
    acting: Annotated[str | None, typer.Option("--as", help="The head, by pseudonym, who keeps it.")] = None,
    path: Annotated[bool, typer.Option("--path", help="Say how it went over the half-years that are kept.")] = False,
    half: Annotated[str | None, typer.Option(help="Of which half-year, such as 2026H1, to write with --out.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the signed snapshot with what proves it: for ffp assess, for anybody.")
    ] = None,
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Say how far this focal point has come, by what the node itself can prove, and what the next step is; keep that
    for each half-year, and show the path."""
    import json

    from exchange.coordination.maturity.practices_here import maturity_of

    if keep or path or out is not None:
        _snapshots(resolve_home(home), keep=keep, acting=acting, half=half, out=out, as_json=as_json)
        return
    with opened_here(resolve_home(home)) as node:
        found = maturity_of(node)
        lines = [] if as_json else _in_words(found, node.jurisdictions)
    typer.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


def _snapshots(
    home: Path, *, keep: bool, acting: str | None, half: str | None, out: Path | None, as_json: bool
) -> None:
    """Keep one, write one, or tell of all."""
    from exchange.coordination.maturity.keep_snapshot import (
        keep_snapshot,
        kept_snapshots,
        last_half,
        maturity_path,
        signed_snapshot,
    )

    wanted = Half.parse(half) if half is not None else None
    if keep and acting is None:
        raise InvalidInput("To keep a snapshot, say who does with --as.")
    with opened_here(home) as node:
        if keep and acting is not None:
            kept = keep_snapshot(node, maker_as_head(node, acting), wanted)
            said = f"{kept.snapshot.half}: level {kept.snapshot.reached} is kept, SHA-256 {kept.sha256}."
            typer.echo(said, err=as_json or out is not None)
        if out is not None:
            out.write_bytes(signed_snapshot(node, wanted or last_half()))
            said = f"Written: {out}. Put it into the folder of an assessment: ffp assess report FOLDER"
            tell(as_json, {"written": out, "half": str(wanted or last_half())}, said)
            return
        found, snapshots = maturity_path(node), kept_snapshots(node)
    if as_json:
        print_json(_path_as_json(found, snapshots))
        return
    for line in _path_in_words(found, snapshots):
        typer.echo(line)


def _path_as_json(found: MaturityPath, snapshots: list[KeptSnapshot]) -> dict[str, Any]:
    return {
        "levels": {str(half): level for half, level in found.levels.items()},
        "snapshots": [
            {
                "half": str(kept.snapshot.half),
                "sha256": kept.sha256,
                "approval": kept.approval,
                "kept_by": kept.kept_by,
                "kept_at": kept.kept_at,
            }
            for kept in snapshots
        ],
        "practices": [
            {
                "id": item.name,
                "level": item.level,
                "states": {str(half): state for half, state in item.states.items()},
                "since": str(item.since) if item.since is not None else None,
                "fell_back": item.fell_back,
            }
            for item in found.practices
        ],
    }


def _path_in_words(found: MaturityPath, snapshots: list[KeptSnapshot]) -> list[str]:
    if not snapshots:
        return ["No snapshot is kept yet. The head keeps one when a half-year is over: ffp maturity --keep --as HEAD"]
    by_half = {kept.snapshot.half: kept for kept in snapshots}
    lines = []
    for half, level in found.levels.items():
        kept = by_half.get(half)
        said = f"level {level}, kept by {kept.kept_by} at {kept.kept_at}" if kept is not None else "no snapshot is kept"
        lines.append(f"{half}  {said}")
    lines += [f"fell back: {item.title}" for item in found.fell_back]
    for item in found.practices:
        state = f"holds since {item.since}" if item.since is not None else "does not hold"
        lines.append(f"{item.level}  {state:<18}  {item.title}")
    return lines


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
    from exchange.coordination.maturity.maturity_page import evidence_words
    from exchange.web.languages import Spoken
    from exchange.web.languages.days import moment
    from exchange.web.languages.spoken import speaking

    lines = [f"Level {found.reached} of {len(found.rungs)} is reached."]
    for rung in found.rungs:
        lines.append(f"{rung.number} {rung.title}: {rung.held} of {len(rung.seen)} hold")
        for item in rung.seen:
            state = item.proof.state.replace("_", " ")
            with speaking(Spoken(directory=lambda: known)):
                evidence = evidence_words(item.proof, moment)
            lines.append(f"  {state:<13}  {'  '.join([item.practice.title, *evidence])}")
            if item.then:
                lines.append(f"  {'':<13}  {'  '.join(filter(None, (item.then, item.practice.typed)))}")
    named = {code for rung in found.rungs for item in rung.seen for code in item.proof.partners}
    return [*lines, *known.footnotes(named)]
