"""The first page of a meeting pack: what changed, and what is asked of whom. Sentences, each of one thing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from exchange.coordination.half_year.figure_words import change, unit_of
from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.coordination.meetings.pack.pack import MissingPart, Pack, PackFigures
from exchange.coordination.meetings.pack_paper.law_sections import changed_articles, moved_practices
from exchange.coordination.meetings.pack_paper.pack_words import (
    has_figure,
    missing_words,
    name_of_side,
    now_words,
    owner_words,
    side_names,
)
from exchange.coordination.region.regional import RegionalEarlier
from exchange.coordination.region.regional_lines import figure_title, past_words
from exchange.web.languages import gettext as _
from exchange.web.languages import ngettext
from schemas.vocabulary import ActionState, MeetingKind

_HEADLINES: Final = (
    ("confirmed_hits_across", "confirmed_hits"),
    ("leads_across", "leads"),
    ("feedback_rate",),
    ("dissemination_median_h",),
    ("exhibits_shared",),
)
"""The first of each that is told."""
_NOTHING_BEFORE: Final = (MissingPart.BASELINE, MissingPart.HALF_BEFORE)
_MOST: Final = 8
"""Of one kind; the section behind has all."""


def what_changed(pack: Pack) -> list[str]:
    found = [*_figures(pack), *_maturity(pack), *_law(pack), *_meetings(pack), *_closed(pack)]
    return found or [_("Nothing that is told has changed.")]


def what_is_asked(pack: Pack) -> list[str]:
    found = [*_overdue_actions(pack), *_waiting(pack), *_gaps(pack), *_not_sent(pack), *_due_next(pack)]
    return found or [_("Nothing is overdue, and nothing is missing.")]


def _figures(pack: Pack) -> Iterator[str]:
    figures = pack.figures
    if figures is None:
        yield _("No approved report of %(half)s is there, so no figure is told.", half=pack.half)
        return
    before = figures.of(pack.half.before())
    if before is None:
        yield from (missing_words(item, pack) for item in pack.missing if item.part in _NOTHING_BEFORE)
        return
    for names in _HEADLINES:
        name = next((name for name in names if _says_something(name, figures.now.get(name))), None)
        if name is not None:
            yield _changed(figures, before, name)


def _changed(figures: PackFigures, before: RegionalEarlier, name: str) -> str:
    now, was, unit = figures.now[name], before.figures.get(name), unit_of(name)
    told = {"figure": figure_title(name), "now": now_words(figures, name), "half": before.period}
    if was is None or not _says_something(name, was):
        return _("%(figure)s: %(now)s. %(half)s tells nothing to compare it with.", **told)
    told["was"] = past_words(figures.sides, before.sides, name, was, unit)
    if figures.sides.of(name) != before.sides.of(name):
        return _("%(figure)s: %(now)s, after %(was)s in %(half)s; that is not compared: other sides tell it.", **told)
    if now.told is was.told is Told.EXACT:
        return _("%(figure)s: %(now)s, after %(was)s in %(half)s (%(change)s).", **told, change=change(now, was, unit))
    return _("%(figure)s: %(now)s, after %(was)s in %(half)s.", **told)


def _says_something(name: str, figure: Figure | None) -> bool:
    """It is a number, a class, or a range of a count that does not begin with 0."""
    if figure is None or not has_figure(figure):
        return False
    return figure.told is Told.EXACT or bool(figure.low) or unit_of(name) != "count"


def _maturity(pack: Pack) -> Iterator[str]:
    for item in pack.inputs:
        before, now = item.maturity_of(pack.half.before()), item.maturity_of(pack.half)
        if before is None or now is None:
            continue
        if before.reached != now.reached:
            yield _(
                "Maturity of %(side)s: level %(now)s, after level %(was)s.",
                side=name_of_side(item.jurisdiction),
                now=now.reached,
                was=before.reached,
            )
        _gained, lost = moved_practices(before, now)
        if lost:
            yield _(
                "%(side)s no longer meets: %(practices)s.",
                side=name_of_side(item.jurisdiction),
                practices="; ".join(_(title) for title in lost[:3]),
            )


def _law(pack: Pack) -> Iterator[str]:
    for code, count in changed_articles(pack):
        yield ngettext(
            "%(side)s changed %(num)s article of its law.",
            "%(side)s changed %(num)s articles of its law.",
            count,
            side=name_of_side(code),
        )


def _meetings(pack: Pack) -> Iterator[str]:
    held = [meeting for item in pack.inputs for meeting in item.meetings]
    people = sum(meeting.people for meeting in held if meeting.kind is MeetingKind.TRAINING)
    if people:
        yield ngettext(
            "%(num)s person was trained.", "%(num)s people were trained; who came twice counts twice.", people
        )


def _closed(pack: Pack) -> Iterator[str]:
    done = sum(action.state is ActionState.DONE for action in pack.closed_actions)
    if done:
        yield ngettext("%(num)s action was done.", "%(num)s actions were done.", done)


def _overdue_actions(pack: Pack) -> Iterator[str]:
    late = [action for action in pack.open_actions if action.overdue]
    for action in late[:_MOST]:
        yield _(
            "%(owner)s: %(action)s (%(number)s, was due on %(day)s).",
            owner=owner_words(action),
            action=action.title.rstrip(" ."),
            number=action.number,
            day=action.due.isoformat(),
        )
    if len(late) > _MOST:
        yield _("%(count)s more actions are overdue; they stand in the list.", count=len(late) - _MOST)


def _waiting(pack: Pack) -> Iterator[str]:
    waits: dict[str, set[str]] = defaultdict(set)
    for item in pack.overdue:
        if item.is_some:
            waits[item.one].add(item.other)
    for code in sorted(waits):
        yield _(
            "%(side)s is asked to answer: %(others)s wait beyond the term.",
            side=name_of_side(code),
            others=side_names(sorted(waits[code])),
        )


def _gaps(pack: Pack) -> Iterator[str]:
    for item in pack.inputs:
        own = [lack for lack in item.law.lacks if lack.side == item.jurisdiction]
        if not item.law.articles:
            yield _("%(side)s is asked to enter its law: no article is entered.", side=name_of_side(item.jurisdiction))
        elif own:
            yield ngettext(
                "%(side)s is asked to close %(num)s gap of its law.",
                "%(side)s is asked to close %(num)s gaps of its law.",
                len(own),
                side=name_of_side(item.jurisdiction),
            )


def _not_sent(pack: Pack) -> Iterator[str]:
    """A reminder for each side that gave less than the others."""
    parts: dict[str, list[MissingPart]] = defaultdict(list)
    for item in pack.missing:
        if item.jurisdiction is not None:
            parts[item.jurisdiction].append(item.part)
    for code, found in sorted(parts.items()):
        if MissingPart.SIDE in found:
            yield _("%(side)s is asked to send its report and the inputs of the pack.", side=name_of_side(code))
        elif pack.is_regional:
            yield from _asked_to_send(pack, code, found)
        elif MissingPart.REPORT in found and not pack.lasts:
            yield _("The head of %(side)s is asked to approve the report of the half-year.", side=name_of_side(code))
        elif MissingPart.INPUTS in found:
            yield _("The head of %(side)s is asked to approve the inputs of the pack.", side=name_of_side(code))


def _asked_to_send(pack: Pack, code: str, found: Sequence[MissingPart]) -> Iterator[str]:
    """Of a coordinator's files: that nothing came does not say that nothing was approved. The inputs say whether the
    report was."""
    approved = any(item.jurisdiction == code and item.report is not None for item in pack.inputs)
    if MissingPart.REPORT in found and approved:
        yield _(
            "%(side)s is asked to send the report of the half-year, which its head approved.", side=name_of_side(code)
        )
    elif MissingPart.REPORT in found:
        yield _(
            "%(side)s is asked to send the report of the half-year, once its head has approved it.",
            side=name_of_side(code),
        )
    if MissingPart.INPUTS in found:
        yield _(
            "%(side)s is asked to send the inputs of the pack, once its head has approved them.",
            side=name_of_side(code),
        )


def _due_next(pack: Pack) -> Iterator[str]:
    until = date.fromisoformat(pack.half.after().end[:10])
    due = Counter(str(item.owner) for item in pack.open_actions if not item.overdue and item.due < until)
    if due:
        total = sum(due.values())
        yield ngettext(
            "%(num)s further action is due by the end of %(half)s: %(sides)s.",
            "%(num)s further actions are due by the end of %(half)s: %(sides)s.",
            total,
            half=pack.half.after(),
            sides=", ".join(f"{name_of_side(code)} {count}" for code, count in sorted(due.items())),
        )
