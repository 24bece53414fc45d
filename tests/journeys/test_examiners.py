"""The examiner's journey, and that of the colleague who verifies blind: in two languages, by keyboard alone and by
pointer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.laboratories import Laboratories, for_examiners
from tests.journeys.somebody import Somebody
from tests.journeys.stories import Bench, examiner

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]

BENCHES = {
    ("mk", "keyboard"): ("RS-2026-0510", ("5-1", "5-2"), "MK-2026-05"),
    ("mk", "pointer"): ("RS-2026-0610", ("6-1", "6-2"), "MK-2026-06"),
    ("sq", "keyboard"): ("RS-2026-0810", ("8-1", "8-2"), "MK-2026-08"),
    ("sq", "pointer"): ("RS-2026-1010", ("10-1", "10-2"), "MK-2026-10"),
}
"""For each its own firearm."""


@pytest.fixture(scope="module")
def labs(ffp_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratories]:
    with for_examiners(tmp_path_factory.mktemp("examiners"), ffp_data / "fadul") as made:
        yield made


@pytest.mark.parametrize(("language", "hand"), BENCHES, ids=map("-".join, BENCHES))
def test_an_examiner_registers_compares_and_concludes(
    sits_down: Callable[..., Somebody], labs: Laboratories, ffp_data: Path, language: str, hand: str
) -> None:
    case, scans, theirs = BENCHES[language, hand]
    bench = Bench(case, [ffp_data / "fadul" / f"Fadul {scan}.x3p" for scan in scans], theirs)
    examiner(sits_down(labs, language, hand), lambda: sits_down(labs, language, hand), bench)
