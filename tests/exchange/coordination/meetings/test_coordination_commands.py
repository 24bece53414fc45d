"""``ffp onboard``, ``ffp action`` and ``ffp meeting`` as a head or an operator types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from exchange.clock import stamp
from exchange.coordination.exercises.exercise_counts import write_counts
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.store.access.user_rows import add_user
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, refusal
from tests.exchange.coordination.meetings.pack.made_up_counts import PAIRS, made_up_counts
from tests.exchange.flows.network import RS, Network

pytestmark = pytest.mark.slow

BY_HEAD, BY_OPERATOR, BY_EXAMINER = (("--as", f"{role}-1") for role in ("head", "operator", "examiner"))
AGREED = ("--owner", "xk", "--role", "legal_officer", "--due", "2027-03-31", "--met-on", "2026-11-24")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, Jurisdiction.MK)
    with made.nodes[RS].store.write() as session:
        for role in (Role.HEAD, Role.OPERATOR, Role.EXAMINER):
            add_user(session, f"{role}-1", role)
    yield made
    made.close()


@pytest.fixture
def home(network: Network) -> tuple[str, Path]:
    return "--home", network.nodes[RS].settings.home


def test_an_action_from_the_meeting_until_it_is_done(ffp: Ffp, home: tuple[str, Path]) -> None:
    added = ffp("action", "add", "Name the articles.", *AGREED, *BY_HEAD, "--json", *home)
    assert json.loads(added.out)["number"] == "A-2026-1"
    assert "is for the role head" in refusal(ffp("action", "add", "Another.", *AGREED, *BY_EXAMINER, *home))
    assert "is none of" in refusal(ffp("action", "add", "Another.", *AGREED, "--role", "boss", *BY_HEAD, *home))
    assert "is no day" in refusal(ffp("action", "add", "Another.", *AGREED, "--due", "soon", *BY_HEAD, *home))
    listed = ffp("action", "list", *home)
    assert "Kosovo*" in listed.out
    assert "resolution 1244" in listed.err
    assert ffp("action", "open", "A-2026-1", "--due", "2027-06-30", *BY_HEAD, *home).code == 0
    assert "2027-06-30" in ffp("action", "list", *home).out
    done = ffp("action", "done", "A-2026-1", "--because", "Marko Marković named them.", *BY_HEAD, *home)
    assert (done.code, "it may hold name of a person" in done.err) == (0, True)
    assert ffp("action", "list", *home).out == ""
    [told] = json.loads(ffp("action", "list", "--half", "2026H2", "--json", *home).out)
    assert told["number"] == "A-2026-1"
    [told] = json.loads(ffp("action", "list", "--all", "--json", *home).out)
    assert (told["state"], told["own"], told["overdue"]) == ("done", True, False)
    assert "its head alone" in refusal(ffp("action", "drop", "A-2026-9", "--because", "No.", *BY_HEAD, *home))


def test_a_meeting_entered_changed_and_written_for_the_pack(
    ffp: Ffp, network: Network, home: tuple[str, Path], tmp_path: Path
) -> None:
    meeting = ("local", "--on", "2026-11-10", "--title", "Local meeting")
    who = ("--attended", "police:investigator:women=3", "--attended", "laboratory:examiner:men=2")
    assert json.loads(ffp("meeting", "add", *meeting, *who, *BY_HEAD, "--json", *home).out) == {
        "meeting": 1,
        "people": 5,
    }
    for count in ("many", "", "-1", "0", "5001", "1.5", "9" * 40):
        said = refusal(ffp("meeting", "add", *meeting, "--attended", f"police:head:men={count}", *BY_HEAD, *home))
        assert "police:head:men: the count is a whole number from 1 to 5000, not" in said, count
    twice = ("--attended", "police:head:men=1") * 2
    assert "sex: police:head:men. Add" in refusal(ffp("meeting", "add", *meeting, *twice, *BY_HEAD, *home))
    for wrong in ("police:investigator:women", "police:women=3"):
        assert "is not INSTITUTION" in refusal(ffp("meeting", "add", *meeting, "--attended", wrong, *BY_HEAD, *home))
    assert "is none of" in refusal(ffp("meeting", "add", *meeting, "--attended", "a:b:c=1", *BY_HEAD, *home))
    assert "is for the role head" in refusal(ffp("meeting", "add", *meeting, *who, *BY_OPERATOR, *home))
    assert ffp("meeting", "change", "1", *meeting, "--attended", who[1], *BY_HEAD, *home).code == 0
    [kept] = json.loads(ffp("meeting", "list", "--half", "2026H2", "--json", *home).out)
    assert [line["count"] for line in kept["attended"]] == [3]
    out = tmp_path / "pack.json"
    assert ffp("meeting", "export", "--half", "2026H2", "--out", out, *home).code == 0
    assert json.loads(out.read_text())["held"]["local"]["people"] == 3
    folder = tmp_path / "pack"
    asked = ("meeting", "pack", "--half", "2026H2", "--out", folder)
    drafted = ffp(*asked, "--language", "mk", *home)
    assert drafted.code == 0, drafted.err
    assert (folder / "pack-ffp-rs-2026H2-mk.pdf").read_bytes().startswith(b"%PDF-")
    assert (folder / "inputs-ffp-rs-2026H2-draft.json").exists()
    sha256 = json.loads(ffp(*asked, "--no-pdf", "--json", *home).out)["sha256"]
    assert f"ffp meeting approve {sha256}" in drafted.out
    why = ("--because", "To the coordinator.")
    approve = ("meeting", "approve", sha256, "--half", "2026H2", *why)
    assert "is for the role head" in refusal(ffp(*approve, *BY_OPERATOR, *home))
    assert "others by now" in refusal(ffp("meeting", "approve", "0" * 64, "--half", "2026H2", *why, *BY_HEAD, *home))
    assert ffp(*approve, *BY_HEAD, *home).code == 0
    assert "is not signed yet" in refusal(ffp(*asked, "--no-pdf", *home))
    sign_head(network.nodes[RS])
    assert json.loads(ffp(*asked, "--no-pdf", "--json", *home).out)["approved"]
    assert json.loads((folder / "inputs-ffp-rs-2026H2.json").read_text())["format"] == "ffp-approved-document/1"
    assert "none of" in refusal(ffp(*asked, "--language", "xx", *home))
    _with_exercises(ffp, asked, home, folder, tmp_path / "counts.json")
    assert ffp("meeting", "remove", "1", *BY_HEAD, *home).code == 0
    assert not json.loads(ffp(*asked, "--no-pdf", "--json", *home).out)["approved"], "the rows are others now"
    assert "taken back" in ffp("meeting", "list", "--half", "2026H2", *home).out
    assert ffp("meeting", "remove", "1", "--undo", *BY_HEAD, *home).code == 0
    assert "No meeting" in ffp("meeting", "list", "--half", "2026H1", *home).err


def _with_exercises(ffp: Ffp, asked: tuple[object, ...], home: tuple[str, Path], folder: Path, counts: Path) -> None:
    assert not list(folder.glob("*exercises*"))
    counts.write_bytes(write_counts(made_up_counts(PAIRS)))
    made = ffp(*asked, "--no-pdf", "--exercises", counts, *home)
    assert made.code == 0, made.err
    told = (folder / "pack-ffp-rs-2026H2-en-exercises-people.csv").read_text(encoding="utf-8-sig")
    assert f"Kosovo*,{PAIRS.set_id}" in told
    counts.write_bytes(write_counts(made_up_counts(PAIRS, half="2026H1")))
    said = refusal(ffp(*asked, "--exercises", counts, *home))
    assert "counts.json has the exercises of 2026H1, and 2026H2 is asked for." in said


def test_the_way_in_of_the_own_jurisdiction(ffp: Ffp, home: tuple[str, Path], tmp_path: Path) -> None:
    shown = ffp("onboard", "RS", *home)
    assert shown.code == 0
    assert "Serbia: 0 of 7 steps" in shown.out
    assert "Next: Legal basis." in shown.out
    assert "Nobody has signed this list here" in shown.out
    assert "say who does with --as" in refusal(ffp("onboard", "RS", "--done", "ceremony", *home))
    assert "head or operator" in refusal(ffp("onboard", "RS", "--done", "ceremony", *BY_EXAMINER, *home))
    assert "one thing at a time" in refusal(
        ffp("onboard", "RS", "--done", "ceremony", "--open", "node", *BY_HEAD, *home)
    )
    assert ffp("onboard", "RS", "--done", "ceremony", *BY_OPERATOR, *home).code == 0
    found = tmp_path / "found.json"
    checks = [{"name": f"check-{place}", "verdict": "kept"} for place in range(24)]
    found.write_text(json.dumps({"url": "http://rs.test", "at": stamp(), "kept": True, "checks": checks}))
    done = ("onboard", "RS", "--done", "conformance", "--evidence", found, *BY_HEAD)
    assert ffp(*done, *home).code == 0
    found.write_text(found.read_text().replace("rs.test", "mk.test"))
    assert "the node is at http://rs.test" in refusal(ffp(*done, *home))
    told = json.loads(ffp("onboard", "RS", "--json", *home).out)
    states = {step["step"]: step["state"] for step in told["steps"]}
    assert (states["ceremony"], states["conformance"], states["node"]) == ("done", "done", "open")
    node = next(step for step in told["steps"] if step["step"] == "node")
    assert node["why"] == "no_tls" or node["why"] == "faults"


def test_a_jurisdiction_without_a_node_kept_in_a_file_and_signed_at_another(
    ffp: Ffp, home: tuple[str, Path], tmp_path: Path
) -> None:
    file = tmp_path / "xk.json"
    agreement = tmp_path / "agreement.pdf"
    agreement.write_bytes(b"%PDF-1.7 synthetic")
    kept = ("onboard", "XK", "--file", file)
    said = ffp(*kept, "--done", "legal-basis", "--evidence", agreement, "--because", "Agreement of March")
    assert "Kosovo*: 1 of 7 steps" in said.out
    assert "resolution 1244" in said.out
    assert "signed by nobody" in ffp(*kept, "--not-possible", "node", "--because", "No machine yet.").out
    assert "signed by nobody" in refusal(ffp(*kept, "--sign", *BY_HEAD))
    assert ffp("onboard", "XK", "--from", file, *BY_HEAD, *home).code == 0
    told = json.loads(ffp("onboard", "XK", "--json", *home).out)
    states = {step["step"]: step["state"] for step in told["steps"]}
    assert (states["legal_basis"], states["node"], states["ceremony"]) == ("done", "not_possible", "open")
    assert told["differs"] is False


def test_what_is_read_of_another_jurisdiction_names_the_node_that_looked(ffp: Ffp, home: tuple[str, Path]) -> None:
    other, own = ffp("onboard", "MD", *home).out, ffp("onboard", "RS", *home).out
    assert "At ffp-rs no trust root is installed." in other
    assert "this node" not in other.replace("As this node", "")
    assert "No trust root is installed at this node." in own
