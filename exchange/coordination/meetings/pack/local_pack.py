"""The pack of a local meeting: all of it from what one node has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exchange.coordination.exercises.exercise_counts import CountedSet
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import NO_DATA
from exchange.coordination.incidents.incident_annex import told_annex
from exchange.coordination.meetings.agreed_actions import owed_actions
from exchange.coordination.meetings.pack.approve_inputs import approved_inputs, draft_inputs
from exchange.coordination.meetings.pack.make_inputs import action_fields, figures_of, held_in
from exchange.coordination.meetings.pack.pack import (
    Missing,
    MissingPart,
    OverdueWork,
    Pack,
    PackAvailability,
    PackFigures,
    PackSide,
)
from exchange.coordination.meetings.pack.pack_inputs_document import PackAction, PackInputs
from exchange.coordination.region.regional import RegionalEarlier
from exchange.flows.node.node import Node
from schemas.vocabulary import MeetingKind


@dataclass(frozen=True)
class LocalPack:
    """``sha256``: of the inputs as they are now, which the head may approve; ``approved``: those that are approved say
    the same."""

    pack: Pack
    sha256: str
    approved: bool


def local_pack(node: Node, half: Half, exercises: tuple[CountedSet, ...] | None = None) -> LocalPack:
    """For the people of the own jurisdiction. It has no exact small count of work: those stay in the node, or go to a
    named recipient. ``exercises``: as ``read_exercise_files`` read them.

    1. What the node would give to the regional meeting, and whether its head approved that.
    2. The report as it was approved, else as it would be.
    3. The actions that others issued and that this jurisdiction is to do.
    Raises NotFound for a half-year that has not begun.
    """
    # 1.
    counted = figures_of(node, half)
    found = draft_inputs(node, half, counted)
    inputs, before = found.inputs, approved_inputs(node, half)
    stands = before is not None and before.still(inputs)
    approval = before.approval if before is not None and stands else None

    # 2.
    report, document = counted.approved, counted.document
    figures = PackFigures(
        now=document.trend,
        earlier=tuple(RegionalEarlier(item.period, item.figures) for item in document.earlier),
        approved=report is not None,
        document=document,
    )

    # 3.
    owed = tuple(PackAction.model_validate(action_fields(item)) for item in owed_actions(node, half))
    annex = told_annex(node, half)
    side = PackSide(
        jurisdiction=inputs.jurisdiction,
        node=node.node_id,
        inputs=inputs,
        approval=approval.approval if approval is not None else None,
        inputs_sha256=approval.sha256 if approval is not None else None,
        report=report.sha256 if report is not None else None,
        report_approval=report.approval if report is not None else None,
    )
    pack = Pack(
        meeting=MeetingKind.LOCAL,
        here=inputs.jurisdiction,
        half=half,
        as_of=inputs.as_of,
        sides=(side,),
        figures=figures,
        overdue=tuple(overdue_in(inputs)),
        availability=_availability(document),
        actions=(*inputs.actions, *owed),
        annexes=((inputs.jurisdiction, annex),) if annex is not None else (),
        held_before={inputs.jurisdiction: held_in(node, half.before())},
        missing=tuple(_missing(side, figures, half, has_annex=annex is not None)),
        smallest=inputs.smallest_count_told,
        changed_since=before is not None and not stands,
        exercises=exercises,
    )
    return LocalPack(pack, found.sha256, approval is not None)


def overdue_in(inputs: PackInputs) -> Iterator[OverdueWork]:
    smallest = inputs.smallest_count_told
    for item in inputs.overdue:
        yield OverdueWork(inputs.jurisdiction, item.partner, "overdue_answers", item.steps, smallest)
        yield OverdueWork(inputs.jurisdiction, item.partner, "overdue_approvals", item.decisions, smallest)


def missing_in(inputs: PackInputs, half: Half) -> Iterator[Missing]:
    """What one side's inputs have not."""
    own = inputs.jurisdiction
    if inputs.maturity_of(half) is None:
        yield Missing(MissingPart.SNAPSHOT, own)
    elif inputs.maturity_of(half.before()) is None:
        yield Missing(MissingPart.SNAPSHOT_BEFORE, own)
    if not inputs.law.articles:
        yield Missing(MissingPart.LAW, own)
    if not inputs.meetings:
        yield Missing(MissingPart.MEETINGS, own)


def missing_before(figures: PackFigures, half: Half) -> Iterator[Missing]:
    """With what the figures cannot be compared."""
    if figures.baseline is None:
        yield Missing(MissingPart.BASELINE)
    elif figures.of(half.before()) is None:
        yield Missing(MissingPart.HALF_BEFORE)


def _missing(side: PackSide, figures: PackFigures, half: Half, *, has_annex: bool) -> Iterator[Missing]:
    if not figures.approved:
        yield Missing(MissingPart.REPORT, side.jurisdiction)
    if side.approval is None:
        yield Missing(MissingPart.INPUTS, side.jurisdiction)
    yield from missing_before(figures, half)
    if side.inputs is not None:
        yield from missing_in(side.inputs, half)
    if not has_annex:
        yield Missing(MissingPart.ANNEX, side.jurisdiction)


def _availability(document: Document) -> tuple[PackAvailability, ...]:
    return tuple(
        PackAvailability(item.jurisdiction, item.node_id, item.share, NO_DATA)
        if item.node_id == document.node_id
        else PackAvailability(item.jurisdiction, item.node_id, NO_DATA, item.share)
        for item in document.nodes
    )
