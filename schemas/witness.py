"""What two nodes tell each other as witnesses: the heads of logs that each cosigned last (C2SP tlog-cosignature)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError

from schemas.errors import ContractError
from schemas.exhibit import Contract
from schemas.lane import Base64Text, Proof
from schemas.statement_base import NodeId
from schemas.strict_json import check_json, contract_error

MAX_HEADS = 16
"""The latest head of each log: more logs than the exchange has members."""
MAX_FORKS = 4
"""More logs than will ever be forked at once: one is a scandal."""
MAX_REPORT_BYTES = 512 * 1024
"""18 notes of the greatest length take 295 kB, those of 4 forks 131 kB more."""
MAX_WITNESS_ANSWER_BYTES = 896 * 1024
"""34 notes of the greatest length take 560 kB, those of 4 forks 131 kB, 16 of the longest proofs 70 kB more."""
MAX_REPORT_VALUES = 2048
MAX_WITNESSED_BYTES = 512 * 1024
"""16 notes of the greatest length take 262 kB, 32 of the longest proofs 140 kB more. A dozen ordinary ones take 120."""
MAX_WITNESSED_VALUES = 3072

MAX_NOTE_TEXT = 16 * 1024

# A head with the lines of the log and of one witness takes 7 kB, 9.3 kB in Base64.
NoteText = Annotated[Base64Text, Field(max_length=MAX_NOTE_TEXT)]
Size = Annotated[int, Field(ge=1, le=2**63 - 1)]


class SeenHead(Contract):
    """The last head of the log of the node ``log`` that the sender cosigned: a signed note with four lines, those of
    the log and those of the sender."""

    log: NodeId
    note: NoteText


class ForkedLog(Contract):
    """The proof that the node ``log`` shows two histories: two heads of one size that its log signed, with different
    roots. Each is a signed note with the lines of that log alone."""

    log: NodeId
    first: NoteText
    second: NoteText


class WitnessReport(Contract):
    """A node asks another: here is what I cosigned, of your log and of others'; what did you?

    ``cosigned`` is the last head of the receiver's log that the sender cosigned, None when there is none. ``shown`` is
    the largest one that it knows of, with the lines of the log alone, where that is larger. ``seen`` are those of other
    logs that it cosigned, ``forked`` those that it can prove to be forked. ``asks`` are sizes at which the sender was
    told of heads of the receiver's log; it wants to see that the head of size ``size``, which it verified, goes on from
    each.
    """

    contract: Literal["1.0"]
    cosigned: NoteText | None
    shown: NoteText | None
    seen: Annotated[tuple[SeenHead, ...], Field(max_length=MAX_HEADS)]
    forked: Annotated[tuple[ForkedLog, ...], Field(max_length=MAX_FORKS)]
    size: Size | None
    asks: Annotated[tuple[Size, ...], Field(max_length=MAX_HEADS)]


class WitnessAnswer(Contract):
    """The same from the other side. ``proofs`` has a consistency proof for each of ``asks``, in their order. ``yours``
    are heads that the asker itself cosigned before, and which the report no longer tells of: it was set back."""

    contract: Literal["1.0"]
    cosigned: NoteText | None
    shown: NoteText | None
    seen: Annotated[tuple[SeenHead, ...], Field(max_length=MAX_HEADS)]
    forked: Annotated[tuple[ForkedLog, ...], Field(max_length=MAX_FORKS)]
    yours: Annotated[tuple[SeenHead, ...], Field(max_length=MAX_HEADS)]
    proofs: Annotated[tuple[Proof, ...], Field(max_length=MAX_HEADS)]


class WitnessedHead(Contract):
    """The largest head of the answering node's log that the node ``witness`` cosigned: a signed note with four lines,
    those of the log and those of the witness. ``proof`` shows that the smaller one of this head and of the head that
    was asked about is a beginning of the larger one; it is empty where both have one size."""

    witness: NodeId
    note: NoteText
    proof: Proof


class WitnessedLog(Contract):
    """How far a log is witnessed, for a reader that is no witness of it and verified its head of size ``size``.

    ``heads`` has one of each chosen witness that cosigned any, as the registry of ``round`` chooses them; none where
    every peer is a witness. ``proofs`` shows for each further size that was asked about, in their order, that the head
    of size ``size`` goes on from there.
    """

    contract: Literal["1.0"]
    log: NodeId
    size: Size
    round: Size | None
    heads: Annotated[tuple[WitnessedHead, ...], Field(max_length=MAX_HEADS)]
    proofs: Annotated[tuple[Proof, ...], Field(max_length=MAX_HEADS)]


def parse_witness_report(data: bytes) -> WitnessReport:
    """Read a report whose signature was verified before. Raises ContractError as ``parse_statement`` does."""
    _check(data, MAX_REPORT_BYTES, MAX_REPORT_VALUES)
    try:
        return WitnessReport.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise contract_error(error) from error


def parse_witness_answer(data: bytes) -> WitnessAnswer:
    """Read an answer whose signature was verified before. Raises ContractError as ``parse_statement`` does."""
    _check(data, MAX_WITNESS_ANSWER_BYTES, MAX_REPORT_VALUES)
    try:
        return WitnessAnswer.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise contract_error(error) from error


def parse_witnessed_log(data: bytes) -> WitnessedLog:
    """Read an answer whose signature was verified before. Raises ContractError as ``parse_statement`` does."""
    _check(data, MAX_WITNESSED_BYTES, MAX_WITNESSED_VALUES)
    try:
        return WitnessedLog.model_validate_json(data, strict=True)
    except ValidationError as error:
        raise contract_error(error) from error


def _check(data: bytes, max_bytes: int, max_values: int) -> None:
    if data.count(b",") > max_values:  # no string of it has a comma
        raise ContractError("too-large", f"It holds more than {max_values} values.")
    check_json(data, max_bytes=max_bytes)
