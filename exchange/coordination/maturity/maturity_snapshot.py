"""What each practice showed when a half-year had ended, as bytes that are signed: canonical JSON, aggregates alone.

Small counts are held back in it as in the report. Addresses, nodes and models that stand behind a practice stay home;
codes of jurisdictions go along. A snapshot names its levels and practices as they were called then, so that it is read
after they changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from exchange.coordination.approved_document import open_approved_file
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure
from exchange.coordination.maturity.practice_definitions import State
from exchange.coordination.maturity.practices_here import Maturity, reached
from exchange.errors import InvalidInput, StatementInvalid
from schemas import ContractError, HybridKey
from schemas.bundle import MAX_BUNDLE_BYTES
from schemas.strict_json import check_json
from schemas.vocabulary import Role

SNAPSHOT_FORMAT: Final = "ffp-maturity/1"
MAX_SNAPSHOT_BYTES: Final = 256 * 1024
_MAX_PARTNERS: Final = 64
_Word = Annotated[str, Field(min_length=1, max_length=80)]
_Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
_Stamp = Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9:.]{8,12}Z)?$")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class KeptPractice(_Form):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    title: Annotated[str, Field(max_length=200)]
    state: State = Field(strict=False)
    figure: Figure | None = None
    unit: Literal["count", "share"] | None = None
    at: _Stamp | None = None
    partners: Annotated[tuple[_Code, ...], Field(max_length=_MAX_PARTNERS, strict=False)] = ()


class KeptLevel(_Form):
    level: Annotated[int, Field(ge=1, le=20)]
    title: _Word
    practices: Annotated[tuple[KeptPractice, ...], Field(min_length=1, max_length=50, strict=False)]


def _half(value: object) -> Half:
    try:
        return Half.parse(str(value))
    except InvalidInput as error:
        raise ValueError(str(error)) from error


class Snapshot(_Form):
    """``at``: when the node looked at the practices."""

    format: Literal["ffp-maturity/1"]
    half: Annotated[Half, BeforeValidator(_half)]
    node_id: Annotated[str, Field(alias="node", pattern=r"^[a-z0-9-]{3,40}$")]
    jurisdiction: _Code
    at: Annotated[_Stamp, Field(alias="seen_at")]
    reached: Annotated[int, Field(ge=0, le=20)]
    levels: Annotated[tuple[KeptLevel, ...], Field(min_length=1, max_length=20, strict=False)]

    @property
    def practices(self) -> Mapping[str, KeptPractice]:
        return {practice.id: practice for level in self.levels for practice in level.practices}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if len(self.practices) != sum(len(level.practices) for level in self.levels):
            raise ValueError("a practice stands twice")
        states = ((level.level, [item.state for item in level.practices]) for level in self.levels)
        if self.reached != reached(states):
            raise ValueError("another level is named than the practices reach")
        return self


def write_snapshot(half: Half, found: Maturity) -> bytes:
    """The same maturity gives the same bytes."""
    fields = {
        "format": SNAPSHOT_FORMAT,
        "half": str(half),
        "node": found.node_id,
        "jurisdiction": found.jurisdiction,
        "seen_at": found.at,
        "reached": found.reached,
        "levels": [
            {
                "level": rung.number,
                "title": rung.title,
                "practices": [
                    {
                        "id": item.name,
                        "title": item.practice.title,
                        "state": item.proof.state,
                        "figure": None if item.proof.figure is None else item.proof.figure.as_json(),
                        "unit": None if item.proof.figure is None else item.proof.unit,
                        "at": item.proof.at,
                        "partners": item.proof.partners,
                    }
                    for item in rung.seen
                ],
            }
            for rung in found.rungs
        ],
    }
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def read_snapshot(data: bytes) -> Snapshot:
    """Read untrusted bytes; that they are signed is another question. Raises InvalidInput."""
    try:
        check_json(data, max_bytes=MAX_SNAPSHOT_BYTES)
        return Snapshot.model_validate(json.loads(data))
    except ContractError as error:
        raise InvalidInput(f"It is no snapshot of maturity: {error}") from error
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:120]
        raise InvalidInput(f"It is no snapshot of maturity that is read here: {place}: {first['msg']}.") from error


@dataclass(frozen=True)
class PracticePath:
    """``states``: by half-year; one in which the practice was not asked for, or that has no snapshot, is not in it.
    ``since``: from which half-year on it holds without a break in the snapshots, None where it does not hold now.
    ``fell_back``: it held in the snapshot before, and does not hold in the last one."""

    name: str
    title: str
    level: int
    states: Mapping[Half, State]
    since: Half | None
    fell_back: bool


@dataclass(frozen=True)
class MaturityPath:
    """``levels``: the level that was reached, by half-year, None for one without a snapshot between the first and the
    last. A path without a snapshot has neither."""

    levels: Mapping[Half, int | None]
    practices: tuple[PracticePath, ...]

    @property
    def halves(self) -> tuple[Half, ...]:
        return tuple(self.levels)

    @property
    def fell_back(self) -> tuple[PracticePath, ...]:
        return tuple(practice for practice in self.practices if practice.fell_back)


def path_of(snapshots: Sequence[Snapshot]) -> MaturityPath:
    """``snapshots``: of one node, one for each half-year, in any order."""
    ordered = sorted(snapshots, key=lambda item: item.half)
    if not ordered:
        return MaturityPath({}, ())
    known = {snapshot.half: snapshot for snapshot in ordered}
    halves, half = [ordered[0].half], ordered[0].half
    while half < ordered[-1].half:
        half = half.after()
        halves.append(half)
    levels = {half: known[half].reached if half in known else None for half in halves}
    return MaturityPath(levels, tuple(_practices(ordered)))


def _practices(ordered: Sequence[Snapshot]) -> list[PracticePath]:
    """Those of the last snapshot, as they are called there."""
    found = []
    for level in ordered[-1].levels:
        for practice in level.practices:
            states = {
                snapshot.half: snapshot.practices[practice.id].state
                for snapshot in ordered
                if practice.id in snapshot.practices
            }
            told = list(states.items())
            since = None
            for half, state in reversed(told):
                if state is not State.HOLDS:
                    break
                since = half
            held_before = len(told) > 1 and told[-2][1] is State.HOLDS
            fell_back = held_before and told[-1][1] is not State.HOLDS
            found.append(PracticePath(practice.id, practice.title, level.level, states, since, fell_back))
    return found


MAX_SIGNED_SNAPSHOT_BYTES: Final = 2 * (MAX_BUNDLE_BYTES + MAX_SNAPSHOT_BYTES)
KEPT_BY: Final = (Role.HEAD, Role.NODE)
"""Who may sign one: where nobody kept it in time, the node does so itself."""


@dataclass(frozen=True)
class VerifiedSnapshot:
    """``fingerprint``: of the identity that vouches for all of it; ``confirmed``: it is the one that the reader knows.
    ``kept_by``: the role of who signed, the head or the node itself; ``statement_key``: with which key."""

    snapshot: Snapshot
    sha256: str
    fingerprint: str
    confirmed: bool
    kept_by: Role
    statement_id: str
    statement_key: HybridKey


def verify_signed_snapshot(data: bytes, *, confirmed: str | None = None) -> VerifiedSnapshot:
    """Believe a snapshot, or raise the reason not to.

    1. The file is in its form, and the head or the node approved the document in it: ``open_approved_file``.
    2. The document is a snapshot, and names that node and that jurisdiction.

    ``confirmed``: the fingerprint of the node's identity as the reader knows it. Raises InvalidInput for what is no
    such file, and what ``open_approved_file`` raises.
    """
    # 1.
    try:
        found = open_approved_file(data, max_bytes=MAX_SIGNED_SNAPSHOT_BYTES, confirmed=confirmed, by=KEPT_BY)
    except ContractError as error:
        raise InvalidInput("It is no file of a signed snapshot of maturity.") from error

    # 2.
    snapshot, proven = read_snapshot(found.document), found.proven
    if (snapshot.node_id, snapshot.jurisdiction) != (proven.card.issuer, proven.card.jurisdiction):
        raise StatementInvalid("The snapshot names another node than the one that signed it.", code="wrong-issuer")
    return VerifiedSnapshot(
        snapshot,
        found.said.concerns,
        proven.fingerprint,
        confirmed is not None,
        found.said.made_by.role,
        proven.verified.statement_id,
        proven.key,
    )
