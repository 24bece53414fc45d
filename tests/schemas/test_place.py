"""Names of places in the two scripts of the region."""

import pytest

from schemas.place import fold_place


@pytest.mark.parametrize(
    ("names", "folded"),
    [
        (("Чачак", "Čačak", "CACAK", "  čačak "), "cacak"),
        (("Đakovica", "Ђаковица"), "dakovica"),
        (("Нови Сад", "Novi  Sad", "Novi-Sad"), "novi sad"),
        (("Shëngjin", "Shengjin"), "shengjin"),
        (("Љубовија", "Ljubovija"), "ljubovija"),
        (("Iași", "Iasi"), "iasi"),
    ],
)
def test_however_it_is_written(names: tuple[str, ...], folded: str) -> None:
    assert {fold_place(name) for name in names} == {folded}


def test_what_is_no_letter_is_not_searched_by() -> None:
    assert fold_place("%_") == ""
