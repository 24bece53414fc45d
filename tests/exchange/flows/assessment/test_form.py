"""The form keeps answers in the file that an editor opens too: comments stay, nothing is written over unseen."""

from __future__ import annotations

import fcntl
import os
import stat
import subprocess
import sys
import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from exchange.clock import today
from exchange.errors import Conflict
from exchange.flows.assessment.answers import read_answers
from exchange.flows.assessment.form import HEAD_PLACE, RECOMMENDATIONS, AssessmentForm, Faults
from exchange.flows.assessment.held_folder import LOCK_NAME, alone_in
from exchange.flows.assessment.problems import ProblemKind
from exchange.flows.assessment.typed import TypedAnswer, TypedFault, TypedRecommendation
from exchange.flows.monitoring.half_years import Half
from exchange.web.wording.coordination.assessment_file import begun_assessment
from tests.exchange.flows.assessment.filled import all_best, write_filled


def typed(answer: str = "", evidence: str = "", on: str = "", instead: str = "") -> TypedAnswer:
    return TypedAnswer(answer, instead, evidence, on)


def keep(form: AssessmentForm, place: str, answer: TypedAnswer) -> Faults:
    return form.keep_answers({place: (answer, form.state().mark(place))})


def kinds(faults: Faults, place: str) -> dict[str, Any]:
    return {fault.field: fault.kind for fault in faults[place]}


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    path = tmp_path / "assessment-MD-2026H2.toml"
    text = begun_assessment("MD", Half(2026, 2), None)
    path.write_text("# mine\n" + text.replace("[answers.succession]", "# my own note\n[answers.succession]"))
    path.chmod(0o640)
    return path


def test_an_answer_is_kept_in_its_place_and_all_else_of_the_file_stays(begun: Path) -> None:
    form, before = AssessmentForm(begun), begun.read_text()
    assert keep(form, "backlog_months", typed("2,5", "47 exhibits\nwait.", "2026-11-19")) == {"backlog_months": ()}
    after = begun.read_text()
    answer = tomllib.loads(after)["answers"]["backlog_months"]
    assert answer == {"answer": 2.5, "evidence": "47 exhibits\nwait.", "on": "2026-11-19"}
    assert [line for line in after.splitlines() if line.startswith("#")] == [
        line for line in before.splitlines() if line.startswith("#")
    ]
    assert stat.S_IMODE(begun.stat().st_mode) == 0o640
    assert {path.name for path in begun.parent.iterdir()} == {begun.name, LOCK_NAME}
    state = form.state()
    assert [item.told for item in [area.now.rated for area in state.found.areas] if item.told] == [1]


def test_what_is_wrong_is_not_kept_and_the_rest_of_the_question_is(begun: Path) -> None:
    form = AssessmentForm(begun)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    assert kinds(keep(form, "backlog_months", typed("long", "seen", tomorrow)), "backlog_months") == {
        "answer": ProblemKind.NOT_MONTHS,
        "on": ProblemKind.TO_COME,
    }
    kept = read_answers(begun).answers["backlog_months"]
    assert (kept.value, kept.evidence, kept.on) == ("", "seen", None)
    assert kinds(keep(form, "backlog_months", typed("9", "seen", "19.11.")), "backlog_months") == {
        "on": TypedFault.NO_DAY
    }
    assert read_answers(begun).answers["backlog_months"].value == 9
    assert kinds(keep(form, "backlog_months", typed("9", "a\x07b")), "backlog_months") == {
        "evidence": TypedFault.CHARACTER
    }
    assert kinds(keep(form, "backlog_months", typed("9", "x" * 4001)), "backlog_months") == {
        "evidence": TypedFault.TOO_LONG
    }
    assert kinds(keep(form, "backlog_months", typed("9", "seen", instead="not known")), "backlog_months") == {
        "answer": TypedFault.BOTH
    }
    assert kinds(keep(form, "succession", typed("maybe")), "succession") == {"answer": ProblemKind.NOT_OFFERED}
    assert keep(form, "posts_total", typed("6")) == {"posts_total": ()}
    (fault,) = keep(form, "posts_filled", typed("7"))["posts_filled"]
    assert (fault.kind, fault.named) == (ProblemKind.MORE_THAN_WHOLE, "posts_total")
    assert keep(form, "backlog_months", typed("", instead="not known")) == {"backlog_months": ()}
    assert read_answers(begun).answers["backlog_months"].value == "not known"


def test_what_an_editor_changed_meanwhile_is_not_written_over(begun: Path) -> None:
    form = AssessmentForm(begun)
    shown = form.state().mark("succession")
    other = form.state().mark("training_plan")
    text = begun.read_text()
    at = text.index("[answers.succession]")
    begun.write_text(text[:at] + text[at:].replace('answer = ""', 'answer = "partly"', 1))
    faults = form.keep_answers({"succession": (typed("yes"), shown), "training_plan": (typed("no"), other)})
    assert kinds(faults, "succession") == {"answer": TypedFault.MEANWHILE}
    answers = read_answers(begun).answers
    assert (answers["succession"].value, answers["training_plan"].value) == ("partly", "no"), "the other one is kept"
    assert keep(form, "succession", typed("yes")) == {"succession": ()}, "who has seen it puts another in its place"
    assert read_answers(begun).answers["succession"].value == "yes"
    assert form.keep_answers({"succession": (typed("yes"), shown)}) == {"succession": ()}, "both say the same"


def test_the_last_change_is_undone_and_not_another_program_s(begun: Path) -> None:
    form, first = AssessmentForm(begun), begun.read_text()
    with pytest.raises(Conflict, match="nothing to undo"):
        form.undo()
    keep(form, "succession", typed("no"))
    second = begun.read_text()
    keep(form, "training_plan", typed("y"))  # wrong: changes nothing
    keep(form, "training_plan", typed("yes"))
    keep(form, "training_plan", typed("yes", "The plan of"))
    keep(form, "training_plan", typed("yes", "The plan of May."))
    assert form.state().undo == ("training_plan",)
    assert form.undo() == ("training_plan",)
    assert begun.read_text() == second, "what was typed into one question at one go is one change"
    assert form.undo() == ("succession",)
    assert begun.read_text() == first
    keep(form, "succession", typed("no"))
    begun.write_text(begun.read_text() + "# by hand\n")
    with pytest.raises(Conflict, match="Another program"):
        form.undo()


def test_who_assesses(begun: Path) -> None:
    form = AssessmentForm(begun)
    head = {"assessor": "assessor, secretariat", "assessed_on": "2026-11-20", "remarks": "One\ntwo", "name": ""}
    assert form.keep_head(head, form.state().mark(HEAD_PLACE)) == {HEAD_PLACE: ()}
    kept = read_answers(begun)
    assert (kept.assessor, kept.assessed_on, kept.remarks) == ("assessor, secretariat", date(2026, 11, 20), "One\ntwo")
    tomorrow = (today() + timedelta(days=1)).isoformat()
    wrong = {"assessor": "one\ntwo", "assessed_on": tomorrow, "remarks": "kept", "name": "Somewhere"}
    assert kinds(form.keep_head(wrong, form.state().mark(HEAD_PLACE)), HEAD_PLACE) == {
        "assessor": TypedFault.ONE_LINE,
        "assessed_on": ProblemKind.TO_COME,
        "name": TypedFault.NOT_ITS_NAME,
    }
    assert read_answers(begun).remarks == "kept"
    assert kinds(form.keep_head({"assessor": "x"}, "0"), HEAD_PLACE) == {"assessor": TypedFault.MEANWHILE}


def test_recommendations_keep_their_order_and_those_that_are_not_shown(tmp_path: Path) -> None:
    rest = """[[recommendation]]
text = "Mine comes first."
priority = 1
# a note
[[recommendation]]
question = "succession"
owner = "head"
[[recommendation]]
question = "training_plan"
owner = "nobody by now"
"""
    path = write_filled(
        tmp_path, all_best(succession="no", backlog_months=9), half="2026H2", on="2026-11-20", rest=rest
    )
    form = AssessmentForm(path)
    of = {item.question for item in form.state().found.recommended.made}
    assert {"succession", "backlog_months"} <= of

    def row(question: str = "", text: str = "", because: str = "", **more: Any) -> TypedRecommendation:
        fields = {"priority": "", "owner": "", "by": "", "leave_out": False} | more
        return TypedRecommendation(question=question, text=text, because=because, **fields)

    rows = [
        row("backlog_months", priority="3", by="2027-03-31"),
        row("succession", leave_out=True, because="A trainee has begun."),
        row(text="Mine comes first.", priority="1"),
        row(text="A second one."),
    ]
    assert form.keep_recommendations(rows, form.state().mark(RECOMMENDATIONS)) == {}
    kept = read_answers(path).recommendations
    assert [item.question or item.text for item in kept] == [
        "Mine comes first.",
        "succession",
        "training_plan",
        "backlog_months",
        "A second one.",
    ]
    assert "# a note" in path.read_text()
    made = form.state().found.recommended
    assert [item.question for item in made.left_out] == ["succession"]
    before = path.read_text()
    faults = form.keep_recommendations(
        [row("succession", leave_out=True), row("backlog_months", priority="9", by="soon"), row(owner="head")],
        form.state().mark(RECOMMENDATIONS),
    )
    assert {number: {item.kind for item in found} for number, found in faults.items()} == {
        "0": {TypedFault.NO_REASON},
        "1": {TypedFault.NO_PRIORITY, TypedFault.NO_DAY},
        "2": {TypedFault.NO_TEXT},
    }
    assert path.read_text() == before
    assert kinds(form.keep_recommendations([row(text="x")], "0"), "0") == {"text": TypedFault.MEANWHILE}


def test_a_file_with_wrong_answers_is_shown_and_the_rest_of_it_counts(tmp_path: Path) -> None:
    path = write_filled(tmp_path, all_best(backlog_months="long", nothing_of_ours="no"), half="2026H2", on="2026-11-20")
    state = AssessmentForm(path).state()
    assert state.wrong == 2
    assert [item.kind for item in state.problems_at("backlog_months")] == [ProblemKind.NOT_MONTHS]
    assert state.found.whole.told == state.found.whole.asked - 1
    keep(AssessmentForm(path), "backlog_months", typed("1", "counted"))
    assert AssessmentForm(path).state().problems_at("backlog_months") == []


def test_a_link_beside_the_file_is_not_written_through(tmp_path: Path) -> None:
    """A folder that came from somebody else may hold any name."""
    folder, outside = tmp_path / "assessment", tmp_path / "outside.txt"
    folder.mkdir()
    path = write_filled(folder, all_best(), half="2026H2", on="2026-11-20")
    path.chmod(0o640)
    outside.write_text("mine")
    (folder / f".{path.name}.part").symlink_to(outside)
    before = {item.name for item in folder.iterdir()}
    keep(AssessmentForm(path), "succession", typed("no", "Looked at on the spot"))
    assert outside.read_text() == "mine"
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert {item.name for item in folder.iterdir()} == before | {LOCK_NAME}, "nothing else is left beside"


IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from exchange.flows.assessment.answers import read_answers
from exchange.flows.assessment.form import AssessmentForm
from exchange.flows.assessment.typed import TypedAnswer

path, place = Path(sys.argv[1]), sys.argv[2]
form = AssessmentForm(path)
print("ready", flush=True)
sys.stdin.readline()
for number in range(1, 41):
    faults = form.keep_answers({place: (TypedAnswer(str(number), "", "", ""), form.state().mark(place))})
    assert not faults[place], faults
    kept = read_answers(path).answers[place].value
    assert kept == number, f"{place}: {number} was kept, and {kept} stands in the file"
"""


def test_two_processes_on_one_file_write_over_nothing_of_each_other(begun: Path) -> None:
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(begun)]
    both = [
        subprocess.Popen([*command, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for place in ("posts_total", "backlog_months")
    ]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write(b"go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=60)[1].decode() for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    answers = read_answers(begun).answers
    assert (answers["posts_total"].value, answers["backlog_months"].value) == (40, 40)
    assert {path.name for path in begun.parent.iterdir()} == {begun.name, LOCK_NAME}


def test_who_may_read_the_folder_keeps_nobody_from_saving(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exchange.flows.assessment.held_folder.MOST_WAIT_S", 0.1)
    begun.parent.chmod(0o755)
    form = AssessmentForm(begun)
    folder = os.open(begun.parent, os.O_RDONLY)
    answers = os.open(begun, os.O_RDONLY)
    try:
        for descriptor in (folder, answers):  # as another user can, where the file is for all to read
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert keep(form, "posts_total", typed("6")) == {"posts_total": ()}
    finally:
        os.close(folder)
        os.close(answers)
    assert stat.S_IMODE((begun.parent / LOCK_NAME).stat().st_mode) == 0o600, "nobody else can open what is held"


def test_a_lock_that_somebody_else_put_there_is_left_alone(begun: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    lock = begun.parent / LOCK_NAME
    form = AssessmentForm(begun)
    for number, put in enumerate((lambda: lock.symlink_to(elsewhere), lock.mkdir, lambda: os.mkfifo(lock, 0o666))):
        put()
        assert keep(form, "posts_total", typed(str(number + 1))) == {"posts_total": ()}
        lock.rmdir() if lock.is_dir() else lock.unlink()
    assert not elsewhere.exists()
    lock.touch()
    lock.chmod(0o666)
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert keep(form, "posts_total", typed("9")) == {"posts_total": ()}, "others can open it: it locks nothing"


def test_a_process_that_holds_the_folder_is_waited_for_and_then_named(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exchange.flows.assessment.held_folder.MOST_WAIT_S", 0.1)
    before = begun.read_bytes()
    form = AssessmentForm(begun)
    with alone_in(begun.parent), pytest.raises(Conflict, match="Another process has held"):
        keep(form, "posts_total", typed("6"))
    assert begun.read_bytes() == before
    assert keep(form, "posts_total", typed("6")) == {"posts_total": ()}
