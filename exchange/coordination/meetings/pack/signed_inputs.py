"""The file of a node's inputs, far from any node: believed, or refused by name with what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exchange.coordination.approved_document import digest_of, open_approved_file
from exchange.coordination.meetings.pack.pack_inputs_document import (
    INPUTS_FORMAT,
    MAX_INPUTS_BYTES,
    PackInputs,
    read_inputs,
)
from exchange.coordination.region_files.report_file import Believed, ReportRefused, check_believed
from exchange.errors import LogError, StatementInvalid
from schemas.bundle import MAX_BUNDLE_BYTES
from schemas.errors import ContractError

APPROVED_FORMAT: Final = "ffp-approved-document/1"
MAX_SIGNED_BYTES: Final = 2 * (MAX_INPUTS_BYTES + MAX_BUNDLE_BYTES)
_HEAD_OF_A_FILE: Final = 4096


@dataclass(frozen=True)
class VerifiedInputs:
    """Inputs that their node's head approved."""

    inputs: PackInputs
    sha256: str
    approval: str
    approved_by: str
    because: str
    log_index: int
    fingerprint: str


def is_inputs(data: bytes) -> bool:
    """Whether a file says that it is of this kind, signed or not; nothing of it is believed."""
    begin = data[:_HEAD_OF_A_FILE]
    return APPROVED_FORMAT.encode() in begin or b"ffp-pack-inputs" in begin


def verify_inputs(data: bytes, who: Believed) -> VerifiedInputs:
    """Believe a node's inputs, or raise the reason not to, with what to do.

    1. The file is bounded, and in its form; what nobody signed is named so.
    2. The approval's proof verifies: identity, keys, both signatures, the log's head, the way to it.
    3. The identity is one that the reader believes.
    4. The statement is an approval by the node's own head, of these very bytes.
    5. They are inputs, and name that node and that jurisdiction.

    Raises ReportRefused.
    """
    # 1.
    if APPROVED_FORMAT.encode() not in data[:_HEAD_OF_A_FILE]:
        raise ReportRefused(
            "These are the inputs of a meeting pack that nobody approved.",
            code="unapproved",
            next_step="Ask the head of the focal point to approve them, and for the signed file: ffp meeting pack.",
        )

    # 2. and 4.
    try:
        opened = open_approved_file(data, max_bytes=MAX_SIGNED_BYTES)
    except ContractError as error:
        raise _no_inputs(str(error)) from error
    except (StatementInvalid, LogError) as error:
        raise _forged(None, f"What proves that it was approved does not verify: {error}") from error

    # 3.
    check_believed(opened.proven.card.issuer, opened.proven, who)

    # 5.
    node = opened.proven.card.issuer
    try:
        inputs = read_inputs(opened.document)
    except ContractError as error:
        raise ReportRefused(
            f"What its head approved is no {INPUTS_FORMAT}: {error}",
            code="no-report",
            node=node,
            next_step="Ask the focal point for the inputs of its meeting pack; a newer release may have written these.",
        ) from error
    if (inputs.node, inputs.jurisdiction) != (node, opened.proven.card.jurisdiction):
        raise _forged(node, f"The inputs are of {inputs.node}, and {node} signed them.")
    return VerifiedInputs(
        inputs,
        digest_of(opened.document),
        opened.proven.verified.statement_id,
        opened.said.made_by.pseudonym,
        opened.said.because,
        opened.proven.log_index,
        opened.proven.fingerprint,
    )


def _no_inputs(message: str) -> ReportRefused:
    return ReportRefused(
        f"These are no inputs of a meeting pack. {message}",
        code="no-report",
        next_step="Ask the focal point for the signed file that ffp meeting pack writes.",
    )


def _forged(node: str | None, message: str) -> ReportRefused:
    return ReportRefused(
        message,
        code="forged",
        node=node,
        next_step="Keep the file, and ask the focal point by telephone for it anew: it was changed on the way, or "
        "somebody else made it.",
    )
