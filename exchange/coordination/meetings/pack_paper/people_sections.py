"""The sections on meetings and trainings with who attended, and on what was agreed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from exchange.coordination.meetings.meeting_vocabulary import AttendeeSex, Institution
from exchange.coordination.meetings.meeting_words import (
    action_state_word,
    institution_word,
    meeting_word,
    office_role_word,
    sex_word,
)
from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack.pack_inputs_document import HeldOfKind, PackAction, PackInputs
from exchange.coordination.meetings.pack_paper.pack_words import is_carried_on, name_of_side, owner_words
from exchange.web.languages import gettext as _
from exchange.web.report.blocks import Block, chart, heading, section, shared_columns
from exchange.web.report.charts import divided
from schemas.vocabulary import MeetingKind, OfficeRole


def meetings_section(pack: Pack) -> list[Block]:
    """Sums over all sides; institution, role and sex never stand together, since such a count would be one person."""
    title = _("Meetings and trainings held, and who attended")
    inputs = pack.inputs
    held = [(item, meeting) for item in inputs for meeting in item.meetings]
    if not held:
        return section(title, [_("No meeting and no training of %(half)s was entered.", half=pack.half)])
    rows = [
        [
            str(meeting.held_on),
            meeting_word(meeting.kind),
            meeting.title,
            name_of_side(item.jurisdiction),
            str(meeting.people),
        ]
        for item, meeting in sorted(held, key=lambda found: (found[1].held_on, found[0].jurisdiction))
    ]
    head = [_("Day"), _("Kind"), _("Title"), _("Entered by"), _("People")]
    tables = [
        _kinds_table(pack),
        heading(_("Each meeting"), 2),
        shared_columns(head, rows, (0.9, 2, 2.4, 1.5, 0.6), (4,), "meetings"),
        heading(_("By institution"), 2),
        _attendance("attended-by-institution", _("Institution"), inputs, of_institution=True),
        heading(_("By role"), 2),
        _attendance("attended-by-role", _("Role"), inputs, of_institution=False),
    ]
    notes = [
        _(
            "Each side counts the people of its own jurisdiction, so a meeting that several sides entered adds up. Who "
            "attended twice counts twice. Nobody is named."
        )
    ]
    caption = _("Who attended, by kind of meeting and sex.")
    kinds = [(meeting_word(kind), [_by_sex(inputs, kind)[sex] for sex in AttendeeSex]) for kind in MeetingKind]
    drawn = divided(title, kinds, [sex_word(sex) for sex in AttendeeSex])
    return section(title, notes, chart(drawn, caption), *tables)


def _kinds_table(pack: Pack) -> Block:
    """How many of each kind, how many people, the share of women of those whose sex was stated, and the half before."""
    rows = []
    for kind in MeetingKind:
        meetings, people, women = _sums([item.held[kind] for item in pack.inputs])
        before, people_before, women_before = _sums([held[kind] for held in pack.held_before.values()])
        past = (str(before), str(people_before), women_before) if pack.held_before else ("–", "–", "–")
        rows.append([meeting_word(kind), str(meetings), str(people), women, *past])
    half = pack.half.before()
    head = [
        _("Kind"),
        _("Held"),
        _("People"),
        _("Share of women"),
        _("Held in %(half)s", half=half),
        _("People in %(half)s", half=half),
        _("Share of women in %(half)s", half=half),
    ]
    return shared_columns(head, rows, (2.2, 0.6, 0.7, 0.9, 0.9, 0.9, 1.1), range(1, 7), "meetings-by-kind")


def _sums(held: Sequence[HeldOfKind]) -> tuple[int, int, str]:
    counted = Counter[AttendeeSex]()
    for item in held:
        for line in item.by_role:
            counted[line.sex] += line.count
    stated = counted[AttendeeSex.WOMEN] + counted[AttendeeSex.MEN]
    share = f"{100 * counted[AttendeeSex.WOMEN] / stated:.0f} %" if stated else _("no data")
    return sum(item.meetings for item in held), sum(item.people for item in held), share


def _by_sex(inputs: Iterable[PackInputs], kind: MeetingKind) -> Counter[AttendeeSex]:
    counted = Counter[AttendeeSex]()
    for item in inputs:
        for line in item.held[kind].by_role:
            counted[line.sex] += line.count
    return counted


def _attendance(name: str, first: str, inputs: Sequence[PackInputs], *, of_institution: bool) -> Block:
    rows = []
    for kind in MeetingKind:
        counted = Counter[tuple[StrEnum, AttendeeSex]]()
        for item in inputs:
            held = item.held[kind]
            for word, sex, count in (
                [(line.institution, line.sex, line.count) for line in held.by_institution]
                if of_institution
                else [(line.role, line.sex, line.count) for line in held.by_role]
            ):
                counted[word, sex] += count
        for word in Institution if of_institution else OfficeRole:
            counts = [counted[word, sex] for sex in AttendeeSex]
            if sum(counts):
                rows.append([meeting_word(kind), _who(word), *map(str, counts), str(sum(counts))])
    head = [_("Kind"), first, *(sex_word(sex) for sex in AttendeeSex), _("All")]
    return shared_columns(head, rows, (2, 2, 0.7, 0.7, 0.9, 0.6), range(2, 6), name)


def _who(word: Institution | OfficeRole) -> str:
    return institution_word(word) if isinstance(word, Institution) else office_role_word(word)


def actions_section(pack: Pack) -> list[Block]:
    """What is open is carried on by the next pack; what was closed in the half-year stands here for the last time."""
    title = _("What was agreed on")
    if not pack.actions:
        return section(title, [_("No action stands, and none was closed in %(half)s.", half=pack.half)])
    tables: list[Block] = []
    if pack.open_actions:
        head = [_("No."), _("Action"), _("Who does it"), _("By when"), _("State"), _("Agreed on")]
        rows = [
            [
                action.number,
                action.title,
                owner_words(action),
                str(action.due),
                _state(action, pack),
                _agreed(action, pack),
            ]
            for action in pack.open_actions
        ]
        shares = (0.9, 2.6, 1.5, 0.9, 1.1, 1.2)
        tables += [heading(_("Actions"), 2), shared_columns(head, rows, shares, name="actions-open")]
    if pack.closed_actions:
        head = [_("No."), _("Action"), _("Who did it"), _("Closed"), _("State"), _("What came of it")]
        rows = [
            [
                action.number,
                action.title,
                owner_words(action),
                str(action.closed_on or ""),
                action_state_word(action.state),
                action.remark or "",
            ]
            for action in pack.closed_actions
        ]
        caption = _("Closed in %(half)s", half=pack.half)
        shares = (0.9, 2.3, 1.4, 0.9, 0.8, 1.9)
        tables += [heading(caption, 2), shared_columns(head, rows, shares, name="actions-closed")]
    notes = [_("Each action has a jurisdiction and a role, never a name. What is open the next pack carries on.")]
    return section(title, notes, *tables)


def _state(action: PackAction, pack: Pack) -> str:
    if action.overdue:
        return _("overdue")
    return _("carried on") if is_carried_on(action, pack.half) else action_state_word(action.state)


def _agreed(action: PackAction, pack: Pack) -> str:
    known = {side.node: name_of_side(side.jurisdiction) for side in pack.availability}
    known |= {side.node: name_of_side(side.jurisdiction) for side in pack.sides}
    return _(
        "%(day)s, by %(side)s",
        day=action.met_on.isoformat(),
        side=known.get(action.issuer, action.issuer),
    )
