"""Duties of the leading worker: sign and time-stamp tree heads, send mail, check stored data, and delete what is no
longer needed. Each step is one flow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from exchange.errors import StoreUnavailable, TimeStampError
from exchange.extensions import parts_for
from exchange.flows.alerts.mail import LetterWriter, send_letter
from exchange.flows.entry.drafts import erase_outlived_drafts
from exchange.flows.hits.pairs import work_out_all
from exchange.flows.integrity.log_check import check_when_due
from exchange.flows.keys.restore_key_events import cosign_again
from exchange.flows.log.audit_rows import erase_outlived_rows, seal_audit
from exchange.flows.log.log_objects import (
    evict,
    promise_objects,
    promise_uploads_again,
    set_objects_aside,
    sweep_objects,
)
from exchange.flows.log.mend import mend_log
from exchange.flows.log.signed_checkpoint import sign_head
from exchange.flows.log.stamping import note_stamp_failure, stamp_head
from exchange.flows.log.start import begin_log_start, may_sign, note_set_aside, sets_aside
from exchange.flows.node.node import Node
from exchange.flows.review.taken_work import end_reviewed
from exchange.flows.scan.compared_pairs import promise_newly_comparable
from exchange.flows.scan.correlate import promise_correlations_again
from exchange.flows.scan.gallery_check import check_galleries
from exchange.flows.scan.gallery_upkeep import restore_galleries
from exchange.flows.scan.picture_room import room_for_heights
from exchange.flows.scan.picture_upkeep import PictureUpkeep, clear_heights
from exchange.flows.sync.available_hours import AvailableHours
from exchange.flows.sync.replay import read_again
from exchange.flows.sync.serve_lane import give_mended
from exchange.flows.terms.withdraw import purge
from exchange.net.time_authority import TimeAuthorityClient
from exchange.store.scan.deliveries import kept_scans
from exchange.store.witness.rebuild_rows import lost_leaves
from exchange.worker.loops import Loop

log = structlog.get_logger(__name__)

GALLERIES_S = 60
CHECK_GALLERIES_S = 60  # how often a shard of each is read again: 16,384 references, some seconds
PICTURES_S = 60  # the pause after a start before pictures of an earlier release are drawn again
CLEAR_HEIGHTS_S = 3600  # how often the size of the kept heights is checked
HEIGHTS_ROOM_S = 60  # the same when the disk is short of space
REVIEWED_S = 3600  # how often finished work is removed from what people took on
SWEEP_S = 60  # how often to check whether the peers have returned what a sweep waits for
PURGE_S = 60  # how often to check whether the retention of a record has ended
LOG_CHECK_S = 60  # how often to check whether the log check is due
OBJECTS_S = 60  # how often to check whether the disk holds more scans than it should
SWEEP_OBJECTS_S = 86_400
MAIL_S = 5  # how often to look for mail to send
STAMP_S = 60  # how often to ask for a time stamp, also after the authority was unavailable


@dataclass(frozen=True)
class WorkerPart:
    """The loops of an extension that the leading worker runs."""

    leader_loops: Callable[[Node], Sequence[Loop]]


class LeaderDuties:
    """The steps of the leader. Each has its own transaction."""

    def __init__(
        self,
        node: Node,
        write_letter: LetterWriter,
        time_authority: TimeAuthorityClient,
        hours: AvailableHours,
        stopping: threading.Event,
    ) -> None:
        self._node, self._write_letter, self._time_authority = node, write_letter, time_authority
        self._hours, self._stopping = hours, stopping
        self._swept = False
        self._pictures = PictureUpkeep(node)
        self._pictures_from = time.monotonic() + PICTURES_S
        self._galleries_from = time.monotonic() + CHECK_GALLERIES_S
        self._heights_cleared, self._reviewed_after = float("-inf"), ""
        self._objects_promised, self._objects_swept = False, float("-inf")

    def loops(self) -> list[Loop]:
        """Return every step with its pause. Steps on the object store are included if the node has one."""
        node, settings = self._node, self._node.settings
        found = [
            Loop("sequencer", self.sequence, settings.checkpoint_interval_s),
            Loop("time stamps", self._stamp, min(STAMP_S, settings.timestamp_interval_s)),
            Loop("e-mail", self._send_letter, MAIL_S),
            Loop("scans without a record", self.sweep, SWEEP_S),
            Loop("galleries", partial(restore_galleries, node), GALLERIES_S),
            Loop("check of galleries", self._check_galleries, CHECK_GALLERIES_S),
            Loop("pictures of scans", self._draw_pictures, PICTURES_S),
            Loop("heights that are kept", self._clear_heights, HEIGHTS_ROOM_S),
            Loop("work that waits for nobody", self._end_reviewed, REVIEWED_S),
            Loop("check of content at rest", self._check_at_rest, LOG_CHECK_S),
            Loop("end of retention", partial(purge, node), PURGE_S),
            Loop("end of drafts", partial(erase_outlived_drafts, node), PURGE_S),
            Loop("end of audit rows", partial(erase_outlived_rows, node), PURGE_S),
        ]
        found += [loop for part in parts_for("worker", WorkerPart) for loop in part.leader_loops(node)]
        if node.objects is not None:
            found += [
                Loop("scans for the object store", self._promise_objects, OBJECTS_S),
                Loop("scans that may leave the disk", partial(evict, node), OBJECTS_S),
                Loop("objects without a record", self._sweep_objects, SWEEP_S),
            ]
        return found

    def take_over(self) -> None:
        """Do what must come first at the start of a leader's term."""
        self._mend_log()
        begin_log_start(self._node)
        cosign_again(self._node)
        self.recover()

    def recover(self) -> None:
        """Finish what an earlier leader or an earlier release left unfinished."""
        self._swept = False
        self.sweep()
        taken = read_again(self._node)
        if taken:
            log.info("understood what an older release had set aside", count=taken)
        work_out_all(self._node)
        again = promise_correlations_again(self._node)
        if again:
            log.info("the matcher changed: scans are correlated anew", count=again)
        beside = promise_newly_comparable(self._node)
        if beside:
            log.info("further pairs of calibres are comparable: scans are correlated anew", count=beside)

    def sweep(self) -> None:
        """Remove the scans that no record refers to, once after a start. Wait until the peers have returned this node's
        heads: after a restore, the record of a scan may still come back. After a restore, set the remaining scans aside
        instead, since their record may be lost."""
        if self._swept:
            return
        with self._node.store.write() as session:  # scans are kept inside write transactions, with their records
            if not may_sign(self._node, session) or lost_leaves(session):
                return
            kept = kept_scans(session)
            aside = sets_aside(self._node, session)
            lost = self._node.blobs.set_aside(kept) if aside else 0
            swept, stayed = self._node.blobs.sweep(kept)
        if aside:
            lost += set_objects_aside(self._node)
            with self._node.store.write() as session:
                note_set_aside(session)
        self._swept = True
        if lost:
            log.warning("scans that no record keeps were set aside after a restore", count=lost)
        if swept:
            log.info("removed scans that no record keeps", count=swept)
        if stayed:
            log.warning("scans that no record keeps cannot be removed, tried again at the next start", count=stayed)

    def sequence(self) -> bool:
        """Seal the audit rows, then sign the tree head, which covers their leaf."""
        self._hours.note(self._node.node_id, answered=True)
        seal_audit(self._node)
        return sign_head(self._node)

    def _stamp(self) -> None:
        try:
            if stamp_head(self._node, self._time_authority):
                log.info("a head of the log has a time stamp")
        except TimeStampError as error:
            if not self._stopping.is_set():  # else broken off here, no fault of the authority
                log.warning("no time stamp, asked again later", code=error.code, detail=str(error))
                note_stamp_failure(self._node, error)

    def _send_letter(self) -> bool:
        server = self._node.mail
        return server is not None and send_letter(self._node, server, self._write_letter)

    def _check_galleries(self) -> None:
        """Check the galleries, but not directly after a start, when the node is busy."""
        if time.monotonic() >= self._galleries_from:
            check_galleries(self._node)

    def _draw_pictures(self) -> bool:
        """Draw pictures again, but not directly after a start."""
        return time.monotonic() >= self._pictures_from and self._pictures.step()

    def _clear_heights(self) -> None:
        """Remove kept heights above their limit. This lists all of them, so it is done rarely while there is space."""
        if time.monotonic() < self._heights_cleared + CLEAR_HEIGHTS_S and room_for_heights(self._node):
            return
        self._heights_cleared = time.monotonic()
        if cleared := clear_heights(self._node):
            log.info("removed kept heights that were not viewed lately", count=cleared)

    def _end_reviewed(self) -> str:
        self._reviewed_after = end_reviewed(self._node, self._reviewed_after)
        return self._reviewed_after

    def _check_at_rest(self) -> None:
        self._mend_log()
        check = check_when_due(self._node)
        if check is not None:
            for found in check.findings:
                log.error("content at rest is not what was signed", subject=found.subject, detail=found.what)
            give_mended(self._node)

    def _mend_log(self) -> None:
        """Repair the log. Damage that cannot be repaired is reported by the check, by status and by readiness; the rest
        of the node goes on."""
        try:
            mend_log(self._node)
        except StoreUnavailable as error:
            log.warning("the tree of the own log cannot be made again", detail=str(error))

    def _promise_objects(self) -> bool:
        """Promise the upload of scans that are older than the object store. Return whether there is more to do."""
        if self._objects_promised:
            promise_uploads_again(self._node)
            return False
        self._objects_promised = not promise_objects(self._node)
        return not self._objects_promised

    def _sweep_objects(self) -> None:
        if time.monotonic() >= self._objects_swept + SWEEP_OBJECTS_S and sweep_objects(self._node):
            self._objects_swept = time.monotonic()
