"""Facts from outside stand once, with their source and whether somebody checked them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from exchange.coordination.outside_words import read_facts

LINE = {"id": "a", "text": "Words", "source": "A paper, article 1", "verified": False, "number": 3}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "facts_of_a_test").mkdir()
    (tmp_path / "facts_of_a_test" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "facts_of_a_test", raising=False)
    return "facts_of_a_test"


def written(tmp_path: Path, *lines: object) -> None:
    (tmp_path / "facts_of_a_test" / "facts.json").write_text(json.dumps(lines), encoding="utf-8")


def test_a_fact_brings_its_source_and_its_other_fields(package: str, tmp_path: Path) -> None:
    written(tmp_path, LINE)
    fact = read_facts(package, "facts.json")["a"]
    assert (fact.text, fact.source, fact.verified, fact.more) == ("Words", "A paper, article 1", False, {"number": 3})


def test_an_id_stands_once(package: str, tmp_path: Path) -> None:
    written(tmp_path, LINE, LINE)
    with pytest.raises(ValueError, match="twice"):
        read_facts(package, "facts.json")


def test_a_fact_without_source_is_refused(package: str, tmp_path: Path) -> None:
    written(tmp_path, {name: value for name, value in LINE.items() if name != "source"})
    with pytest.raises(KeyError, match="source"):
        read_facts(package, "facts.json")
