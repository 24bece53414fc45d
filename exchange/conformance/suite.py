"""All checks in the order in which they are run, and one run of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exchange.conformance.check import Check, CheckResult, run_checks
from exchange.conformance.checks import check_answers as answers
from exchange.conformance.checks import check_card as card
from exchange.conformance.checks import deceiving, doors, limits, mirroring, owning, reading, requests, witnessing
from exchange.conformance.guest.guest import Guest, guest_at
from exchange.conformance.visit import Visit
from exchange.conformance.wire import Wire
from schemas.vocabulary import Jurisdiction

STRANGER = (*card.CHECKS, *answers.FORM_CHECKS, *doors.CHECKS, *limits.CHECKS, *answers.HEADERS)
GUEST = (
    *reading.CHECKS,
    *mirroring.TILES,
    *requests.CHECKS,
    *witnessing.CHECKS,
    *owning.CHECKS,
    *witnessing.LATER,
    *mirroring.LATER,
    *requests.BLOB_CHECKS,
    *deceiving.CHECKS,
    *owning.WITHDRAWAL,
    *reading.LATER,
    *deceiving.FORK,
)
"""What the node has read of the guest is asked after; what may end the reading comes last."""
ALL_CHECKS: tuple[Check, ...] = (*STRANGER, *GUEST)


@dataclass(frozen=True)
class Enrolment:
    """As whom the node is visited, where the guest listens, and how long its operator may take to enrol it."""

    jurisdiction: Jurisdiction
    listen: tuple[str, int]
    reached_at: str | None = None
    wait_s: float = 600


def run_suite(
    url: str,
    enrolment: Enrolment | None = None,
    *,
    patience_s: float = 90,
    quick: bool = False,
    introduce: Callable[[Guest], None] = lambda _guest: None,
) -> Iterator[CheckResult]:
    """Run every check against the node at ``url``; without an enrolment a guest's are not tried.

    ``introduce`` is called when the guest stands, to tell the operator how to enrol it. Raises InvalidInput for what is
    no address, ConfigurationError when the guest was not enrolled in time.
    """
    visit = Visit(Wire(url), patience_s=patience_s)
    if quick:
        visit.slow_body_s = 0
    yield from run_checks(visit, STRANGER)
    with contextlib.ExitStack() as stack:
        if enrolment is not None and visit.card is not None:
            guest = stack.enter_context(
                guest_at(
                    visit.wire,
                    visit.believed_keys,
                    jurisdiction=enrolment.jurisdiction,
                    listen=enrolment.listen,
                    reached_at=enrolment.reached_at,
                    patience_s=patience_s,
                )
            )
            introduce(guest)
            guest.wait_enrolled(enrolment.wait_s)
            visit.enrolled = guest
        yield from run_checks(visit, GUEST)
