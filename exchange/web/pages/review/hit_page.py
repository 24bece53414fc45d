"""What the page of one hit is drawn from: the one next step with its form, both specimens, what happened, and the forms
for what else may be signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from exchange.clock import stamp
from exchange.flows.hits.history import Link
from exchange.flows.hits.sides import other_side
from exchange.flows.hits.vocabulary import Stage, Todo, local_day
from exchange.flows.node.node import Node
from exchange.flows.review.hit_exhibits import exhibits_of_hit, jurisdictions_of_nodes
from exchange.flows.review.next_statements import (
    NextStatement,
    both_identified,
    concludes_on_exhibits,
    named_day,
    next_statements,
)
from exchange.flows.review.next_step import NextStep, next_hit_step, steps_beside
from exchange.flows.review.visible_hits import VisibleHit
from exchange.web.languages import gettext as _
from exchange.web.languages.days import day_words, due_words, local_words
from exchange.web.pages.layout import Visitor
from exchange.web.pages.review.custody_pages import custody_shown, form_name, step_forms
from exchange.web.pages.review.timeline import timeline
from exchange.web.wording.conclusions import CONCLUSIONS_ON
from exchange.web.wording.custody_words import explained_steps, signature_words, where_now
from exchange.web.wording.hit_steps import done_words, side_name, step_button, step_context, step_title
from exchange.web.wording.said_of_hits import disagreement_words
from exchange.web.wording.sentences import no_effect
from schemas import Message
from schemas.review import CUSTODY
from schemas.vocabulary import Answer, Basis, ComparisonStep, FeedbackOutcome, ReferenceChannel

_FORMS: Final = {
    Todo.ASK: "comparison",
    Todo.AGREE: "comparison",
    Todo.NAME_DAY: "comparison",
    Todo.CONCLUDE: "conclusion",
    Todo.CONFIRM: "done",
    Todo.END: "done",
    Todo.OUTCOME: "feedback",
}
"""By which of the page's forms a step is signed; what travels has a form for each exhibit."""
EXPLANATION: Final = "explanation"
ASKED_AND_ANSWERED: Final = (ComparisonStep.ASKED, ComparisonStep.AGREED, ComparisonStep.DECLINED)
"""The steps of the form for a comparison."""


@dataclass(frozen=True)
class OfferedForms:
    """The forms of the page: each signs a statement that this person is offered. ``steps``: of a comparison;
    ``moved``: by the names of their forms, of exhibits that travel; ``explains``: the steps of custody that may be
    explained; ``ends``: the conclusions that end the comparison, two examiners having concluded."""

    steps: tuple[str, ...]
    moved: frozenset[str]
    explains: tuple[str, ...]
    ends: frozenset[str]
    kinds: frozenset[str]


def forms_of(offered: Sequence[NextStatement]) -> OfferedForms:
    drafts = [one.draft for one in offered]
    steps = [draft for draft in drafts if draft["type"] == "physical-comparison"]
    ends = [draft for draft in drafts if "verification" in draft]
    return OfferedForms(
        steps=tuple(draft["step"] for draft in steps if draft["step"] in ASKED_AND_ANSWERED),
        moved=frozenset(form_name(draft["step"], draft["record"]) for draft in steps if draft["step"] in CUSTODY),
        explains=tuple(draft["explains"] for draft in drafts if draft["type"] == "custody-explanation"),
        ends=frozenset(draft["conclusion"] for draft in ends),
        kinds=frozenset(draft["type"] for draft in drafts),
    )


@dataclass(frozen=True)
class StepBox:
    """The next step in words. ``form``: the name of the form that signs it, "" where others do it; ``button`` what
    opens or signs that form. ``draft``: what is known already of what is signed. ``due``: until when, ``due_at`` for
    the tooltip. ``beside``: what else this side owes."""

    title: str
    context: list[str]
    due: str
    due_at: str
    late: bool
    form: str
    button: str
    draft: Mapping[str, Any]
    beside: list[str]


def hit_values(node: Node, who: Visitor, found: VisibleHit) -> dict[str, Any]:
    """The values of the page's template, without what was typed and refused."""
    link, maker = found.link, who.caller.maker
    names = jurisdictions_of_nodes(node)
    day, place = named_day(node.node_id, link)
    offered = next_statements(node, maker, found)
    forms = forms_of(offered)
    step = next_hit_step(node.node_id, link, offered, found.reviews)
    beside = steps_beside(node.node_id, link, step)
    box = _box(step, beside, link, names, node.node_id) if step is not None else None
    moves = [move for move in step_forms(node, who, link) if move.refused or move.name in forms.moved]
    name_of = partial(side_name, names)
    travelling = custody_shown(link, name_of)
    return {
        "link": link,
        "sides": link.records,
        "names": {side: side_name(names, side) for side in {*names, link.pair.a.issuer, link.pair.b.issuer}},
        "exhibits": exhibits_of_hit(node, link),
        "box": box,
        "all_said": done_words(link) if box is None else "",
        "timeline": timeline(link, names, node.node_id, [step, *beside] if step is not None else []),
        "candidate_id": found.candidate_id,
        "not_validated": found.not_validated,
        "reviews": found.reviews,
        "peer": other_side(node.node_id, link),
        "day": day or link.progress.on,
        "place": place,
        "proposes": day is None and link.progress.stage is Stage.COMPARISON_AGREED,
        "channels": list(ReferenceChannel),
        "outcomes": list(FeedbackOutcome),
        "conclusions": CONCLUSIONS_ON[Basis.EXHIBITS],
        "both_identified": both_identified,
        "forms": forms,
        "explanation_name": partial(form_name, EXPLANATION),
        "concludes": concludes_on_exhibits(node.node_id, who.caller.role, link),
        "makers": {entry.statement_id: entry.statement.made_by.pseudonym for entry in link.history},
        "references": [
            entry.statement.reference
            for entry in link.history
            if isinstance(entry.statement, Message) and entry.statement.reference
        ],
        "why": {name: no_effect(reason) for name, reason in link.progress.no_effect.items()},
        "travelling": travelling,
        "disagreements": [(one.verification, disagreement_words(one, name_of)) for one in link.progress.disagreements],
        "discrepancies": explained_steps(link.progress, link.history, name_of, local_words),
        "signatures": signature_words(link.progress, link.history, name_of, local_words),
        "next_move": next((move for move in moves if box is not None and move.name == box.form), None),
        "moves": [move for move in moves if box is None or move.name != box.form],
        "answers": list(Answer),
        "today": local_day(),
        "day_words": day_words,
        "where_now": partial(where_now, name_of=name_of),
    }


def _box(step: NextStep, beside: list[NextStep], link: Link, names: Mapping[str, str], node_id: str) -> StepBox:
    draft = step.offered.draft if step.offered is not None else {}
    return StepBox(
        title=step_title(step, names),
        context=step_context(step, link, names, node_id),
        due=due_words(step.due_at),
        due_at=step.due_at,
        late=step.due_at < stamp(),
        form=_form_of(step),
        button=step_button(step) if step.offered is not None else "",
        draft=draft,
        beside=[
            _("%(what)s: %(due)s", what=step_title(one, names), due=due_words(one.due_at)) for one in beside if one.own
        ],
    )


def _form_of(step: NextStep) -> str:
    if step.offered is None:
        return ""
    draft = step.offered.draft
    if step.todo is Todo.EXPLAIN:
        return form_name(EXPLANATION, draft["explains"])
    return _FORMS.get(step.todo) or form_name(draft["step"], draft["record"])
