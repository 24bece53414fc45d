"""For whom a statement on a lane is meant: one pure function, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import assert_never

from exchange.errors import StatementInvalid
from exchange.policy import LEVELS, LEVELS_GRANTED, Purpose, names
from schemas import (
    Acknowledgement,
    Answer,
    AnyStatement,
    Approval,
    AuditBatch,
    Conclusion,
    Disclosure,
    Feedback,
    Grant,
    Hit,
    Hold,
    KeyEvent,
    Message,
    PhysicalComparison,
    Policy,
    Query,
    Receipt,
    Record,
    ReleaseRequest,
    Retraction,
    Verification,
    Withdrawal,
)
from schemas.vocabulary import Jurisdiction

NOT_MEANT_FOR_US = "not-in-audience"


@dataclass(frozen=True)
class Reader:
    """Who reads a lane. ``groups`` are those of the statement's issuer; ``granted`` is true of a record for which the
    issuer gave this reader's jurisdiction a grant."""

    node_id: str
    jurisdiction: Jurisdiction
    groups: Mapping[str, Set[Jurisdiction]] = field(default_factory=dict)
    granted: bool = False


def check_meant_for(reader: Reader, statement: AnyStatement) -> None:
    """Raises StatementInvalid, code "not-in-audience": an honest owner's mistake, or somebody else's secret. Nothing of
    it is kept."""
    if not is_meant_for(reader, statement):
        raise StatementInvalid(
            f"The {statement.type} is not meant for this node; it was not kept.", code=NOT_MEANT_FOR_US
        )


def is_meant_for(reader: Reader, statement: AnyStatement) -> bool:
    """Whether this reader may have it, as far as the statement itself says for whom it is."""
    match statement:
        case Record():
            if reader.granted:
                return statement.level in LEVELS_GRANTED[Purpose.CORRELATION]
            named = names(statement, reader.jurisdiction, reader.groups)
            return named and statement.level in LEVELS[Purpose.CORRELATION]
        case Grant() | Approval():
            return statement.jurisdiction == reader.jurisdiction
        case Withdrawal():
            return statement.holder in (None, reader.node_id)
        case Acknowledgement() | Receipt():
            return statement.owner == reader.node_id
        case Hit() | Conclusion() | Verification():
            return reader.node_id in (statement.pair.a.issuer, statement.pair.b.issuer)
        case Message() | Answer() | Disclosure() | ReleaseRequest():
            return statement.to == reader.node_id
        case Policy() | KeyEvent():
            return True
        case PhysicalComparison() | Feedback() | Retraction():
            return True  # for whoever had what it speaks of, which it does not say itself
        case Query() | Hold() | AuditBatch():
            return False  # no lane carries it
        case _:
            assert_never(statement)
