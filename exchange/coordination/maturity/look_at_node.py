"""What this node sees of each step of a jurisdiction's way in: proven, with its evidence, or why not.

Of its own jurisdiction a node sees its own rows, settings and files; of another one what came from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from exchange.clock import DAY_S, stamp, stamp_in, today
from exchange.coordination.approved_rows import ApprovedKind, approved_rows
from exchange.errors import ConfigurationError
from exchange.flows.node.installed_trust import installed_trust
from exchange.flows.node.node import Node
from exchange.flows.operate.findings import Cause
from exchange.flows.operate.recovery import recovery_of
from exchange.flows.operate.status import own_findings
from exchange.store.entry.record_rows import AcquisitionState
from exchange.store.log.statement_rows import latest_checkpoint, latest_of
from exchange.store.operate.newest_row import first_row
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peer_tables import LaneItemRow, LaneRow, PeerRow, PeerState
from exchange.store.tables.record_tables import (
    AcquisitionRow,
    RecordDetailRow,
    RecordRow,
    ScanInstrumentRow,
    StatementRow,
)
from exchange.store.terms.terms_rows import legal_bases
from schemas.vocabulary import Jurisdiction, OnboardingStep

SYNTHETIC: Final = "synthetic"
"""The word by which drawn scans and made-up exhibits tell what they are: of the instrument, or of the headstamp."""


@dataclass(frozen=True)
class TrialRecord:
    record: str
    at: str


def arrived_trial(session: Session, issuers: Collection[str]) -> TrialRecord | None:
    """The first record of these issuers that is here with all its scans, and says that it is made up."""
    awaited = select(AcquisitionRow.acquisition_id).where(
        AcquisitionRow.statement_id == RecordRow.statement_id, AcquisitionRow.state == AcquisitionState.AWAITING_SCAN
    )
    found = (
        select(StatementRow.statement_id, StatementRow.received_at)
        .join(RecordRow, RecordRow.statement_id == StatementRow.statement_id)
        .join(RecordDetailRow, RecordDetailRow.statement_id == StatementRow.statement_id)
        .where(RecordRow.issuer.in_(list(issuers)), _made_up(), StatementRow.refused_by.is_(None), ~awaited.exists())
        .order_by(StatementRow.received_at)
    )
    row = session.execute(found.limit(1)).first()
    return None if row is None else TrialRecord(row[0], row[1])


def taken_trial(session: Session, owner: str, peers: Collection[str]) -> TrialRecord | None:
    """The first own record that says that it is made up, and that one of these peers acknowledged."""
    found = (
        select(StatementRow.statement_id, LaneRow.acknowledged_at)
        .join(RecordRow, RecordRow.statement_id == StatementRow.statement_id)
        .join(RecordDetailRow, RecordDetailRow.statement_id == StatementRow.statement_id)
        .join(LaneItemRow, LaneItemRow.statement_id == StatementRow.statement_id)
        .join(LaneRow, LaneRow.peer == LaneItemRow.peer)
        .where(
            RecordRow.issuer == owner,
            _made_up(),
            LaneRow.peer.in_(list(peers)),
            LaneItemRow.withheld.is_(False),
            LaneItemRow.position < LaneRow.acknowledged_count,
        )
        .order_by(StatementRow.log_index)
    )
    row = session.execute(found.limit(1)).first()
    return None if row is None or row[1] is None else TrialRecord(row[0], row[1])


def _made_up() -> ColumnElement[bool]:
    """By what the record states, in folded columns, or by what the file of a scan says."""
    word = f"%{SYNTHETIC}%"
    measured = (
        select(ScanInstrumentRow.acquisition_id)
        .join(AcquisitionRow, AcquisitionRow.acquisition_id == ScanInstrumentRow.acquisition_id)
        .where(
            AcquisitionRow.statement_id == RecordRow.statement_id, func.lower(ScanInstrumentRow.instrument).like(word)
        )
    )
    return or_(RecordDetailRow.headstamp.like(word), RecordDetailRow.instrument.like(word), measured.exists())


PEER_ANSWERS_DAYS: Final = 1


class Why(StrEnum):
    """Why a step is not proven; a sentence for each stands in ``maturity_page.py``."""

    NO_POLICY = "no_policy"
    NO_LINE = "no_line"
    LINE_OVERDUE = "line_overdue"
    NO_PARTNER = "no_partner"
    NO_ROOT = "no_root"
    ROOT_NOT_BELIEVED = "root_not_believed"
    ROOT_EXPIRED = "root_expired"
    NOT_IN_ROOT = "not_in_root"
    NO_TLS = "no_tls"
    NO_HEAD = "no_head"
    FAULTS = "faults"
    NOT_ENROLLED = "not_enrolled"
    SILENT = "silent"
    ALARM = "alarm"
    NEEDS_A_FILE = "needs_a_file"
    NO_DRILL = "no_drill"
    DRILL_OLD = "drill_old"
    DRILL_FAILED = "drill_failed"
    NOTHING_ARRIVED = "nothing_arrived"
    NOTHING_TAKEN = "nothing_taken"
    NO_REPORT = "no_report"
    NOT_SEEN_FROM_HERE = "not_seen_from_here"


@dataclass(frozen=True)
class SeenStep:
    """``evidence`` is there where it is proven, ``why`` where it is not. ``on``: the day of the evidence, where it has
    one. ``names``: nodes or jurisdictions of which the reason speaks."""

    evidence: str | None = None
    on: date | None = None
    why: Why | None = None
    names: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        return self.evidence is not None


def look_at_steps(
    node: Node, jurisdiction: Jurisdiction, faults: Collection[str] = ()
) -> Mapping[OnboardingStep, SeenStep]:
    """``faults``: what an examination of this node has just found (``ffp doctor``). Changes nothing, asks nobody."""
    own = jurisdiction == node.settings.jurisdiction
    with node.store.read() as session:
        peers = [peer for peer in all_peers(session) if peer.state == PeerState.ENROLLED]
        theirs = [peer for peer in peers if peer.jurisdiction == jurisdiction]
        others = [peer for peer in peers if peer.jurisdiction != node.settings.jurisdiction]
        return {
            OnboardingStep.LEGAL_BASIS: _legal_basis(session, node, others if own else [], jurisdiction, own=own),
            OnboardingStep.CEREMONY: _ceremony(node, jurisdiction),
            OnboardingStep.NODE: _own_node(session, node, faults) if own else _their_node(theirs),
            OnboardingStep.CONFORMANCE: SeenStep(why=Why.NEEDS_A_FILE),
            OnboardingStep.BACKUP_DRILL: _drill(session, node) if own else SeenStep(why=Why.NOT_SEEN_FROM_HERE),
            OnboardingStep.TRIAL_EXCHANGE: _trial(session, node, others if own else theirs),
            OnboardingStep.FIRST_REPORT: _report(session) if own else SeenStep(why=Why.NOT_SEEN_FROM_HERE),
        }


def evidence_digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def _legal_basis(
    session: Session, node: Node, partners: Collection[PeerRow], jurisdiction: Jurisdiction, *, own: bool
) -> SeenStep:
    """The policy in force names a line that is not past its review: for the other jurisdiction, or, of this node's own,
    for each partner."""
    policy, bases = latest_of(session, node.node_id, "policy"), legal_bases(session)
    if policy is None or not bases:
        return SeenStep(why=Why.NO_POLICY)
    wanted = {Jurisdiction(peer.jurisdiction) for peer in partners} if own else {jurisdiction}
    lacking = wanted - {basis.jurisdiction for basis in bases}
    if lacking:
        return SeenStep(why=Why.NO_LINE, names=tuple(sorted(lacking)))
    ruled = [basis for basis in bases if own or basis.jurisdiction in wanted]
    overdue = {basis.jurisdiction for basis in ruled if basis.review_by < today()}
    if overdue:
        return SeenStep(why=Why.LINE_OVERDUE, names=tuple(sorted(overdue)))
    return SeenStep(policy.statement_id, _day(policy.received_at))


def _ceremony(node: Node, jurisdiction: Jurisdiction) -> SeenStep:
    """The trust root that is installed here is in force, and its registry names a node of the jurisdiction."""
    try:
        trust = installed_trust(node.settings)
    except ConfigurationError:
        return SeenStep(why=Why.ROOT_NOT_BELIEVED)
    if trust is None:
        return SeenStep(why=Why.NO_ROOT)
    if datetime.fromisoformat(stamp()) >= trust.expires:
        return SeenStep(why=Why.ROOT_EXPIRED)
    if all(entry.jurisdiction != jurisdiction for entry in trust.registry.nodes):
        return SeenStep(why=Why.NOT_IN_ROOT, names=(jurisdiction,))
    return SeenStep(evidence_digest(trust.registry.raw))


def _own_node(session: Session, node: Node, faults: Collection[str]) -> SeenStep:
    if faults:
        return SeenStep(why=Why.FAULTS, names=tuple(sorted(set(faults))))
    if not node.settings.url.startswith("https:"):
        return SeenStep(why=Why.NO_TLS)
    if latest_checkpoint(session) is None:
        return SeenStep(why=Why.NO_HEAD)
    if any(own_findings(session, node, all_peers(session))):
        return SeenStep(why=Why.ALARM, names=(node.node_id,))
    return SeenStep(evidence_digest(node.card_envelope.raw))


def _their_node(theirs: Collection[PeerRow]) -> SeenStep:
    if not theirs:
        return SeenStep(why=Why.NOT_ENROLLED)
    since = stamp_in(-PEER_ANSWERS_DAYS * DAY_S)
    silent = tuple(sorted(peer.node_id for peer in theirs if peer.pulled_at is None or peer.pulled_at < since))
    if silent:
        return SeenStep(why=Why.SILENT, names=silent)
    alarmed = tuple(sorted(peer.node_id for peer in theirs if peer.alarm))
    if alarmed:
        return SeenStep(why=Why.ALARM, names=alarmed)
    first = min(theirs, key=lambda peer: peer.enrolled_at)
    return SeenStep(evidence_digest(first.card))


def _drill(session: Session, node: Node) -> SeenStep:
    """The last restore of a backup that was tried is verified, and no older than the settings let it be."""
    found = recovery_of(node.settings, first_row(session))
    lacks = {lacking.cause for lacking in found.lacking}
    if Cause.RESTORE_FAILED in lacks:
        return SeenStep(why=Why.DRILL_FAILED)
    if found.verified is None:
        return SeenStep(why=Why.NO_DRILL)
    on = _day(found.verified.at)
    if Cause.RESTORE_UNTRIED in lacks:
        return SeenStep(why=Why.DRILL_OLD, on=on)
    return SeenStep(evidence_digest(json.dumps(asdict(found.verified), sort_keys=True)), on)


def _trial(session: Session, node: Node, peers: Collection[PeerRow]) -> SeenStep:
    """A made-up record went each way."""
    if not peers:
        return SeenStep(why=Why.NO_PARTNER)
    names = [peer.node_id for peer in peers]
    arrived = arrived_trial(session, names)
    if arrived is None:
        return SeenStep(why=Why.NOTHING_ARRIVED)
    if taken_trial(session, node.node_id, names) is None:
        return SeenStep(why=Why.NOTHING_TAKEN)
    return SeenStep(arrived.record, _day(arrived.at))


def _report(session: Session) -> SeenStep:
    approved = approved_rows(session, ApprovedKind.REPORT)
    return SeenStep(approved[0].sha256, _day(approved[0].approved_at)) if approved else SeenStep(why=Why.NO_REPORT)


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).date()
