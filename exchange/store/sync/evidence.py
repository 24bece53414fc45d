"""The bytes of what peers sent and nobody believed, apart from the database: ``<folder>/<peer>/<place on its lane>``.

A row of the quarantine says what each is, with its digest; whether its bytes are still here, only the folder says. When
``keep`` returns they are on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from exchange.errors import StoreUnavailable
from exchange.home import private_folder
from exchange.store.scan.copies import write_file


class EvidenceFolder:
    """Private to the node's own user. The database's one writer is the only one who keeps anything here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, peer: str, position: int, content: bytes) -> None:
        """Raises StoreUnavailable on a fault of the disk."""
        path = self._path(peer, position)
        try:
            private_folder(path.parent)
            write_file(path, content)
        except OSError as error:
            raise StoreUnavailable(
                f"What {peer} sent cannot be set aside here ({error.strerror}); its lane is read on when there is room."
            ) from error

    def read(self, peer: str, position: int, sha256: str | None) -> bytes | None:
        """None where they are not here, or are others by now."""
        try:
            content = self._path(peer, position).read_bytes()
        except FileNotFoundError:
            return None
        return content if hashlib.sha256(content).hexdigest() == sha256 else None

    def places(self, peer: str) -> dict[int, int]:
        """Each place of the peer's lane of which something is here, with its size."""
        found: dict[int, int] = {}
        for path in (self._folder / peer).glob("*"):
            with contextlib.suppress(FileNotFoundError):  # erased meanwhile
                if path.name.isdecimal():
                    found[int(path.name)] = path.stat().st_size
        return found

    def erase(self, peer: str, position: int) -> None:
        """Nothing happens when it is not here. Raises StoreUnavailable on a fault of the disk."""
        path = self._path(peer, position)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"{path} cannot be erased ({error.strerror}); tried again.") from error

    def _path(self, peer: str, position: int) -> Path:
        return self._folder / peer / str(position)
