"""``ffp exercise``: sets of exercises on made-up exhibits. None of these commands needs a node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from exchange.cli.acting import one_of, read_named_file
from exchange.cli.tables import AsJson, TableColumn, print_json, print_table, tell
from exchange.coordination.exercises.attempts import SkillResult, added_up, each_once, score_given
from exchange.coordination.exercises.draw_set import draw_set, new_seed
from exchange.coordination.exercises.exercise_counts import exercise_counts, people_of_set, write_counts
from exchange.coordination.exercises.exercise_documents import MAX_ANSWERS_BYTES, MAX_GIVEN_BYTES, open_seal, read_given
from exchange.coordination.exercises.exercise_folder import (
    MAX_PACKED_BYTES,
    check_exercises,
    list_sets,
    make_folder,
    open_set,
    put_set,
    remove_set,
    unpack_set,
)
from exchange.coordination.exercises.exercise_vocabulary import ExerciseAudience
from exchange.coordination.half_year.half_years import Half
from exchange.errors import InvalidInput

app = typer.Typer(help="Exercises and proficiency sets on made-up exhibits.", no_args_is_help=True)

Into = Annotated[Path, typer.Option(help="The folder of exercises, such as region/exercises.")]
SealedAnswers = Annotated[Path, typer.Argument(help="The answers that ffp exercise draw wrote.")]


@app.command("draw")
def draw_exercises(
    out: Annotated[Path, typer.Option(help="An empty folder, or a new one.")],
    audience: Annotated[str, typer.Option("--for", help="examiner or investigator.")] = "examiner",
    seed: Annotated[
        str | None,
        typer.Option(
            help="A line that begins with a letter or a digit. The same one draws the same set; without it, one that "
            "nobody guesses."
        ),
    ] = None,
    items: Annotated[int | None, typer.Option(help="How many exercises.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw a set: set.zip for participants, and answers.json, which stays with whoever gives the set."""

    wanted = one_of(ExerciseAudience, audience)
    if out.exists() and any(out.iterdir()):
        raise InvalidInput(f"{out} is not empty: a set is never overwritten. Name another folder.")
    made = draw_set(new_seed() if seed is None else seed, wanted, items)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(out / "answers.json", made.answers)
    (out / "set.zip").write_bytes(made.handed_out)
    document = made.document
    if as_json:
        print_json({"set": document.set_id, "seal": document.seal, "guessable": document.guessable, "folder": out})
        return
    typer.echo(
        f"Written: {out / 'set.zip'}, the set {document.set_id} with {len(document.items)} exercises, for participants."
    )
    typer.echo(
        f"Written: {out / 'answers.json'}. Keep it to yourself until all have handed in. Its seal: {document.seal}"
    )
    if document.guessable:
        typer.echo(
            "This seed can be guessed: whoever has this program can draw the set again, with its answers. Leave --seed "
            "out for a set that is to be blind.",
            err=True,
        )


@app.command("put")
def put_exercises(
    packed: Annotated[Path, typer.Argument(help="The file set.zip.")],
    into: Into,
    answers: Annotated[
        Path | None, typer.Option(help="The answers too: a set to practise with, which tells them after each exercise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put a set into the folder of exercises, where the pages of nodes to practise with show it."""

    make_folder(into)
    content = read_named_file(packed, MAX_PACKED_BYTES)
    kept = put_set(into, content, None if answers is None else read_named_file(answers, MAX_ANSWERS_BYTES))
    said = f"The set {kept.set_id} is in {into}: {kept.use}, {len(kept.document.items)} exercises."
    tell(as_json, {"set": kept.set_id, "use": kept.use}, said)


@app.command("open")
def open_answers(answers: SealedAnswers, into: Into, as_json: AsJson = False) -> None:
    """Open the answers of a set: nobody answers it any more, and all who did see what was right, and why."""

    kept = open_set(into, read_named_file(answers, MAX_ANSWERS_BYTES))
    tell(as_json, {"set": kept.set_id}, f"The answers of the set {kept.set_id} are open.")


@app.command("list")
def list_exercises(into: Into, as_json: AsJson = False) -> None:
    """List the sets of a folder, and how many people answered something of each."""

    check_exercises(into)
    found = [(kept, people_of_set(kept).people) for kept in list_sets(into)]
    if as_json:
        print_json(
            [
                {
                    "set": kept.set_id,
                    "for": kept.document.audience,
                    "use": kept.use,
                    "exercises": len(kept.document.items),
                    "people": people,
                    "answers": kept.answers is not None,
                }
                for kept, people in found
            ]
        )
        return
    columns = [TableColumn("set"), TableColumn("for"), TableColumn("use"), TableColumn("exercises", number=True)]
    columns += [TableColumn("people", number=True), TableColumn("answers")]
    print_table(
        columns,
        [
            [
                kept.set_id,
                kept.document.audience,
                kept.use,
                len(kept.document.items),
                people,
                "sealed" if kept.answers is None else "there",
            ]
            for kept, people in found
        ],
    )


@app.command("remove")
def remove_exercises(
    set_id: Annotated[str, typer.Argument(help="As ffp exercise list has it.")], into: Into, as_json: AsJson = False
) -> None:
    """Remove a set with all that was answered."""

    check_exercises(into)
    remove_set(into, set_id)
    tell(as_json, {"removed": set_id}, f"The set {set_id} is removed.")


@app.command()
def score(
    given: Annotated[list[Path], typer.Argument(help="What participants took along: given-SET.json, each.")],
    packed: Annotated[Path, typer.Option("--set", help="The file set.zip.")],
    answers: Annotated[Path, typer.Option(help="The answers of the set.")],
    as_json: AsJson = False,
) -> None:
    """Score what was handed in elsewhere: each by its code, and all together by skill."""

    _, document = unpack_set(read_named_file(packed, MAX_PACKED_BYTES))
    known = open_seal(read_named_file(answers, MAX_ANSWERS_BYTES), document).answers
    handed_in = each_once((path.name, read_given(read_named_file(path, MAX_GIVEN_BYTES))) for path in given)
    by_code = {code: score_given(document, known, one) for code, one in handed_in.items()}
    together = added_up(by_code.values())
    if as_json:
        print_json({"set": document.set_id, "by_code": by_code, "together": together})
        return
    for code, results in by_code.items():
        _print_results(code, results)
    if len(by_code) > 1:
        _print_results(f"all {len(by_code)}", together)


@app.command("counts")
def count_exercises(
    half: Annotated[str, typer.Option(help="The half-year, such as 2026H2.")],
    into: Into,
    out: Annotated[Path | None, typer.Option(help="The file to write, for the meeting pack.")] = None,
    as_json: AsJson = False,
) -> None:
    """Count what was practised in a half-year: by set, jurisdiction and skill, never of a person."""

    found = exercise_counts(into, Half.parse(half))
    if out is not None:
        out.write_bytes(write_counts(found))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    if out is not None:
        typer.echo(f"Written: {out}.")
    columns = [TableColumn("set"), TableColumn("for"), TableColumn("use"), TableColumn("people", number=True)]
    print_table(
        [*columns, TableColumn("answers", number=True), TableColumn("by skill")],
        [
            [
                one.set_id,
                one.audience,
                one.use,
                sum(one.people.values()),
                one.answered,
                "left out: few people, sealed, or not over" if one.by_skill is None else "yes",
            ]
            for one in found.sets
        ],
    )
    for footnote in found.footnotes:
        typer.echo(footnote)


def _print_results(title: str, results: Sequence[SkillResult]) -> None:
    print_table(
        [TableColumn("whose"), TableColumn("skill"), TableColumn("answered", number=True), TableColumn("outcomes")],
        [
            [
                title,
                line.skill,
                line.answered,
                ", ".join(f"{outcome} {count}" for outcome, count in line.outcomes.items()),
            ]
            for line in results
        ],
    )


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
