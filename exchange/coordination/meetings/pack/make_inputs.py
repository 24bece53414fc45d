"""Make the inputs of a meeting pack out of what the node has: nothing of them is entered for the pack alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from exchange.clock import stamp
from exchange.coordination.half_year.half_year_document import Document
from exchange.coordination.half_year.half_year_report import Approved, draft, find_approved
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.restricted_edition import RestrictedHalf
from exchange.coordination.law.compendium import Compendium, compendia
from exchange.coordination.law.law_report import changes_in_half
from exchange.coordination.law.pair_of_law import LackFound, LawState, PairOfLaw, pair_of_law
from exchange.coordination.maturity.keep_snapshot import kept_snapshots
from exchange.coordination.meetings.agreed_actions import ListedAction, open_actions
from exchange.coordination.meetings.held_meetings import Attendance, HeldMeeting, meetings_of
from exchange.coordination.meetings.pack.pack_inputs_document import (
    INPUTS_FORMAT,
    HeldOfKind,
    LawChange,
    LawInputs,
    LawLack,
    LawTowards,
    MaturityAt,
    MaturityPractice,
    OverdueBand,
    OverdueTowards,
    PackAction,
    PackInputs,
    PackMeeting,
)
from exchange.errors import NotFound
from exchange.flows.node.node import Node
from schemas.law import LawDirection
from schemas.vocabulary import Jurisdiction, MeetingKind


# Of attendance, institution by sex and role by sex are given, never the three together: that cell would be one person.
def coordination_inputs(node: Node, half: Half) -> dict[str, Any]:
    """The same rows give the same fields, in the same order."""
    meetings = meetings_of(node, half)
    return {
        "actions": [action_fields(item) for item in open_actions(node, half)],
        "meetings": [_meeting(meeting) for meeting in meetings],
        "held": held_fields(meetings),
    }


def held_fields(meetings: Iterable[HeldMeeting]) -> dict[str, Any]:
    """By kind of meeting."""
    found = list(meetings)
    return {kind.value: _sums(found, kind) for kind in MeetingKind}


def action_fields(item: ListedAction) -> dict[str, Any]:
    said = item.said
    return {
        "issuer": said.issuer,
        "number": said.number,
        "statement_id": item.statement_id,
        "title": said.title,
        "owner": said.owner,
        "owner_role": said.owner_role,
        "due": said.due.isoformat(),
        "meeting": said.meeting,
        "met_on": said.met_on.isoformat(),
        "state": said.state,
        "closed_on": said.closed_on.isoformat() if said.closed_on else None,
        "remark": said.remark,
        "overdue": item.overdue,
    }


def _meeting(meeting: HeldMeeting) -> dict[str, Any]:
    return {
        "kind": meeting.kind,
        "held_on": meeting.held_on.isoformat(),
        "title": meeting.title,
        "people": meeting.people,
    }


def _sums(meetings: Iterable[HeldMeeting], kind: MeetingKind) -> dict[str, Any]:
    """Over all of one kind in the half-year: who attends twice counts twice."""
    chosen = [meeting for meeting in meetings if meeting.kind is kind]
    lines = [line for meeting in chosen for line in meeting.attended]
    return {
        "meetings": len(chosen),
        "people": sum(line.count for line in lines),
        "by_institution": _by(lines, "institution"),
        "by_role": _by(lines, "role"),
    }


def _by(lines: Iterable[Attendance], of: str) -> list[dict[str, Any]]:
    counted = Counter[tuple[str, str]]()
    for line in lines:
        counted[getattr(line, of).value, line.sex.value] += line.count
    return [{of: word, "sex": sex, "count": count} for (word, sex), count in sorted(counted.items())]


@dataclass(frozen=True)
class HalfFigures:
    """The report of a half-year as it was approved, else as it is counted now."""

    approved: Approved | None
    document: Document
    exact: RestrictedHalf


def figures_of(node: Node, half: Half) -> HalfFigures:
    """Raises NotFound for a half-year that has not begun."""
    approved = find_approved(node, half)
    if approved is not None:
        return HalfFigures(approved, approved.document, approved.restricted.halves[0])
    found = draft(node, half)
    return HalfFigures(None, found.document, found.restricted.halves[0])


def make_inputs(node: Node, half: Half, figures: HalfFigures | None = None) -> PackInputs:
    """The same rows give the same inputs, once the half-year is over. ``figures``: where the caller has them. Raises
    NotFound for one that has not begun."""
    if half.start > stamp():
        raise NotFound(f"The half-year {half} has not begun.")
    counted = figures or figures_of(node, half)
    fields = coordination_inputs(node, half)
    approved = counted.approved
    law = _law(node, half)
    named = {node.settings.jurisdiction, *(item["owner"] for item in fields["actions"])}
    named |= {item.partner for item in law.towards}
    return PackInputs(
        format=INPUTS_FORMAT,
        half=str(half),
        node=node.node_id,
        jurisdiction=Jurisdiction(node.settings.jurisdiction),
        as_of=date.fromisoformat(min(half.end, stamp())[:10]),
        smallest_count_told=node.settings.monitoring_smallest,
        report=None if approved is None else approved.sha256,
        actions=tuple(PackAction.model_validate(item) for item in fields["actions"]),
        meetings=tuple(PackMeeting.model_validate(item) for item in fields["meetings"]),
        held=held_in(node, half),
        overdue=_overdue(counted.exact, node.settings.monitoring_smallest),
        law=law,
        maturity=_maturity(node, half),
        footnotes=tuple(node.jurisdictions.footnotes(named)),
    )


def held_in(node: Node, half: Half) -> dict[MeetingKind, HeldOfKind]:
    found = held_fields(meetings_of(node, half))
    return {kind: HeldOfKind.model_validate(found[kind]) for kind in MeetingKind}


def overdue_band(count: int | None, smallest: int) -> OverdueBand:
    if count is None:
        return OverdueBand.NO_DATA
    return OverdueBand.NONE if count == 0 else OverdueBand.SOME if count < smallest else OverdueBand.MANY


def _overdue(exact: RestrictedHalf, smallest: int) -> tuple[OverdueTowards, ...]:
    return tuple(
        OverdueTowards(
            partner=partner,
            steps=overdue_band(exact.count("overdue_answers", partner), smallest),
            decisions=overdue_band(exact.count("overdue_approvals", partner), smallest),
        )
        for partner in exact.partners
    )


def _law(node: Node, half: Half) -> LawInputs:
    own, *others = compendia(node)
    day = date.fromisoformat(min(half.end, stamp())[:10])
    pairs = [pair_of_law(own, other, day) for other in others]
    changes = next(item.changes for item in changes_in_half(node, half) if item.compendium.own)
    return LawInputs(
        articles=len(own.articles),
        towards=tuple(_towards(pair) for pair in pairs),
        lacks=_lacks(own, pairs),
        changes=tuple(LawChange(article_id=item.article.article_id, what=item.what) for item in changes),
    )


def _towards(pair: PairOfLaw) -> LawTowards:
    return LawTowards(
        partner=pair.other.jurisdiction,
        own=_states(pair, pair.one.jurisdiction),
        theirs=_states(pair, pair.other.jurisdiction),
    )


def _states(pair: PairOfLaw, side: Jurisdiction) -> Mapping[LawDirection, LawState]:
    said = [item for way in (pair.there, pair.back) for item in way.said if item.side == side]
    return {item.direction: item.state for item in said}


def _lacks(own: Compendium, pairs: list[PairOfLaw]) -> tuple[LawLack, ...]:
    """Each once, with the partners towards whom it is missing; those of an article stand for themselves."""
    towards: dict[LackFound, list[Jurisdiction]] = {}
    for pair in pairs:
        for lack in pair.lacks:
            other = pair.other.jurisdiction if lack.side == own.jurisdiction else own.jurisdiction
            found = towards.setdefault(lack, [])
            if other not in found:
                found.append(other)
    return tuple(
        LawLack(
            side=lack.side,
            lack=lack.lack,
            direction=lack.direction,
            article_id=lack.article_id,
            partners=tuple(partners),
        )
        for lack, partners in towards.items()
    )


def _maturity(node: Node, half: Half) -> tuple[MaturityAt, ...]:
    wanted = (half.before(), half)
    return tuple(
        MaturityAt(
            half=str(kept.snapshot.half),
            reached=kept.snapshot.reached,
            practices=tuple(
                MaturityPractice(id=item.id, title=item.title, state=item.state)
                for item in kept.snapshot.practices.values()
            ),
        )
        for kept in kept_snapshots(node)
        if kept.snapshot.half in wanted
    )
