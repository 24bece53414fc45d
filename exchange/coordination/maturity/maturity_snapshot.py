"""What each practice showed when a half-year had ended, as bytes that are signed: canonical JSON, aggregates alone.

Small counts are held back in it as in the report. Addresses, nodes and models that stand behind a practice stay home;
codes of jurisdictions go along. A snapshot names its levels and practices as they were called then, so that it is read
after they changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from exchange.coordination.half_year.half_years import Half
from exchange.coordination.half_year.small_counts import Figure, Told
from exchange.coordination.maturity.practice_definitions import State
from exchange.coordination.maturity.practices_here import Maturity
from exchange.errors import InvalidInput
from schemas import ContractError
from schemas.strict_json import check_json

SNAPSHOT_FORMAT: Final = "ffp-maturity/1"
MAX_SNAPSHOT_BYTES: Final = 256 * 1024
_MAX_PARTNERS: Final = 64
_Word = Annotated[str, Field(min_length=1, max_length=80)]
_Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
_Stamp = Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}(T[0-9:.]{8,12}Z)?$")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class KeptFigure(_Form):
    """As ``small_counts.Figure`` is written."""

    told: Told = Field(strict=False)
    value: float | None = Field(default=None, allow_inf_nan=False)
    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)

    @property
    def figure(self) -> Figure:
        low, high = (self.value, self.value) if self.told is Told.EXACT else (self.low, self.high)
        return Figure(self.told, low, high)


class KeptPractice(_Form):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
    title: Annotated[str, Field(max_length=200)]
    state: State = Field(strict=False)
    figure: KeptFigure | None = None
    unit: Literal["count", "share"] | None = None
    at: _Stamp | None = None
    partners: Annotated[tuple[_Code, ...], Field(max_length=_MAX_PARTNERS, strict=False)] = ()


class KeptLevel(_Form):
    level: Annotated[int, Field(ge=1, le=20)]
    title: _Word
    practices: Annotated[tuple[KeptPractice, ...], Field(min_length=1, max_length=50, strict=False)]


class _SnapshotForm(_Form):
    format: Literal["ffp-maturity/1"]
    half: str
    node: Annotated[str, Field(pattern=r"^[a-z0-9-]{3,40}$")]
    jurisdiction: _Code
    seen_at: _Stamp
    reached: Annotated[int, Field(ge=0, le=20)]
    levels: Annotated[tuple[KeptLevel, ...], Field(min_length=1, max_length=20, strict=False)]


@dataclass(frozen=True)
class Snapshot:
    half: Half
    node_id: str
    jurisdiction: str
    at: str
    reached: int
    levels: tuple[KeptLevel, ...]

    @property
    def practices(self) -> Mapping[str, KeptPractice]:
        return {practice.id: practice for level in self.levels for practice in level.practices}


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
        form = _SnapshotForm.model_validate(json.loads(data))
    except ContractError as error:
        raise InvalidInput(f"It is no snapshot of maturity: {error}") from error
    except ValidationError as error:
        first: Any = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:120]
        raise InvalidInput(f"It is no snapshot of maturity that is read here: {place}: {first['msg']}.") from error
    ids = [practice.id for level in form.levels for practice in level.practices]
    if len(set(ids)) != len(ids):
        raise InvalidInput("A practice stands twice in the snapshot of maturity.")
    if form.reached != _reached(form.levels):
        raise InvalidInput("The snapshot of maturity names another level than its practices reach.")
    return Snapshot(Half.parse(form.half), form.node, form.jurisdiction, form.seen_at, form.reached, form.levels)


def _reached(levels: tuple[KeptLevel, ...]) -> int:
    number = 0
    for level in levels:
        if any(practice.state is not State.HOLDS for practice in level.practices):
            break
        number = level.level
    return number
