"""What was signed of a hit, in a few words for its timeline: what was done, and what else is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exchange.flows.hits.vocabulary import OpenDisagreement
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import term
from exchange.web.languages.days import day_words
from schemas import (
    AnyStatement,
    Conclusion,
    CustodyExplanation,
    Feedback,
    Hit,
    Message,
    PhysicalComparison,
    Retraction,
    Verification,
)
from schemas.vocabulary import Basis, ComparisonStep, HitStage

_MOST_TEXT: Final = 60
STEP_WORDS: Final = {
    ComparisonStep.ASKED: _m("asks to compare"),
    ComparisonStep.AGREED: _m("agrees to compare"),
    ComparisonStep.DECLINED: _m("declines"),
    ComparisonStep.SENT: _m("sends its exhibit"),
    ComparisonStep.RECEIVED: _m("exhibit arrived"),
    ComparisonStep.DONE: _m("compared, not confirmed"),
    ComparisonStep.RETURNED: _m("sends it home"),
}


def said_words(said: AnyStatement) -> tuple[str, str]:
    """What was done, and beneath it what else is told; "" where there is nothing."""
    match said:
        case Hit():
            return (_("lead sent") if said.stage is HitStage.LEAD else _("confirmed hit signed")), ""
        case Conclusion():
            return _in_short(said), _on(said.result.basis)
        case Verification():
            verified = _("verified blind") if said.result.basis is Basis.SCREEN else _("verified")
            return verified, _in_short(said)
        case PhysicalComparison():
            return _(STEP_WORDS[said.step]), _where(said)
        case CustodyExplanation():
            return _("explains the custody"), _shortened(said.explanation)
        case Feedback():
            return _("outcome"), term(said.outcome)
        case Message():
            return _("writes"), _shortened(said.text)
        case Retraction():
            return _("takes it back"), _shortened(said.reason)
        case _:
            return term(said.type), ""


def _in_short(said: Conclusion | Verification) -> str:
    """What is concluded, without what explains it: ``inconclusive (a)``."""
    return term(said.result.conclusion).partition(":")[0]


def _on(basis: Basis) -> str:
    return _("on the screen") if basis is Basis.SCREEN else _("on the exhibits")


def _where(said: PhysicalComparison) -> str:
    """Day, place and seal, as far as they are stated."""
    told = [day_words(said.on, short=True) if said.on else "", said.place or ""]
    told += [_("seal %(seal)s", seal=said.seal)] if said.seal else []
    return ", ".join(one for one in told if one)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_TEXT else f"{line[: _MOST_TEXT - 1].rstrip()}…"


def disagreement_words(found: OpenDisagreement, name_of: Callable[[str], str]) -> str:
    """Return the sentence about an open disagreement. ``name_of`` gives the jurisdiction of a node."""
    settle = dict.fromkeys(name_of(issuer) for issuer, _review in found.open_reviews)
    return _(
        "On these two exhibits, a conclusion of %(side)s and its verification disagree. That side signs no confirmed "
        "hit until the examiner who found otherwise, or the head of that examiner's side, takes that statement back: "
        "%(settles)s.",
        side=name_of(found.side),
        settles=", ".join(settle),
    )
