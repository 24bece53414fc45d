"""One table says what there is to know of each kind of statement."""

from __future__ import annotations

from typing import get_args

import pytest

from exchange.flows.review.statements import SPOKEN, ReviewStatement
from schemas.kinds import KINDS, AnyStatement, Kind, MeantFor


def test_every_kind_stands_in_the_table_and_in_the_union() -> None:
    assert {kind.model for kind in KINDS.values()} == set(get_args(AnyStatement))


def test_whatever_people_say_is_checked() -> None:
    assert {kind.model for kind in SPOKEN.values()} == set(get_args(ReviewStatement))


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_named_fields_are_there(kind: Kind) -> None:
    by_field = kind.meant_for not in (None, MeantFor.ALL, MeantFor.POLICY, MeantFor.CONCERNED)
    named = [kind.about, kind.meant_for if by_field else None]
    assert {name.split(".")[0] for name in named if name is not None} <= kind.model.model_fields.keys()
