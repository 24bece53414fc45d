"""Records in any number, signed and on a peer's lane, put straight into a node's store: what took its users a week."""

from __future__ import annotations

import hashlib
import secrets
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from exchange import clock
from exchange.flows.keys.enrol import enrol, read_introduction
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.node.node import Node
from exchange.flows.statement.sharing import share
from exchange.store.entry.record_rows import AcquisitionState, add_record
from exchange.store.log.statement_rows import append_own
from schemas import Envelope, Record, parse_statement
from schemas.statements import statement_id
from tests.exchange.open_policy import LEGAL_BASIS, allow_all
from tests.matcher.read.x3p.conftest import build, zip_bytes
from tests.schemas.examples import acquisition_fields, encoded, record_fields

A_TRANSACTION = 100
ROI = "chamber_mark"
"""A region that is stored and shared, but not correlated: these tests are about the way there, not about matching."""


def fill(node: Node, count: int, *, scans: Callable[[int], bytes] | None = None, roi: str = ROI) -> None:
    """Append that many records, and put each on the lane of Macedonia's node.

    Each names a scan of its own: that of its number, which is kept too, or one that is said to be elsewhere.
    """
    for start in range(0, count, A_TRANSACTION):
        signed = []
        for number in range(start, min(start + A_TRANSACTION, count)):
            content = scans(number) if scans else f"scan {number}".encode()
            signed.append(_signed(node, number, content, roi))
            if scans:
                _keep(node, content)
        state = AcquisitionState.NOT_CORRELATED if scans else AcquisitionState.AWAITING_SCAN
        with node.store.write() as session:
            for envelope, record in signed:
                name = statement_id(envelope.payload)
                append_own(session, name, record, record.type, envelope)
                add_record(session, name, record, submitted_by="examiner-7", state=state)
                share(session, name, record, history=node.history)


def _keep(node: Node, content: bytes) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    with node.blobs.arrival(sha256, len(content)) as arrival:
        arrival.write(content)
        node.blobs.keep(arrival, sha256)


def _signed(node: Node, number: int, scan: bytes, roi: str) -> tuple[Envelope, Record]:
    blob = {"sha256": hashlib.sha256(scan).hexdigest(), "size": len(scan), "media_type": "application/x-x3p"}
    fields: dict[str, Any] = record_fields(
        issuer=node.node_id,
        jurisdiction=node.settings.jurisdiction,
        nonce=secrets.token_hex(32),
        case_reference=f"{node.settings.jurisdiction}-{number}",
        acquisitions=[acquisition_fields(blob=blob, roi=roi)],
        handling={"code": "H0", "restriction": None, "source_grade": None, "information_grade": None},
        audience=["MK"],
    )
    payload = encoded(fields)
    record = parse_statement(payload)
    assert isinstance(record, Record)
    return node.keys.statement.sign(payload), record


def fill_over_days(node: Node, count: int, *, days: int) -> None:
    """Records that came hour by hour until now: stamped so, and with a signed head of the log after each hour."""
    hours = days * 24
    end = datetime.now(UTC)
    with pytest.MonkeyPatch.context() as patch:
        for hour in range(hours):
            moment = end - timedelta(hours=hours - hour)
            patch.setattr(clock, "now", lambda moment=moment: moment)
            fill(node, count * (hour + 1) // hours - count * hour // hours)
            sign_head(node)


POLICY = 1
"""Statements on each lane before the first record: the policy in force."""


def enrol_with_each_other(one: Node, other: Node) -> None:
    """As two operators on the telephone would, without either being served."""
    for reader, read in ((one, other), (other, one)):
        allow_all(reader)
        introduction = read_introduction(reader, read.card_envelope.raw)
        enrol(reader, introduction, confirmed=introduction.fingerprint, legal_basis=LEGAL_BASIS)


def scans_of(size: int) -> Callable[[int], bytes]:
    """Scans by number: whole x3p files of at least ``size`` bytes that do not pack, each with a digest of its own."""
    side = int((size / 4) ** 0.5) + 1
    entries: dict[str, bytes] = {}
    build(
        np.random.default_rng(5).normal(0, 1e-6, (side, side)),
        z_type="F",
        edit_entries=lambda e: entries.update(e) or e,
    )

    def scan(number: int) -> bytes:
        # heights alike, and another name of who captured them: to draw new ones each time would take minutes
        xml = entries["main.xml"].replace(b"<Creator>somebody<", b"<Creator>number %d<" % number)
        checksum = f"{hashlib.md5(xml, usedforsecurity=False).hexdigest()} *main.xml\n".encode()
        return zip_bytes(entries | {"main.xml": xml, "md5checksum.hex": checksum}, zipfile.ZIP_STORED)

    return scan
