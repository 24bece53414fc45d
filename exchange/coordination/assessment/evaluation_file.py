"""The file that evaluators fill in for the mid-term paper, as it is begun."""

from __future__ import annotations

from exchange.coordination.assessment.assessment_file import comment, toml_text
from exchange.coordination.assessment.evaluation_answers import EVALUATION_FORMAT
from exchange.coordination.assessment.outside_facts_asked import headings
from exchange.web.languages import gettext as _


def begun_evaluation() -> str:
    """The text of the file, with guidance in the language that is spoken."""
    lines = [
        *comment(_("Mid-term evaluation: what the evaluators answer.")),
        *comment(_("Write between the quotation marks, and save the file as UTF-8. Name no person and no case.")),
        f"format = {toml_text(EVALUATION_FORMAT)}",
        *comment(_("Who evaluates: a role and an institution.")),
        'evaluators = ""',
        'period = ""',
        *comment(_("On which day, written 2026-11-20.")),
        'finished_on = ""',
        'summary = ""',
        *comment(_("One sentence each, between quotation marks, with commas between them.")),
        "conclusions = []",
    ]
    for heading in headings():
        lines += ["", "", f"# ===== {_(heading.fact.text)} =====", *comment(_(heading.asks))]
        for question in heading.questions:
            lines += ["", f"[answers.{question.id}]", *comment(_(question.text)), 'answer = ""', 'evidence = ""']
    return "\n".join(lines) + "\n"
