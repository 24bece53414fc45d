"""Causes before what follows from them; and the operators' page says the same as the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exchange.flows.operate.doctor.consequences import EXPLAINS, causes_and_consequences
from exchange.flows.operate.findings import CAUSES, Cause, Finding, Gravity, finding

PAGE = Path(__file__).parents[4] / "deploy" / "troubleshooting.md"
C = Cause


def found(*causes: Cause) -> list[Finding]:
    return [finding(cause, f"{cause}.", then="Mend it.", gravity=Gravity.FAULT) for cause in causes]


def split(*causes: Cause) -> tuple[list[Cause], list[Cause]]:
    told, follows = causes_and_consequences(found(*causes))
    return [item.cause for item in told], [item.cause for item in follows]


@pytest.mark.parametrize(
    ("causes", "told", "follows"),
    [
        ([C.DATABASE_UNUSABLE, C.DISK_FULL], [C.DISK_FULL], [C.DATABASE_UNUSABLE]),
        ([C.NODE_NOT_OPENED, C.DATABASE_UNUSABLE, C.DISK_READ_ONLY], [C.DISK_READ_ONLY], [C.DATABASE_UNUSABLE]),
        ([C.DATABASE_GONE, C.DISK_FULL], [C.DISK_FULL, C.DATABASE_GONE], []),
        ([C.DATABASE_GONE, C.KEY_MISSING, C.HALF_RESTORE], [C.HALF_RESTORE], [C.KEY_MISSING, C.DATABASE_GONE]),
        ([C.PEER_AWAY, C.CLOCK_OFF], [C.CLOCK_OFF], [C.PEER_AWAY]),
        ([C.PEER_AWAY, C.CLOCK_UNSET], [C.PEER_AWAY, C.CLOCK_UNSET], []),
        ([C.JOBS_WAIT, C.CLUSTER_AWAY], [C.CLUSTER_AWAY], [C.JOBS_WAIT]),
        ([C.JOBS_WAIT], [C.JOBS_WAIT], []),
    ],
)
def test_what_explains_what(causes: list[Cause], told: list[Cause], follows: list[Cause]) -> None:
    first, rest = split(*causes)
    assert first == told
    assert rest[: len(follows)] == follows
    assert sorted(first + rest) == sorted(causes), "nothing is left out"


def test_a_fault_goes_before_a_warning_that_stands_before_it() -> None:
    mild = finding(C.PASSPHRASE_MISSING, "Mild.", then="Mend it.")
    told, _ = causes_and_consequences([mild, *found(C.SCANS_GONE)])
    assert [item.cause for item in told] == [C.SCANS_GONE, C.PASSPHRASE_MISSING]


def test_nothing_explains_itself_on_a_way_round() -> None:
    """Else both would be consequences, and there would be no first line."""

    def follows(cause: Cause, before: tuple[Cause, ...]) -> None:
        assert cause not in before, before
        for one in EXPLAINS.get(cause, ()):
            follows(one, (*before, cause))

    for cause in Cause:
        follows(cause, ())


def test_the_page_has_each_cause_in_this_order() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [kind for kind, _, _ in rows] == [str(cause) for cause in Cause] == [*map(str, CAUSES)]
    assert all(what.strip() and then.strip() for _, what, then in rows)
