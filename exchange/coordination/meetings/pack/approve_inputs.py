"""The inputs of a meeting pack at their node: shown, approved by the head, and given away with what proves that.

Unlike a report they may be approved while their half-year lasts, since its meetings are held before it ends; and more
than once, since who attended is known only afterwards. What was approved last counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from exchange.coordination.approved_document import (
    ApprovedDocument,
    approve_document,
    approved_file,
    digest_of,
    find_approval,
)
from exchange.coordination.approved_rows import ApprovedKind, Editions
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.pack.make_inputs import HalfFigures, make_inputs
from exchange.coordination.meetings.pack.pack_inputs_document import PackInputs, read_inputs, write_inputs
from exchange.errors import Conflict, NotFound
from exchange.flows.node.node import Node
from schemas import Maker

_NO_DAY: Final = date(2018, 1, 1)


@dataclass(frozen=True)
class InputsDraft:
    """What would be approved now."""

    inputs: PackInputs
    data: bytes

    @property
    def sha256(self) -> str:
        return digest_of(self.data)


@dataclass(frozen=True)
class ApprovedInputs:
    inputs: PackInputs
    data: bytes
    approval: ApprovedDocument

    def still(self, now: PackInputs) -> bool:
        """They say what the node would say now, but for the day."""
        return self.inputs.model_copy(update={"as_of": _NO_DAY}) == now.model_copy(update={"as_of": _NO_DAY})


def draft_inputs(node: Node, half: Half, figures: HalfFigures | None = None) -> InputsDraft:
    """``figures``: where the caller has them. Raises NotFound for a half-year that has not begun."""
    inputs = make_inputs(node, half, figures)
    return InputsDraft(inputs, write_inputs(inputs))


def approve_inputs(node: Node, maker: Maker, half: Half, sha256: str, because: str) -> str:
    """Approve what was shown, whose digest is ``sha256``. Returns the statement's id.

    Raises Conflict, code "other-figures" where the inputs are others by now, "nothing-to-change" where these are
    approved already; NotFound; InvalidInput; Forbidden.
    """
    found = draft_inputs(node, half)
    if found.sha256 != sha256:
        raise Conflict("The inputs are others by now. Read them again, then approve.", code="other-figures")
    before = approved_inputs(node, half)
    if before is not None and before.approval.sha256 == sha256:
        raise Conflict("These inputs are approved already; nothing was signed.", code="nothing-to-change")
    read_inputs(found.data)  # what nobody could read is not approved

    approved = approve_document(node, maker, ApprovedKind.INPUTS, str(half), Editions(found.data), because, again=True)
    return approved.approval


def approved_inputs(node: Node, half: Half) -> ApprovedInputs | None:
    """As the head approved them last; None while that was not done."""
    with node.store.read() as session:
        found = find_approval(session, ApprovedKind.INPUTS, str(half))
    if found is None:
        return None
    data = found.editions.manifest
    return ApprovedInputs(read_inputs(data), data, found)


def signed_inputs(node: Node, half: Half) -> bytes:
    """The approved inputs as a file for the coordinator, verified without any node.

    Raises NotFound, code "not-approved"; Conflict, code "head-not-signed", for a second after the approval, or while
    the node does not run.
    """
    found = approved_inputs(node, half)
    if found is None:
        raise NotFound(f"The inputs of the meeting pack of {half} are not approved.", code="not-approved")
    return approved_file(node, found.approval.approval, found.data)
