"""A supervisor and processes that behave badly: it goes by what they do, not by what they should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.served import eventually

pytestmark = pytest.mark.slow
PROGRAM = """
import os, signal, sys, time
from pathlib import Path
from exchange.cli.serving import supervisor
from exchange.cli.serving.service_manager import ServiceManager

supervisor.ENDED_S = 1.0
said, settings = Path(sys.argv[1]), Path(sys.argv[2])

def answers(link):
    how = settings.read_text()
    with said.open("a") as file:
        file.write(f"{how} {os.getpid()}\\n")
    if how == "leaves never":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if how == "dies":
        raise SystemExit(3)
    while True:
        if how != "is never ready":
            link.ready()
        link.alive()
        time.sleep(0.05)

supervisor.ProcessSupervisor([supervisor.ProcessTask("answers", answers)], ServiceManager()).run()
"""


class Supervised:
    """``how`` the next process is to behave; ``began``: how each behaves that began, and its number."""

    def __init__(self, folder: Path) -> None:
        self._said, self._settings = folder / "said", folder / "settings"
        self._said.touch()
        self.next("is good")
        command = [sys.executable, "-c", PROGRAM, self._said, self._settings]
        self.supervisor = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def next(self, how: str) -> None:
        self._settings.write_text(how)

    def reload(self, how: str) -> None:
        self.next(how)
        self.supervisor.send_signal(signal.SIGHUP)

    @property
    def began(self) -> list[tuple[str, int]]:
        lines = [line.rpartition(" ") for line in self._said.read_text().splitlines()]
        return [(how, int(number)) for how, _, number in lines]

    def runs(self, number: int) -> bool:
        return Path(f"/proc/{number}").exists()


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised(tmp_path)
    eventually(lambda: len(made.began) == 1)
    yield made
    made.supervisor.terminate()
    assert made.supervisor.wait(30) == 0
    assert not any(made.runs(number) for _, number in made.began)


def test_a_successor_that_is_never_ready_goes_at_the_next_reload(supervised: Supervised) -> None:
    supervised.reload("is never ready")
    eventually(lambda: len(supervised.began) == 2)
    supervised.reload("is good")
    eventually(lambda: len(supervised.began) == 3)
    (_, first), (_, stuck), (how, last) = supervised.began
    eventually(lambda: not supervised.runs(stuck) and not supervised.runs(first))
    assert (how, supervised.runs(last)) == ("is good", True)


def test_one_that_does_not_leave_is_killed(supervised: Supervised) -> None:
    supervised.reload("leaves never")
    eventually(lambda: len(supervised.began) == 2 and not supervised.runs(supervised.began[0][1]))
    supervised.reload("is good")
    eventually(lambda: len(supervised.began) == 3 and not supervised.runs(supervised.began[1][1]))
    assert supervised.runs(supervised.began[2][1])


def test_successors_that_die_leave_the_one_that_runs(supervised: Supervised) -> None:
    supervised.reload("dies")
    eventually(lambda: len(supervised.began) == 4)
    (_, first), *others = supervised.began
    eventually(lambda: not any(supervised.runs(number) for _, number in others))
    assert supervised.runs(first)
    supervised.reload("is good")
    eventually(lambda: len(supervised.began) == 5 and not supervised.runs(first))


def test_one_that_is_killed_is_begun_anew(supervised: Supervised) -> None:
    os.kill(supervised.began[0][1], signal.SIGKILL)
    eventually(lambda: len(supervised.began) == 2 and supervised.runs(supervised.began[1][1]))
