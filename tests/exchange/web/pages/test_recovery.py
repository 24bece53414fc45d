"""The first page says how old the last backup and the last verified restore are, to those who look after the node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.clock import DAY_S, stamp_in
from exchange.flows.operate.backup import back_up
from exchange.flows.operate.drill.restore_drill import WantedDrill, run_restore_drill
from exchange.flows.operate.recovery.last_backup import LastBackup, note_backup
from schemas.vocabulary import Role
from tests.exchange.conftest import RunningNode
from tests.exchange.web.pages.conftest import Person

pytestmark = pytest.mark.slow


def section(person: Person) -> str:
    return person.get("/app/").text.partition('id="recovery"')[2].partition("</section>")[0]


def test_the_operator_sees_lights_and_the_next_step(
    node: RunningNode, signed_in: Callable[[Role], Person], tmp_path: Path
) -> None:
    home, operator = node.node.settings.home, signed_in(Role.OPERATOR)
    assert section(operator).count('class="dark"') == 2
    made = back_up(home, tmp_path / "backups")
    assert run_restore_drill(home, WantedDrill()).verified
    shown = section(operator)
    assert shown.count('class="on"') == 2
    assert made.folder.name in shown
    assert 'class="problem"' not in shown
    note_backup(home, LastBackup(stamp_in(-3 * DAY_S), 7, made.folder))
    (made.folder / "node.db").write_bytes(b"damaged")
    assert not run_restore_drill(home, WantedDrill()).verified
    shown = section(operator)
    assert shown.count('class="off"') == 2
    assert "systemctl start ffp-backup" in shown
    assert "node.db is not as it was backed up" in shown


@pytest.mark.parametrize("role", [Role.EXAMINER, Role.INVESTIGATOR])
def test_others_do_not(signed_in: Callable[[Role], Person], role: Role) -> None:
    assert section(signed_in(role)) == ""
