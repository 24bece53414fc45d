"""Small pictures of pairs, kept in the memory: the ones that were looked at last, as many as fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

_MOST_BYTES: Final = 64 * 2**20
"""Some eight thousand thumbnails."""


class SmallPictures:
    """Bytes by the tag of what they follow from. For any thread."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most, self._bytes = most_bytes, 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._erased: str | None = None
        self._lock = threading.Lock()

    def get(self, tag: str) -> bytes | None:
        with self._lock:
            if tag in self._kept:
                self._kept.move_to_end(tag)
            return self._kept.get(tag)

    def keep(self, tag: str, picture: bytes) -> None:
        with self._lock:
            self._bytes += len(picture) - len(self._kept.pop(tag, b""))
            self._kept[tag] = picture
            while self._bytes > self._most:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= len(dropped)

    def forget_all(self) -> None:
        """Of an erased scan nothing may stay, and which picture shows it is not known here."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def forget_before(self, erased: str | None) -> None:
        """As ``forget_all``, when the last erasure is not the one of which this was told last."""
        with self._lock:
            known, self._erased = self._erased, erased
        if erased != known:
            self.forget_all()
