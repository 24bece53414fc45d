"""The first page says how old the last backup and the last verified restore are, to those who look after the node."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.clock import DAY_S, stamp_in
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery import LastBackup, note_backup
from schemas.vocabulary import Role
from tests.exchange.running_nodes import RunningNode
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow


def lights(person: Person) -> dict[str, tuple[str, str]]:
    """Of the backup and of the restore: how the light shines, and what is said."""
    found = re.findall(r'<li class="(\w+)" id="light-(backup|restore)">(.*?)</li>', person.get("/app/").text, re.DOTALL)
    return {of: (shines, said) for shines, of, said in found}


def test_the_operator_sees_lights_and_the_next_step(
    node: RunningNode, signed_in: Callable[[Role], Person], tmp_path: Path
) -> None:
    home, operator = node.node.settings.home, signed_in(Role.OPERATOR)
    assert [shines for shines, _ in lights(operator).values()] == ["dark", "dark"]
    made = back_up(home, tmp_path / "backups")
    assert run_restore_drill(home, WantedDrill()).verified
    shown = lights(operator)
    assert [shines for shines, _ in shown.values()] == ["on", "on"]
    assert made.folder.name in shown["restore"][1]
    assert 'class="step"' not in shown["restore"][1]
    note_backup(home, LastBackup(stamp_in(-3 * DAY_S), 7, made.folder))
    (made.folder / "node.db").write_bytes(b"damaged")
    assert not run_restore_drill(home, WantedDrill()).verified
    shown = lights(operator)
    assert [shines for shines, _ in shown.values()] == ["off", "off"]
    assert "systemctl start ffp-backup" in shown["backup"][1]
    assert "node.db is not as it was backed up" in shown["restore"][1]


@pytest.mark.parametrize("role", [Role.EXAMINER, Role.INVESTIGATOR])
def test_others_do_not(signed_in: Callable[[Role], Person], role: Role) -> None:
    assert lights(signed_in(role)) == {}
