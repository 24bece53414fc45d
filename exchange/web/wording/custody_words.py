"""Where an exhibit is that travels, its custody discrepancies, and who signed a confirmed hit: in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.flows.hits.sides import signatures, signed_at
from exchange.flows.hits.stage import Entry, HitProgress
from exchange.flows.hits.vocabulary import Custody, CustodyDiscrepancy, Whereabouts
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages.days import day_words, moment
from schemas import CustodyExplanation

DISCREPANCIES: Final = {
    CustodyDiscrepancy.SEAL_DIFFERS: _m("The exhibit arrived under another seal than it left under."),
    CustodyDiscrepancy.SEAL_BROKEN: _m("The seal was broken."),
    CustodyDiscrepancy.SEAL_NOT_KNOWN: _m("Whether the seal was whole is not stated."),
    CustodyDiscrepancy.STEP_MISSING: _m("A step that should have followed was not signed."),
}


@dataclass(frozen=True)
class ExplainedStep:
    """A custody discrepancy in words. ``explained``: who explained it, when and how; empty until the head of its owner
    does. ``stops``: it stops confirmation now. ``step``: its statement."""

    step: str
    what: str
    explained: str
    stops: bool


def where_now(custody: Custody, name_of: Callable[[str], str], day: Callable[[date], str] = day_words) -> str:
    """Where an exhibit is that travels, or has: ``With North Macedonia since 3 December``. ``name_of``: what a node is
    called."""
    told = {"side": name_of(custody.other), "day": day(custody.since)}
    match custody.where:
        case Whereabouts.ON_ITS_WAY:
            return _("On its way to %(side)s since %(day)s", **told)
        case Whereabouts.THERE:
            return _("With %(side)s since %(day)s", **told)
        case Whereabouts.ON_ITS_WAY_BACK:
            return _("On its way back from %(side)s since %(day)s", **told)
        case Whereabouts.HOME:
            return _("With its owner again since %(day)s", **told)


def exhibit_where(custody: Custody, name_of: Callable[[str], str], day: Callable[[date], str] = day_words) -> str:
    """``The exhibit of Serbia: With North Macedonia since 3 December``."""
    return _("The exhibit of %(side)s: %(where)s", side=name_of(custody.owner), where=where_now(custody, name_of, day))


def discrepancy_words(custody: Custody, step: str) -> tuple[str, ...]:
    return tuple(_(DISCREPANCIES[one]) for one in custody.discrepancies.get(step, ()))


def explained_steps(
    progress: HitProgress,
    history: Sequence[Entry],
    name_of: Callable[[str], str],
    moment_words: Callable[[str], str] = moment,
) -> list[ExplainedStep]:
    """Each custody discrepancy of a hit, with its explanation. ``name_of``: the jurisdiction of a node. In what is
    exported moments are in UTC, on a page in local time."""
    entries = {entry.statement_id: entry for entry in history}
    stopping = {one.step for one in progress.unexplained}
    explained = {
        step: _explained(entries[name], name_of, moment_words)
        for custody in progress.custody
        for step, name in custody.explanations.items()
    }
    return [
        ExplainedStep(
            step=step,
            what=_("The exhibit of %(owner)s: %(what)s", owner=name_of(custody.owner), what=" ".join(words)),
            explained=explained.get(step, ""),
            stops=step in stopping,
        )
        for custody in progress.custody
        for step in custody.steps
        if (words := discrepancy_words(custody, step))
    ]


def _explained(entry: Entry, name_of: Callable[[str], str], moment_words: Callable[[str], str]) -> str:
    said = entry.statement
    if not isinstance(said, CustodyExplanation):
        raise TypeError("no explanation")
    return _(
        "Explained by the head of %(owner)s, %(who)s, %(at)s: %(explanation)s",
        owner=name_of(said.issuer),
        who=said.made_by.pseudonym,
        at=moment_words(signed_at(entry)),
        explanation=said.explanation,
    )


def signature_words(
    progress: HitProgress,
    history: Sequence[Entry],
    name_of: Callable[[str], str],
    moment_words: Callable[[str], str] = moment,
) -> list[str]:
    """Of a confirmed hit: which sides signed one of their own, and when; and who has not. In what is exported moments
    are in UTC, on a page in local time."""
    signed = [
        _("%(node)s signed the confirmed hit: %(at)s.", node=name_of(side), at=moment_words(signed_at(entry)))
        for side, entry in signatures(progress, history).items()
    ]
    missing = [
        _(
            "%(node)s has not signed a confirmed hit of its own. A comparison of its own is optional.",
            node=name_of(side),
        )
        for side in progress.unsigned
    ]
    return signed + missing
