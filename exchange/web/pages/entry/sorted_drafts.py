"""The drafts of one person, sorted: there are no more than ``MAX_DRAFTS`` of them, and all are on one page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Protocol, TypeAlias, TypeVar

from exchange.list_order import ListOrder


class _Saved(Protocol):
    @property
    def saved_at(self) -> str: ...


_Row = TypeVar("_Row", bound=_Saved)


class DraftColumn(StrEnum):
    SAVED = "saved"
    CASE = "case"
    EXHIBIT = "exhibit"
    CALIBRE = "calibre"


DraftOrder: TypeAlias = ListOrder[DraftColumn]
SAVED_LAST_FIRST: Final = DraftOrder(DraftColumn.SAVED, descending=True)
_FIELDS: Final = {
    DraftColumn.CASE: "case_reference",
    DraftColumn.EXHIBIT: "exhibit.kind",
    DraftColumn.CALIBRE: "exhibit.calibre",
}


def sorted_drafts(
    drafts: Iterable[tuple[_Row, Mapping[str, str]]], order: DraftOrder
) -> list[tuple[_Row, Mapping[str, str]]]:
    def value(draft: tuple[_Row, Mapping[str, str]]) -> tuple[str, str]:
        row, fields = draft
        return fields.get(_FIELDS.get(order.column, ""), ""), row.saved_at

    return sorted(drafts, key=value, reverse=order.descending)
