"""Exhibits as the monitoring counts them: each once, however many versions its record has."""

from __future__ import annotations

from exchange.coordination.half_year.half_year_rows import HalfYearRows


def roots_of(rows: HalfYearRows) -> dict[str, str]:
    """For each version of a record the first one that is known of it."""
    roots: dict[str, str] = {}
    for version in rows.versions:
        before = version.before
        roots[version.statement_id] = version.statement_id if before is None else roots.get(before, before)
    return roots


def first_versions(rows: HalfYearRows) -> dict[tuple[str, str], str]:
    """By issuer and exhibit, when its first version came to be known here."""
    roots, first = roots_of(rows), dict[tuple[str, str], str]()
    for version in rows.versions:
        first.setdefault((version.issuer, roots[version.statement_id]), version.at)
    return first


def compared_at(rows: HalfYearRows, *, across: bool = False) -> dict[str, str]:
    """By own exhibit, when a scan of it was first compared; ``across``: of those alone that have a pair across a
    border."""
    roots, found = roots_of(rows), dict[str, str]()
    for item in rows.compared:
        root = roots.get(item.record)
        if root is not None and item.correlated_at is not None and (item.cross_border or not across):
            found[root] = min(item.correlated_at, found.get(root, item.correlated_at))
    return found


def opened_at(rows: HalfYearRows) -> dict[str, str]:
    """By own exhibit, when a pair of it was first opened."""
    roots, found = roots_of(rows), dict[str, str]()
    for item in rows.compared:
        root = roots.get(item.record)
        if root is not None and item.opened_at is not None:
            found[root] = min(item.opened_at, found.get(root, item.opened_at))
    return found


def shared_with(rows: HalfYearRows) -> list[str | None]:
    """For each own exhibit that a partner was first given in the half-year, that partner's jurisdiction."""
    roots, first = roots_of(rows), dict[tuple[str | None, str], str]()
    for given in rows.given:
        key = rows.column(given.peer), roots.get(given.record, given.record)
        first[key] = min(given.at, first.get(key, given.at))
    return [column for (column, _), at in first.items() if rows.within(at)]
