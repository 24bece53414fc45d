"""``ffp onboard``: lead a jurisdiction in, step by step, and keep what is done, signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from exchange.cli.acting import code_of, maker_of, one_of, warn_of
from exchange.cli.node import Home
from exchange.cli.opening import passphrase_for
from exchange.cli.tables import AsJson, print_json
from exchange.errors import InvalidInput
from exchange.home import resolve_home

if TYPE_CHECKING:
    from pydantic import SecretStr

    from exchange.coordination.onboarding.checklist import Checklist, StepChange
    from exchange.coordination.onboarding.look_at_node import SeenStep
    from exchange.flows.node.node import Node
    from exchange.jurisdictions.directory import Directory
    from schemas.jurisdiction import Jurisdiction
    from schemas.vocabulary import OnboardingStep


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
    from schemas.vocabulary import OnboardingState

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
    from exchange.coordination.onboarding.checklist import changed_lines, list_in, write_list
    from exchange.jurisdictions.directory import shipped_directory
    from schemas.vocabulary import Role

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
    from exchange.coordination.onboarding.checklist import checklist_of, sign_checklist
    from exchange.flows.node.node import opened
    from schemas.vocabulary import Role

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
    from exchange.config import load_settings
    from exchange.flows.operate.doctor.examine import examine
    from exchange.flows.operate.doctor.findings import Gravity

    if load_settings(folder).jurisdiction != code:
        return []
    found = examine(folder, passphrase=passphrase)
    return [one.subject for one in found.findings if one.gravity is Gravity.FAULT]


def _address(node: Node, code: Jurisdiction) -> str | None:
    """Where the jurisdiction's node is reached, as far as this node knows."""
    from exchange.flows.sync.progress import sync_status

    if node.settings.jurisdiction == code:
        return node.settings.url
    return next((peer.row.url for peer in sync_status(node) if peer.row.jurisdiction == code), None)


def _from_file(path: Path | None, code: Jurisdiction) -> dict[OnboardingStep, StepChange]:
    """What people say in a file; what is open there changes nothing."""
    from exchange.coordination.onboarding.checklist import StepChange, read_list
    from exchange.coordination.onboarding.onboarding_evidence import FileEvidence
    from schemas.vocabulary import OnboardingState

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
    from exchange.coordination.meetings.action_commands import day_of
    from exchange.coordination.onboarding.checklist import StepChange
    from exchange.coordination.onboarding.onboarding_evidence import read_evidence
    from schemas.vocabulary import OnboardingStep

    if not asked:
        return {}
    ((state, word),) = asked
    step = one_of(OnboardingStep, word.replace("-", "_"))
    shown = read_evidence(step, evidence, address) if evidence is not None else None
    if because is not None:
        warn_of("because", because)
    return {step: StepChange(state, shown, because, day_of(on) if on else None)}


def _tell(found: Checklist, known: Directory, as_json: bool, *, signed: str | None, here: str | None = None) -> None:
    from exchange.coordination.onboarding.onboarding_steps import STEP_GUIDES
    from exchange.coordination.onboarding.onboarding_words import mark_of, standing_words, state_word, step_word
    from exchange.web.languages import Spoken
    from exchange.web.languages.spoken import speaking

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
            guide = STEP_GUIDES[item.step]
            said = " ".join([f"{state_word(item.line.state)}.", *standing_words(item)])
            typer.echo(f"  {mark_of(item):>2}  {item.step:<15} {said}")
            for more in filter(None, (item.line.remark, None if item.stands else _why(item.seen, here))):
                typer.echo(f"      {'':<15} {more}")
        if (upcoming := found.next) is not None:
            guide = STEP_GUIDES[upcoming.step]
            typer.echo(f"\nNext: {step_word(upcoming.step)}. {guide.do}")
            typer.echo(f"      {guide.typed}")
            typer.echo(f"      What shows it: {guide.shown}")
        if signed is None:
            typer.echo("\nNobody has signed this list here. Sign it: --sign --as HEAD")
        else:
            again = " It stands otherwise by now; sign it anew: --sign --as HEAD" if found.differs else ""
            typer.echo(f"\nSigned: {signed}.{again}" if found.signed is not None else f"\nKept in {signed}.")
    for footnote in known.footnotes([found.jurisdiction]):
        typer.echo(footnote)


def _why(seen: SeenStep | None, here: str | None) -> str | None:
    from exchange.coordination.onboarding.onboarding_words import why_words

    return why_words(seen, here) if seen is not None and seen.why is not None else None
