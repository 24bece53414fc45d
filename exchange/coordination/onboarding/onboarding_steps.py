"""The steps of a jurisdiction's way in, in their order: what is done, where, and what shows it (deploy/runbook.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from schemas.vocabulary import OnboardingStep


@dataclass(frozen=True)
class StepGuide:
    """``do`` says what is done, ``typed`` by which command, ``page`` on which page, ``shown`` what shows it.
    ``condition``: what is proven of it can end; else it happened, and stays proven. ``lasts_days``: after so many it is
    to be shown again; None for what happened once."""

    do: str
    typed: str
    shown: str
    page: str | None = None
    condition: bool = True
    lasts_days: int | None = None

    def is_old(self, on: date | None, day: date) -> bool:
        return self.lasts_days is not None and on is not None and on + timedelta(days=self.lasts_days) < day


STEP_GUIDES: Final[Mapping[OnboardingStep, StepGuide]] = {
    OnboardingStep.LEGAL_BASIS: StepGuide(
        "Sign the agreement, and state with whom the node shares what, under which article.",
        "ffp policy set policy.json --as HEAD",
        "The policy in force names a line for each partner, and none is past its review.",
    ),
    OnboardingStep.CEREMONY: StepGuide(
        "Make the keys before two people, sign a round of the trust root that names the node, and install it.",
        "ffp root install FOLDER",
        "The trust root that is installed is in force, and names a node of the jurisdiction.",
    ),
    OnboardingStep.NODE: StepGuide(
        "Install the node, put it behind TLS, add its users, and enrol it with its partners.",
        "ffp doctor",
        "The node finds no fault of its own, or, seen by a partner: it is enrolled and answers.",
        "/app/peers",
    ),
    OnboardingStep.CONFORMANCE: StepGuide(
        "Let a partner check from outside whether the node keeps the contract, and keep what it found.",
        "ffp conformance https://NODE --json found.json",
        "The file of findings says that everything tried was kept, at the node's own address, within a year.",
        lasts_days=365,
    ),
    OnboardingStep.BACKUP_DRILL: StepGuide(
        "Back the node up, restore that backup aside, and verify it.",
        "ffp restore-drill --from FOLDER",
        "The last restore that was tried is verified, and recent.",
        lasts_days=92,
    ),
    OnboardingStep.TRIAL_EXCHANGE: StepGuide(
        "Exchange a made-up record each way, marked as synthetic, and withdraw both.",
        "ffp sync status",
        "A record that says that it is synthetic arrived from a partner, and a partner took one.",
        condition=False,
    ),
    OnboardingStep.FIRST_REPORT: StepGuide(
        "Approve the report of the first half-year.",
        "ffp report --half HALF --approve SHA256 --as HEAD --because LINE",
        "The report of a half-year is approved.",
        "/app/monitoring",
        condition=False,
    ),
}


def onboarding_texts() -> Iterator[str]:
    """Whatever of these steps is shown to people, to be translated."""
    for guide in STEP_GUIDES.values():
        yield from (guide.do, guide.shown)
