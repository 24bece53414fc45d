"""The folder of scans in front of an object store: what was used last is here, everything that was confirmed is there.

A scan arrives in the folder and leaves it only when the store has confirmed it (``objects``). One that left is brought
back whole, and verified before it has its name: so whoever has its path reads what was signed.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from exchange.addresses import LOOPBACK
from exchange.config import Settings
from exchange.errors import ConfigurationError, DigestDiffers, NotFound, ObjectAltered, TooLarge
from exchange.extras.known import require_extra
from exchange.net.egress import Guard
from exchange.net.object_store import BucketPlace, ObjectStore
from exchange.store.database.engine import Store
from exchange.store.scan.blobs import BlobFolder
from exchange.store.scan.deliveries import is_kept
from exchange.store.scan.objects import note_altered, object_of

log = structlog.get_logger(__name__)

_HARMLESS = {"AWS_CA_BUNDLE", "AWS_CONFIG_FILE", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"}
"""Of the variables with which other programs find an object store, those that the client used here does not read."""


class BlobCache(BlobFolder):
    """As ``BlobFolder``, also of scans that are in the object store alone; ``path`` may then take as long as a scan
    takes to come, and raises ObjectStoreUnavailable, ObjectAltered. Not to be called inside a write transaction, but
    for ``keep``, ``holds`` and ``remove``, which ask nobody."""

    def __init__(
        self, folder: Path, incoming: Path, *, min_free_bytes: int, store: Store, objects: ObjectStore
    ) -> None:
        super().__init__(folder, incoming, min_free_bytes=min_free_bytes)
        self._store = store
        self._objects = objects
        self._fetching: dict[str, threading.Lock] = {}
        self._taking_turns = threading.Lock()

    def is_here(self, sha256: str) -> bool:
        """Whether it can be read without the object store."""
        return super().holds(sha256)

    def holds(self, sha256: str) -> bool:
        """Whether the scan is here, or the object store has confirmed it."""
        return super().holds(sha256) or self._stored_size(sha256) is not None

    def path(self, sha256: str) -> Path:
        """Where it lies, brought here first if it must be; and it was used now."""
        path = self._path(sha256)
        try:
            os.utime(path)
        except FileNotFoundError:
            self._bring(sha256)
        return super().path(sha256)

    def size(self, sha256: str) -> int:
        """As the object store confirmed it, of a scan that is there alone."""
        path = self._path(sha256)
        if path.is_file():
            return path.stat().st_size
        size = self._stored_size(sha256)
        if size is None:
            raise NotFound(f"The scan {sha256} is not on this node.")
        return size

    def digest(self, sha256: str) -> tuple[str, int]:
        """Of a scan that is there alone: of the bytes as they come, and nothing is kept."""
        if super().holds(sha256):
            return super().digest(sha256)
        self._must_be_stored(sha256)
        return self._objects.digest(sha256)

    def recall(self, sha256: str, size: int) -> bool:
        """Look in the object store for a scan of which the database knows nothing there, as after a restore; whether it
        is here then."""
        if self._objects.size(sha256) != size:
            return False
        try:
            self._receive(sha256, size)
        except (ObjectAltered, NotFound) as error:
            log.warning("the object store has another scan under this name", sha256=sha256, detail=str(error))
            return False
        return True

    def by_last_use(self) -> list[tuple[float, int, str]]:
        """When each scan that is here was last used (POSIX), its size, its name; the one longest unused first."""
        found = []
        for path in self._folder.glob("??/*"):
            try:
                of = path.stat()
            except FileNotFoundError:  # erased meanwhile
                continue
            found.append((of.st_mtime, of.st_size, path.name))
        return sorted(found)

    def _bring(self, sha256: str) -> None:
        size = self._must_be_stored(sha256)
        with self._turn(sha256):
            if super().holds(sha256):
                return
            try:
                self._receive(sha256, size)
            except ObjectAltered as error:
                log.warning("an object was altered", sha256=sha256, detail=str(error))
                with self._store.write() as session:
                    note_altered(session, sha256)
                raise
        with self._store.read() as session:
            if not is_kept(session, sha256):  # withdrawn while it came: its erasure may have been before
                self.remove(sha256)

    def _receive(self, sha256: str, size: int) -> None:
        with self.arrival(secrets.token_hex(16), size) as arrival:
            try:
                for piece in self._objects.pieces(sha256):
                    arrival.write(piece)
                self.keep(arrival, sha256)
            except (TooLarge, DigestDiffers) as error:
                raise _altered(sha256) from error

    def _must_be_stored(self, sha256: str) -> int:
        """Its size. Raises NotFound, ObjectAltered."""
        with self._store.read() as session:
            row = object_of(session, sha256)
        if row is not None and row.altered_at is not None:
            raise _altered(sha256)
        if row is None or row.stored_at is None:
            raise NotFound(f"The scan {sha256} is not on this node.")
        return row.size

    def _stored_size(self, sha256: str) -> int | None:
        with self._store.read() as session:
            row = object_of(session, sha256)
        return row.size if row is not None and row.stored_at is not None else None

    @contextmanager
    def _turn(self, sha256: str) -> Iterator[None]:
        """One at a time fetches a scan; the others find it here."""
        with self._taking_turns:
            lock = self._fetching.setdefault(sha256, threading.Lock())
        with lock:
            try:
                yield
            finally:
                with self._taking_turns:
                    self._fetching.pop(sha256, None)


def is_blob_away(blobs: BlobFolder, sha256: str) -> bool:
    """Whether the scan is not on the disk of a node that has an object store."""
    return isinstance(blobs, BlobCache) and not blobs.is_here(sha256)


def _altered(sha256: str) -> ObjectAltered:
    return ObjectAltered(
        f"What the object store has of the scan {sha256} is not that scan; it is not served. The operator restores it."
    )


def object_store_of(settings: Settings, guard: Guard) -> ObjectStore | None:
    """None where scans are kept in the home. Raises ConfigurationError."""
    if settings.objects_url is None or settings.objects_key_id is None or settings.objects_secret is None:
        return None
    require_extra("s3", "The setting objects_url")
    if ambient := sorted(name for name in os.environ if name.upper().startswith("AWS_") and name not in _HARMLESS):
        raise ConfigurationError(
            f"The environment has {', '.join(ambient)}, which would count beside objects_*; start the node without."
        )
    roots = None
    if settings.objects_roots is not None:
        try:
            roots = (settings.home / settings.objects_roots).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"objects_roots: {error.filename} cannot be read ({error.strerror}).") from error
    parts = urlsplit(settings.objects_url)
    endpoint = urlsplit(settings.objects_endpoint or "")
    try:
        return ObjectStore(
            BucketPlace(
                bucket=parts.netloc,
                prefix=f"{parts.path.strip('/')}/{settings.node_id}".lstrip("/"),
                endpoint=settings.objects_endpoint,
                region=settings.objects_region,
                key_id=settings.objects_key_id.get_secret_value(),
                secret=settings.objects_secret.get_secret_value(),
                roots=roots,
                allow_http=endpoint.hostname in LOOPBACK,
            ),
            guard,
        )
    except ValueError as error:
        raise ConfigurationError("objects_url and the settings beside it name no object store.") from error
