"""For whom a statement on a lane is meant: one pure function, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from operator import attrgetter
from typing import assert_never

from exchange.errors import StatementInvalid
from exchange.policy import LEVELS, LEVELS_GRANTED, Purpose, names
from schemas import AnyStatement, Record
from schemas.kinds import MeantFor, kind_of
from schemas.vocabulary import Jurisdiction

NOT_MEANT_FOR_US = "not-in-audience"


@dataclass(frozen=True)
class LaneReader:
    """Who reads a lane. ``groups`` are those of the statement's issuer; ``granted`` is true of a record for which the
    issuer gave this reader's jurisdiction a grant."""

    node_id: str
    jurisdiction: Jurisdiction
    groups: Mapping[str, Set[Jurisdiction]] = field(default_factory=dict)
    granted: bool = False


def check_meant_for(reader: LaneReader, statement: AnyStatement) -> None:
    """Raises StatementInvalid, code "not-in-audience": an honest owner's mistake, or somebody else's secret. Nothing of
    it is kept."""
    if not is_meant_for(reader, statement):
        raise StatementInvalid(
            f"The {statement.type} is not meant for this node; it was not kept.", code=NOT_MEANT_FOR_US
        )


def is_meant_for(reader: LaneReader, statement: AnyStatement) -> bool:
    """Whether this reader may have it, as far as the statement itself says for whom it is."""
    meant_for = kind_of(statement).meant_for
    match meant_for:
        case None:
            return False
        case MeantFor.ALL | MeantFor.CONCERNED:
            return True
        case MeantFor.POLICY:
            return isinstance(statement, Record) and _may_have(reader, statement)
    named = attrgetter(meant_for)(statement)
    match meant_for:
        case MeantFor.JURISDICTION:
            return bool(named == reader.jurisdiction)
        case MeantFor.HOLDER:
            return named in (None, reader.node_id)
        case MeantFor.OWNER | MeantFor.ADDRESSEE:
            return bool(named == reader.node_id)
        case MeantFor.SIDES:
            return reader.node_id in (named.a.issuer, named.b.issuer)
        case _:
            assert_never(meant_for)


def _may_have(reader: LaneReader, record: Record) -> bool:
    if reader.granted:
        return record.level in LEVELS_GRANTED[Purpose.CORRELATION]
    named = names(record, reader.jurisdiction, reader.groups)
    return named and record.level in LEVELS[Purpose.CORRELATION]
