"""The bundle of a pair: a report, and every statement that it rests on, each with what proves it, in one ZIP.

``contents.json`` names the other files. ``report.pdf`` is for people and is signed by nobody: what it says is held
against the statements. ``proven/*.json`` is each a bundle (``schemas.bundle``): a statement with the proof that its
issuer's log holds it. ``signed/*.json`` has the issuer's signatures alone, where the node that made the bundle has no
proof of another node's log.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.bundle import MAX_BUNDLE_BYTES
from schemas.exhibit import Contract, Sha256Hex
from schemas.key_chain import MAX_KEY_EVENTS
from schemas.lane import Base64Text
from schemas.statement_base import LogIndex, NodeId
from schemas.strict_json import read_strict

PAIR_BUNDLE_MEDIA_TYPE = "application/zip"
MAX_PAIR_STATEMENTS = 256
MAX_CONTENTS_BYTES = 256 * 1024
MAX_PDF_BYTES = 128 * 1024 * 1024
MAX_PAIR_BUNDLE_BYTES = 512 * 1024 * 1024
CONTENTS, REPORT_FILE, PROVEN, SIGNED = "contents.json", "report.pdf", "proven/", "signed/"


class LeftOutReason(StrEnum):
    """Why a statement that the report rests on is not in the bundle."""

    HANDLING = "handling"
    """Its owner's handling code does not let this node give it away: its owner gives its bundle."""
    NOT_HELD = "not-held"
    """It is not whole here any more, or its issuer's keys are not known here."""
    NOT_BELIEVED = "not-believed"
    """Its key was in wrong hands."""


class LeftOut(Contract):
    statement_id: Sha256Hex
    issuer: NodeId
    reason: LeftOutReason


class PairContents(Contract):
    """``records``: both sides of the pair, whether or not the bundle has them; ``made_by``: the node that put it
    together, which signs nothing by that; ``report``: SHA-256 of the PDF beside it; ``statements``: the ids of those
    that are in it, in the order of the report."""

    contract: Literal["1.0"]
    made_by: NodeId
    records: tuple[Sha256Hex, Sha256Hex]
    report: Sha256Hex
    statements: Annotated[tuple[Sha256Hex, ...], Field(max_length=MAX_PAIR_STATEMENTS)]
    left_out: Annotated[tuple[LeftOut, ...], Field(max_length=MAX_PAIR_STATEMENTS)] = ()


class BundledStatement(Contract):
    """A statement without a proof of its issuer's log: ``envelope``, ``card`` and ``key_events`` as in a bundle;
    ``log_index``: where the issuer told this node that it stands, which says which keys had to sign it."""

    contract: Literal["1.0"]
    envelope: Base64Text
    card: Base64Text
    key_events: Annotated[tuple[Base64Text, ...], Field(max_length=MAX_KEY_EVENTS)] = ()
    log_index: LogIndex


def parse_contents(data: bytes) -> PairContents:
    """Read an untrusted list of contents. Raises ContractError."""
    return read_strict(PairContents, data, max_bytes=MAX_CONTENTS_BYTES)


def parse_signed(data: bytes) -> BundledStatement:
    """Read an untrusted statement that has no proof. Raises ContractError."""
    return read_strict(BundledStatement, data, max_bytes=MAX_BUNDLE_BYTES)
