"""Read everything again that the node holds, and find what is not what was signed: damage to content at rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field

from sqlalchemy.orm import Session

from exchange.clock import stamp_in
from exchange.errors import CheckpointInvalid, NotFound, ObjectAltered, StatementInvalid, TimeStampRefused
from exchange.flows.audit_check import AuditCheck, check_audit
from exchange.flows.blob_cache import is_away
from exchange.flows.enrol import peer_keys
from exchange.flows.node import Node
from exchange.flows.page import open_head
from exchange.log import merkle
from exchange.log.checkpoint import parse_text
from exchange.log.note import parse_note
from exchange.log.timestamp import verify_reply
from exchange.store.objects import all_stored
from exchange.store.peers import all_peers
from exchange.store.rebuild import lost_leaves
from exchange.store.records import scans_at_rest
from exchange.store.stamps import stamped_heads
from exchange.store.statements import (
    all_checkpoints,
    count_statements,
    find_node,
    keep_log_check,
    last_log_check,
    log_size,
    statements_of,
)
from exchange.store.tables import CheckpointRow, StatementRow
from exchange.trust.key_history import KeyHistory
from exchange.trust.verify import verify_statement
from schemas.errors import ContractError

MAX_FINDINGS = 1000
"""More tell an operator no more: one that has so many restores a backup."""

Progress = Callable[[str, int, int], None]
"""Called with what is read, how much of it was, and how much there is."""


@dataclass(frozen=True)
class Finding:
    """Something that is not what was signed: ``subject`` names it, ``what`` is a sentence for the operator."""

    subject: str
    what: str


@dataclass
class LogCheck:
    """What was read, and what was found. ``findings`` ends after MAX_FINDINGS; ``unnamed`` counts the others."""

    statements: int = 0
    heads: int = 0
    stamps: int = 0
    scans: int = 0
    scan_bytes: int = 0
    acts: int = 0
    """Audit rows."""
    findings: list[Finding] = field(default_factory=list)
    unnamed: int = 0

    @property
    def good(self) -> bool:
        return not self.findings

    def found(self, subject: str, what: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(subject, what))
        else:
            self.unnamed += 1


def check_log(node: Node, progress: Progress = lambda _what, _done, _total: None, *, fetch: bool = True) -> LogCheck:
    """Compare what is at rest with what was signed. Changes nothing; a node may serve meanwhile.

    1. The own log, from its first leaf on: both signatures of each statement, its leaf, every hash of the tree that
       rests on it, each head that was signed on the way, and each time stamp of one, where the settings name roots.
    2. What came from each peer: both signatures of each statement, and the last head of its log.
    3. Each audit row, and the batches that the own log vouches for.
    4. Each scan: its size and its SHA-256. Of what is in the object store alone, without ``fetch``, the size: its
       digest is verified whenever it is read.

    What is appended while it runs is left for the next time.
    """
    check = LogCheck()
    # 1.
    with node.store.read() as session:
        _check_own(session, node, check, progress)
        _check_stamps(session, node, check)

        # 2.
        for peer in all_peers(session):
            _check_peer(session, peer_keys(peer), peer.checkpoint, check, progress)

        # 3.
        _check_acts(session, node, check)
        scans, elsewhere = scans_at_rest(session), all_stored(session)

    # 4.
    listed = None if fetch or node.objects is None else {found.sha256: found.size for found in node.objects.listing()}
    for done, (sha256, size) in enumerate(scans.items(), 1):
        if listed is not None and sha256 in elsewhere and is_away(node.blobs, sha256):
            _check_listed(sha256, size, listed.get(sha256), check)
        else:
            _check_scan(node, sha256, size, check)
        progress("scans", done, len(scans))
    return check


def check_when_due(node: Node) -> LogCheck | None:
    """Check when the last time is longer ago than the settings say, and keep the report for the operator."""
    with node.store.read() as session:
        last = last_log_check(session)
    if last is not None and last.checked_at > stamp_in(-node.settings.log_check_interval_s):
        return None
    check = check_log(node, fetch=False)
    with node.store.write() as session:
        keep_log_check(session, good=check.good, report=json.dumps(asdict(check)))
    return check


def _check_own(session: Session, node: Node, check: LogCheck, progress: Progress) -> None:
    with closing(statements_of(session, node.node_id)) as rows:  # not all need be read
        _check_rows(session, rows, node, check, progress)


def _check_rows(
    session: Session, rows: Iterator[StatementRow], node: Node, check: LogCheck, progress: Progress
) -> None:
    tree, size = merkle.Growing(), log_size(session)
    heads = {head.size: head for head in all_checkpoints(session)}
    lost = {row.log_index: row.leaf for row in lost_leaves(session)}  # an alarm of its own, as long as they are
    row = next(rows, None)
    for index in range(size):
        if index in lost:
            leaf = lost[index]
        elif row is None or row.log_index != index:
            check.found(f"log index {index}", "The statement is gone from the database; restore it from a backup.")
            return
        else:
            # one altered statement is one finding: the tree above it is then judged by the leaf that was kept
            stored = find_node(session, 0, index)
            whole = _check_statement(row, node.history, check) or row.envelope is None
            leaf = _leaf(row) if whole or stored is None else stored
            row = next(rows, None)
        for level, position, computed in tree.append(index, leaf):
            if find_node(session, level, position) != computed:
                check.found(f"tree level {level}, place {position}", "It is not what the statements at rest give.")
        _check_head(heads.pop(index + 1, None), tree, node.history, check)
        progress("own log", index + 1, size)
    for beyond in heads.values():
        if beyond.size > size:
            check.found(f"head of size {beyond.size}", "It was signed, but the log is shorter: statements were lost.")


def _check_statement(row: StatementRow, keys: KeyHistory, check: LogCheck) -> bool:
    """Whether it is what was signed, under its own name; of what was erased only its leaf is left."""
    check.statements += 1
    if row.envelope is None:
        return False
    with _noting(check, row.statement_id):
        event = next((link for link in keys.links if link.index == row.log_index), None)
        if event is not None:  # verified with the identity when the history was made
            name = event.statement_id if event.envelope.raw == row.envelope else "another key-event"
        else:
            key = keys.at(row.log_index).event.delegation.statement  # compromised or not: it is what was signed
            name = verify_statement(row.envelope, issuer=row.issuer, key=key).statement_id
        if name == row.statement_id:
            return True
        check.found(row.statement_id, f"What stands under this name is {name}.")
    return False


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


def _check_peer(
    session: Session, keys: KeyHistory, checkpoint: bytes | None, check: LogCheck, progress: Progress
) -> None:
    issuer = keys.card.issuer
    count = count_statements(session, issuer)
    for done, row in enumerate(statements_of(session, issuer), 1):
        _check_statement(row, keys, check)
        progress(f"from {issuer}", done, count)
    if checkpoint is not None:
        check.heads += 1
        with _noting(check, f"last head of {issuer}"):
            open_head(checkpoint, keys)


def _check_acts(session: Session, node: Node, check: LogCheck) -> None:
    """What is wrong with the log itself was found before, and is named once."""
    known = {finding.subject for finding in check.findings}
    audit = AuditCheck()
    check_audit(session, node, audit)
    check.acts = audit.rows
    for subject, what in audit.findings:
        if subject not in known:
            check.found(subject, what)


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
