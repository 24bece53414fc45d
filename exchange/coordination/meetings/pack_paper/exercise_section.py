"""The section on exercises and proficiency sets: how many people practised what, and never who."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exchange.coordination.exercises.exercise_counts import CountedSet
from exchange.coordination.exercises.exercise_vocabulary import OUTCOMES_OF, ExerciseAudience
from exchange.coordination.exercises.exercise_words import audience_word, outcome_word, skill_word, use_word
from exchange.coordination.meetings.pack.exercise_files import skills_of
from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack_paper.pack_words import name_of_side
from exchange.coordination.meetings.pack_paper.paper_sections import PackSection, PackTable
from exchange.web.languages import gettext as _


def exercises_section(pack: Pack) -> PackSection | None:
    """None where no counts were given."""
    sets = pack.exercises
    if sets is None:
        return None
    title = _("Exercises")
    notes = [
        _("All exhibits of these exercises are made up: drawn marks of firearms that do not exist."),
        _("These counts come from nodes to practise with, in files that no head signed."),
    ]
    if not sets:
        return PackSection(title, [*notes, _("Nobody answered an exercise in %(half)s.", half=pack.half)])
    notes.append(
        _(
            "Answers are told by skill where three people or more took part: of a proficiency set once its answers are "
            "opened, of practice once the half-year is over. Who answered several sets counts several times. Nobody is "
            "named."
        )
    )
    return PackSection(title, notes, tables=[_sets_table(sets), _people_table(sets), *_skills_tables(sets)])


def _sets_table(sets: Sequence[CountedSet]) -> PackTable:
    head = [_("Set"), _("For whom"), _("Kind"), _("Exercises"), _("People"), _("Answers")]
    rows = [
        [
            one.set_id,
            audience_word(one.audience),
            use_word(one.use),
            str(one.exercises),
            str(sum(one.people.values())),
            str(one.answered),
        ]
        for one in sets
    ]
    return PackTable("exercises", None, head, rows, (1.6, 1.4, 1.2, 0.9, 0.8, 0.8), (3, 4, 5))


def _people_table(sets: Sequence[CountedSet]) -> PackTable:
    rows = [
        [name_of_side(code), one.set_id, audience_word(one.audience), use_word(one.use), str(count)]
        for one in sets
        for code, count in one.people.items()
        if count
    ]
    rows.sort(key=lambda row: row[0])  # the sets of a side stay in their order
    head = [_("Side"), _("Set"), _("For whom"), _("Kind"), _("People")]
    return PackTable("exercises-people", _("People"), head, rows, (1.6, 1.6, 1.4, 1.2, 0.8), (4,))


def _skills_tables(sets: Sequence[CountedSet]) -> Iterator[PackTable]:
    """A line for each outcome: a column for each is too narrow for its words in some languages."""
    for audience in ExerciseAudience:
        rows = [
            [use_word(use), skill_word(skill), outcome_word(outcome), str(counted[outcome]), str(counted.total())]
            for use, skill, counted in skills_of(sets, audience)
            for outcome in OUTCOMES_OF[audience]
            if counted[outcome]
        ]
        if rows:
            head = [_("Kind"), _("Skill"), _("Outcome"), _("Answers"), _("All")]
            shares = (1.3, 2.2, 2, 0.8, 0.7)
            yield PackTable(f"exercises-{audience}", audience_word(audience), head, rows, shares, (3, 4))
