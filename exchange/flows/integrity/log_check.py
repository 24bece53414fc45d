"""Read everything again that the node holds, and find what is not what was signed: damage to content at rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict

from sqlalchemy.orm import Session

from exchange.clock import stamp_in
from exchange.errors import CheckpointInvalid, NotFound, ObjectAltered, StatementInvalid, TimeStampRefused
from exchange.extensions import parts_for
from exchange.flows.integrity.audit_check import AuditCheck, check_audit
from exchange.flows.integrity.report import Discrepancy, LogCheck, ReadProgress
from exchange.flows.integrity.signed_dealings import check_dealings
from exchange.flows.integrity.signed_peers import (
    check_cosignatures,
    check_orphans,
    check_peer,
    keys_of,
    leaves_of_mirror,
)
from exchange.flows.integrity.signed_rows import IntegrityPart, Signed, check_rows
from exchange.flows.integrity.signed_terms import check_terms
from exchange.flows.node.blob_cache import is_blob_away
from exchange.flows.node.node import Node
from exchange.flows.statement.heads import open_head
from exchange.log import merkle
from exchange.log.checkpoint import parse_text
from exchange.log.note import parse_note
from exchange.log.timestamp import verify_reply
from exchange.store.database.seals import broken
from exchange.store.entry.instrument_checks import all_checks, references_of
from exchange.store.entry.record_rows import scans_at_rest
from exchange.store.log.stamps import stamped_heads
from exchange.store.log.statement_rows import (
    all_checkpoints,
    count_statements,
    find_node,
    keep_log_check,
    key_events,
    last_log_check,
    statements_of,
)
from exchange.store.operate.at_rest import A_TIME, count_nodes, last_leaf, nodes_of, programs, unknown_issuers
from exchange.store.scan.objects import all_stored
from exchange.store.sync.peers import all_peers
from exchange.store.tables.log import CheckpointRow, LogStateRow
from exchange.store.tables.peer_tables import PeerRow
from exchange.store.tables.record_tables import StatementRow
from exchange.store.witness.rebuild_rows import PARKED, lost_leaves
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import VerifiedStatement, verify_statement
from schemas.errors import ContractError


def check_instruments(session: Session) -> Iterator[tuple[str, str]]:
    """Subject and sentence for each check after which one is missing, or whose first scan is gone. That a row itself is
    as this node wrote it, its seal says."""
    before, kept = None, references_of(session)
    for row in all_checks(session):
        subject = f"instrument_check {row.check_id}"
        if hashlib.sha256(row.document.encode()).hexdigest() != row.sha256:
            yield subject, "Its document does not have the digest that records name. Restore a backup."
            before = row.sha256
            continue
        said = json.loads(row.document)
        if said["previous"] != before:
            yield subject, "The check before it is missing, or another one. Restore a backup, and find out who took it."
        heights = kept.get(row.check_id)
        if row.reference is None and heights != said["heights"]:
            yield subject, "What was kept of this first scan is gone or another one: begin a new series with it."
        before = row.sha256


def check_scans(
    node: Node,
    scans: Mapping[str, int],
    elsewhere: Collection[str],
    check: LogCheck,
    progress: ReadProgress,
    *,
    fetch: bool,
) -> None:
    """Each scan by its size and its SHA-256; of what is in the object store alone, without ``fetch``, its size."""
    listed = None if fetch or node.objects is None else {found.sha256: found.size for found in node.objects.listing()}
    for done, (sha256, size) in enumerate(scans.items(), 1):
        if listed is not None and sha256 in elsewhere and is_blob_away(node.blobs, sha256):
            _check_listed(sha256, size, listed.get(sha256), check)
        else:
            _check_scan(node, sha256, size, check)
        progress("scans", done, len(scans))


def carry_over(node: Node, before: Sequence[Discrepancy], check: LogCheck) -> None:
    """What was found of scans before, and was not read again, still counts."""
    known = {finding.subject for finding in check.findings}
    with node.store.read() as session:
        scans = scans_at_rest(session)
    for finding in before:
        sha256 = finding.subject.removeprefix("scan ")
        if finding.subject not in known and sha256 in scans and is_blob_away(node.blobs, sha256):
            check.found(finding.subject, finding.what)


def _check_scan(node: Node, sha256: str, size: int, check: LogCheck) -> None:
    try:
        found, length = node.blobs.digest(sha256)
    except ObjectAltered as error:
        check.found(f"scan {sha256}", str(error))
        return
    except NotFound:
        check.found(f"scan {sha256}", "It is gone; restore it from a backup, or a peer that holds the record.")
        return
    except OSError as error:
        check.found(f"scan {sha256}", f"It cannot be read ({error.strerror}).")
        return
    check.scans, check.scan_bytes = check.scans + 1, check.scan_bytes + length
    if found != sha256:
        held = f"{length} bytes instead of {size}" if length != size else "other bytes"
        check.found(f"scan {sha256}", f"It holds {held}: it was changed or damaged; restore it from a backup.")


def _check_listed(sha256: str, size: int, listed: int | None, check: LogCheck) -> None:
    check.scans += 1
    if listed != size:
        held = "does not have it" if listed is None else f"has {listed} bytes instead of {size}"
        check.found(f"scan {sha256}", f"The object store {held}: it was damaged there; restore it from a backup.")


_UNSEALED = {
    "user": "It was not this node that wrote it; nobody is let in by it. Give the role anew: `ffp user role`.",
    "user_authorisation": "It was not this node that wrote it; no report prints it. State it anew: "
    "`ffp user authorise`.",
    "token": "It was not this node that wrote it; nobody is let in by it. Revoke it with `ffp token revoke`.",
    "sign_in": "It was not this node that wrote it; nobody signs in with it. Invite the user anew: `ffp user invite`.",
    "sign_in_session": "It was not this node that wrote it; nobody is signed in by it. See who changes the database.",
    "peer": "It was not this node that wrote its card, keys, state or legal_basis; it is asked nothing and answered "
    "nothing. Restore a backup, or: `ffp peer revoke`.",
    "policy_in_force": "It was not this node that wrote it; no record is released. The head states the policy anew: "
    "`ffp policy set`. Where there was none, restore a backup.",
    "acquisition": "It was not this node that wrote that its scan came from the issuer of its record; by it no peer is "
    "given the scan. Restore a backup.",
    "instrument_check": "It was not this node that wrote it; no record names it. Restore a backup, or check the "
    "instrument anew.",
    "instrument_reference": "It was not this node that wrote it; nothing is held against it. Restore a backup, or "
    "begin a new series: `ffp instrument check --new-reference`.",
}


def check_log(
    node: Node,
    progress: ReadProgress = lambda _what, _done, _total: None,
    *,
    fetch: bool = True,
    scans_too: bool = True,
) -> LogCheck:
    """Compare what is at rest with what was signed. Changes nothing; a node may serve meanwhile.

    1. The own log, from its first leaf on: both signatures of each statement, its leaf, every hash of the tree that
       rests on it, each head that was signed on the way, and each time stamp of one, where the settings name roots.
    2. What came from each peer: both signatures of each statement, the last head of its log, and both lanes. Of each
       statement, own or received, the rows that were made of it.
    3. What decides who may have what, row by row: each is what a statement says that is still in force; and who is let
       in, which no statement says, is as this node sealed it. Nothing in the database acts by itself.
    4. Each audit row, and the batches that the own log vouches for.
    5. Each scan: its size and its SHA-256. Of what is in the object store alone, without ``fetch``, the size: its
       digest is verified whenever it is read. None without ``scans_too``.

    What is appended while it runs is left for the next time.
    """
    check = LogCheck()
    # 1.
    with node.store.read() as session:
        _check_own(session, node, check, progress)
        _check_stamps(session, node, check)

        # 2.
        peers = all_peers(session)
        for peer in peers:
            _check_peer(session, node, peer, check, progress)
        check.differ(check_cosignatures(session))
        check.differ(check_orphans(session, [peer.node_id for peer in peers]))
        for issuer in unknown_issuers(session, [node.node_id, *(peer.node_id for peer in peers)]):
            check.found(f"statements of {issuer}", "Nobody of this name is a peer: nothing of them can be verified.")

        # 3.
        check.differ(check_terms(session, node))
        check.differ(check_dealings(session, node))
        for part in parts_for("integrity", IntegrityPart):
            check.differ(part.check(session, node))
        for table, name in broken(session):
            check.found(f"{table} {name}", _UNSEALED[table])
        for subject, sentence in check_instruments(session):
            check.found(subject, sentence)
        for program in programs(session):
            check.found(program, "It changes rows behind this node's back; no release made it. Find out who did.")

        # 4.
        _check_acts(session, node, check)
        scans, elsewhere = scans_at_rest(session), all_stored(session)

    # 5.
    if scans_too:
        check_scans(node, scans, elsewhere, check, progress, fetch=fetch)
    return check


def check_and_keep(
    node: Node, progress: ReadProgress = lambda _what, _done, _total: None, *, fetch: bool = True
) -> LogCheck:
    """As ``check_log``; what it finds stays known until a later check finds it mended.

    A scan that was found damaged in the object store, and that was not read there again, still counts as damaged.
    """
    check = check_log(node, progress, fetch=fetch)
    with node.store.read() as session:
        last = last_log_check(session)
    if not fetch and node.objects is not None and last is not None:
        carry_over(node, [Discrepancy(**found) for found in json.loads(last.report).get("findings", [])], check)
    with node.store.write() as session:
        keep_log_check(session, good=check.good, report=json.dumps(asdict(check)))
    return check


def check_when_due(node: Node) -> LogCheck | None:
    """Check when the last time is longer ago than the settings say, and keep the report for the operator."""
    with node.store.read() as session:
        last = last_log_check(session)
    if last is not None and last.checked_at > stamp_in(-node.settings.log_check_interval_s):
        return None
    return check_and_keep(node, fetch=False)


def _check_own(session: Session, node: Node, check: LogCheck, progress: ReadProgress) -> None:
    with closing(statements_of(session, node.node_id)) as rows:  # not all need be read
        _check_rows(session, rows, node, check, progress)


def _check_rows(
    session: Session, rows: Iterator[StatementRow], node: Node, check: LogCheck, progress: ReadProgress
) -> None:
    state = session.get(LogStateRow, 1)
    if state is None:
        check.found("log_state", "The row that says how long the log is is gone. Next: ffp log mend")
    tree, size = merkle.Growing(), state.size if state else last_leaf(session, node.node_id, PARKED) + 1
    heads = {head.size: head for head in all_checkpoints(session)}
    lost = {row.log_index: row.leaf for row in lost_leaves(session)}  # an alarm of its own, as long as they are
    made = _Made(session, node, node.history, check)
    row = next(rows, None)
    for index in range(size):
        if index in lost:
            leaf = lost[index]
        elif row is None or row.log_index != index:
            check.found(f"log index {index}", "The statement is gone from the database; restore it from a backup.")
            made.compare()
            return
        else:
            # one altered statement is one finding: the tree above it is then judged by the leaf that was kept
            stored = find_node(session, 0, index)
            verified = _check_statement(row, node.history, check)
            leaf = _leaf(row) if verified is not None or row.envelope is None or stored is None else stored
            made.take(row, verified)
            row = next(rows, None)
        for level, position, computed in tree.append(index, leaf):
            if find_node(session, level, position) != computed:
                check.found(f"tree level {level}, place {position}", "It is not what the statements at rest give.")
        _check_head(heads.pop(index + 1, None), tree, node.history, check)
        progress("own log", index + 1, size)
    made.compare()
    if row is not None and row.log_index < PARKED:
        check.found(f"log index {row.log_index}", "A statement stands there, beyond the end of the log.")
    if count_nodes(session) > nodes_of(size):
        check.found("tree", "It has more hashes than a log of this size.")
    events = key_events(session, node.node_id)
    if events and state is not None and state.keys_since != events[-1].log_index:
        check.found("log_state", "What stands in keys_since is not the place of the last key-event.")
    for beyond in heads.values():
        if beyond.size > size:
            check.found(f"head of size {beyond.size}", "It was signed, but the log is shorter: statements were lost.")


class _Made:
    """What was made of the statements of one issuer, compared with some of them at a time."""

    def __init__(self, session: Session, node: Node, keys: KeyHistory, check: LogCheck) -> None:
        self._session, self._node, self._keys, self._check = session, node, keys, check
        self._signed: list[Signed] = []

    def take(self, row: StatementRow, verified: VerifiedStatement | None) -> None:
        """Of what is not what was signed nothing follows; that is a finding by itself."""
        if verified is not None:
            self._signed.append(Signed(row, verified))
        if len(self._signed) >= A_TIME:
            self.compare()

    def compare(self) -> None:
        if self._signed:
            self._check.differ(check_rows(self._session, self._node, self._keys, self._signed))
            self._signed.clear()


def _check_statement(row: StatementRow, keys: KeyHistory, check: LogCheck) -> VerifiedStatement | None:
    """What was signed, if that stands under its own name; of what was erased only its leaf is left."""
    check.statements += 1
    if row.envelope is None:
        return None
    if row.log_index < 0:
        check.found(row.statement_id, "What stands in log_index is no place of a log.")
        return None
    with _noting(check, row.statement_id):
        event = next((link for link in keys.links if link.index == row.log_index), None)
        if event is not None and event.envelope.raw == row.envelope:
            verified = VerifiedStatement(event.statement_id, event.envelope, event.event)  # when the history was made
        elif event is not None:
            check.found(row.statement_id, "What stands under this name is another key-event.")
            return None
        else:
            key = keys.at(row.log_index).event.delegation.statement  # compromised or not: it is what was signed
            verified = verify_statement(row.envelope, issuer=row.issuer, key=key)
        if verified.statement_id == row.statement_id:
            return verified
        check.found(row.statement_id, f"What stands under this name is {verified.statement_id}.")
    return None


def _check_head(head: CheckpointRow | None, tree: merkle.Growing, keys: KeyHistory, check: LogCheck) -> None:
    if head is None:
        return
    check.heads += 1
    subject = f"head of size {head.size}"
    with _noting(check, subject):
        refused = keys.is_refused("log", max(head.size - 1, 0))  # of a compromised key nothing is proved or disproved
        signed = parse_text(parse_note(head.note).text) if refused else open_head(head.note, keys)
        if (signed.size, signed.root) != (head.size, tree.root(head.size)):
            check.found(subject, "What was signed is not the root of the statements at rest.")
        elif signed.root != head.root:
            check.found(subject, "What stands in root is not what was signed.")


def _check_stamps(session: Session, node: Node, check: LogCheck) -> None:
    if node.authority is None:
        return
    for head, found in stamped_heads(session):
        check.stamps += 1
        try:
            verify_reply(found.token, head.note, node.authority.roots, nonce=None)
        except TimeStampRefused as error:
            check.found(
                f"time stamp of size {head.size}",
                f"It is not believed: {error}. Roots of earlier authorities must stay in the file timestamp_roots.",
            )


def _check_peer(session: Session, node: Node, peer: PeerRow, check: LogCheck, progress: ReadProgress) -> None:
    issuer, keys = peer.node_id, keys_of(peer)
    if keys is None:
        check.found(f"peer {issuer}", "What stands in card, key_chain is not what the peer signed.")
        return
    made, mirrored = _Made(session, node, keys, check), leaves_of_mirror(session, issuer)
    count = count_statements(session, issuer)
    for done, row in enumerate(statements_of(session, issuer), 1):
        verified = _check_statement(row, keys, check)
        if mirrored(row.log_index) not in (None, row.leaf) and (verified is not None or row.envelope is None):
            check.found(f"statement {row.statement_id}", f"The log of {issuer} has another one at its log_index.")
        made.take(row, verified)
        progress(f"from {issuer}", done, count)
    made.compare()
    check.differ(check_peer(session, node, peer, keys))
    if peer.checkpoint is not None:
        check.heads += 1
        with _noting(check, f"last head of {issuer}"):
            open_head(peer.checkpoint, keys)


def _check_acts(session: Session, node: Node, check: LogCheck) -> None:
    """What is wrong with the log itself was found before, and is named once."""
    known = {finding.subject for finding in check.findings}
    audit = AuditCheck()
    check_audit(session, node, audit)
    check.acts = audit.rows
    for subject, what in audit.findings:
        if subject not in known:
            check.found(subject, what)


def _leaf(row: StatementRow) -> bytes:
    """What the tree was made of: the SHA-256 of the envelope's exact bytes."""
    return row.leaf if row.envelope is None else merkle.leaf_hash(hashlib.sha256(row.envelope).digest())


@contextmanager
def _noting(check: LogCheck, subject: str) -> Iterator[None]:
    """What cannot be believed is a finding, and the check goes on."""
    try:
        yield
    except (ContractError, StatementInvalid, CheckpointInvalid) as error:
        check.found(subject, str(error))
