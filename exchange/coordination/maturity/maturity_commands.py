"""``ffp maturity``: what the node proves now, the snapshot of a half-year, and the path over half-years.
``ffp onboard``: lead a jurisdiction in, step by step, and keep what is done, signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from exchange.cli.acting import code_of, day_of, maker_as_head, maker_of, one_of, warn_of
from exchange.cli.node_commands import Home
from exchange.cli.opening import opened_here, passphrase_for
from exchange.cli.tables import AsJson, print_json, tell
from exchange.config import load_settings
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.maturity.checklist import (
    Checklist,
    FileEvidence,
    StepChange,
    changed_lines,
    checklist_of,
    list_in,
    read_evidence,
    read_list,
    sign_checklist,
    write_list,
)
from exchange.coordination.maturity.keep_snapshot import (
    KeptSnapshot,
    keep_snapshot,
    kept_snapshots,
    last_half,
    maturity_path,
    signed_snapshot,
)
from exchange.coordination.maturity.look_at_node import SeenStep
from exchange.coordination.maturity.maturity_page import (
    evidence_words,
    mark_of,
    standing_words,
    state_word,
    step_word,
    why_words,
)
from exchange.coordination.maturity.maturity_snapshot import MaturityPath
from exchange.coordination.maturity.practice_definitions import STEP_GUIDES
from exchange.coordination.maturity.practices_here import Maturity, maturity_of
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node, opened
from exchange.flows.operate.doctor.examine import examine
from exchange.flows.operate.findings import Gravity
from exchange.flows.sync.progress import sync_status
from exchange.home import resolve_home
from exchange.jurisdictions.directory import Directory, shipped_directory
from exchange.web.languages import Spoken
from exchange.web.languages.days import moment
from exchange.web.languages.spoken import speaking
from schemas.jurisdiction import Jurisdiction
from schemas.vocabulary import OnboardingState, OnboardingStep, Role


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


def onboard(
    jurisdiction: Annotated[str, typer.Argument(help="Which comes in, such as MD.")],
    done: Annotated[str | None, typer.Option(help="Say that a step is done.", metavar="STEP")] = None,
    not_possible: Annotated[
        str | None, typer.Option(help="Say that a step is not possible yet.", metavar="STEP")
    ] = None,
    again: Annotated[str | None, typer.Option("--open", help="Say that a step is open.", metavar="STEP")] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="A file that shows the step; of conformance, its findings as JSON.")
    ] = None,
    because: Annotated[str | None, typer.Option(help="A line on the step, without any name of a person.")] = None,
    on: Annotated[str | None, typer.Option(help="The day on which it was done. Default: today.")] = None,
    sign: Annotated[bool, typer.Option("--sign", help="Sign the list as it stands.")] = False,
    acting: Annotated[str | None, typer.Option("--as", help="The head or operator who signs, by pseudonym.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="Keep the list in this file instead, without any node; nobody signs it.")
    ] = None,
    role: Annotated[str, typer.Option(help="With --file: in which role it was done, head or operator.")] = "head",
    from_file: Annotated[
        Path | None, typer.Option("--from", help="Take what people say from such a file, and sign it here.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show where a jurisdiction stands on its way in, what proves each step, and what is next.

    The steps are legal_basis, ceremony, node, conformance, backup_drill, trial_exchange and first_report. What this
    node sees it proves itself; the rest a head or an operator says. It can be broken off, and gone on with another
    day."""

    code = code_of(jurisdiction)
    said = [
        (OnboardingState.DONE, done),
        (OnboardingState.NOT_POSSIBLE, not_possible),
        (OnboardingState.OPEN, again),
    ]
    asked = [(state, step) for state, step in said if step is not None]
    if len(asked) > 1:
        raise InvalidInput("Say one thing at a time: --done, --not-possible or --open.")
    if not asked and (evidence or because or on):
        raise InvalidInput("Say of which step this is: --done STEP, --not-possible STEP or --open STEP.")
    if file is not None:
        if sign or acting or from_file:
            raise InvalidInput("A list in a file is signed by nobody: at a node, take it with --from.")
        _in_file(file, code, asked, evidence, because, on, role, as_json)
        return
    _at_node(code, asked, evidence, because, on, sign, acting, from_file, home, as_json)


def _in_file(
    file: Path,
    code: Jurisdiction,
    asked: list[tuple[Any, str]],
    evidence: Path | None,
    because: str | None,
    on: str | None,
    role: str,
    as_json: bool,
) -> None:
    by = one_of(Role, role)
    if by not in (Role.HEAD, Role.OPERATOR):
        raise InvalidInput("A list is kept in the role head or operator.")
    known = shipped_directory()
    found = list_in(file, code)
    changes = _changes(asked, evidence, because, on, None)
    if changes:
        write_list(file, code, changed_lines([item.line for item in found.steps], changes, by))
        found = list_in(file, code)
    _tell(found, known, as_json, signed=f"{file}, signed by nobody")


def _at_node(
    code: Jurisdiction,
    asked: list[tuple[Any, str]],
    evidence: Path | None,
    because: str | None,
    on: str | None,
    sign: bool,
    acting: str | None,
    from_file: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    if (asked or sign or from_file) and acting is None:
        raise InvalidInput("To sign the list, say who does with --as: the head or the operator.")
    folder = resolve_home(home)
    passphrase = passphrase_for(folder)
    faults = _faults(folder, code, passphrase)
    with opened(folder, passphrase=passphrase) as node:
        if acting is not None:
            maker = maker_of(node, acting, Role.HEAD, Role.OPERATOR)
            changes = _from_file(from_file, code) | _changes(asked, evidence, because, on, _address(node, code))
            statement = sign_checklist(node, maker, code, changes, faults)
            typer.echo(f"The list is signed; the statement is {statement}.", err=True)
        found = checklist_of(node, code, faults)
        signed = None
        if found.signed is not None:
            signed = f"{found.signed.said.stated_at}, by {found.signed.said.issuer}"
        here = None if code == node.settings.jurisdiction else node.node_id
        _tell(found, node.jurisdictions, as_json, signed=signed, here=here)


def _faults(folder: Path, code: Jurisdiction, passphrase: SecretStr | None) -> list[str]:
    """Of an own list, what an examination of the node finds."""
    if load_settings(folder).jurisdiction != code:
        return []
    found = examine(folder, passphrase=passphrase)
    return [one.subject for one in found.findings if one.gravity is Gravity.FAULT]


def _address(node: Node, code: Jurisdiction) -> str | None:
    """Where the jurisdiction's node is reached, as far as this node knows."""

    if node.settings.jurisdiction == code:
        return node.settings.url
    return next((peer.row.url for peer in sync_status(node) if peer.row.jurisdiction == code), None)


def _from_file(path: Path | None, code: Jurisdiction) -> dict[OnboardingStep, StepChange]:
    """What people say in a file; what is open there changes nothing."""

    if path is None:
        return {}
    return {
        line.step: StepChange(
            line.state, FileEvidence(line.evidence, line.on) if line.evidence else None, line.remark, line.on
        )
        for line in read_list(path, code)
        if line.state is not OnboardingState.OPEN
    }


def _changes(
    asked: list[tuple[Any, str]], evidence: Path | None, because: str | None, on: str | None, address: str | None
) -> dict[OnboardingStep, StepChange]:
    if not asked:
        return {}
    ((state, word),) = asked
    step = one_of(OnboardingStep, word.replace("-", "_"))
    shown = read_evidence(step, evidence, address) if evidence is not None else None
    if because is not None:
        warn_of("because", because)
    return {step: StepChange(state, shown, because, day_of(on) if on else None)}


def _tell(found: Checklist, known: Directory, as_json: bool, *, signed: str | None, here: str | None = None) -> None:
    if as_json:
        print_json(
            {
                "jurisdiction": found.jurisdiction,
                "signed": signed,
                "differs": found.differs,
                "steps": [
                    item.line.model_dump(mode="json") | {"was": item.was, "why": item.seen and item.seen.why}
                    for item in found.steps
                ],
            }
        )
        return
    with speaking(Spoken(directory=lambda: known)):
        typer.echo(f"{known.name(found.jurisdiction)}: {found.taken} of {len(found.steps)} steps")
        for item in found.steps:
            said = " ".join([f"{state_word(item.line.state)}.", *standing_words(item)])
            typer.echo(f"  {mark_of(item):>2}  {item.step:<15} {said}")
            for more in filter(None, (item.line.remark, None if item.stands else _why(item.seen, here))):
                typer.echo(f"      {'':<15} {more}")
        if (upcoming := found.next) is not None:
            guide = STEP_GUIDES[upcoming.step]
            typer.echo(f"\nNext: {step_word(upcoming.step)}. {guide.then}")
            typer.echo(f"      {guide.typed}")
            typer.echo(f"      What shows it: {guide.title}")
        if signed is None:
            typer.echo("\nNobody has signed this list here. Sign it: --sign --as HEAD")
        else:
            again = " It stands otherwise by now; sign it anew: --sign --as HEAD" if found.differs else ""
            typer.echo(f"\nSigned: {signed}.{again}" if found.signed is not None else f"\nKept in {signed}.")
    for footnote in known.footnotes([found.jurisdiction]):
        typer.echo(footnote)


def _why(seen: SeenStep | None, here: str | None) -> str | None:
    return why_words(seen, here) if seen is not None and seen.why is not None else None
