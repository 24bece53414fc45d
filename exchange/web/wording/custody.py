"""Where an exhibit is that travels, what its seal gives to think about, and who signed a confirmed hit: in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from exchange.flows.hits.sides import signatures, signed_at
from exchange.flows.hits.stage import Entry, HitProgress
from exchange.flows.hits.vocabulary import Custody, SealWarning, Whereabouts
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages.days import moment

SEALS: Final = {
    SealWarning.DIFFERS: _m("The seal is another one than the exhibit left under."),
    SealWarning.BROKEN: _m("The seal was not whole."),
    SealWarning.NOT_KNOWN: _m("Nobody says that the seal was whole."),
}


def where_words(custody: Custody) -> str:
    """Where an exhibit is, in one sentence."""
    told = {"owner": custody.owner, "other": custody.other, "day": custody.since}
    match custody.where:
        case Whereabouts.ON_ITS_WAY:
            return _("The exhibit of %(owner)s is on its way to %(other)s since %(day)s.", **told)
        case Whereabouts.THERE:
            return _("The exhibit of %(owner)s is at %(other)s since %(day)s.", **told)
        case Whereabouts.ON_ITS_WAY_BACK:
            return _("The exhibit of %(owner)s is on its way back from %(other)s since %(day)s.", **told)
        case Whereabouts.HOME:
            return _("The exhibit of %(owner)s is home again since %(day)s.", **told)


def seal_words(custody: Custody, step: str) -> tuple[str, ...]:
    """What the seal of an exhibit that arrived gives to think about."""
    return tuple(_(SEALS[one]) for one in custody.warnings.get(step, ()))


def signature_words(
    progress: HitProgress, history: Sequence[Entry], moment_words: Callable[[str], str] = moment
) -> list[str]:
    """Of a confirmed hit: which sides signed one of their own, and when; and whose signature is missing. In what is
    exported moments are in UTC, on a page in local time."""
    signed = [
        _("%(node)s signed the confirmed hit: %(at)s.", node=side, at=moment_words(signed_at(entry)))
        for side, entry in signatures(progress, history).items()
    ]
    missing = [
        _("The signature of %(node)s is missing: two examiners of its own conclude on the exhibits.", node=side)
        for side in progress.unsigned
    ]
    return signed + missing
