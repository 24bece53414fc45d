"""``ffp assess``: what an assessor sees, as a file that is filled in, checked, and made a paper of. Needs no node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from exchange.cli.acting import code_of
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.handed_out import LanguageOption
from exchange.coordination.maturity.answer_problems import (
    AnswerProblem,
    ProblemGravity,
    doubts_of_evaluation,
    places_of,
    problems_of,
)
from exchange.coordination.maturity.answers import answers_name, read_evaluation
from exchange.coordination.maturity.assessment import assessment_of
from exchange.coordination.maturity.assessment_folder import AssessmentFolder, read_folder
from exchange.coordination.maturity.assessment_paper import radar_of, render_assessment
from exchange.coordination.maturity.begun_files import (
    assessment_json,
    assessment_sheet,
    begun_assessment,
    begun_evaluation,
)
from exchange.coordination.maturity.midterm_paper import midterm, render_midterm
from exchange.errors import Conflict, InvalidInput
from exchange.extras.known import require_extra
from exchange.jurisdictions.directory import shipped_directory
from exchange.web.languages import Spoken
from exchange.web.languages.spoken import speaking

app = typer.Typer(help="Assess a Firearms Focal Point, with or without a node.", no_args_is_help=True)

_Folder = Annotated[Path, typer.Argument(help="The folder of one jurisdiction's assessments.")]
_HalfYear = Annotated[str | None, typer.Option(help="The half-year, such as 2026H2. Default: the last one there is.")]


@app.command("new")
def new_assessment(
    folder: _Folder,
    jurisdiction: Annotated[str, typer.Option(help="Its code, such as MD.")],
    half: Annotated[str, typer.Option(help="The half-year, such as 2026H2.")],
    language: LanguageOption = "en",
    as_json: AsJson = False,
) -> None:
    """Begin an assessment: write one file with all questions into the folder, with the answers of last time where there
    are any."""

    code, wanted = code_of(jurisdiction), Half.parse(half)
    folder.mkdir(parents=True, exist_ok=True)
    before = None
    if any(folder.glob("*.toml")):
        found = read_folder(folder)
        if found.jurisdiction != code:
            raise InvalidInput(
                f"{folder} holds assessments of {found.jurisdiction}; take a folder of its own for {code}."
            )
        before = next((item for item in reversed(found.assessments) if item.half < wanted), None)
        if any(item.half == wanted for item in found.assessments):
            raise Conflict(f"There is an assessment of {wanted} in {folder} already.", code="decided")
    path = folder / answers_name(code, wanted)
    with speaking(Spoken(language, directory=lambda: places_of([before] if before is not None else []))):
        text = begun_assessment(code, wanted, before)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
    last = f", with the answers of {before.half}" if before is not None else ""
    fields = {"written": path, "last_time": str(before.half) if before is not None else None}
    tell(
        as_json,
        fields,
        f"Written: {path}{last}. Fill it in in an editor, then: ffp assess check {folder}",
    )


@app.command("check")
def check(folder: _Folder, half: _HalfYear = None, as_json: AsJson = False) -> None:
    """Say what is missing, wrong or doubtful in the file of an assessment, by question. Exit code 1 while something is
    wrong."""

    found = read_folder(folder)
    given = found.chosen(_parsed(half))
    problems = problems_of(given, known=places_of(found.assessments))
    wrong = [problem for problem in problems if problem.gravity is ProblemGravity.WRONG]
    if as_json:
        print_json({"file": given.file, "half": str(given.half), "problems": problems, "not_read": found.left})
    else:
        _print_problems(given.file, problems, found)
    if wrong:
        raise typer.Exit(1)


@app.command("report")
def write_paper(
    folder: _Folder,
    out: Annotated[Path, typer.Option(help="The file to write.")],
    half: _HalfYear = None,
    form: Annotated[
        Literal["pdf", "json", "csv", "svg"], typer.Option(help="Of the file; svg is the radar alone.")
    ] = "pdf",
    language: LanguageOption = "en",
    as_json: AsJson = False,
) -> None:
    """Make a paper of an assessment: findings, recommendations with their priority, radar and table, and each answer
    beside that of last time."""

    if form == "pdf":
        require_extra("pdf", "A report as PDF")
    read = read_folder(folder)
    known = places_of(read.assessments)
    found = assessment_of(read, _parsed(half), known=known)
    with speaking(Spoken(language, directory=lambda: known)):
        match form:
            case "pdf":
                written = render_assessment(found)
            case "svg":
                written = radar_of(found).encode()
            case "csv":
                written = assessment_sheet(found)
            case "json":
                written = assessment_json(found, known)
    out.write_bytes(written)
    fields = {
        "written": out,
        "half": str(found.half),
        "share": found.whole.share,
        "told": found.whole.told,
        "asked": found.whole.asked,
        "not_read": found.left,
    }
    lines = [f"Written: {out}, of {found.half}; {found.whole.told} of {found.whole.asked} questions are answered."]
    tell(as_json, fields, *lines, *(f"Not read: {item.name}: {item.why}" for item in found.left))


@app.command("evaluation")
def new_evaluation(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    language: LanguageOption = "en",
    as_json: AsJson = False,
) -> None:
    """Begin the file that the evaluators of the mid-term paper fill in."""

    with speaking(Spoken(language, directory=lambda: shipped_directory())):
        text = begun_evaluation()
    with file.open("x", encoding="utf-8", newline="\n") as opened:
        opened.write(text)
    tell(as_json, {"written": file}, f"Written: {file}. Fill it in, then: ffp assess midterm FOLDER --answers {file}")


@app.command("midterm")
def write_midterm(
    folders: Annotated[list[Path], typer.Argument(help="Folders of assessments, one for each jurisdiction.")],
    out: Annotated[Path, typer.Option(help="The PDF to write.")],
    answers: Annotated[Path | None, typer.Option(help="What the evaluators filled in.")] = None,
    language: LanguageOption = "en",
    as_json: AsJson = False,
) -> None:
    """Make the mid-term paper of several assessments, with what else lies in their folders: under each criterion the
    figures and findings that speak to it, and the evaluators' answers."""

    require_extra("pdf", "A report as PDF")
    evaluation = read_evaluation(answers) if answers is not None else None
    found = midterm(folders, evaluation)
    with speaking(Spoken(language, directory=lambda: places_of(item.given for item in found.assessments))):
        out.write_bytes(render_midterm(found))
    doubtful = list(doubts_of_evaluation(evaluation)) if evaluation is not None else []
    for problem in doubtful:
        typer.echo(f"Warning, {problem}", err=True)
    fields = {"written": out, "jurisdictions": found.jurisdictions, "doubtful": doubtful}
    tell(as_json, fields, f"Written: {out}, of {', '.join(found.jurisdictions)}, {found.first} to {found.last}.")


def _parsed(half: str | None) -> Half | None:
    return None if half is None else Half.parse(half)


def _print_problems(name: str, problems: list[AnswerProblem], found: AssessmentFolder) -> None:
    columns = [TableColumn("gravity"), TableColumn("place"), TableColumn("what")]
    print_table(columns, [[problem.gravity, problem.place, problem.sentence] for problem in problems], title=name)
    for item in found.left:
        typer.echo(f"Not read: {item.name}: {item.why}")
    if not problems:
        typer.echo(f"{name} is whole.")
