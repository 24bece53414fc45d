"""One review for two exhibits: a conclusion on any pair of their scans is on the exhibits, and stands on one pair.

A conclusion names two scans, as the contract has it. Of two records it is signed once: whoever concludes on other scans
of the same two records, while one stands, is told where. So the two exhibits have one blind verification, and one hit.
Conclusions that were signed on several of their scan pairs before stay, each with its verification.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from sqlalchemy.orm import Session

from exchange.errors import Conflict
from exchange.flows.hits.history import hits_of
from exchange.store.entry.exhibits import known_first_version
from exchange.store.log.statement_rows import statements_about_each
from exchange.store.tables.record_tables import StatementRow
from schemas import Conclusion, Pair, open_envelope, parse_statement

RecordPair: TypeAlias = frozenset[str]
"""Two records by their statements' ids."""


def both_records(pair: Pair) -> RecordPair:
    return frozenset({pair.a.record, pair.b.record})


def state_first_versions(session: Session, pair: object) -> None:
    """Add the first versions of both records to the pair of a draft. The pair is unchecked input."""
    for side in pair.values() if isinstance(pair, dict) else ():
        if isinstance(side, dict):
            record = str(side.get("record"))
            known = known_first_version(session, str(side.get("issuer")), record) if record.isalnum() else None
            side["first_version"] = known or record


def check_one_review(session: Session, said: Conclusion, may_see: Callable[[StatementRow], bool]) -> None:
    """That no conclusion of this node which the maker may see stands on other scans of the same two records alone. On
    scans that a hit joins one concludes nevertheless: what confirms the hit is of its pair. Raises Conflict, code
    "concluded-on-other-scans"."""
    first_versions = {said.pair.a.first_version, said.pair.b.first_version}
    others = [
        (row, first)
        for row, first in standing_conclusions(session, said.issuer, first_versions)
        if both_records(first.pair) == both_records(said.pair) and may_see(row)
    ]
    if others and all(first.pair != said.pair for _, first in others) and not hits_of(session, said.pair):
        row, first = others[0]
        raise Conflict(
            f"There is one review for two exhibits: the conclusion {row.statement_id} stands on the scans "
            f"{first.pair.a.scan} and {first.pair.b.scan} of these two. Conclude on those, or take that one back.",
            code="concluded-on-other-scans",
        )


def standing_conclusions(
    session: Session, issuer: str, first_versions: Collection[str]
) -> list[tuple[StatementRow, Conclusion]]:
    """The issuer's conclusions on these exhibits that were not taken back, the earliest first."""
    said = statements_about_each(session, first_versions, ["conclusion"])
    rows = [row for rows in said.values() for row in rows if row.issuer == issuer and row.envelope is not None]
    taken_back = statements_about_each(session, {row.statement_id for row in rows}, ["retraction"])
    found = []
    for row in sorted(rows, key=lambda row: row.log_index):
        retractions = [one for one in taken_back.get(row.statement_id, []) if one.issuer == issuer]
        statement = parse_statement(open_envelope(row.envelope or b"").payload)
        if isinstance(statement, Conclusion) and not retractions:
            found.append((row, statement))
    return found
