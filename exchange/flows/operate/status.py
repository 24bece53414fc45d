"""How far the node is: what it holds, what still waits, what was set aside."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from exchange.flows.alerts.mail import mail_alarms
from exchange.flows.alerts.webhooks import webhook_alarms
from exchange.flows.entry.watch.standing import watch_alarms
from exchange.flows.keys.trust_root import root_alarms
from exchange.flows.log.stamping import stamp_alarms
from exchange.flows.log.start import loss_alarms, signing_alarms
from exchange.flows.node.gallery_standing import GalleryStanding
from exchange.flows.node.jurisdictions import jurisdiction_alarms
from exchange.flows.node.node import Node
from exchange.flows.operate.egress import egress_alarms
from exchange.flows.operate.recovery.age import Recovery, recovery_of
from exchange.flows.statement.peer import altered_peers
from exchange.flows.statement.signed_standing import policy_alarms
from exchange.flows.sync.clocks import clocks_of
from exchange.flows.sync.peer_quota import share_alarms
from exchange.flows.sync.skew import skew_alarms
from exchange.flows.terms.held_under_old_line import holders_now
from exchange.flows.witness.witness_alarms import few_witnesses, unwitnessed_logs
from exchange.store.entry.records import count_records, counts_by_state
from exchange.store.log.stamps import latest_stamp
from exchange.store.log.statements import last_log_check, latest_checkpoint, log_state
from exchange.store.node import jobs
from exchange.store.operate.newest_row import first_row
from exchange.store.review.candidates import count_candidates
from exchange.store.sync.peers import all_peers
from exchange.store.tables.log import DisagreementRow, LogCheckRow
from exchange.store.tables.peers import PeerRow
from exchange.store.witness.cosignatures import all_disagreements, witnesses


@dataclass(frozen=True)
class NodeStatus:
    """``acquisitions`` and ``jobs`` count by state; a job in state "dead" needs the operator."""

    node_id: str
    records: int
    acquisitions: dict[str, int]
    candidates: int
    jobs: dict[str, int]
    log_size: int
    signed_size: int
    signs: bool
    """Whether this node signs: false after a damaged ``last-head``, say, and while its peers are awaited."""
    stamped_size: int
    """The size of the largest head that has a time stamp; 0 when none has."""
    stamped_at: str | None
    """The time in that stamp."""
    checked_at: str | None
    """When content at rest was last read again."""
    altered: tuple[str, ...]
    """What was then not what was signed, one sentence each."""
    galleries: tuple[GalleryStanding, ...]
    """How far what is searched follows the records."""
    witnesses: dict[str, int]
    """The largest size at which each peer cosigned this node's log."""
    recovery: Recovery
    """The last backup and the last verified restore, with what is lacking."""
    alarms: list[str]
    """What is wrong with this node's own log, its time stamps, its e-mail, its webhooks, its watched folders, its trust
    root, its names of jurisdictions, its clock or a peer's; which lanes are not read because their peers used up their
    share, and which wait for an upgrade of this node or of the peer; which witnesses are not enrolled, and whose log
    too few of its witnesses are known to see; what is lacking of backups and of verified restores: in words, with the
    next step."""


def node_status(node: Node, *, blind_for: str | None = None) -> NodeStatus:
    """``blind_for``: as if the pairs that this examiner may be asked to verify were not there."""
    with node.store.read() as session:
        signed, stamped, check = latest_checkpoint(session), latest_stamp(session), last_log_check(session)
        peers, log = all_peers(session), log_state(session)
        stopped, recovery = signing_alarms(node, session), recovery_of(node.settings, first_row(session))
        return NodeStatus(
            node_id=node.node_id,
            records=count_records(session),
            acquisitions=counts_by_state(session),
            candidates=count_candidates(session, blind_for=blind_for),
            jobs=jobs.counts(session),
            log_size=log.size,
            signed_size=signed.size if signed else 0,
            signs=not stopped,
            stamped_size=stamped.size if stamped else 0,
            stamped_at=stamped.at if stamped else None,
            checked_at=check.checked_at if check else None,
            altered=_sentences(check),
            galleries=node.galleries.standing(),
            witnesses=witnesses(session),
            recovery=recovery,
            alarms=[
                *stopped,
                *_further_own_alarms(session, node, peers),
                *share_alarms(session, node.settings, peers),
                *skew_alarms(session, peers),
                *few_witnesses(node, peers),
                *unwitnessed_logs(session, peers),
                *(f"{peer}: {said}" for peer, said in altered_peers(peers)),
                *map(str, clocks_of(node, peers).peers.values()),
                *recovery.alarms,
            ],
        )


def own_alarms(session: Session, node: Node, peers: Sequence[PeerRow]) -> list[str]:
    """What is wrong with the node itself; what stands against a peer is told with the peer."""
    return [*signing_alarms(node, session), *_further_own_alarms(session, node, peers)]


def _further_own_alarms(session: Session, node: Node, peers: Sequence[PeerRow]) -> list[str]:
    return [
        *loss_alarms(session),
        *policy_alarms(session, node.history),
        *stamp_alarms(session, node.authority),
        *mail_alarms(session, node.mail),
        *egress_alarms(node),
        *webhook_alarms(session),
        *watch_alarms(node.settings.home),
        *root_alarms(node, peers),
        *jurisdiction_alarms(node.settings),
        *([str(clock)] if (clock := clocks_of(node, peers).own) else []),
    ]


def held_alarms(node: Node) -> list[str]:
    """What peers hold under an earlier line, until the head decides. Apart from the status: each own record is held
    against the policy, which takes its time beside many."""
    return [
        f"{holder.node_id} holds records of this node under an earlier line, and nobody decided whether they stay "
        f"there: {holder.records}. The head sees them by: ffp policy held"
        for holder in holders_now(node)
    ]


def kept_evidence(node: Node) -> list[DisagreementRow]:
    """Every two signed heads of one log, a peer's or the node's own, that do not agree."""
    with node.store.read() as session:
        return list(all_disagreements(session))


def _sentences(check: LogCheckRow | None) -> tuple[str, ...]:
    if check is None or check.good:
        return ()
    return tuple(f"{found['subject']}: {found['what']}" for found in json.loads(check.report)["findings"])
