"""What a page changed of a draft, field by field, merged into what the draft says by now.

A page never sends the whole draft: it says of each field that somebody changed on it what stood there before, and what
is to stand there. So a file that was announced meanwhile keeps its region, and two pages of one draft keep each other's
fields. What both changed, to different things, is left as it is, and the page asks which is to stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exchange.flows.entry.draft_form import is_box, known_fields


@dataclass(frozen=True)
class Change:
    """``was``: what the page last knew of the field, ``now``: what is on the page. Empty where there is none."""

    was: str
    now: str


def merged(
    fields: Mapping[str, str], changes: Mapping[str, Change], files: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The draft's fields with what was changed, and what stands in the fields that were changed elsewhere as well.

    A field is written where it still is what the page knew. Fields that this form does not have are dropped.
    """
    mine = set(files)
    before = known_fields({name: change.was for name, change in changes.items()}, mine)
    after = known_fields({name: change.now for name, change in changes.items()}, mine)
    found, elsewhere = dict(fields), {}
    for name in before | after:
        there, now = fields.get(name, ""), after.get(name, "")
        if there not in (before.get(name, ""), now):
            elsewhere[name] = there
        elif now:
            found[name] = now
        else:
            found.pop(name, None)
    return found, elsewhere


def changes_of_form(sent: Mapping[str, str], drawn: Mapping[str, str]) -> dict[str, Change]:
    """What somebody changed on a form that was sent whole, by the fields from which it was drawn.

    Of an unticked box a form says nothing; of another field nothing only where it did not show it.
    """
    changed = {name: Change(drawn.get(name, ""), value) for name, value in sent.items()}
    unticked = {name: Change(was, "") for name, was in drawn.items() if name not in sent and is_box(name)}
    return {name: change for name, change in (changed | unticked).items() if change.was != change.now}
