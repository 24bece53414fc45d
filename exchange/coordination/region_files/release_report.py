"""Hand out a report that was approved: its file, with the restricted edition sealed for a recipient, or without; and
bound into it the incident annex of each half-year that was approved."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from exchange.coordination.approved_document import approval_proof
from exchange.coordination.half_year.half_year_report import Approved, released
from exchange.coordination.half_year.half_years import Period
from exchange.coordination.incidents.incident_annex import ApprovedAnnex, find_annex
from exchange.coordination.region_files.bound_annex import BoundAnnex, filled_up
from exchange.coordination.region_files.recipient import (
    MAX_PURPOSE,
    NamedRecipient,
    SealedEdition,
    check_recipient,
    seal_edition,
)
from exchange.coordination.region_files.report_file import FILE_FORMAT, ReportFile, write_report_file
from exchange.errors import InvalidInput
from exchange.flows.node.node import Node
from exchange.log.audit_entry import Act, Actor, Deed


@dataclass(frozen=True)
class Addressed:
    """For whom the restricted edition is sealed. ``confirmed``: the fingerprint, as the recipient read it out."""

    recipient: NamedRecipient
    confirmed: str
    purpose: str


def release_report(node: Node, actor: Actor, period: Period, to: Addressed | None) -> bytes:
    """The file of an approved report; without ``to`` it has the public editions alone.

    1. The report is approved, in two editions; the annexes are those of its half-years that are approved by now.
    2. The recipient's fingerprint is the one that was read out, and a purpose is stated.
    3. The restricted edition, and the exact one of each annex, is sealed, bound to its manifest, the recipient and the
       purpose.
    4. The audit log says who handed it to whom and why, before the file leaves.

    Raises NotFound, code "not-approved"; Conflict, code "head-not-signed" for a second after the approval, or while the
    node does not run; InvalidInput.
    """
    # 1.
    found = released(node, period)
    annexes = bound_annexes(node, period)

    # 2. and 3.
    purpose = None if to is None else _checked(to)
    data = write_report_file(_file(node, found, period, annexes, to, purpose))

    # 4.
    told = f"{period} file" if to is None else f"{period} file for {to.recipient.name}, {to.recipient.fingerprint}"
    act = Act.READ_MONITORING if to is None else Act.RELEASE_RESTRICTED
    approvals = (found.approval, *(annex.approval for annex in annexes))
    node.audit.note(Deed(actor, act, len(approvals), approvals, asked=told, purpose=purpose))
    return data


def bound_annexes(node: Node, period: Period) -> list[ApprovedAnnex]:
    """The annexes that go along with the report of a period: those of its half-years that are approved by now."""
    return [annex for half in period.halves if (annex := find_annex(node, half)) is not None]


def _checked(to: Addressed) -> str:
    """The purpose. Raises InvalidInput."""
    check_recipient(to.recipient, to.confirmed)
    purpose = to.purpose.strip()
    if not purpose or len(purpose) > MAX_PURPOSE or not purpose.isprintable():
        raise InvalidInput(
            f"State the purpose in one line of at most {MAX_PURPOSE} characters.", code="purpose-missing"
        )
    return purpose


def _file(
    node: Node,
    found: Approved,
    period: Period,
    annexes: Sequence[ApprovedAnnex],
    to: Addressed | None,
    purpose: str | None,
) -> ReportFile:
    def sealed(content: bytes, manifest: bytes) -> SealedEdition | None:
        return None if to is None or purpose is None else seal_edition(content, manifest, to.recipient, purpose)

    def proof(approval: str) -> str:
        return _text(approval_proof(node, approval))

    bound = tuple(
        BoundAnnex(
            half=str(annex.exact.head.half),
            manifest=_text(annex.editions.manifest),
            public=_text(annex.editions.public),
            exact=sealed(filled_up(annex.editions.restricted), annex.editions.manifest),
            proof=proof(annex.approval),
        )
        for annex in annexes
    )
    return ReportFile(
        format=FILE_FORMAT,
        node=node.node_id,
        period=str(period),
        manifest=_text(found.editions.manifest),
        public=_text(found.editions.public),
        restricted=sealed(found.editions.restricted, found.editions.manifest),
        annexes=bound,
        proof=proof(found.approval),
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
