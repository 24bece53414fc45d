"""The next step of a hit in words: what is to be done and by which side, what it follows on, what its button says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, assert_never

from exchange.flows.hits.history import Link
from exchange.flows.hits.vocabulary import Stage, Todo
from exchange.flows.review.next_statements import named_day
from exchange.flows.review.next_step import NextStep
from exchange.web.languages import gettext as _
from exchange.web.languages import marked as _m
from exchange.web.languages import ngettext, term
from exchange.web.languages.days import day_words

STEP_TITLES: Final = {
    Todo.ASK: _m("%(side)s answers the lead: asks for a comparison of the exhibits"),
    Todo.AGREE: _m("%(side)s is to agree to a day for comparing the exhibits"),
    Todo.NAME_DAY: _m("%(side)s agrees to a comparison, and names the day"),
    Todo.SEND: _m("One side sends its exhibit to the other, under seal"),
    Todo.RECEIVE: _m("%(side)s signs that the exhibit arrived"),
    Todo.RETURN: _m("%(side)s sends the exhibit home"),
    Todo.EXPLAIN: _m("The head of %(side)s explains a custody discrepancy"),
    Todo.CONCLUDE: _m("Two examiners of %(side)s compare the exhibits and conclude"),
    Todo.VERIFY: _m("Another examiner of %(side)s verifies the conclusion on the exhibits"),
    Todo.CONFIRM: _m("%(side)s signs the confirmed hit"),
    Todo.END: _m("%(side)s signs that the exhibits were compared"),
    Todo.OUTCOME: _m("%(side)s states the outcome"),
}
STEP_BUTTONS: Final = {
    Todo.ASK: _m("Ask for a comparison"),
    Todo.NAME_DAY: _m("Name the day"),
    Todo.SEND: _m("Our exhibit leaves"),
    Todo.RECEIVE: _m("It arrived"),
    Todo.RETURN: _m("It leaves for its owner"),
    Todo.EXPLAIN: _m("Explain the discrepancy"),
    Todo.CONCLUDE: _m("Conclude on the exhibits"),
    Todo.CONFIRM: _m("Sign the confirmed hit"),
    Todo.END: _m("Sign that it was compared, and is not confirmed"),
    Todo.OUTCOME: _m("State the outcome"),
}
"""Of a step with a form: what opens it."""
SHORT_STEPS: Final = {
    Todo.ASK: _m("answer the lead"),
    Todo.AGREE: _m("agree to a day"),
    Todo.NAME_DAY: _m("name a day"),
    Todo.SEND: _m("send the exhibit"),
    Todo.RECEIVE: _m("sign that it arrived"),
    Todo.RETURN: _m("send it home"),
    Todo.EXPLAIN: _m("explain the custody"),
    Todo.CONCLUDE: _m("compare and conclude"),
    Todo.VERIFY: _m("verify the conclusion"),
    Todo.CONFIRM: _m("sign the confirmed hit"),
    Todo.END: _m("sign that it was compared"),
    Todo.OUTCOME: _m("state the outcome"),
}
"""In a few words, beside a deadline."""


def side_name(names: Mapping[str, str], node_id: str) -> str:
    """A node by its jurisdiction; one that is no peer any more by its id."""
    return term(names[node_id], "jurisdiction") if node_id in names else node_id


def step_title(step: NextStep, names: Mapping[str, str]) -> str:
    """``Serbia is to agree to a day for comparing the exhibits``."""
    return _(STEP_TITLES[step.todo], side=side_name(names, step.side))


def short_step(step: NextStep) -> str:
    return _(SHORT_STEPS[step.todo])


def step_button(step: NextStep) -> str:
    """What the one button says. Who agrees to a day that was named has nothing to type, and reads the day on it."""
    if step.todo is Todo.AGREE and step.offered is not None:
        return _("Agree to %(day)s", day=day_words(date.fromisoformat(step.offered.draft["on"])))
    return _(STEP_BUTTONS[step.todo])


def step_context(step: NextStep, link: Link, names: Mapping[str, str], node_id: str) -> list[str]:
    """What the step follows on, in whole sentences: the day that was named or agreed, and what is missing."""
    found = []
    day, place = named_day(node_id, link)
    answers = step.own and step.todo in (Todo.AGREE, Todo.NAME_DAY) and not link.progress.proposed
    if answers and day is not None:
        found.append(_proposed(link, names, node_id, day, place))
    elif link.progress.on is not None:
        found.append(_("The exhibits meet on %(day)s.", day=day_words(link.progress.on)))
    found += [_other_day(link, names, node_id, side, other) for side, other in link.progress.proposed.items()]
    if step.left is not None:
        found.append(_left(step.left))
    return found


def done_words(link: Link) -> str:
    """Where nobody has anything to do: why."""
    match link.progress.stage:
        case Stage.CONFIRMED:
            return _("All is said: the hit is confirmed, and both sides stated the outcome.")
        case Stage.INCONCLUSIVE | Stage.ELIMINATED:
            return _("All is said: the exhibits were compared, and the hit is not confirmed.")
        case Stage.LEAD | Stage.COMPARISON_ASKED | Stage.COMPARISON_AGREED | Stage.COMPARED:
            return _("Nothing is left to do: the outcome is stated, and the hit is not confirmed.")
        case Stage.RETRACTED:
            return _("The hit was taken back. Nothing is left to do.")
        case Stage.NO_EFFECT:
            return _("Nothing is left to do.")
        case _:
            assert_never(link.progress.stage)


def _proposed(link: Link, names: Mapping[str, str], node_id: str, day: date, place: str | None) -> str:
    others = {link.pair.a.issuer, link.pair.b.issuer} - {node_id}
    told = {"side": side_name(names, min(others, default=node_id)), "day": day_words(day)}
    if place:
        return _("%(side)s proposed %(day)s, %(place)s.", place=place, **told)
    return _("%(side)s proposed %(day)s.", **told)


def _other_day(link: Link, names: Mapping[str, str], node_id: str, side: str, other: date) -> str:
    told = {"other": day_words(other), "day": day_words(link.progress.on)}
    if side == node_id:
        return _("Your side proposes another day, %(other)s. Until the other side agrees to it, %(day)s holds.", **told)
    name = side_name(names, side)
    return _("%(node)s proposes another day, %(other)s. Until you agree to it, %(day)s holds.", node=name, **told)


def _left(count: int) -> str:
    if not count:
        return _("Nobody is left who may verify it: the operator can invite another examiner.")
    return ngettext("%(num)s examiner may be asked.", "%(num)s examiners may be asked.", count)
