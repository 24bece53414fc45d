"""``ffp assess``, without a node: a folder with one file in, a paper out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pypdf import PdfReader

from exchange.coordination.maturity.questionnaire import questionnaire
from exchange.web.languages import CODES
from schemas.vocabulary import KOSOVO_FOOTNOTE
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.coordination.maturity.filled_assessment import all_best, write_filled

CYRILLIC = "Перегляд: три справи та реєстр; необхідність загальнонаціональної багатовідомчої координації."


def text_of(pdf: Path) -> str:
    return " ".join(" ".join(page.extract_text().split()) for page in PdfReader(pdf).pages)


def test_from_the_first_question_to_the_paper(ffp: Ffp, tmp_path: Path) -> None:
    folder, out = tmp_path / "moldova", tmp_path / "assessment.pdf"
    begun = ffp("assess", "new", folder, "--jurisdiction", "md", "--half", "2026H1")
    assert begun.code == 0
    [path] = folder.iterdir()
    assert path.name == "assessment-MD-2026H1.toml"
    assert "already" in refusal(ffp("assess", "new", folder, "--jurisdiction", "MD", "--half", "2026H1"))
    assert "of its own" in refusal(ffp("assess", "new", folder, "--jurisdiction", "UA", "--half", "2026H1"))

    empty = ffp("assess", "check", folder, "--json")
    told = json.loads(empty.out)
    assert empty.code == 0
    assert {item["gravity"] for item in told["problems"]} == {"missing"}
    assert len(told["problems"]) == len(list(questionnaire())) + 2

    write_filled(folder, all_best(backlog_months="long"))
    wrong = ffp("assess", "check", folder)
    assert wrong.code == 1
    assert "wrong\tbacklog_months\tAnswer with a number of months" in wrong.out
    assert "backlog_months" in refusal(ffp("assess", "report", folder, "--out", out))
    assert not out.exists()

    write_filled(folder, all_best(backlog_months=9, succession=""))
    assert ffp("assess", "check", folder).code == 0
    said = ffp("assess", "report", folder, "--out", out)
    assert (said.code, said.out) == (0, f"Written: {out}, of 2026H1; 48 of 49 questions are answered.\n")
    text = text_of(out)
    assert "Assessment of Republic of Moldova, 2026H1" in text
    assert "Work off the backlog" in text
    assert "What nobody knows yet Is it planned who follows an examiner who leaves?" in " ".join(
        text.replace("•", " ").split()
    )
    assert "1244 (1999)" in text, "the footnote stands on each page"

    again = ffp("assess", "new", folder, "--jurisdiction", "MD", "--half", "2026H2", "--json")
    assert json.loads(again.out)["last_time"] == "2026H1"
    assert "answer = 9" in (folder / "assessment-MD-2026H2.toml").read_text(encoding="utf-8")


def test_the_other_forms(ffp: Ffp, tmp_path: Path) -> None:
    write_filled(tmp_path / "k", all_best(), jurisdiction="XK")
    answers = all_best(backlog_months=9, remarks_of_nobody="", succession={"answer": "no", "evidence": "=1+1"})
    del answers["remarks_of_nobody"]
    write_filled(tmp_path / "k", answers, jurisdiction="XK", half="2026H2", on="2026-07-20")
    for form in ("json", "csv", "svg"):
        assert ffp("assess", "report", tmp_path / "k", "--form", form, "--out", tmp_path / f"out.{form}").code == 0
    assert json.loads((tmp_path / "out.json").read_bytes())["half"] == "2026H2"
    rows = list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8-sig"))))
    assert rows[-1] == [KOSOVO_FOOTNOTE]
    assert {row[2] for row in rows[1:-1]} == {"area", "answer", "recommendation"}
    [backlog] = [row for row in rows if row[4:5] == ["backlog_months"] and row[2] == "answer"]
    assert (backlog[1], backlog[6], backlog[7]) == ("Kosovo*", "9 months", "1 month")
    [succession] = [row for row in rows if row[4:5] == ["succession"] and row[2] == "answer"]
    assert succession[10].startswith("'=1+1"), "a spreadsheet computes nothing of it"
    assert len({len(row) for row in rows[:-1]}) == 1
    ET.fromstring((tmp_path / "out.svg").read_text())  # noqa: S314 - drawn a line above


@pytest.mark.parametrize("language", [code for code in CODES if code in ("en", "uk", "sr-Latn", "mk")])
def test_a_paper_in_other_letters(ffp: Ffp, tmp_path: Path, language: str) -> None:
    answers = all_best(succession={"answer": "no", "evidence": CYRILLIC * 30})
    write_filled(tmp_path / "ua", answers, jurisdiction="UA", more=f'remarks = "{CYRILLIC}"')
    out = tmp_path / "out.pdf"
    assert ffp("assess", "report", tmp_path / "ua", "--out", out, "--language", language).code == 0
    assert "загальнонаціональної" in text_of(out)


def test_a_jurisdiction_that_nobody_knows_here(ffp: Ffp, tmp_path: Path) -> None:
    folder, out = tmp_path / "by", tmp_path / "out.pdf"
    assert ffp("assess", "new", folder, "--jurisdiction", "BY", "--half", "2026H1").code == 0
    assert '\nname = ""\n' in (folder / "assessment-BY-2026H1.toml").read_text(encoding="utf-8")
    for name, said in (("Serbia", "BY and RS have one name"), ("Kosovo", "have one name"), ("X*", "asterisk")):
        write_filled(folder, all_best(), jurisdiction="BY", more=f'name = "{name}"')
        assert said in refusal(ffp("assess", "report", folder, "--out", out))
    write_filled(folder, all_best(), jurisdiction="BY", more='name = "Belarus"')
    assert ffp("assess", "report", folder, "--out", out).code == 0
    assert "Assessment of Belarus, 2026H1" in text_of(out)
    write_filled(tmp_path / "xk", all_best(), jurisdiction="XK", more='name = "Kosovo"')
    assert "is called Kosovo* here" in refusal(ffp("assess", "report", tmp_path / "xk", "--out", out))


def test_the_mid_term_paper(ffp: Ffp, tmp_path: Path) -> None:
    file, out = tmp_path / "evaluation.toml", tmp_path / "midterm.pdf"
    write_filled(tmp_path / "md", all_best(succession="no"), half="2025H2", on="2025-09-01")
    write_filled(tmp_path / "md", all_best())
    write_filled(tmp_path / "xk", all_best(legal_exchange="no"), jurisdiction="XK")
    assert ffp("assess", "evaluation", file).code == 0
    text = file.read_text(encoding="utf-8").replace("conclusions = []", 'conclusions = ["Law first."]')
    text = text.replace('evaluators = ""', 'evaluators = "Petar Petrović"')
    text = text.replace('answer = ""', 'answer = "Links across borders are asked for."', 1)
    file.write_text(text, encoding="utf-8")
    said = ffp("assess", "midterm", tmp_path / "md", tmp_path / "xk", "--answers", file, "--out", out)
    assert said.code == 0
    assert "Warning, evaluation.toml, evaluators: It may hold name of a person" in said.err
    text = text_of(out)
    order = [
        text.index(title)
        for title in (
            *("Relevance Is the", "Coherence How", "Effectiveness Is", "Efficiency How", "Impact What"),
            *("Sustainability Will", "Gender equality Whom", "Law first.", "(unverified)"),
        )
    ]
    assert order == sorted(order)
    assert "no: Kosovo*" in text
    assert "not answered yet" in text
    assert "No data: no monitoring report that was released speaks to it." in text
    assert "Kosovo*: Bring a provision into force" in text
    unread = tmp_path / "other.toml"
    unread.write_text(text, encoding="utf-8")
    assert "other.toml is no TOML" in refusal(
        ffp("assess", "midterm", tmp_path / "md", "--answers", unread, "--out", out)
    )
    again = file.read_text(encoding="utf-8").replace("[answers.relevance_need]", "[answers.relevance_nothing]")
    file.write_text(again, encoding="utf-8")
    assert "relevance_nothing: there is no such question" in refusal(
        ffp("assess", "midterm", tmp_path / "md", "--answers", file, "--out", out)
    )
