"""A checklist in a file, for a jurisdiction that has no node yet, kept by somebody who has none either.

Nobody signed it and no node looked: nothing in it is proven. The head or the operator of a node reads it, and signs it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from exchange.clock import today
from exchange.coordination.onboarding.checklist import Checklist, open_line, reread
from exchange.errors import InvalidInput
from exchange.home import write_private
from schemas import ContractError, OnboardingLine
from schemas.exhibit import Contract
from schemas.strict_json import check_json
from schemas.vocabulary import Jurisdiction, OnboardingState, OnboardingStep

MAX_LIST_BYTES: Final = 64 * 1024


class ListFile(Contract):
    format: Literal["ffp-onboarding-1"]
    jurisdiction: Jurisdiction
    lines: tuple[OnboardingLine, ...] = Field(min_length=len(OnboardingStep), max_length=len(OnboardingStep))

    @model_validator(mode="after")
    def _by_people_alone(self) -> Self:
        if [line.step for line in self.lines] != list(OnboardingStep):
            raise ValueError("each step stands once, in their order")
        if any(line.state is OnboardingState.PROVEN for line in self.lines):
            raise ValueError("nothing in a file is proven by a node")
        return self


def read_list(path: Path, jurisdiction: Jurisdiction) -> tuple[OnboardingLine, ...]:
    """Of a file that is not there, all open. Raises InvalidInput, OSError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LIST_BYTES + 1)
    except FileNotFoundError:
        return tuple(map(open_line, OnboardingStep))
    try:
        check_json(data, max_bytes=MAX_LIST_BYTES)
        found = ListFile.model_validate_json(data)
    except (ContractError, ValidationError) as error:
        raise InvalidInput(f"{path} is no checklist as `ffp onboard --file` writes it.", code="invalid-file") from error
    if found.jurisdiction != jurisdiction:
        raise InvalidInput(f"{path} is the checklist of {found.jurisdiction}.", code="other-jurisdiction")
    return found.lines


def list_in(path: Path, jurisdiction: Jurisdiction) -> Checklist:
    """As it stands today. Raises as ``read_list``."""
    lines = read_list(path, jurisdiction)
    return Checklist(jurisdiction, tuple(reread(line, today()) for line in lines))


def write_list(path: Path, jurisdiction: Jurisdiction, lines: tuple[OnboardingLine, ...]) -> None:
    """Raises OSError."""
    kept = ListFile(format="ffp-onboarding-1", jurisdiction=jurisdiction, lines=lines)
    write_private(path, kept.model_dump_json(indent=1) + "\n")
