"""What a list shows before it folds, on both sets dealt to three nodes: every true pair, and 95 of 100 are true."""

from __future__ import annotations

from pathlib import Path

import pytest

from matcher.evaluate.conditions import Conditions
from tests.accuracy.standing_out import Shown, dealt, scored, without_true_pairs

pytestmark = [pytest.mark.data, pytest.mark.slow]


def told(name: str, shown: Shown) -> None:
    print(
        f"{name}: {shown.found} of {shown.true} true pairs shown ({100 * shown.share_found:.1f} %); "
        f"{shown.found} of {shown.shown} shown are true ({100 * shown.share_true:.1f} %); "
        f"{shown.shown} shown of {shown.all_pairs}, {shown.misled} of {shown.lists} lists show a false one"
    )


@pytest.mark.parametrize("data_set", ["fadul", "weller"])
def test_every_true_pair_and_95_of_100_are_true(ffp_data: Path, data_set: str) -> None:
    firearms, pairs = scored(ffp_data / data_set)
    three = dealt(firearms, pairs)
    told(data_set, three)
    for few in (4, 6, 10):
        told(f"{data_set}, lists of {few}", dealt(firearms, pairs, references=few))
    alone = without_true_pairs(firearms, pairs)
    print(f"{data_set}, lists without a true pair: {100 * alone:.1f} % show one")
    assert three.share_found == 1.0
    assert three.share_true >= 0.95
    assert alone <= 0.05


@pytest.mark.parametrize("data_set", ["fadul", "weller"])
@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        pytest.param(Conditions(rotate=1, crop=0.5, against="full"), 0.95, id="half with whole"),
        pytest.param(Conditions(rotate=1, noise=1.0), 0.95, id="white noise"),
    ],
)
def test_parts_and_noise_cost_few_true_pairs(
    ffp_data: Path, data_set: str, conditions: Conditions, found: float
) -> None:
    shown = dealt(*scored(ffp_data / data_set, conditions), ordered=conditions.against is not None)
    told(f"{data_set}, {conditions}", shown)
    assert shown.share_true >= 0.95
    assert shown.share_found >= found
