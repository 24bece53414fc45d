"""What a word of the field means, in one sentence: its tooltip where a page has it first. docs/glossary.md has more."""

from __future__ import annotations

from typing import Final

from exchange.web.languages import gettext
from exchange.web.languages.catalogue import marked as _m

MEANINGS: Final = {
    "candidate": _m("A pair of scans that the matcher ranked, and that no person has judged."),
    "lead": _m("A pair that two examiners hold for worth pursuing, after they saw it on the screen."),
    "hit": _m("Two cases that were not known to be connected, joined by a person through two of their exhibits."),
    "blind": _m("Judged by a second examiner who was shown neither the score nor what the first one concluded."),
    "purpose": _m("Why somebody searches and reads, and under which law: it goes with each look into the audit log."),
    "restore": _m("A backup that was put back on trial and found whole: before that nobody knows that it is good."),
    "peer": _m("The node of another jurisdiction that this node's operator has enrolled."),
    "log": _m("All that this node signed, in one list that only grows; partners watch that it does."),
    "head": _m("The signed size of the log: what stands below it cannot be changed unseen."),
}


def meaning_of(named: str) -> str:
    """Raises KeyError for a word that has none: a template named it wrongly."""
    return gettext(MEANINGS[named])
