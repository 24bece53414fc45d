"""What a check is, how it ends, and how a row of them is run."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from exchange.conformance.verdicts import NotKept, NotTried
from exchange.errors import ExchangeError
from schemas import ContractError
from schemas.errors import shown

if TYPE_CHECKING:
    from exchange.conformance.visit import Visit

MAX_EVIDENCE = 500


class Verdict(StrEnum):
    KEPT = "kept"
    NOT_KEPT = "not kept"
    NOT_TRIED = "not tried"


class Part(StrEnum):
    """As whom the check meets the node."""

    STRANGER = "stranger"
    """Nobody that the node knows."""
    READER = "reader"
    """An enrolled peer that reads its lane at the node."""
    OWNER = "owner"
    """An enrolled peer whose lane the node reads."""


@dataclass(frozen=True)
class Check:
    """``asks`` is what the contract asks, in one sentence, ``source`` where; ``how`` is how it is tried.

    ``attempt`` returns the evidence that it is kept, or raises NotKept or NotTried. ``traces`` is what it leaves behind
    on the tested node.
    """

    name: str
    part: Part
    asks: str
    source: str
    how: str
    attempt: Callable[[Visit], str] = field(repr=False)
    traces: str = ""


@dataclass(frozen=True)
class CheckResult:
    """How a check ended."""

    check: Check
    verdict: Verdict
    evidence: str


def run_checks(visit: Visit, checks: Sequence[Check]) -> Iterator[CheckResult]:
    """One finding after the other, in their order: later checks build on what earlier ones saw."""
    for check in checks:
        verdict, evidence = _tried(visit, check)
        yield CheckResult(check, verdict, shown(evidence, MAX_EVIDENCE))


def _tried(visit: Visit, check: Check) -> tuple[Verdict, str]:
    try:
        return Verdict.KEPT, check.attempt(visit)
    except NotKept as error:
        return Verdict.NOT_KEPT, str(error)
    except NotTried as error:
        return Verdict.NOT_TRIED, str(error)
    except (ContractError, ExchangeError) as error:
        return Verdict.NOT_KEPT, str(error)
    except (OSError, http.client.HTTPException) as error:
        return Verdict.NOT_KEPT, f"No answer, or none that can be read: {type(error).__name__}: {error}"
    except (ValueError, LookupError, TypeError) as error:  # nobody can foresee what a node of somebody else's answers
        return Verdict.NOT_KEPT, f"Answered in a form that this suite cannot read: {type(error).__name__}: {error}"
