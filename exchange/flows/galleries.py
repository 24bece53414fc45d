"""The node's galleries, one for each pipeline: their writers, and whether they hold all that they should."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from exchange.errors import ComputeFailed, StoreUnavailable
from matcher import GalleryDamaged, GalleryWriter, NotComparable, Parameters


class Galleries:
    """Writers are opened when first needed and held until ``close``: one process writes to a node's galleries.

    A gallery holds nothing that the scans do not, so whatever is doubtful about one is mended by emptying it. It is
    *whole* once it has been held against the database; ``times_emptied`` tells whoever asked it meanwhile that the
    answer may lack something.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writers: dict[str, GalleryWriter] = {}
        self._whole: set[str] = set()
        self._distrusted: set[str] = set()
        self._emptied: Counter[str] = Counter()
        self._closed = threading.Event()
        self._lock = threading.RLock()

    def folder(self, parameters: Parameters) -> Path:
        """Where worker processes find it. Parameters have folders of their own: scans of two are never mixed."""
        return self._folder / parameters.digest

    @contextmanager
    def changing(self, parameters: Parameters) -> Iterator[GalleryWriter]:
        """The writer, while nobody else changes any gallery.

        Raises ComputeFailed when the node is stopping, StoreUnavailable on a fault of the disk.
        """
        with self._lock:
            self.check_open()
            try:
                writer = self._writers.get(parameters.digest)
                yield self._open(parameters) if writer is None else writer
            except OSError as error:
                raise StoreUnavailable(
                    f"The gallery cannot be written ({error.strerror}); tried again later."
                ) from error

    def check_open(self) -> None:
        """Raises ComputeFailed when the node is stopping."""
        if self._closed.is_set():
            raise ComputeFailed("The node is stopping; the scan is correlated when it runs again.")

    def is_whole(self, parameters: Parameters) -> bool:
        return parameters.digest in self._whole

    def now_whole(self, parameters: Parameters) -> None:
        self._whole.add(parameters.digest)

    def times_emptied(self, parameters: Parameters) -> int:
        return self._emptied[parameters.digest]

    def distrust(self, parameters: Parameters, times_emptied: int) -> None:
        """Empty it when it is next needed; nothing happens when somebody has emptied it since."""
        with self._lock:
            if self.times_emptied(parameters) == times_emptied:
                self._whole.discard(parameters.digest)
                self._distrusted.add(parameters.digest)
                writer = self._writers.pop(parameters.digest, None)
                if writer is not None:
                    writer.close()

    def delete_others(self, kept: Collection[Parameters]) -> None:
        """Delete those of other releases, whose results nobody is shown any more."""
        names = {parameters.digest for parameters in kept}
        with self._lock:
            for folder in self._folder.glob("*"):
                if folder.name not in names:
                    shutil.rmtree(folder)

    def close(self) -> None:
        self._closed.set()  # before the lock: whoever fills a gallery holds it for long, and looks here in between
        with self._lock:
            for writer in self._writers.values():
                writer.close()
            self._writers.clear()

    def _open(self, parameters: Parameters) -> GalleryWriter:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        folder, name = self.folder(parameters), parameters.digest
        if name not in self._distrusted:
            try:
                self._writers[name] = GalleryWriter(folder, parameters)
            except (GalleryDamaged, NotComparable):  # the latter for the layout of another release
                self._distrusted.add(name)
        if name in self._distrusted:
            (folder / "current").unlink(missing_ok=True)  # altered, it would be refused even afresh
            self._writers[name] = GalleryWriter(folder, parameters, afresh=True)
            self._distrusted.discard(name)
            self._emptied[name] += 1
        return self._writers[name]
