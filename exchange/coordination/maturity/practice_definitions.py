"""What a good focal point does: four levels, each a handful of practices that the node itself can prove; and the steps
before a jurisdiction joins (deploy/runbook.md).

No document of the field defines levels for a node. These are set by reason: first that others reach it, then that
exhibits flow, then that it can be relied on, then that it accounts for itself (docs/monitoring.md, "Maturity").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from exchange.coordination.half_year.small_counts import Figure
from schemas.vocabulary import OnboardingStep, Role


class State(StrEnum):
    """No data proves nothing, and is never told as one of the others."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does_not_hold"
    NO_DATA = "no_data"


@dataclass(frozen=True)
class Evidence:
    """What the node saw of one practice. ``at`` is a moment or a day, ``unit`` that of the figure, "count" or "share";
    ``names`` are of nodes, addresses, models or half-years, ``partners`` codes of jurisdictions."""

    state: State
    figure: Figure | None = None
    unit: str = "count"
    at: str | None = None
    names: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()


@dataclass(frozen=True)
class Practice:
    """What a good focal point does: a practice of a level, or a step before it joins. ``title`` is true where it holds,
    ``then`` the next step where it does not: on the ``page``, which is for its ``readers``, or by ``typed``, a command
    or a setting. ``brings_data``: the step mends a lack of data too. ``condition``: what is proven of it can end; else
    it happened, and stays proven. ``lasts_days``: after this many days it is to be shown again."""

    title: str
    then: str
    typed: str | None = None
    page: str | None = None
    readers: frozenset[Role] = frozenset()
    brings_data: bool = False
    condition: bool = True
    lasts_days: int | None = None

    def is_old(self, on: date | None, day: date) -> bool:
        return self.lasts_days is not None and on is not None and on + timedelta(days=self.lasts_days) < day


@dataclass(frozen=True)
class MaturityLevel:
    title: str
    practices: Mapping[str, Practice]


_HEAD, _OPERATOR = frozenset({Role.HEAD}), frozenset({Role.OPERATOR})
_SUPERVISION = frozenset({Role.HEAD, Role.AUDITOR})

MATURITY_LEVELS: Final[Mapping[int, MaturityLevel]] = {
    1: MaturityLevel(
        "Connected",
        {
            "reached_over_tls": Practice(
                "Peers reach this node over TLS",
                "Put it behind a reverse proxy with TLS, and name that address in the settings.",
                "FFP_NODE_URL",
            ),
            "policy_in_force": Practice(
                "A signed policy is in force",
                "State with whom this node shares what, and under which article.",
                "ffp policy set policy.json --as HEAD",
            ),
            "peer_enrolled": Practice(
                "At least one peer is enrolled",
                "Enrol the node of a first partner.",
                "ffp peer add https://... --legal-basis ARTICLE",
                "/app/peers",
                _OPERATOR,
            ),
            "peers_answer": Practice(
                "Every peer answered in the last 24 hours",
                "Call the operators of the peers that are silent.",
                "ffp peer list",
                "/app/peers",
                _OPERATOR,
            ),
            "log_signed": Practice(
                "No statement waits for a signed head of the log",
                "Find out why no head is signed.",
                "ffp doctor",
            ),
        },
    ),
    2: MaturityLevel(
        "Exchanging",
        {
            "exhibit_shared": Practice(
                "A partner was given an exhibit in the last 90 days",
                "Enter exhibits that partners may have, and see what waits for them.",
                "ffp sync status",
            ),
            "exhibit_received": Practice(
                "An exhibit of a partner arrived in the last 90 days",
                "Ask the partners what keeps their exhibits from here.",
                "ffp sync status",
            ),
            "two_examiners": Practice(
                "There are two examiners or more: else nobody verifies blind",
                "Give a second examiner access.",
                "ffp user add PSEUDONYM --role examiner",
            ),
            "first_reviews": Practice(
                "No first review is overdue",
                "Have the candidates opened that wait.",
                None,
                "/app/candidates",
                _HEAD,
            ),
            "lead_verified": Practice(
                "A lead was verified blind in the last 183 days",
                "Have a lead concluded on, and verified by an examiner who was not shown the score.",
                None,
                "/app/candidates",
                _HEAD,
                brings_data=True,
            ),
        },
    ),
    3: MaturityLevel(
        "Dependable",
        {
            "keys_encrypted": Practice(
                "The private keys are encrypted at rest",
                "Stop the node and encrypt them.",
                "ffp key encrypt",
            ),
            "trust_root": Practice(
                "The trust root is in force for 60 days or more",
                "Install the newest round.",
                "ffp root install FOLDER",
            ),
            "log_checked": Practice(
                "All at rest was read again lately, and is what was signed",
                "See what is not as it was signed; a node that runs reads again by itself.",
                "ffp log check",
                brings_data=True,
            ),
            "log_cosigned": Practice(
                "Another jurisdiction cosigns the heads of the log",
                "Find out which peers do not come, and call their operators.",
                "ffp peer list",
            ),
            "time_stamps": Practice(
                "Time stamps arrive",
                "Name a time-stamping authority in the settings, or ask it why none come.",
                "FFP_NODE_TIMESTAMP_URL",
            ),
            "backup": Practice(
                "A whole backup was made in the last 2 days",
                "Have a backup made every night.",
                "ffp backup FOLDER",
                brings_data=True,
            ),
            "no_alarm": Practice(
                "No alarm stands, and nothing is set aside unseen",
                "Read the alarms, and mend what they name.",
                "ffp doctor",
                "/app/peers",
                _OPERATOR,
            ),
        },
    ),
    4: MaturityLevel(
        "Accountable",
        {
            "report_approved": Practice(
                "The report of the last half-year is approved",
                "Read the report of the half-year that is over, and approve it.",
                None,
                "/app/monitoring",
                _SUPERVISION,
            ),
            "feedback_given": Practice(
                "At least 80 per cent of the feedback due in the last half-year was given",
                "Say of each hit what became of it before that falls due.",
                None,
                "/app/hits",
                _HEAD,
            ),
            "legal_bases": Practice(
                "Each partner has a legal basis, and no review of one is overdue",
                "Name the article for each partner, and review those whose day has passed.",
                "ffp policy set policy.json --as HEAD",
            ),
            "deadlines": Practice(
                "No deadline is missed",
                "Do what is overdue; the first page lists it.",
                "ffp doctor",
                "/app/",
                _HEAD,
            ),
            "likelihood_ratio": Practice(
                "A validated likelihood ratio is installed for this version of the matcher",
                "Have scores of this version calibrated, and name the model in the settings.",
                "FFP_NODE_CALIBRATION",
            ),
        },
    ),
}


STEP_GUIDES: Final[Mapping[OnboardingStep, Practice]] = {
    OnboardingStep.LEGAL_BASIS: Practice(
        "The policy in force names a line for each partner, and none is past its review.",
        "Sign the agreement, and state with whom the node shares what, under which article.",
        "ffp policy set policy.json --as HEAD",
    ),
    OnboardingStep.CEREMONY: Practice(
        "The trust root that is installed is in force, and names a node of the jurisdiction.",
        "Make the keys before two people, sign a round of the trust root that names the node, and install it.",
        "ffp root install FOLDER",
    ),
    OnboardingStep.NODE: Practice(
        "The node finds no fault of its own, or, seen by a partner: it is enrolled and answers.",
        "Install the node, put it behind TLS, add its users, and enrol it with its partners.",
        "ffp doctor",
        "/app/peers",
    ),
    OnboardingStep.CONFORMANCE: Practice(
        "The file of findings says that everything tried was kept, at the node's own address, within a year.",
        "Let a partner check from outside whether the node keeps the contract, and keep what it found.",
        "ffp conformance https://NODE --json found.json",
        lasts_days=365,
    ),
    OnboardingStep.BACKUP_DRILL: Practice(
        "The last restore that was tried is verified, and recent.",
        "Back the node up, restore that backup aside, and verify it.",
        "ffp restore-drill --from FOLDER",
        lasts_days=92,
    ),
    OnboardingStep.TRIAL_EXCHANGE: Practice(
        "A record that says that it is synthetic arrived from a partner, and a partner took one.",
        "Exchange a made-up record each way, marked as synthetic, and withdraw both.",
        "ffp sync status",
        condition=False,
    ),
    OnboardingStep.FIRST_REPORT: Practice(
        "The report of a half-year is approved.",
        "Approve the report of the first half-year.",
        "ffp report --half HALF --approve SHA256 --as HEAD --because LINE",
        "/app/monitoring",
        condition=False,
    ),
}


def item_texts() -> list[str]:
    """Return all that a page says of levels, practices and steps in the reader's language."""
    levels = MATURITY_LEVELS.values()
    items = [*(practice for level in levels for practice in level.practices.values()), *STEP_GUIDES.values()]
    return [*(level.title for level in levels), *(text for item in items for text in (item.title, item.then))]
