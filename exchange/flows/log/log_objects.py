"""Scans go to the object store, leave the disk when it has them, and are erased there: one convergent step for each."""

from __future__ import annotations

import hashlib
import time
from typing import Final

import structlog

from exchange.clock import stamp, stamp_in
from exchange.errors import NotFound, ObjectStoreUnavailable
from exchange.flows.log.start import may_sign, sets_aside
from exchange.flows.node.blob_cache import BlobCache
from exchange.flows.node.node import Node
from exchange.net.object_store import ObjectStore
from exchange.store.node.jobs import JobKind, promise
from exchange.store.scan.deliveries import is_kept, kept_scans
from exchange.store.scan.objects import (
    all_objects,
    not_promised,
    note_altered,
    object_of,
    promise_object,
    set_object_aside,
    stored_before,
    unnamed_objects,
    without_object,
)
from exchange.store.tables.record_tables import ObjectRow
from exchange.store.witness.rebuild_rows import lost_leaves

log = structlog.get_logger(__name__)

BATCH: Final = 256
_KEPT_S: Final = 900
"""Whoever was given the path of a scan has opened it by then; and no request of before is on its way to the store."""
YOUNGEST_S: Final = 86_400
"""What is in the bucket for less may belong to a record that is not committed yet."""


def settle_object(node: Node, object_id: int) -> None:
    """Bring the object store to what the database says of one scan. Doing it twice changes nothing.

    1. A record keeps the scan: the store gets it, unless it has confirmed it. None does: it is erased there.
    2. Ask again whether that is still so, in the transaction that writes the outcome down; else begin anew.

    So an upload that was cut off, or overtaken by a withdrawal, leaves nothing behind.
    Raises StoreUnavailable: the worker tries again later, for ever.
    """
    objects, blobs = _store_of(node)
    while True:
        # 1.
        with node.store.write() as session:
            row = session.get(ObjectRow, object_id)
            if row is None:
                return
            wanted = is_kept(session, row.sha256)
            if wanted and row.stored_at is not None:
                return
            if not wanted:
                row.stored_at = None
        if wanted:
            stored = _put(objects, blobs, row.sha256)
        else:
            objects.remove(row.sha256)
            stored = False
        # 2.
        with node.store.write() as session:
            now = session.get(ObjectRow, object_id)
            if now is None:  # another, which took this over, has erased it
                promise_object(session, row.sha256, row.size)
                return
            if is_kept(session, row.sha256) != wanted:
                continue
            if not wanted:
                session.delete(now)
            elif stored:
                now.stored_at, now.altered_at = stamp(), None
            elif stored is None:
                note_altered(session, row.sha256)
            return


def promise_objects(node: Node) -> bool:
    """Promise the store what it was never told of, as when it is set for a node that has scans already, or after a
    restore. Returns whether there may be more. To be done at a start: what comes later is promised as it comes."""
    with node.store.read() as session:
        new = without_object(session, limit=BATCH)
    if new:
        with node.store.write() as session:
            for sha256, size in new:
                promise_object(session, sha256, size)
    return len(new) == BATCH


def promise_uploads_again(node: Node) -> None:
    """Promise the store what could not be given to it before, and is here now."""
    if not isinstance(node.blobs, BlobCache):
        return
    with node.store.read() as session:
        waiting = not_promised(session)
        again = [row for row in waiting if node.blobs.is_here(row.sha256) or not is_kept(session, row.sha256)]
    if again:
        with node.store.write() as session:
            for row in again:
                promise(session, JobKind.STORE_OBJECT, row.object_id)


def evict(node: Node) -> int:
    """Remove from the disk what the object store has, the longest unused first, until the rest is within bounds.
    Returns how many went."""
    if node.objects is None or not isinstance(node.blobs, BlobCache):
        return 0
    here = node.blobs.by_last_use()
    over = sum(size for _, size, _ in here) - node.settings.objects_cache_bytes
    if over <= 0:
        return 0
    since = stamp_in(-_KEPT_S)
    with node.store.read() as session:
        stored = stored_before(session, since, _oldest(here, over))
    gone = 0
    for used, size, sha256 in here:
        if over <= 0 or used > time.time() - _KEPT_S:
            break
        if sha256 in stored and _may_leave(node, node.objects, sha256, size):
            with node.store.write() as session:  # scans are kept inside write transactions
                row = object_of(session, sha256)
                if row is not None and row.stored_at is not None and row.stored_at < since:
                    node.blobs.remove(sha256)
                    over, gone = over - size, gone + 1
    return gone


def sweep_objects(node: Node) -> bool:
    """Promise to erase objects that no record keeps and of which nothing is known. As with scans on the disk not before
    the peers have returned this node's heads. Returns whether it was done."""
    if node.objects is None:
        return True
    with node.store.read() as session:
        if not may_sign(node, session) or lost_leaves(session):
            return False
    old = {found.sha256: found.size for found in node.objects.listing() if found.age_s > YOUNGEST_S}
    with node.store.write() as session:
        if sets_aside(node, session):
            return False
        unknown = old.keys() - all_objects(session) - kept_scans(session)
        for sha256 in sorted(unknown):
            promise_object(session, sha256, old[sha256])
        for object_id in unnamed_objects(session):
            promise(session, JobKind.STORE_OBJECT, object_id)
    if unknown:
        log.info("objects that no record keeps are erased", count=len(unknown))
    return True


def set_objects_aside(node: Node) -> int:
    """After a restore: keep the objects that no record names, since their records may be lost. Returns how many."""
    if node.objects is None:
        return 0
    found = {one.sha256: one.size for one in node.objects.listing()}
    with node.store.write() as session:
        unknown = found.keys() - all_objects(session) - kept_scans(session)
        for sha256 in sorted(unknown):
            set_object_aside(session, sha256, found[sha256])
    return len(unknown)


def _store_of(node: Node) -> tuple[ObjectStore, BlobCache]:
    if node.objects is None or not isinstance(node.blobs, BlobCache):
        raise ObjectStoreUnavailable("Scans are in an object store that the settings do not name any more.")
    return node.objects, node.blobs


def _put(objects: ObjectStore, blobs: BlobCache, sha256: str) -> bool | None:
    """Whether the store has the scan now; None when it has other bytes, and there are none here to mend it with."""
    try:
        content = blobs.path(sha256).read_bytes() if blobs.is_here(sha256) else None
    except (NotFound, FileNotFoundError):
        content = None
    if content is None:
        return _is_there(objects, sha256)
    if hashlib.sha256(content).hexdigest() != sha256:
        log.error("a scan on the disk is not what its name says; it is not stored elsewhere", sha256=sha256)
        return False
    if not objects.put(sha256, content) and not _is_there(objects, sha256):
        log.error("an object was altered; it is replaced by the scan", sha256=sha256)
        objects.put(sha256, content, replace=True)
    return True


def _is_there(objects: ObjectStore, sha256: str) -> bool | None:
    try:
        return objects.digest(sha256)[0] == sha256 or None
    except NotFound:
        log.warning("a scan that a record keeps is neither here nor in the object store", sha256=sha256)
        return False


def _oldest(here: list[tuple[float, int, str]], over: int) -> list[str]:
    """Enough of them that the rest is within bounds, were each confirmed; some more, since not each is."""
    names: list[str] = []
    for _, size, sha256 in here:
        names.append(sha256)
        over -= size
        if over <= 0 and len(names) >= BATCH:
            break
    return names[: 16 * BATCH]


def _may_leave(node: Node, objects: ObjectStore, sha256: str, size: int) -> bool:
    """The store is asked once more before the only other copy goes; what it lost it gets again."""
    found = objects.size(sha256)
    if found == size:
        return True
    log.error("the object store lost a scan that it had confirmed; it gets it again", sha256=sha256, size=found)
    with node.store.write() as session:
        note_altered(session, sha256)
        promise_object(session, sha256, size)
    return False
