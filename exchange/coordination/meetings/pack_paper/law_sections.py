"""The sections on what the law lacks, on maturity, and on the incident annexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from exchange.coordination.half_year.figure_words import words
from exchange.coordination.half_year.small_counts import NO_DATA
from exchange.coordination.incidents.platform_words import TOTAL_TITLES
from exchange.coordination.law.law_words import LAW_MARKS, act_words, lack_words, law_state_words
from exchange.coordination.law.pair_of_law import LackFound, LawState
from exchange.coordination.maturity.practice_definitions import MATURITY_LEVELS, State
from exchange.coordination.meetings.pack.pack import Pack
from exchange.coordination.meetings.pack.pack_inputs_document import LawLack, MaturityAt, PackInputs
from exchange.coordination.meetings.pack_paper.figure_sections import gap_table
from exchange.coordination.meetings.pack_paper.pack_words import name_of_side, side_names
from exchange.web.languages import gettext as _
from exchange.web.report.blocks import Block, chart, heading, section, shared_columns
from exchange.web.report.charts import SHADES, squares
from schemas.law import LawDirection

_SHADES: Final = {
    LawState.ALLOWED: 1,
    LawState.DIFFERS: 2,
    LawState.NEEDS_APPROVAL: 3,
    LawState.BLOCKED: 5,
    LawState.NOT_ENTERED: 0,
}


def law_section(pack: Pack) -> list[Block]:
    """What is missing, on which side; what changed; and what the law keeps, by the reports."""
    title = _("Gaps of law")
    inputs = pack.inputs
    if not inputs:
        return section(title, [_("No side told what its law lacks.")])
    lacks = [
        lack for item in inputs for lack in item.law.lacks if not pack.is_regional or lack.side == item.jurisdiction
    ]
    tables: list[Block] = []
    if lacks:
        head = [_("Side"), _("What is missing"), _("Towards")]
        rows = [[name_of_side(lack.side), _lack(lack), side_names(lack.partners)] for lack in lacks]
        tables.append(shared_columns(head, rows, (1.1, 3, 1.6), name="law-gaps"))
    tables += gap_table(pack.figures, [_("Reason"), _("Between whom"), _("Exhibits")])
    changes = [(item, change) for item in inputs for change in item.law.changes]
    if changes:
        head = [_("Side"), _("Article"), _("Change")]
        rows = [
            [name_of_side(item.jurisdiction), change.article_id, act_words(change.what)] for item, change in changes
        ]
        caption = _("What changed in the half-year %(half)s", half=pack.half)
        tables += [heading(caption, 2), shared_columns(head, rows, (1.5, 2, 1), name="law-changes")]
    notes = [
        _(
            "As each side entered its own law. It informs: who may have what is decided by the policy of its owner "
            "alone. The compendium of law has the articles."
        )
    ]
    if not lacks:
        notes.append(_("Nothing is missing."))
    if not changes:
        notes.append(_("No side changed what it entered of its law in %(half)s.", half=pack.half))
    return section(title, notes, *_law_chart(title, pack), *tables)


def _lack(lack: LawLack) -> str:
    return lack_words(LackFound(lack.side, lack.lack, lack.direction, lack.article_id))


def _law_chart(title: str, pack: Pack) -> Iterator[Block]:
    """Of giving: the regional pack all sides, the local one both directions with each partner."""
    cells: dict[tuple[int, int], tuple[str, int]] = {}
    if pack.is_regional:
        sides = sorted({*pack.jurisdictions, *(str(item.partner) for own in pack.inputs for item in own.law.towards)})
        for own in pack.inputs:
            for item in own.law.towards:
                place = sides.index(own.jurisdiction), sides.index(item.partner)
                cells[place] = _state(item.own[LawDirection.GIVE])
        caption = _(
            "May the side of the row give findings to the side of the column? As the side of the row entered it."
        )
        rows = columns = [name_of_side(code) for code in sides]
    else:
        own = pack.inputs[0]
        rows = [name_of_side(item.partner) for item in own.law.towards]
        here = name_of_side(own.jurisdiction)
        columns = [_("%(side)s gives", side=here), _("%(side)s asks", side=here), _("%(side)s receives", side=here)]
        for line, item in enumerate(own.law.towards):
            for column, direction in enumerate((LawDirection.GIVE, LawDirection.ASK, LawDirection.RECEIVE)):
                cells[line, column] = _state(item.own[direction])
        caption = _("What the law of this side says of the exchange with each partner.")
    if cells:
        yield chart(squares(title, rows, columns, cells), f"{caption} {_legend()}")


def _state(state: LawState) -> tuple[str, int]:
    return LAW_MARKS[state], _SHADES[state]


def _legend() -> str:
    return "; ".join(f"{LAW_MARKS[state]} {law_state_words(state)}" for state in LawState)


def maturity_section(pack: Pack) -> list[Block]:
    title = _("Maturity, and how it changed")
    inputs = [item for item in pack.inputs if item.maturity]
    if not inputs:
        return section(title, [_("No side has kept a snapshot of maturity of this half-year or of the one before.")])
    head = [
        _("Side"),
        str(pack.half.before()),
        str(pack.half),
        _("Practices that hold since"),
        _("Practices that hold no more"),
    ]
    rows = [_maturity_row(item, pack) for item in inputs]
    cells = dict[tuple[int, int], tuple[str, int]]()
    for line, item in enumerate(inputs):
        before, now = _reached(item, pack)
        cells |= {(line, level): ("", SHADES if level < (now or 0) else 0) for level in range(len(MATURITY_LEVELS))}
        said = "–" if now is None else str(now)
        moved = before is not None and now is not None and before != now
        cells[line, len(MATURITY_LEVELS)] = (f"{before} → {now}" if moved else said, 0)
    heads = [*(_(level.title) for level in MATURITY_LEVELS.values()), ""]
    drawn = squares(title, [name_of_side(item.jurisdiction) for item in inputs], heads, cells)
    notes = [
        _(
            "The levels are this software's own, and no document of the field defines them. Each is proven by the node "
            "itself and kept in a signed snapshot after the half-year."
        )
    ]
    caption = _("The level that each side has reached; where it was another one before, an arrow says so.")
    table = shared_columns(head, rows, (1.1, 0.6, 0.6, 2, 2), (1, 2), "maturity")
    return section(title, notes, chart(drawn, caption), table)


def _reached(item: PackInputs, pack: Pack) -> tuple[int | None, int | None]:
    before, now = item.maturity_of(pack.half.before()), item.maturity_of(pack.half)
    return (None if before is None else before.reached), (None if now is None else now.reached)


def _maturity_row(item: PackInputs, pack: Pack) -> list[str]:
    before, now = item.maturity_of(pack.half.before()), item.maturity_of(pack.half)
    reached = [_("no snapshot") if kept is None else str(kept.reached) for kept in (before, now)]
    gained, lost = moved_practices(before, now)
    known = before is not None and now is not None
    cells = [
        "\n".join(_(title) for title in titles) if titles else ("–" if known else _("not known"))
        for titles in (gained, lost)
    ]
    return [name_of_side(item.jurisdiction), *reached, *cells]


def moved_practices(before: MaturityAt | None, now: MaturityAt | None) -> tuple[list[str], list[str]]:
    """Which hold since the snapshot before, and which hold no more."""
    if before is None or now is None:
        return [], []
    was = {practice.id: practice.state for practice in before.practices}
    known = [practice for practice in now.practices if practice.id in was]
    gained = [item.title for item in known if item.state is State.HOLDS and was[item.id] is not State.HOLDS]
    lost = [item.title for item in known if item.state is not State.HOLDS and was[item.id] is State.HOLDS]
    return gained, lost


def incidents_section(pack: Pack) -> list[Block]:
    """The totals of each side's annex."""
    title = _("Incidents with firearms")
    if not pack.annexes:
        if pack.is_regional:
            return section(title, [_("No side sent an incident annex of %(half)s.", half=pack.half)])
        return section(title, [_("No side has approved an incident annex of %(half)s.", half=pack.half)])
    head = [_("Side"), *(_(text) for text in TOTAL_TITLES.values())]
    region = pack.figures.regional if pack.figures is not None else None
    told = region.incidents if region is not None else None
    if told is None:
        found = {code: annex.totals for code, annex in pack.annexes}
    else:
        found = {
            code: {name: cells.get(code, NO_DATA) for name, cells in told.by_jurisdiction.items()}
            for code, _annex in pack.annexes
        }
    rows = [
        [name_of_side(code), *(words(totals[name], "count") for name in TOTAL_TITLES)] for code, totals in found.items()
    ]
    if told is not None:
        rows.append([_("the region"), *(words(told.totals[name], "count") for name in TOTAL_TITLES)])
    notes = [
        _(
            "The totals of the public edition, as the heads approved it. Incidents are counted by the police, and none "
            "is joined to an exhibit. The annex of each side has its tables."
        )
    ]
    shares = (1.4, *(1 for _total in TOTAL_TITLES))
    return section(title, notes, shared_columns(head, rows, shares, range(1, len(head)), "incidents"))


def changed_articles(pack: Pack) -> Iterator[tuple[str, int]]:
    """How many articles each side changed."""
    for item in pack.inputs:
        if item.law.changes:
            yield item.jurisdiction, len(item.law.changes)
