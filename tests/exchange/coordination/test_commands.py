"""Commands of the coordination have the options that all commands have."""

from __future__ import annotations

from tests.exchange.cli.test_command_line import COMMANDS, EXTENDED, assert_json

WITHOUT_JSON = {
    "training": "runs until it is stopped",
    "incidents template": "writes a table to fill in",
    "region desk": "runs until it is stopped",
}


def test_every_command_of_coordination_that_prints_something_has_json() -> None:
    assert_json(
        {name: command for name, command in COMMANDS.items() if name.split()[0] in EXTENDED}, WITHOUT_JSON.keys()
    )
