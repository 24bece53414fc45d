"""``ffp report``: a draft says that it is one; what is written after the approval is what was signed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pty
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exchange.coordination.half_year.half_years import Half
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.store.access.user_rows import add_user
from schemas import open_envelope
from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.cli.conftest import Ffp, Said, refusal
from tests.exchange.flows.network import RS, Network

BY_HEAD = ("--as", "head-1", "--because", "To the coordinator, under the Roadmap.")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    made = Network(tmp_path)
    made.make(Jurisdiction.RS, Jurisdiction.XK)
    with made.nodes[RS].store.write() as session:
        add_user(session, "head-1", Role.HEAD)
        add_user(session, "examiner-1", Role.EXAMINER)
    made.share(RS, Jurisdiction.XK, count=3)
    yield made
    made.close()


@pytest.mark.slow
def test_a_half_year_from_draft_to_release(
    ffp: Ffp, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half, out = Half.of(datetime.now(UTC)), tmp_path / "report"
    asked = ("report", "--half", str(half), "--home", network.nodes[RS].settings.home)
    assert "is written 2026H1" in refusal(ffp("report", "--half", "2026H3", *asked[3:]))
    assert "is none of en" in refusal(ffp(*asked, "--language", "tlh"))
    assert "not over" in refusal(ffp(*asked, "--approve", "0" * 64, *BY_HEAD))
    ahead = datetime.fromisoformat(half.end) + timedelta(days=1) - datetime.now(UTC)
    monkeypatch.setattr("exchange.clock.now", lambda: datetime.now(UTC) + ahead)

    refused = refusal(ffp(*asked, "--out", out))
    assert "not approved for release" in refused
    assert f"ffp report --half {half} --approve SHA256 --as HEAD" in refused
    assert "two names of one option" in refusal(ffp(*asked, "--period", str(half.before())))
    assert "two names of one option" in refusal(ffp(*asked, "--half", str(half.before())))
    assert not out.exists()
    assert "a draft" in ffp(*asked, "--out", out, "--draft").out
    drafted = json.loads(out.read_bytes())
    assert drafted["draft"] is True
    assert "not approved" in refusal(ffp(*asked, "--out", out, "--draft", "--form", "approval"))
    digest = ffp(*asked).out.split()[-1].rstrip(".")
    assert "--because" in refusal(ffp(*asked, "--approve", digest))
    assert "for the role head" in refusal(ffp(*asked, "--approve", digest, "--as", "examiner-1", "--because", "I may."))
    assert "are others" in refusal(ffp(*asked, "--approve", "0" * 64, *BY_HEAD))
    said = ffp(*asked, "--approve", digest, *BY_HEAD)
    assert (said.code, f"The report of {half} is approved" in said.out) == (0, True)

    assert "as it was approved" in ffp(*asked, "--out", out).out
    public = hashlib.sha256(out.read_bytes()).hexdigest()
    released = json.loads(out.read_bytes())
    assert released == {name: value for name, value in drafted.items() if name != "draft"}
    assert ffp(*asked, "--out", out, "--form", "manifest").code == 0
    assert hashlib.sha256(out.read_bytes()).hexdigest() == digest
    assert json.loads(out.read_bytes())["public"] == public
    assert ffp(*asked, "--out", out, "--form", "approval").code == 0
    assert json.loads(open_envelope(out.read_bytes()).payload)["concerns"] == digest
    assert ffp(*asked, "--out", out, "--form", "csv", "--language", "sr-Latn").code == 0
    assert "Kosovo*" in out.read_text(encoding="utf-8-sig")
    assert ffp(*asked, "--out", out, "--form", "pdf", "--draft").code == 0, "what is approved is no draft any more"
    assert out.read_bytes().startswith(b"%PDF-")
    assert "approved by head-1" in ffp(*asked).out


@pytest.mark.slow
def test_a_wrong_digit_does_not_end_the_run_of_a_person(
    ffp: Ffp, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a terminal the digits are asked for three times at most; a pipe is read once."""
    half, out, keys = Half.of(datetime.now(UTC)), tmp_path / "rs.json", tmp_path / "keys"
    digits = (
        ffp("region", "key", "--name", "Coordination (made up)", "--out", keys).out.strip().splitlines()[-1].strip()
    )
    asked = ("report", "--half", str(half), "--home", network.nodes[RS].settings.home, *BY_HEAD, "--out", out)
    to = ("--to", keys / "recipient.json", "--purpose", "The regional meeting")
    wrong, question = "12345 " * 8, "The 40 digits that Coordination (made up) read out by telephone"

    def at_a_terminal(*lines: str) -> Said:
        own, other = pty.openpty()
        os.write(own, "".join(f"{line}\n" for line in lines).encode())
        with os.fdopen(other, "r") as typed:
            monkeypatch.setattr("sys.stdin", typed)
            said = ffp(*asked, *to)
        os.close(own)
        return said

    for lines, tries in (((wrong, digits), 2), ((wrong, wrong, digits), 3)):
        said = at_a_terminal(*lines)
        assert said.err.count(question) == tries
        assert "tries left: 2" in said.err
        assert f"The report of {half} is not approved for release" in said.err, "the digits were right"
    said = at_a_terminal(wrong, wrong, wrong, digits)
    assert said.err.count(question) == 3
    assert "is not approved for release" not in said.err
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{wrong}\n{digits}\n"))
    said = ffp(*asked, *to)
    assert said.err.count(question) == 1
    assert "not that of the recipient's file" in said.err
    given = ffp(*asked, *to, "--to-fingerprint", wrong)
    assert question not in given.err, "digits on the command line are not asked for"


@pytest.mark.slow
def test_approve_and_release_in_one_act(
    ffp: Ffp, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is approved is shown, and the recipient's digits are asked for before anything is signed."""
    half, out, keys = Half.of(datetime.now(UTC)), tmp_path / "rs.json", tmp_path / "keys"
    ahead = datetime.fromisoformat(half.end) + timedelta(days=1) - datetime.now(UTC)
    monkeypatch.setattr("exchange.clock.now", lambda: datetime.now(UTC) + ahead)
    monkeypatch.setattr("exchange.coordination.region_files.release_command.LOOK_FOR_HEAD_S", 0.01)
    made = ffp("region", "key", "--name", "Coordination (made up)", "--out", keys).out
    digits = made.strip().splitlines()[-1].strip()
    node = network.nodes[RS]
    asked = ("report", "--half", str(half), "--home", node.settings.home, "--approve", "shown", *BY_HEAD)
    to = ("--to", keys / "recipient.json", "--purpose", "The regional meeting", "--out", out)

    def typed(*lines: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    typed("12345 " * 8)
    assert "not that of the recipient's file" in ffp(*asked, *to).err
    typed(digits, "n")
    said = ffp(*asked, *to)
    assert said.code == 1
    assert "Exhibits entered" in said.out
    assert "not approved" in ffp(*asked[:5]).out, "neither signed anything"

    def run_the_node() -> None:
        while not out.exists() and not ended.wait(0.2):
            sign_head(node)

    ended = threading.Event()
    running = threading.Thread(target=run_the_node)
    running.start()
    typed(digits, "y")
    said = ffp(*asked, *to)
    ended.set()
    running.join()
    assert said.code == 0, said
    assert "is sealed for Coordination (made up)" in said.out
    file = json.loads(out.read_bytes())
    assert file["restricted"]["fingerprint"] == digits
    typed(digits)
    assert ffp(*asked, *to).code == 0, "it is approved already: once more the file alone"
