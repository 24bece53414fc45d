"""The file of a node's inputs, far from any node: believed, or refused by name with what to do;
and all files of one half-year, each verified by itself, then held against the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from exchange.coordination.approved_document import digest_of, open_approved_file
from exchange.coordination.half_year.half_years import Half
from exchange.coordination.meetings.pack.pack_inputs_document import (
    INPUTS_FORMAT,
    MAX_INPUTS_BYTES,
    PackInputs,
    read_inputs,
)
from exchange.coordination.region_files.report_file import Believed, RefusedFile, ReportRefused, check_believed
from exchange.errors import LogError, StatementInvalid
from schemas.bundle import MAX_BUNDLE_BYTES
from schemas.errors import ContractError, shown


@dataclass(frozen=True)
class NamedInputs:
    file: str
    found: VerifiedInputs


@dataclass(frozen=True)
class ReadInputs:
    """By jurisdiction; ``before``: those of the half-year before."""

    now: Mapping[str, VerifiedInputs]
    before: Mapping[str, VerifiedInputs]
    refused: tuple[RefusedFile, ...]


def verify_inputs_files(
    files: Iterable[tuple[str, bytes]], who: Believed
) -> tuple[list[NamedInputs], list[RefusedFile]]:
    """Of any half-year."""
    verified: list[NamedInputs] = []
    refused: list[RefusedFile] = []
    for path_name, data in files:
        name = shown(path_name, 255)  # a sender may have chosen it, and it goes into the pack
        try:
            verified.append(NamedInputs(name, verify_inputs(data, who)))
        except ReportRefused as error:
            refused.append(error.of(name))
    return verified, refused


def inputs_against_each_other(verified: Iterable[NamedInputs], half: Half, reporting: Mapping[str, str]) -> ReadInputs:
    """1. They are of this half-year or an earlier one.
    2. Of one node what its head approved last counts; the same file twice counts once.
    3. Of one jurisdiction one node speaks: the one that reports (``reporting``: node by jurisdiction), else the first.
    What fails is refused by its name.
    """
    refused: list[RefusedFile] = []
    known = sorted(verified, key=lambda item: (-item.found.log_index, item.file))
    of_half: dict[Half, dict[str, NamedInputs]] = {half: {}, half.before(): {}}
    for item in known:
        found = item.found.inputs.half_year
        if found > half:
            refused.append(_refused(item, "other-period", f"These are the inputs of {found}, and {half} is asked for."))
        elif found in of_half:
            _keep(of_half[found], item, reporting, refused)
    now, before = ({code: item.found for code, item in of_half[name].items()} for name in (half, half.before()))
    return ReadInputs(now, before, tuple(refused))


def _keep(
    kept: dict[str, NamedInputs], item: NamedInputs, reporting: Mapping[str, str], refused: list[RefusedFile]
) -> None:
    inputs = item.found.inputs
    code = str(inputs.jurisdiction)
    other = kept.get(code)
    if reporting.get(code, inputs.node) != inputs.node:
        refused.append(_refused(item, "second-node", f"{code} reports by {reporting[code]}, and not by {inputs.node}."))
    elif other is None:
        kept[code] = item
    elif other.found.inputs.node != inputs.node:
        node = other.found.inputs.node
        refused.append(_refused(item, "second-node", f"{code} has inputs of {node} already ({other.file})."))
    elif other.found.sha256 == item.found.sha256:
        refused.append(
            _refused(item, "doubled", f"These are the inputs of {inputs.node} once more, as in {other.file}.")
        )
    else:
        refused.append(
            _refused(
                item, "older-inputs", f"The head of {inputs.node} approved others later, in {other.file}: those count."
            )
        )


_STEPS = {
    "other-period": "Ask the focal point for those of the half-year that is asked for.",
    "second-node": "Ask the focal point which of its nodes speaks for the jurisdiction.",
    "doubled": "Leave one of the two out.",
    "older-inputs": "Leave this file out.",
}


def _refused(item: NamedInputs, code: str, why: str) -> RefusedFile:
    return RefusedFile(item.file, item.found.inputs.node, code, why, _STEPS[code])


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
