"""The checklist of a jurisdiction: what was signed of it, held against what the node sees now.

A step that was proven and is not any more, or whose evidence is too old, is open again and says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp, stamp_in, today
from exchange.coordination.maturity.look_at_node import SeenStep, Why, look_at_steps
from exchange.coordination.maturity.practice_definitions import STEP_GUIDES
from exchange.errors import Conflict, InvalidInput, TooLarge
from exchange.flows.node.node import Node
from exchange.flows.statement.coordination import StandingStatement, onboardings_of
from exchange.flows.statement.named import check_named
from exchange.flows.statement.sign_statement import enter, say
from exchange.home import read_bounded, write_private
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import PeerState
from schemas import ContractError, Maker, Onboarding, OnboardingLine
from schemas.exhibit import Contract
from schemas.statement_base import Moment, Url
from schemas.strict_json import read_strict
from schemas.vocabulary import Jurisdiction, OnboardingState, OnboardingStep, Role

MAX_EVIDENCE_BYTES: Final = 64 * 1024 * 1024
MAX_CONFORMANCE_BYTES: Final = 1024 * 1024
LEAST_KEPT: Final = 15
"""As a stranger alone tries two dozen checks; a report of fewer tried next to nothing."""


@dataclass(frozen=True)
class FileEvidence:
    """``on``: the day that the file itself states; None of one that states none."""

    sha256: str
    on: date | None


class _Check(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)
    name: Annotated[str, Field(max_length=100)]
    verdict: Literal["kept", "not kept", "not tried"]


class _ConformanceReport(BaseModel):
    """As ``ffp conformance --json`` writes it. It is signed by nobody: whoever names it answers for it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    url: Url
    at: Moment
    kept: bool
    checks: Annotated[tuple[_Check, ...], Field(max_length=500)]


def read_evidence(step: OnboardingStep, path: Path, address: str | None) -> FileEvidence:
    """As ``take_evidence``, of a file. Raises OSError too."""
    return take_evidence(step, read_bounded(path, MAX_EVIDENCE_BYTES), address)


def take_evidence(step: OnboardingStep, data: bytes, address: str | None) -> FileEvidence:
    """What a file shows of a step. ``address``: where the jurisdiction's node is reached; None where that is not known.

    Raises InvalidInput for a conformance report that shows nothing, or the contrary; TooLarge.
    """
    if not data:
        raise InvalidInput("The file is empty.", code="invalid-file")
    if len(data) > MAX_EVIDENCE_BYTES:
        raise TooLarge(f"A file of evidence has at most {MAX_EVIDENCE_BYTES} bytes.")
    on = _conformance(data, address) if step is OnboardingStep.CONFORMANCE else None
    return FileEvidence(hashlib.sha256(data).hexdigest(), on)


def _conformance(data: bytes, address: str | None) -> date:
    try:
        found = read_strict(_ConformanceReport, data, max_bytes=MAX_CONFORMANCE_BYTES)
    except ContractError as error:
        raise InvalidInput(
            "This is no file of findings as `ffp conformance ADDRESS --json FILE` writes it.", code="invalid-file"
        ) from error
    broken = [check.name for check in found.checks if check.verdict == "not kept"]
    if broken or not found.kept:
        raise InvalidInput(f"The node did not keep: {', '.join(broken[:10]) or 'all'}.", code="not-kept")
    kept = sum(check.verdict == "kept" for check in found.checks)
    if kept < LEAST_KEPT:
        raise InvalidInput(f"Only {kept} checks were tried; at least {LEAST_KEPT} show something.", code="not-kept")
    if address is not None and found.url.rstrip("/") != address.rstrip("/"):
        raise InvalidInput(f"The file is of the node at {found.url}; the node is at {address}.", code="other-node")
    on = date.fromisoformat(found.at[:10])
    if found.at > stamp_in(DAY_S) or STEP_GUIDES[OnboardingStep.CONFORMANCE].is_old(on, today()):
        raise InvalidInput(f"The node was checked on {on}. Check it again.", code="too-old")
    return min(on, today())


MAX_LIST_BYTES: Final = 64 * 1024


class ListFile(Contract):
    format: Literal["ffp-onboarding-1"]
    jurisdiction: Jurisdiction
    lines: tuple[OnboardingLine, ...] = Field(min_length=len(OnboardingStep), max_length=len(OnboardingStep))

    @model_validator(mode="after")
    def _by_people_alone(self) -> Self:
        if [line.step for line in self.lines] != list(OnboardingStep):
            raise ValueError("each step stands once, in their order")
        if any(line.state is OnboardingState.PROVEN for line in self.lines):
            raise ValueError("nothing in a file is proven by a node")
        return self


def read_list(path: Path, jurisdiction: Jurisdiction) -> tuple[OnboardingLine, ...]:
    """Of a file that is not there, all open. Raises InvalidInput, OSError."""
    try:
        data = read_bounded(path, MAX_LIST_BYTES)
    except FileNotFoundError:
        return tuple(map(open_line, OnboardingStep))
    try:
        found = read_strict(ListFile, data, max_bytes=MAX_LIST_BYTES)
    except ContractError as error:
        raise InvalidInput(f"{path} is no checklist as `ffp onboard --file` writes it.", code="invalid-file") from error
    if found.jurisdiction != jurisdiction:
        raise InvalidInput(f"{path} is the checklist of {found.jurisdiction}.", code="other-jurisdiction")
    return found.lines


def list_in(path: Path, jurisdiction: Jurisdiction) -> Checklist:
    """As it stands today. Raises as ``read_list``."""
    lines = read_list(path, jurisdiction)
    return Checklist(jurisdiction, tuple(reread(line, today()) for line in lines))


def write_list(path: Path, jurisdiction: Jurisdiction, lines: tuple[OnboardingLine, ...]) -> None:
    """Raises OSError."""
    kept = ListFile(format="ffp-onboarding-1", jurisdiction=jurisdiction, lines=lines)
    write_private(path, kept.model_dump_json(indent=1) + "\n")


@dataclass(frozen=True)
class StepStanding:
    """How one step stands. ``was``: until when it stood, where it is open again since its evidence is too old or no
    longer holds. ``seen``: what the node sees of it; None where no node looked."""

    line: OnboardingLine
    was: date | None = None
    seen: SeenStep | None = None

    @property
    def step(self) -> OnboardingStep:
        return self.line.step

    @property
    def stands(self) -> bool:
        return self.line.state in (OnboardingState.DONE, OnboardingState.PROVEN)


@dataclass(frozen=True)
class Checklist:
    """``signed``: the last statement on it that counts here; None where nobody signed one. ``differs``: what is
    signed is not how it stands by now."""

    jurisdiction: Jurisdiction
    steps: tuple[StepStanding, ...]
    signed: StandingStatement[Onboarding] | None = None
    differs: bool = True

    @property
    def next(self) -> StepStanding | None:
        """The first step that is to be taken; one that is not possible yet waits."""
        return next((item for item in self.steps if item.line.state is OnboardingState.OPEN), None)

    @property
    def issuer(self) -> str | None:
        return self.signed.said.issuer if self.signed else None

    @property
    def stated_at(self) -> str | None:
        return self.signed.said.stated_at if self.signed else None

    @property
    def taken(self) -> int:
        return sum(item.stands for item in self.steps)


@dataclass(frozen=True)
class StepChange:
    """What a person says of a step. ``evidence``: of a file that shows it."""

    state: OnboardingState
    evidence: FileEvidence | None = None
    remark: str | None = None
    on: date | None = None


def checklist_of(node: Node, jurisdiction: Jurisdiction, faults: Collection[str] = ()) -> Checklist:
    """As it stands at this node, of its own jurisdiction or of another. ``faults``: as ``look_at_steps`` has it. Raises
    InvalidInput for a jurisdiction that nobody knows."""
    check_named(node, [jurisdiction], "jurisdiction")
    seen = look_at_steps(node, jurisdiction, faults)
    with node.store.read() as session:
        signed = _signed(session, node, jurisdiction)
    before = {line.step: line for line in signed.said.lines} if signed else {}
    steps = tuple(_standing(before.get(step) or open_line(step), seen[step]) for step in OnboardingStep)
    differs = signed is None or tuple(item.line for item in steps) != signed.said.lines
    return Checklist(jurisdiction, steps, signed, differs)


def sign_checklist(
    node: Node,
    maker: Maker,
    jurisdiction: Jurisdiction,
    changes: Mapping[OnboardingStep, StepChange],
    faults: Collection[str] = (),
) -> str:
    """Sign how the steps stand, with what a person says of some, and tell all peers. Returns the statement's id.

    Raises InvalidInput; Conflict, code "nothing-to-change", where the same is signed already.
    """
    found = checklist_of(node, jurisdiction, faults)
    lines = changed_lines([item.line for item in found.steps], changes, maker.role)
    if found.signed is not None and lines == found.signed.said.lines:
        raise Conflict("The list is signed as it stands; nothing was signed.", code="nothing-to-change")
    said = say(node, Onboarding, maker, jurisdiction=jurisdiction, lines=lines, stated_at=stamp())
    with node.store.write() as session:
        now = _signed(session, node, jurisdiction)
        if (now and now.statement_id) != (found.signed and found.signed.statement_id):
            raise Conflict("Somebody else has just signed this list. See how it stands.", code="changed-meanwhile")
        peers = [peer.node_id for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        enter(session, said, to=peers)
    return said.statement_id


def changed_lines(
    lines: Sequence[OnboardingLine], changes: Mapping[OnboardingStep, StepChange], by: Role
) -> tuple[OnboardingLine, ...]:
    """The lines with what a person says of some. Raises InvalidInput, for a state that a node alone may say too."""
    return tuple(_changed(line, changes[line.step], by) if line.step in changes else line for line in lines)


def open_line(step: OnboardingStep) -> OnboardingLine:
    return OnboardingLine(step=step, state=OnboardingState.OPEN, on=None, by=None, evidence=None, remark=None)


def reread(line: OnboardingLine, day: date) -> StepStanding:
    """A line that somebody else signed, or that stands in a file: open again where its evidence is too old."""
    if STEP_GUIDES[line.step].is_old(line.on, day):
        return StepStanding(open_line(line.step), line.on)
    return StepStanding(line)


def _standing(line: OnboardingLine, seen: SeenStep) -> StepStanding:
    """What the node sees comes first, then what is signed of it."""
    guide = STEP_GUIDES[line.step]
    if seen.proven:
        same = line.state is OnboardingState.PROVEN and line.evidence == seen.evidence
        on = seen.on or (line.on if same else None) or today()
        proven = OnboardingLine(
            step=line.step,
            state=OnboardingState.PROVEN,
            on=on,
            by=Role.NODE,
            evidence=seen.evidence,
            remark=None,
        )
        return StepStanding(proven, seen=seen)
    if line.state is OnboardingState.PROVEN and guide.condition and seen.why is not Why.NOT_SEEN_FROM_HERE:
        return StepStanding(open_line(line.step), line.on, seen)
    return replace(reread(line, today()), seen=seen)


def _changed(line: OnboardingLine, change: StepChange, by: Role) -> OnboardingLine:
    if change.state is OnboardingState.PROVEN:
        raise InvalidInput("What is proven a node says by itself.", code="invalid-field")
    if line.state is OnboardingState.PROVEN:
        raise InvalidInput(f"The node sees this step itself: {line.step} is proven.", code="proven")
    done = change.state is OnboardingState.DONE
    on = (change.on or (change.evidence.on if change.evidence else None) or today()) if done else None
    if on is not None and on > today():
        raise InvalidInput("A step is done on a day that has come.", code="invalid-field")
    if done and line.step is OnboardingStep.CONFORMANCE and change.evidence is None:
        raise InvalidInput("Name the file of findings that shows it.", code="invalid-field")
    if change.state is OnboardingState.NOT_POSSIBLE and not change.remark:
        raise InvalidInput("Say in one line why it is not possible yet.", code="invalid-field")
    if change.evidence is not None and not done:
        raise InvalidInput("Only a step that is done has evidence.", code="invalid-field")
    return line.model_copy(
        update={
            "state": change.state,
            "on": on,
            "by": by if done else None,
            "evidence": change.evidence.sha256 if change.evidence else None,
            "remark": change.remark,
        }
    )


def _signed(session: Session, node: Node, jurisdiction: Jurisdiction) -> StandingStatement[Onboarding] | None:
    kept = onboardings_of(session, node.node_id, own=True)
    return next((item for item in kept if item.said.jurisdiction == jurisdiction), None)


def who_stands_where(node: Node) -> list[Checklist]:
    """Every jurisdiction that this node knows, or that a peer is of, by its code."""
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        home = {peer.node_id: Jurisdiction(peer.jurisdiction) for peer in peers}
        home[node.node_id] = node.settings.jurisdiction
        lists = [item for issuer in home for item in onboardings_of(session, issuer, own=issuer == node.node_id)]
    chosen: dict[Jurisdiction, StandingStatement[Onboarding]] = {}
    for item in lists:
        before = chosen.get(item.said.jurisdiction)
        if before is None or _weight(item, home) > _weight(before, home):
            chosen[item.said.jurisdiction] = item
    every = sorted({*node.jurisdictions, *home.values()})  # no peer adds rows by naming codes that nobody knows
    return [_row(node, jurisdiction, chosen.get(jurisdiction)) for jurisdiction in every]


def _weight(item: StandingStatement[Onboarding], home: dict[str, Jurisdiction]) -> tuple[bool, str, str]:
    """Who states a moment that is still to come weighs no more than when it came."""
    said = item.said
    return home[said.issuer] == said.jurisdiction, min(said.stated_at or "", item.received_at), said.issuer


def _row(node: Node, jurisdiction: Jurisdiction, chosen: StandingStatement[Onboarding] | None) -> Checklist:
    own = jurisdiction == node.settings.jurisdiction
    if own or (chosen is not None and chosen.said.issuer == node.node_id):
        return checklist_of(node, jurisdiction)
    if chosen is None:
        return Checklist(jurisdiction, tuple(StepStanding(open_line(step)) for step in OnboardingStep))
    return Checklist(jurisdiction, tuple(reread(line, today()) for line in chosen.said.lines), chosen)
