"""How far the node is: what it holds, what still waits, what was set aside; and whether it can do its work now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy.orm import Session

from exchange.config import load_settings
from exchange.errors import ExchangeError, StoreUnavailable
from exchange.flows.alerts.mail import mail_alarms
from exchange.flows.alerts.webhooks import webhook_alarms
from exchange.flows.entry.watch.folder_standing import watch_alarms
from exchange.flows.keys.trust_root import root_alarms
from exchange.flows.log.mend import check_readable
from exchange.flows.log.stamping import stamp_alarms
from exchange.flows.log.start import loss_alarms, signing_alarms
from exchange.flows.node.gallery_standing import GalleryStanding
from exchange.flows.node.jurisdictions import jurisdiction_alarms
from exchange.flows.node.last_head import last_head_fault
from exchange.flows.node.node import Node
from exchange.flows.node.own_card import check_card
from exchange.flows.operate.egress import egress_alarms
from exchange.flows.operate.findings import Cause, Finding, finding
from exchange.flows.operate.recovery import Recovery, recovery_of
from exchange.flows.statement.peer import altered_peers
from exchange.flows.statement.signed_standing import policy_alarms
from exchange.flows.sync.clocks import clocks_of
from exchange.flows.sync.peer_quota import share_alarms
from exchange.flows.sync.skew import skew_alarms
from exchange.flows.terms.held_under_old_line import holders_now
from exchange.flows.witness.witness_alarms import few_witnesses, unwitnessed_logs
from exchange.store.entry.record_rows import count_records, counts_by_state
from exchange.store.log.stamps import latest_stamp
from exchange.store.log.statement_rows import last_log_check, latest_checkpoint, log_state
from exchange.store.node import jobs
from exchange.store.operate.newest_row import first_row
from exchange.store.review.candidate_rows import count_candidates
from exchange.store.sync.peers import all_peers
from exchange.store.tables.log import DisagreementRow, LogCheckRow
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.witness.cosignatures import all_disagreements, witnesses

_LOST: Final = "lost statements"


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
    findings: tuple[Finding, ...]
    """What is wrong, of its own and of peers, without what `ffp sync status` tells of each peer."""

    @property
    def alarms(self) -> list[str]:
        """In words, with the next step."""
        return [found.in_words for found in self.findings]


def node_status(node: Node, *, blind_for: str | None = None) -> NodeStatus:
    """``blind_for``: as if the pairs that this examiner may be asked to verify were not there."""
    with node.store.read() as session:
        signed, stamped, check = latest_checkpoint(session), latest_stamp(session), last_log_check(session)
        peers, log, recovery = all_peers(session), log_state(session), recovery_of(node.settings, first_row(session))
        clocks, own = clocks_of(node, peers), [*own_findings(session, node, peers)]
        return NodeStatus(
            node_id=node.node_id,
            records=count_records(session),
            acquisitions=counts_by_state(session),
            candidates=count_candidates(session, blind_for=blind_for),
            jobs=jobs.counts(session),
            log_size=log.size,
            signed_size=signed.size if signed else 0,
            signs=not any(found.cause is Cause.LOG_HELD and found.subject != _LOST for found in own),
            stamped_size=stamped.size if stamped else 0,
            stamped_at=stamped.at if stamped else None,
            checked_at=check.checked_at if check else None,
            altered=_sentences(check),
            galleries=node.galleries.standing(),
            witnesses=witnesses(session),
            recovery=recovery,
            findings=(
                *own,
                *peer_findings(session, node, peers),
                *(
                    finding(Cause.PEER_CLOCK, off.what, subject=f"peer {peer}", step=off.then)
                    for peer, off in clocks.peers.items()
                ),
                *recovery.lacking,
            ),
        )


def own_findings(session: Session, node: Node, peers: Sequence[PeerRow]) -> Iterator[Finding]:
    """Return the findings about the node itself, from its own rows and files. Findings about a peer are listed with
    the peer."""
    yield from (finding(Cause.LOG_HELD, alarm) for alarm in signing_alarms(node, session))
    yield from (finding(Cause.LOG_HELD, alarm, subject=_LOST) for alarm in loss_alarms(session))
    told: tuple[tuple[Cause, list[str]], ...] = (
        (Cause.POLICY_ALTERED, policy_alarms(session, node.history)),
        (Cause.TIME_STAMPS, stamp_alarms(session, node.authority)),
        (Cause.MAIL_WAITS, mail_alarms(session, node.mail)),
        (Cause.EGRESS_STRANGE, egress_alarms(node)),
        (Cause.WEBHOOK, webhook_alarms(session)),
        (Cause.WATCHED_FOLDER, watch_alarms(node.settings.home)),
        (Cause.TRUST_ROOT, root_alarms(node, peers)),
    )
    yield from (finding(cause, alarm) for cause, alarms in told for alarm in alarms)
    for alarm in jurisdiction_alarms(node.settings):
        then = "Nothing waits for it: codes stand in place of names."
        yield finding(Cause.TRUST_ROOT, alarm, subject="jurisdictions", then=then)
    if clock := clocks_of(node, peers).own:
        yield finding(Cause.CLOCK_OFF, clock.what)


def peer_findings(session: Session, node: Node, peers: Sequence[PeerRow]) -> Iterator[Finding]:
    """What stands between the node and its peers, their clocks apart."""
    for alarm in share_alarms(session, node.settings, peers):
        yield finding(Cause.PEER_ALARM, alarm, subject="shares")
    told = (
        (Cause.CONTRACT, skew_alarms(session, peers)),
        (Cause.FEW_WITNESSES, few_witnesses(node, peers)),
        (Cause.FEW_WITNESSES, unwitnessed_logs(session, peers)),
    )
    yield from (finding(cause, alarm) for cause, alarms in told for alarm in alarms)
    for peer, what in altered_peers(peers):
        yield finding(Cause.PEER_ALTERED, what, subject=f"peer {peer}")


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


def readiness(node: Node) -> dict[str, str]:
    """Each part with "ok", or what is wrong with it. The keys were opened when the node was."""
    return {
        "keys": "ok",
        "settings": _state(partial(_check_settings, node)),
        "database": _state(node.store.check),
        "blobs": _state(node.blobs.check),
        "log": _state(partial(_check_log, node)),
    }


def _check_settings(node: Node) -> None:
    """As they stand now: with those that contradict the card this node would not start again."""
    check_card(load_settings(node.settings.home), node.history)


def _check_log(node: Node) -> None:
    check_readable(node)
    with node.store.read() as session:
        fault = last_head_fault(node.settings, session)
    if fault is not None:
        raise StoreUnavailable(fault.in_words)


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except ExchangeError as error:
        return str(error)
    return "ok"
