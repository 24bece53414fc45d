"""The meeting pack as PDF/A on upright pages: a cover, what changed and what is asked, then drawings and tables, and
where everything comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from exchange.coordination.exercises.exercise_counts import CountedSet
from exchange.coordination.exercises.exercise_vocabulary import OUTCOMES_OF, ExerciseAudience
from exchange.coordination.exercises.exercise_words import audience_word, outcome_word, skill_word, use_word
from exchange.coordination.half_year.figure_definitions import AVAILABILITY
from exchange.coordination.incidents.incident_paper import annex_blocks
from exchange.coordination.meetings.pack.exercise_files import skills_of
from exchange.coordination.meetings.pack.pack import Pack, PackSide
from exchange.coordination.meetings.pack_paper.figure_sections import (
    availability_section,
    figures_section,
    overdue_section,
    told_names,
)
from exchange.coordination.meetings.pack_paper.first_page import what_changed, what_is_asked
from exchange.coordination.meetings.pack_paper.law_sections import incidents_section, law_section, maturity_section
from exchange.coordination.meetings.pack_paper.pack_words import (
    missing_words,
    name_of_side,
    side_names,
)
from exchange.coordination.meetings.pack_paper.people_sections import actions_section, meetings_section
from exchange.coordination.region.indicators import Indicators, shipped_indicators
from exchange.coordination.region.regional_lines import definition_of, figure_title, number_words
from exchange.web.languages import gettext as _
from exchange.web.report.blocks import (
    Block,
    bullets,
    cover,
    heading,
    new_page,
    pairs,
    paragraph,
    quiet,
    section,
    shared_columns,
    stage,
)
from exchange.web.report.render_report import paper_data, set_pdf


def exercises_section(pack: Pack) -> list[Block]:
    """Empty where no counts were given."""
    sets = pack.exercises
    if sets is None:
        return []
    title = _("Exercises")
    notes = [
        _("All exhibits of these exercises are made up: drawn marks of firearms that do not exist."),
        _("These counts come from nodes to practise with, in files that no head signed."),
    ]
    if not sets:
        return section(title, [*notes, _("Nobody answered an exercise in %(half)s.", half=pack.half)])
    notes.append(
        _(
            "Answers are told by skill where three people or more took part: of a proficiency set once its answers are "
            "opened, of practice once the half-year is over. Who answered several sets counts several times. Nobody is "
            "named."
        )
    )
    people = heading(_("People"), 2)
    return section(title, notes, _sets_table(sets), people, _people_table(sets), *_skills_tables(sets))


def _sets_table(sets: Sequence[CountedSet]) -> Block:
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
    return shared_columns(head, rows, (1.6, 1.4, 1.2, 0.9, 0.8, 0.8), (3, 4, 5), "exercises")


def _people_table(sets: Sequence[CountedSet]) -> Block:
    rows = [
        [name_of_side(code), one.set_id, audience_word(one.audience), use_word(one.use), str(count)]
        for one in sets
        for code, count in one.people.items()
        if count
    ]
    rows.sort(key=lambda row: row[0])  # the sets of a side stay in their order
    head = [_("Side"), _("Set"), _("For whom"), _("Kind"), _("People")]
    return shared_columns(head, rows, (1.6, 1.6, 1.4, 1.2, 0.8), (4,), "exercises-people")


def _skills_tables(sets: Sequence[CountedSet]) -> Iterator[Block]:
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
            yield heading(audience_word(audience), 2)
            yield shared_columns(head, rows, shares, (3, 4), f"exercises-{audience}")


def pack_sections(pack: Pack) -> list[Block]:
    """In the order of the paper."""
    return [
        *figures_section(pack),
        *overdue_section(pack),
        *actions_section(pack),
        *meetings_section(pack),
        *exercises_section(pack),
        *law_section(pack),
        *maturity_section(pack),
        *availability_section(pack),
        *(incidents_section(pack) if pack.is_regional or not pack.annexes else []),
    ]


def render_pack(pack: Pack) -> bytes:
    """The PDF in the language that is spoken. The same pack gives the same bytes. Raises ExtraMissing without typst."""
    return set_pdf(pack_data(pack))


def pack_data(pack: Pack) -> dict[str, Any]:
    warning = _("Restricted: exact counts") if pack.restricted else ""
    names = [name_of_side(code) for code in pack.jurisdictions]
    blocks = [
        cover(_("Meeting pack"), _meeting(pack), str(pack.half), _of(pack), names, warning, readers_words(pack)),
        *(*first_page(pack, 6), new_page(), *pack_sections(pack), *_annex(pack)),
        *(*_missing(pack), *refused_files(pack), *_definitions(pack), *_sources(pack)),
    ]
    title = pack_title(pack)
    mark = title if warning else title + ". " + _("For the participants of the meeting; not public")
    author = "ffp region" if pack.is_regional else pack.sides[0].node
    return paper_data(title, _of(pack), author, pack.as_of, blocks, mark=mark, warning=warning)


def pack_title(pack: Pack) -> str:
    if pack.is_regional:
        return _("Meeting pack of the region, %(half)s", half=pack.half)
    return _("Meeting pack of %(side)s, %(half)s", side=name_of_side(pack.here or ""), half=pack.half)


def _meeting(pack: Pack) -> str:
    if pack.is_regional:
        return _("Regional coordination meeting")
    return _("Local coordination meeting of %(side)s", side=name_of_side(pack.here or ""))


def _of(pack: Pack) -> str:
    return _(
        "The half-year from %(start)s to %(end)s, as of %(day)s",
        start=pack.half.start[:10],
        end=_last_day(pack),
        day=pack.as_of.isoformat(),
    )


def _last_day(pack: Pack) -> str:
    return f"{pack.half.year}-06-30" if pack.half.number == 1 else f"{pack.half.year}-12-31"


def readers_words(pack: Pack) -> list[str]:
    """Who may read it, and why."""
    found = [
        _(
            "For the participants of this meeting: officials of the Firearms Focal Points and of the institutions that "
            "they invited. It is not public, and is not handed on."
        ),
        _("It names no person, no case and no record."),
    ]
    if pack.restricted:
        found.append(
            _(
                "Its counts are exact. The heads released them to %(recipient)s for these purposes: %(purposes)s. "
                "Whoever needs a pack without exact counts makes it without the key.",
                recipient=pack.recipient or "",
                purposes="; ".join(f"{side_names(codes)}: {purpose}" for purpose, codes in _by_purpose(pack).items()),
            )
        )
    if pack.changed_since:
        found.append(_("What the head approved has changed since: approve it once more before it is sent."))
    return found


def _by_purpose(pack: Pack) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code, purpose in pack.purposes:
        found.setdefault(purpose, []).append(code)
    return found


def first_page(pack: Pack, most_missing: int | None = None) -> Iterator[Block]:
    """``most_missing``: how many of the parts that are missing stand here; the paper has all at its end."""
    yield heading(_("What changed, and what is asked of you"), 1)
    yield stage(_summary(pack))
    yield heading(_("What changed"), 2)
    yield bullets(*what_changed(pack))
    yield heading(_("What is asked"), 2)
    yield bullets(*what_is_asked(pack))
    missing = [missing_words(item, pack) for item in pack.missing]
    if missing:
        yield heading(_("What this pack has not"), 2)
        yield bullets(*missing[:most_missing])
        if most_missing is not None and len(missing) > most_missing:
            yield quiet(_("%(count)s more stand at the end.", count=len(missing) - most_missing))


def _summary(pack: Pack) -> str:
    late = sum(action.overdue for action in pack.open_actions)
    waiting = len({(item.one, item.other) for item in pack.overdue if item.is_some})
    return _(
        "Open actions: %(open)s, of which overdue: %(late)s. Sides that keep another one waiting, each pair and "
        "direction by itself: %(waiting)s. Sides in this pack: %(sides)s.",
        open=len(pack.open_actions),
        late=late,
        waiting=waiting,
        sides=side_names(pack.jurisdictions),
    )


def _annex(pack: Pack) -> Iterator[Block]:
    """Of a local pack the whole public edition."""
    if pack.is_regional or not pack.annexes:
        return
    (_code, annex), *_others = pack.annexes
    yield heading(_("Incident annex %(half)s", half=pack.half), 1)
    yield from annex_blocks(annex, 2)


def _missing(pack: Pack) -> Iterator[Block]:
    yield heading(_("What this pack has not"), 1)
    if not pack.missing:
        yield paragraph(_("Nothing is missing."))
    else:
        yield bullets(*(missing_words(item, pack) for item in pack.missing))


def refused_files(pack: Pack) -> Iterator[Block]:
    if not pack.refused:
        return
    rows = [[item.file, item.node or "", item.code, item.why, item.next_step] for item in pack.refused]
    yield heading(_("Files that are not in it"), 1)
    yield shared_columns([_("File"), _("Node"), _("Code"), _("Why"), _("What to do")], rows, (1.2, 0.8, 0.8, 2, 2))


def _definitions(pack: Pack) -> Iterator[Block]:
    yield heading(_("What the figures mean"), 1)
    numbers = shipped_indicators()
    names = told_names(pack.figures) if pack.figures is not None else []
    rows = [[figure_title(name), _meaning(name, pack, numbers)] for name in names]
    rows.append([_(AVAILABILITY.title), _(AVAILABILITY.text)])
    yield shared_columns([_("Figure"), _("Meaning")], rows, (1.3, 3))


def _meaning(name: str, pack: Pack, numbers: Indicators) -> str:
    definition = definition_of(name)
    row = name.removesuffix("_median_h").removesuffix("_across")
    regional = pack.figures.regional if pack.figures is not None else None
    number = numbers.of(row, definition.goal) if regional is None else regional.indicators[row]
    return f"{_(definition.text)} {number_words(number)}."


def _sources(pack: Pack) -> Iterator[Block]:
    yield heading(_("Where it comes from"), 1)
    yield quiet(
        _(
            "Each report and each document of inputs was approved and signed by the head of its focal point. Whoever "
            "has the file can compare its SHA-256, and verify the signature without this software."
        )
    )
    for side in pack.sides:
        yield heading(f"{name_of_side(side.jurisdiction)}, {side.node}", 2)
        yield pairs(*_provenance(side, _("not in it") if pack.is_regional else _("not approved")))


def _provenance(side: PackSide, not_there: str) -> list[tuple[str, str]]:
    return [
        (_("SHA-256 of the report's manifest"), side.report or not_there),
        (_("Approval of the report"), side.report_approval or not_there),
        (_("SHA-256 of the inputs"), side.inputs_sha256 or not_there),
        (_("Approval of the inputs"), side.approval or not_there),
    ]
