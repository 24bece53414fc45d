"""What a node does: scans, log, time stamps, e-mail, computing, jobs, deadlines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from exchange.clock import stamp_in
from exchange.errors import ComputeAway, ComputeFailed, NotFound, ObjectStoreUnavailable
from exchange.flows.alerts.deadlines import all_duties
from exchange.flows.alerts.mail import mail_alarms
from exchange.flows.alerts.webhooks import webhook_alarms
from exchange.flows.entry.watch.standing import watch_alarms
from exchange.flows.keys.trust_root import root_alarms
from exchange.flows.log.stamping import stamp_alarms
from exchange.flows.log.start import log_alarms
from exchange.flows.node.blob_cache import is_blob_away
from exchange.flows.node.cluster import count_workers, executor_on
from exchange.flows.node.jurisdictions import jurisdiction_alarms
from exchange.flows.node.last_head import last_head_fault
from exchange.flows.node.node import Node
from exchange.flows.operate.doctor.causes import Cause
from exchange.flows.operate.doctor.findings import Finding, fault, warning
from exchange.flows.operate.promised_work import standing_work
from exchange.flows.operate.ready import who_works
from exchange.flows.statement.signed_standing import policy_alarms
from exchange.store.entry.records import scans_at_rest
from exchange.store.log.statements import keys_since, last_log_check, latest_checkpoint, log_size, statement_at
from exchange.store.node import jobs
from exchange.store.scan.objects import all_stored, count_objects, count_set_aside
from exchange.store.sync.peers import all_peers
from exchange.store.tables.peers import PeerState
from exchange.store.witness.cosignatures import cosigned_size, disagreements
from schemas.errors import shown

TAIL_S: Final = 60
"""A running node signs once a second; so long it may be busy with something else."""
UNWITNESSED_S: Final = 3600
CHECKS_LATE: Final = 2
"""Of the intervals between checks of content at rest, so many may pass."""
_WAITS: Final = "What is to be correlated waits, and none of it is given up."
_SEE_WATCH: Final = "See its own words: journalctl -u 'ffp-watch@*' -e. What lies there is taken when that is mended."
_NAMED: Final = 3
BUSY: Final = 100
"""So many scans may wait for their upload after an import."""
WHAT_WAITS: Final = {
    "first_review": "Scans whose pairs nobody has opened",
    "verification": "Verifications",
    "send_lead": "Leads that the other side does not know of",
    "answer": "Hits on which the other side waits for an answer",
    "feedback": "Hits without feedback",
    "explain": "Custody discrepancies of own exhibits that the head has not explained",
    "receive": "Exhibits on their way to this side",
    "return": "Exhibits of the other side that nobody compares any more",
}


def examine_scans(node: Node) -> Iterator[Finding]:
    """Whether each scan that a record names is there, in its size. Their bytes are read by `ffp log check`."""
    with node.store.read() as session:
        named, elsewhere = scans_at_rest(session), all_stored(session)
    lacking = [
        sha256
        for sha256, size in named.items()
        if not (sha256 in elsewhere and is_blob_away(node.blobs, sha256)) and _size(node, sha256) != size
    ]
    if lacking:
        some = ", ".join(lacking[:_NAMED])
        what = f"{len(lacking)} of {len(named)} scans that records name are gone or cut short: {some}."
        then = f"Copy them from the newest backup: cp -rn BACKUPS/blobs/* {node.settings.blobs}/, then: ffp log check"
        yield fault(Cause.SCANS_GONE, "scans", what, then)

    aside = len(node.blobs.all_set_aside())
    with node.store.read() as session:
        in_store = count_set_aside(session)
    if aside or in_store:
        where = [f"{aside} in {node.settings.blobs}/set-aside"] if aside else []
        where += [f"{in_store} in the object store"] if in_store else []
        what = f"Scans that no record names were set aside after a restore: {' and '.join(where)}."
        then = "Submit again what the laboratory's own files show to be lost; then erase the folder."
        yield warning(Cause.SCANS_SET_ASIDE, "scans", what, then)


def examine_objects(node: Node, *, served: bool) -> Iterator[Finding]:
    """Whether the object store answers, and what waits for it."""
    with node.store.read() as session:
        stored, waiting, altered = count_objects(session)
    if node.objects is None:
        if stored:
            what = f"{stored} scans are in an object store that the settings do not name any more."
            yield fault(Cause.OBJECTS_AWAY, "object store", what, "Set objects_url and what belongs to it again.")
        return
    away = None
    try:
        node.objects.check()
    except ObjectStoreUnavailable as error:
        away = str(error)
        then = "Bring it back, or correct objects_* in config.toml: what waits is stored by itself"
        yield fault(Cause.OBJECTS_AWAY, "object store", f"{away} {waiting} scans wait for it, on this disk.", then)
    if altered:
        what = f"{altered} objects are not the scans that they are named after; they are not served."
        yield fault(
            Cause.OBJECTS_ALTERED,
            "object store",
            what,
            "See which with: ffp log check. Copy these from a backup into blobs.",
        )
    if served and away is None and waiting > altered + BUSY:
        what = f"{waiting} scans wait for their upload."
        yield warning(
            Cause.QUEUE_STANDS, "object store", what, "See in the node's own log whether it gets on with them."
        )


def _size(node: Node, sha256: str) -> int | None:
    try:
        return node.blobs.size(sha256)
    except NotFound:
        return None


def examine_log(node: Node, *, served: bool) -> Iterator[Finding]:
    """The own log: may it be signed, is it, do others vouch for it, and is what is at rest what was signed."""
    with node.store.read() as session:
        set_back = last_head_fault(node.settings, session)
        alarms, kept = log_alarms(node, session), disagreements(session, node.node_id)
        of_policy, named = policy_alarms(session, node.history), keys_since(session)
        size, signed = log_size(session), latest_checkpoint(session)
        tail = statement_at(session, node.node_id, signed.size if signed else 0)
        check, peers = last_log_check(session), all_peers(session)
        enrolled = [peer.node_id for peer in peers if peer.state == PeerState.ENROLLED]
        vouched = max((cosigned_size(session, peer) or 0 for peer in enrolled), default=0)
    if named != node.history.last.index:
        what = "The keys are newer than the database, whose log does not name them yet: submissions are refused."
        yield fault(
            Cause.KEYS_NEWER,
            "keys",
            what,
            "Its peers give the log back; see with `ffp peer list` that some are reached.",
        )
    if set_back is not None:
        yield fault(Cause.DATABASE_SET_BACK, "database", f"{set_back.what} Nothing is signed.", set_back.next)
    for alarm in alarms:
        yield fault(Cause.LOG_HELD, "log", alarm, "See `ffp peer list` for who is reached, and telephone who is not.")
    for alarm in of_policy:
        yield fault(Cause.POLICY_ALTERED, "policy", alarm, "Find out who changed the database.")
    if kept:
        what = f"{len(kept)} pairs of heads that this node signed do not agree."
        yield fault(
            Cause.LOG_FORKED,
            "log",
            what,
            "Stop the node, look at `ffp log evidence`, and telephone the peers' operators.",
        )
    if served and not alarms and tail is not None and tail.received_at < stamp_in(-TAIL_S):
        what = f"{size - (signed.size if signed else 0)} statements wait for a signed head since {tail.received_at}."
        then = "Look into the node's own log for why (journalctl -u ffp -e), then: systemctl restart ffp"
        yield warning(Cause.LOG_UNSIGNED, "log", what, then)
    late = signed is not None and vouched < signed.size and signed.signed_at < stamp_in(-UNWITNESSED_S)
    if served and enrolled and late:
        what = f"No peer has cosigned the last head of the log; the largest that one did has size {vouched}."
        yield warning(
            Cause.LOG_UNWITNESSED, "log", what, "See with `ffp peer list` why peers do not come, or telephone them."
        )
    if check is not None and not check.good:
        what = "Content at rest is not what was signed."
        yield fault(Cause.LOG_ALTERED, "log", what, "See which with: ffp log check")
    elif (
        served and check is not None and check.checked_at < stamp_in(-CHECKS_LATE * node.settings.log_check_interval_s)
    ):
        what = f"Content at rest was last read again {check.checked_at}."
        yield warning(Cause.LOG_UNREAD, "log", what, "Do so now: ffp log check")


def examine_work(node: Node, *, served: bool) -> Iterator[Finding]:
    """Who works, what was set aside, and what does not leave."""
    works = who_works(node)
    if served and works != "ok":
        what = f"{works} Nothing is signed, pulled, fetched or correlated."
        then = "Start one: systemctl start ffp-worker; or have ffp serve run without --no-worker"
        yield fault(Cause.NO_WORKER, "worker", what, then)
    with node.store.read() as session:
        dead, waiting, peers = jobs.dead(session), jobs.waiting_for_others(session), all_peers(session)
        stamps, letters = stamp_alarms(session, node.authority), mail_alarms(session, node.mail)
        told = webhook_alarms(session)
    stands = standing_work(node) if served and works == "ok" else None
    for kind, count in Counter(job.kind for job in dead).items():
        last = next(job for job in reversed(dead) if job.kind == kind)
        what = f"{count} jobs of the kind {kind} were given up, the last because: {shown(last.error or '', 300)}"
        yield warning(
            Cause.JOBS_DEAD,
            "jobs",
            what,
            "Mend that, then: ffp job retry --all-dead. Each is named by: ffp job list --dead",
        )
    for kind, (count, said) in waiting.items():
        what = f"{count} jobs of the kind {kind} wait for what is away. One of them says: {shown(said, 300)}"
        yield warning(
            Cause.JOBS_WAIT,
            "jobs",
            what,
            "Bring that back: they go on within a minute, and none is given up meanwhile.",
        )
    if stands is not None:
        count, since = stands
        what = f"The queue does not move: {count} jobs are due and not begun, the first since {since}."
        then = "See what the worker is at: ffp job list; journalctl -u ffp -e. Then: systemctl restart ffp"
        yield fault(Cause.QUEUE_STANDS, "jobs", what, then)
    for alarm in stamps:
        yield warning(Cause.TIME_STAMPS, "time stamps", alarm, "Nothing waits for them.")
    for alarm in letters:
        yield warning(Cause.MAIL_WAITS, "e-mail", alarm, "Nothing waits for it.")
    for alarm in watch_alarms(node.settings.home):
        yield warning(Cause.WATCHED_FOLDER, "watched folders", alarm, _SEE_WATCH)
    for alarm in told:
        yield warning(Cause.WEBHOOK, "webhooks", alarm, "Mend what the sentence names; no record waits for it.")
    for alarm in root_alarms(node, peers):
        then = (
            "Ask those who sign it for the next round, then: ffp root install FOLDER. Enrolled peers go on meanwhile."
        )
        yield warning(Cause.TRUST_ROOT, "trust root", alarm, then)
    for alarm in jurisdiction_alarms(node.settings):
        yield warning(Cause.TRUST_ROOT, "jurisdictions", alarm, "Nothing waits for it: codes stand in place of names.")


def examine_compute(node: Node) -> Iterator[Finding]:
    """Whether a process can be started here that compares scans as other nodes do, and whether the cluster compares."""
    try:
        why = node.background.run(_computes_otherwise)
    except ComputeFailed as error:
        then = "See to the limits of the machine, what came waits: free -m; systemctl show ffp -p TasksMax -p MemoryMax"
        yield fault(Cause.COMPUTE_AWAY, "compute", str(error), then)
    else:
        if why is not None:
            what = (
                "This machine scores pairs of scans otherwise than other nodes: of one firearm in the last digits, of "
                "two by up to a tenth."
            )
            yield warning(Cause.COMPUTES_OTHERWISE, "compute", what, why)
    if node.cluster is None:
        return
    try:
        if count_workers(node.cluster) == 0:
            what = f"The cluster at {node.cluster.scheduler} has no worker."
            yield fault(
                Cause.CLUSTER_AWAY, "cluster", what, f"Start them: dask worker {node.cluster.scheduler}. {_WAITS}"
            )
            return
        with executor_on(node.cluster):  # each of its workers says which release it is
            return
    except ComputeAway as error:
        then = f"Start scheduler and workers there, or take cluster_scheduler out of config.toml. {_WAITS}"
        yield fault(Cause.CLUSTER_AWAY, "cluster", str(error), then)


def _computes_otherwise() -> str | None:
    """In a worker process; the matcher is loaded there alone."""
    from matcher.evaluate.trial import computes_otherwise

    return computes_otherwise()


def examine_deadlines(node: Node) -> Iterator[Finding]:
    """By kind, never by person or case."""
    with node.store.read() as session:
        found = all_duties(session, node)
    for due in found:
        if due.late:
            what = f"{WHAT_WAITS[due.duty]} overdue: {due.late}, the first since {due.first}."
            yield warning(
                Cause.DEADLINES, "deadlines", what, "Tell whoever heads the laboratory; they wait on the first page."
            )
