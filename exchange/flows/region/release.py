"""Hand out a report that was approved: its file, with the restricted edition sealed for a recipient, or without."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from exchange.clock import stamp
from exchange.errors import Conflict, InvalidInput
from exchange.flows.monitoring.editions import Editions
from exchange.flows.monitoring.half_years import Period
from exchange.flows.monitoring.report import released
from exchange.flows.node.node import Node
from exchange.flows.region.report_file import FILE_FORMAT, ReportFile, SealedEdition, sealing_info, write_report_file
from exchange.flows.witness.bundle import make_proven
from exchange.log.audit_entry import Act, Actor, Deed
from exchange.trust.recipient import SUITE, NamedRecipient, check_recipient, seal_for_recipient

MAX_PURPOSE = 200


@dataclass(frozen=True)
class Addressed:
    """For whom the restricted edition is sealed. ``confirmed``: the fingerprint, as the recipient read it out."""

    recipient: NamedRecipient
    confirmed: str
    purpose: str


def release_report(node: Node, actor: Actor, period: Period, to: Addressed | None) -> bytes:
    """The file of an approved report; without ``to`` it has the public edition alone.

    1. The report is approved, in two editions.
    2. The recipient's fingerprint is the one that was read out, and a purpose is stated.
    3. The restricted edition is sealed, bound to the manifest, the recipient and the purpose.
    4. The audit log says who handed it to whom and why, before the file leaves.

    Raises NotFound, code "not-approved"; Conflict, code "one-edition", or "head-not-signed" for a second after the
    approval, or while the node does not run; InvalidInput.
    """
    # 1.
    found = released(node, period)
    if found.editions is None:
        raise Conflict(
            f"The report of {period} was approved before reports had two editions. Hand out its JSON with its signed "
            "approval; a coordinator reads it by itself.",
            code="one-edition",
        )

    # 2. and 3.
    sealed = None if to is None else _sealed(found.editions, to)

    # 4.
    data = write_report_file(_file(node, found.approval, found.editions, period, sealed))
    told = f"{period} file" if to is None else f"{period} file for {to.recipient.name}, {to.recipient.fingerprint}"
    purpose = None if to is None else to.purpose
    act = Act.READ_MONITORING if to is None else Act.RELEASE_RESTRICTED
    node.audit.note(Deed(actor, act, 1, (found.approval,), asked=told, purpose=purpose))
    return data


def _sealed(both: Editions, to: Addressed) -> SealedEdition:
    check_recipient(to.recipient, to.confirmed)
    purpose = to.purpose.strip()
    if not purpose or len(purpose) > MAX_PURPOSE or not purpose.isprintable():
        raise InvalidInput(
            f"State the purpose in one line of at most {MAX_PURPOSE} characters.", code="purpose-missing"
        )
    said = SealedEdition(
        recipient=to.recipient.name,
        fingerprint=to.recipient.fingerprint,
        purpose=purpose,
        released_at=stamp(),
        suite=SUITE,
        sealed="",
    )
    content = seal_for_recipient(to.recipient, both.restricted, sealing_info(both.manifest, said))
    return said.model_copy(update={"sealed": base64.b64encode(content).decode()})


def _file(node: Node, approval: str, both: Editions, period: Period, sealed: SealedEdition | None) -> ReportFile:
    proof = make_proven(node, approval, kind="approval")
    return ReportFile(
        format=FILE_FORMAT,
        node=node.node_id,
        period=str(period),
        manifest=base64.b64encode(both.manifest).decode(),
        public=base64.b64encode(both.public).decode(),
        restricted=sealed,
        proof=base64.b64encode(proof.model_dump_json().encode()).decode(),
    )
