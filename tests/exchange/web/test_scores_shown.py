"""Every place that shows a score says next to it whether scores of its kind are validated. The places are found in the
sources: templates, response models, tables, the report, and what commands print."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import exchange
from exchange.flows.node.validated_scores import why_not_validated
from exchange.web.app import create_api
from exchange.web.pages.truth.separation_pages import SCORE_COLUMNS
from exchange.web.report.annex import annex
from exchange.web.report.plain import plain_page
from tests.exchange.web.report.reports import full_report

HOME = Path(exchange.__file__).parent
STATUS = "not_validated"

SHOWN = re.compile(
    r"[\w.]*(?:score|highest|lowest|best|gap|band|\btrue|\bdifferent)\w*(?:\[[^\]]*\])?\|(?:number|term\(\"score_band\")"
)
"""A score in a template, under whatever name: as a number, or as its band."""
OF_VALIDATED_SCORES = {
    ("candidates.html", "group.own.highest_weaker"): "of Ranking.weaker, whose scores are validated",
    ("record_candidates.html", "own.highest_weaker"): "the same",
    ("exhibit_pairs.html", "strip.best"): "of Ranking.scores, which are the validated ones",
    ("exhibit_pairs.html", "strip.gap[0]"): "the same",
    ("exhibit_pairs.html", "strip.gap[1]"): "the same",
    ("separation.html", "tick.score"): "a mark on an axis",
    ("separation.html", "found.progress.scored"): "how many pairs are scored",
}

PRINTED = re.compile(r"\{[^{}]*(?:score|band)\w*(?:\[[^\]]*\])?:\.\d[fg]\}")
MEASURES = {"exchange/cli/matching/calibration.py": "the bounds of a model, which ffp calibrate measures"}

SIGNED = {"Hit", "HitDraft"}
"""What was signed stays as it was signed: the status stands in the StatementAnswer around it."""
FREE = {
    ("CandidateDetail", "comparison"): True,
    ("ToSendAnswer", "body"): True,
    ("StatementAnswer", "statement"): True,
    ("LikelihoodRatioAnswer", "population"): False,
    ("NextStatementAnswer", "body"): False,
}
"""Fields of any content, and whether a score may stand in them."""

WITHOUT_SCORES = (
    "web/mail_text.py",
    "web/pages/live_hint_pages.py",
    "web/pages/event_pages.py",
    "flows/alerts/mail.py",
    "flows/alerts/live_hints.py",
)
"""What is said to people who may not be shown a score."""


def templates() -> Iterator[tuple[str, str]]:
    for folder in HOME.rglob("templates"):
        for path in sorted(folder.glob("*.html")):
            yield path.name, path.read_text(encoding="utf-8")


def test_each_score_of_a_template_stands_next_to_its_status() -> None:
    found, silent = 0, []
    for name, text in templates():
        lines = text.splitlines()
        for number, line in enumerate(lines):
            for shown in SHOWN.finditer(line):
                expression = shown.group().partition("|")[0]
                found += 1
                beside = line + "".join(lines[number + 1 : number + 2])
                if STATUS not in beside and (name, expression) not in OF_VALIDATED_SCORES:
                    silent.append((name, number + 1, expression))
    assert silent == []
    assert found >= 15, "the templates are read"


def test_what_is_excepted_is_there() -> None:
    text = dict(templates())
    assert all(f"{expression}|number" in text[name] for name, expression in OF_VALIDATED_SCORES)


def test_no_script_shows_a_score() -> None:
    scripts = [path for path in HOME.rglob("*.js") if "score" in path.read_text(encoding="utf-8")]
    assert scripts == []


def schemas() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = create_api().openapi()["components"]["schemas"]
    return {name: model for name, model in found.items() if "properties" in model}


def test_each_model_with_a_score_has_its_status() -> None:
    models = schemas()
    fields = {(name, field): value for name, model in models.items() for field, value in model["properties"].items()}
    free = {place for place, value in fields.items() if value.get("additionalProperties") is True}
    signed = {place for place, value in fields.items() if "#/components/schemas/Hit'" in str(value)}
    assert free | signed == FREE.keys()
    with_score = {name for name, field in fields if field in ("score", "band")} - SIGNED
    with_score |= {name for (name, _), holds_score in FREE.items() if holds_score}
    assert {"CandidateAnswer", "CandidateDetail", "FoundAnswer"} <= with_score
    assert {name for name in with_score if (name, STATUS) not in fields} == set()


def test_the_report_says_it_with_the_score() -> None:
    said = why_not_validated("firing_pin_impression", None, None)
    report = full_report(not_validated=said)
    shown = [str(block) for block in (*plain_page(report), *annex(report)) if "0.432" in str(block)]
    assert shown
    assert said is not None
    assert all(said in block for block in shown)
    assert any(said in str(block) for block in plain_page(report))


def test_the_table_of_scores_has_the_column() -> None:
    assert {"score", STATUS} <= set(SCORE_COLUMNS)


def test_commands_print_it_with_the_score() -> None:
    sources = [path for folder in ("cli", "demo", "coordination") for path in (HOME / folder).rglob("*.py")]
    lines = [(path, line) for path in sources for line in path.read_text(encoding="utf-8").splitlines()]
    printed = [(str(path.relative_to(HOME.parent)), line.strip()) for path, line in lines if PRINTED.search(line)]
    assert len(printed) >= 4
    assert [one for one in printed if "not validated" not in one[1] and one[0] not in MEASURES] == []


@pytest.mark.parametrize("name", WITHOUT_SCORES)
def test_letters_and_live_hints_know_no_score(name: str) -> None:
    tree = ast.parse((HOME / name).read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert not any("score" in one or one == "band" for one in names)
