"""The tables of the coordination are explained in the documentation."""

from __future__ import annotations

from pathlib import Path

from tests.docs.test_reference import explained_tables, tables_of


def test_every_table_of_coordination_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert explained_tables(text, "### Tables of the coordination") == tables_of("exchange.coordination")
