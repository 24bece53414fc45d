"""Names in drawings go on in a second line before they run into what they name."""

from __future__ import annotations

import pytest

from exchange.coordination.incidents.incident_charts import in_lines_of, words_wide
from exchange.coordination.incidents.incident_words import value_words
from exchange.coordination.incidents.platform_words import VALUE_TITLES
from exchange.web.languages import CODES, Spoken
from exchange.web.languages.spoken import speaking


def test_words_are_broken_between_words_alone() -> None:
    assert in_lines_of("", 10, 12) == [""]
    assert in_lines_of("Robbery", 1, 12) == ["Robbery"]
    lines = in_lines_of("Threat with a firearm at a border", 90, 12)
    assert " ".join(lines) == "Threat with a firearm at a border"
    assert len(lines) > 1
    assert all(words_wide(line, 12) <= 90 for line in lines)
    assert words_wide("www", 12) > words_wide("lll", 12)


@pytest.mark.parametrize("code", CODES)
def test_each_name_of_a_drawing_fits_its_room_in_each_language(code: str) -> None:
    with speaking(Spoken(code)):
        for name, room in (("offence", 178), ("weapon", 178), ("age", 178), ("sex", 98), ("outcome", 124)):
            for value in VALUE_TITLES[name]:
                lines = in_lines_of(value_words(name, value), room, 12)
                assert len(lines) <= 3, (name, value, lines)
                assert all(words_wide(line, 12) <= room for line in lines), (name, value, lines)
