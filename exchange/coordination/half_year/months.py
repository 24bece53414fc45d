"""What happened in each month, exactly: for the node's own people. It is no part of what may be handed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from exchange.coordination.half_year.figures_of_exhibits import first_versions
from exchange.coordination.half_year.figures_of_hits import Joined
from exchange.coordination.half_year.half_year_rows import HalfYearRows

MONTHS = 12


@dataclass(frozen=True)
class Months:
    """``names``: the months, as YYYY-MM, the earliest first, the last one perhaps not over. ``counts``: of each
    indicator, how many in each month."""

    names: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]


def by_month(rows: HalfYearRows, joined: Sequence[Joined]) -> Months:
    """The year that ends with the half-year, or with the month that lasts; without months before the node began."""
    names = _months_to(rows.moment, rows.half.end, rows.began_at)
    first = first_versions(rows)
    dated: dict[str, Iterable[str | None]] = {
        "exhibits_entered": (at for (issuer, _), at in first.items() if issuer == rows.node_id),
        "exhibits_received": (at for (issuer, _), at in first.items() if rows.column(issuer) in rows.columns),
        "leads": (item.first_at for item in joined),
        "confirmed_hits": (item.confirmed_at for item in joined),
    }
    counted = {name: Counter(at[:7] for at in found if at and at < rows.moment) for name, found in dated.items()}
    return Months(names, {name: tuple(found[month] for month in names) for name, found in counted.items()})


def _months_to(moment: str, end: str, began_at: str | None) -> tuple[str, ...]:
    """``moment`` is exclusive where it is the end of a half-year, which begins a month."""
    last = int(moment[:4]) * 12 + int(moment[5:7]) - 1 - (moment == end)
    names = (f"{number // 12:04}-{number % 12 + 1:02}" for number in range(last - MONTHS + 1, last + 1))
    return tuple(name for name in names if began_at is not None and name >= began_at[:7])
