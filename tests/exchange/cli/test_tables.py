"""One style of tables: aligned and coloured for a person, one row a line for another program."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from exchange.cli.tables import TableColumn, print_facts, print_json, print_table, tell
from schemas.vocabulary import Role

LONG = "ab" * 32
COLUMNS = [TableColumn("number", number=True), TableColumn("state"), TableColumn("statement")]
ROWS = [[7, "dead", LONG], [1234567, "waits", "[bold]x[/bold]\x1b[31m\t\n"]]
CODE = f"""
from exchange.cli.tables import TableColumn, print_facts, print_table
print_table([TableColumn("number", number=True), TableColumn("state"), TableColumn("statement")], {ROWS!r})
print_facts([("log", "1 statements"), ("alarm", "{LONG}")], title="Node ffp-rs [red]scan[/red]")
"""


def on_a_terminal(columns: int, **more: str) -> str:
    """What is written where stdout is a terminal of that many columns."""
    own, other = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40", **more}
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI", "FORCE_COLOR")}
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=other, env={**kept, **environment}) as process:
        os.close(other)
        written = bytearray()
        try:
            while piece := os.read(own, 4096):
                written += piece
        except OSError:  # so a terminal says that nobody writes any more
            pass
        assert process.wait() == 0
    os.close(own)
    return written.decode().replace("\r\n", "\n")


def test_another_program_gets_one_row_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, ROWS, title="Jobs")
    print_table(COLUMNS, [])
    print_facts([("log", 3), ("alarm", "a\tb\nc")])
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == f"7\tdead\t{LONG}"
    assert lines[1] == "1234567\twaits\t[bold]x[/bold] [31m  ", "nothing in it moves a cursor or adds a cell"
    assert lines[2:] == ["log\t3", "alarm\ta b c", ""]


@pytest.mark.slow
def test_a_person_gets_headings_numbers_on_the_right_and_whole_identifiers() -> None:
    told = on_a_terminal(60)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told)
    assert "NUMBER" in plain
    first, second = (next(line for line in plain.splitlines() if name in line) for name in ("dead", "waits"))
    assert first.index("7") == second.index("567") + 2, "numbers stand right"
    assert "1,234,567" in second
    assert "[bold]x[/bold]" in plain, "what others wrote is no markup"
    assert "Node ffp-rs [red]scan[/red]" in plain
    assert "…" not in plain
    for part in plain.split("Node ffp-rs"):
        assert "".join(re.findall(r"[ab]{6,}", part)) == LONG, "nothing is cut off"
    assert "\x1b[31mdead" in told, "red"


@pytest.mark.slow
def test_without_colours_where_none_are_wanted() -> None:
    assert "\x1b[31m" not in on_a_terminal(100, NO_COLOR="1")
    assert LONG in on_a_terminal(120, NO_COLOR="1")


@dataclass(frozen=True)
class _Told:
    at: date
    where: Path
    roles: frozenset[Role]


def test_json_of_what_flows_return(capsys: pytest.CaptureFixture[str]) -> None:
    tell(True, {"told": _Told(date(2026, 11, 29), Path("/x"), frozenset({Role.HEAD})), "note": b"a"}, "for a person")
    told = json.loads(capsys.readouterr().out)
    assert told == {"told": {"at": "2026-11-29", "where": "/x", "roles": ["head"]}, "note": "a"}
    tell(False, {}, "for a person", "and more")
    assert capsys.readouterr().out == "for a person\nand more\n"
    with pytest.raises(TypeError, match="object is not written as JSON"):
        print_json(object())
