"""The incident annex of a half-year as documents: the exact edition for named recipients, and the public one. The
same counts give the same bytes.

The exact edition holds a salt. The counts that the public edition holds back are few and small: whoever had the digest
of an exact edition without a salt would try them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.coordination.incidents.incident_vocabulary import (
    DIMENSIONS,
    IncidentCell,
    IncidentCounts,
    PersonCell,
)
from exchange.coordination.incidents.platform_words import (
    ANNEX_DEFINITIONS,
    DIMENSION_TITLES,
    TABLE_TITLES,
    TOTAL_TITLES,
    VALUE_TITLES,
    all_verified,
    sources,
)
from exchange.coordination.incidents.told_incidents import (
    TABLES,
    TOTALS,
    ToldTable,
    cell_places,
    told_tables,
    told_totals,
)
from exchange.errors import InvalidInput
from exchange.jurisdictions.directory import Directory
from schemas.errors import ContractError
from schemas.strict_json import check_json

ANNEX_FORMAT: Final = "ffp-incident-annex/1"
EXACT, PUBLIC = "exact", "public"
MAX_ANNEX_BYTES: Final = 16 * 1024 * 1024
"""All 32,000 cells of persons with a count would make some 5 MB."""

_MOST: Final = 10**9
"""A total, or a cell of it."""
_SMALLEST: Final = range(3, 51)
"""From how many on a count may be told, as a node's settings allow it."""
_OF_TOTALS: Final = frozenset({Told.EXACT, Told.BETWEEN})
_OF_CELLS: Final = _OF_TOTALS | {Told.HELD_BACK}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class AnnexHead:
    """Whose annex it is, of which half-year, and from how many on a count is told."""

    half: Half
    node_id: str
    jurisdiction: str
    smallest: int


@dataclass(frozen=True)
class ExactAnnex:
    head: AnnexHead
    salt: str
    counts: IncidentCounts


@dataclass(frozen=True)
class EarlierTotals:
    """The totals of an earlier half-year as they were approved. ``sha256``: of its public edition."""

    half: str
    sha256: str
    totals: Mapping[str, Figure]


@dataclass(frozen=True)
class ToldAnnex:
    """The public edition. ``earlier``: the first of it is the baseline."""

    head: AnnexHead
    totals: Mapping[str, Figure]
    tables: Mapping[str, ToldTable]
    earlier: tuple[EarlierTotals, ...] = ()


def told_edition(annex: ExactAnnex, earlier: Sequence[EarlierTotals] = ()) -> ToldAnnex:
    """What may be told of exact counts."""
    smallest = annex.head.smallest
    return ToldAnnex(
        annex.head, told_totals(annex.counts, smallest), told_tables(annex.counts, smallest), tuple(earlier)
    )


def write_exact(annex: ExactAnnex, known: Directory) -> bytes:
    persons = [{**_named(cell), "count": count} for cell, count in sorted(annex.counts.persons.items()) if count]
    incidents = [{**_named(cell), "count": count} for cell, count in sorted(annex.counts.incidents.items()) if count]
    return _written(
        {
            **_head_json(annex.head, EXACT, known),
            "salt": annex.salt,
            "incidents": {"total": annex.counts.incident_total, "cells": incidents},
            "persons": {"total": annex.counts.person_total, "cells": persons},
            **_tail_json(known),
        }
    )


def read_exact(data: bytes) -> ExactAnnex:
    """An exact edition, by whomever it was written. Raises InvalidInput."""
    fields = _parsed(data, EXACT)
    try:
        head, salt = _read_head(fields), fields["salt"]
        incidents = {
            IncidentCell(*_values(item, IncidentCell._fields)): _whole(item["count"])
            for item in fields["incidents"]["cells"]
        }
        persons = {
            PersonCell(*_values(item, PersonCell._fields)): _whole(item["count"]) for item in fields["persons"]["cells"]
        }
        counts = IncidentCounts(persons, incidents)
        stated = (fields["incidents"]["total"], fields["persons"]["total"])
    except (LookupError, TypeError, ValueError, InvalidInput):
        head = None
    if head is None or not isinstance(salt, str) or stated != (counts.incident_total, counts.person_total):
        raise _no_annex()
    return ExactAnnex(head, salt, counts)


def write_told(annex: ToldAnnex, known: Directory, *, draft: bool = False) -> bytes:
    """A ``draft`` says so, and so has another digest than what is approved."""
    return _written(
        {
            **_head_json(annex.head, PUBLIC, known),
            **({"draft": True} if draft else {}),
            "totals": [
                {"id": name, "title": TOTAL_TITLES[name], **figure.as_json()} for name, figure in annex.totals.items()
            ],
            "tables": tables_json(annex.tables),
            "earlier": [
                {
                    "half": item.half,
                    "sha256": item.sha256,
                    "totals": {name: figure.as_json() for name, figure in item.totals.items()},
                }
                for item in annex.earlier
            ],
            **_tail_json(known),
        }
    )


def tables_json(tables: Mapping[str, ToldTable]) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "title": TABLE_TITLES[name],
            "of": table.kind.of,
            "properties": list(table.kind.properties),
            "cells": [{"at": list(place), **figure.as_json()} for place, figure in table.cells.items()],
        }
        for name, table in tables.items()
    ]


def read_told(data: bytes) -> ToldAnnex:
    """A public edition, by whomever it was written. Raises InvalidInput."""
    fields = _parsed(data, PUBLIC)
    try:
        head = _read_head(fields)
        totals = {name: _figure(_by_id(fields["totals"], name), _OF_TOTALS) for name in TOTALS}
        tables = {}
        for name, kind in TABLES.items():
            cells = {tuple(item["at"]): _figure(item, _OF_CELLS) for item in _by_id(fields["tables"], name)["cells"]}
            tables[name] = ToldTable(kind, {place: cells[place] for place in cell_places(kind)})
            _check_sum(tables[name], totals[kind.of])
        earlier = tuple(
            EarlierTotals(
                str(Half.parse(item["half"])),
                _digest(item["sha256"]),
                {name: _figure(item["totals"][name], _OF_TOTALS) for name in TOTALS},
            )
            for item in fields["earlier"]
        )
    except (LookupError, TypeError, ValueError, InvalidInput):
        head = None
    if head is None:
        raise _no_annex()
    return ToldAnnex(head, totals, tables, earlier)


def _head_json(head: AnnexHead, edition: str, known: Directory) -> dict[str, Any]:
    return {
        "format": ANNEX_FORMAT,
        "edition": edition,
        "half": str(head.half),
        "from": head.half.start,
        "to": head.half.end,
        "node": head.node_id,
        "jurisdiction": {"code": head.jurisdiction, "name": known.name(head.jurisdiction)},
        "smallest_count_told": head.smallest,
    }


def _tail_json(known: Directory) -> dict[str, Any]:
    return {**words_json(), "note": " ".join(known.footnotes(known))}


def words_json() -> dict[str, Any]:
    """What the words of the counts mean, and where they come from."""
    return {
        "definitions": list(ANNEX_DEFINITIONS),
        "words": {
            "titles": {
                name: {"title": DIMENSION_TITLES[name], "values": dict(VALUE_TITLES[name])} for name in DIMENSIONS
            },
            "sources": sources(),
            "verified": all_verified(),
        },
    }


def _written(fields: Mapping[str, Any]) -> bytes:
    return (json.dumps(fields, ensure_ascii=False, indent=1) + "\n").encode()


def _parsed(data: bytes, edition: str) -> dict[str, Any]:
    """Raises InvalidInput."""
    try:
        check_json(data, max_bytes=MAX_ANNEX_BYTES)
        fields = json.loads(data)
    except ContractError:
        fields = None
    if not isinstance(fields, dict) or (fields.get("format"), fields.get("edition")) != (ANNEX_FORMAT, edition):
        raise _no_annex()
    return fields


def _read_head(fields: Mapping[str, Any]) -> AnnexHead:
    return AnnexHead(
        Half.parse(fields["half"]),
        str(fields["node"]),
        str(fields["jurisdiction"]["code"]),
        _smallest(fields["smallest_count_told"]),
    )


def _by_id(items: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(iter([item for item in items if item["id"] == name]), {})


def _figure(item: Mapping[str, Any], may_be: Container[Told]) -> Figure:
    """Raises ValueError for what no count of an annex is told as: what is no number there would end up in a sum, and
    one side's silence would silence the region's total."""
    figure = Figure.of_json({name: item[name] for name in ("told", "value", "low", "high") if name in item})
    if figure.told not in may_be:
        raise ValueError("no count is told so")
    if figure.told is not Told.HELD_BACK:
        _whole(figure.low)
        _whole(figure.high)
    return figure


def _check_sum(table: ToldTable, total: Figure) -> None:
    """Raises ValueError where the cells cannot add up to what is told of their total."""
    cells = list(table.cells.values())
    least = sum(figure.low or 0 for figure in cells)
    most = sum(figure.high or 0 for figure in cells)
    is_whole = all(figure.told is not Told.HELD_BACK for figure in cells)
    if least > (total.high or 0) or (is_whole and most < (total.low or 0)):
        raise ValueError("the cells do not add up to the total")


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError("no digest")
    return value


def _named(cell: PersonCell | IncidentCell) -> dict[str, str]:
    return {name: str(value) for name, value in cell._asdict().items()}


def _values(item: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    return [DIMENSIONS[name](item[name]) for name in names]


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise ValueError("no count")
    return value


def _smallest(value: Any) -> int:
    if _whole(value) not in _SMALLEST:
        raise ValueError("no bound of small counts")
    return int(value)


def _no_annex() -> InvalidInput:
    return InvalidInput(f"This is no incident annex of the form {ANNEX_FORMAT}.", code="no-annex")
