"""Read scans again that records name, and find those that are not what their digests say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from exchange.errors import NotFound, ObjectAltered
from exchange.flows.integrity.report import Discrepancy, LogCheck, ReadProgress
from exchange.flows.node.blob_cache import is_blob_away
from exchange.flows.node.node import Node
from exchange.store.entry.records import scans_at_rest


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
