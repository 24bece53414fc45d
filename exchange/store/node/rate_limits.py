"""Limits that hold for a node as a whole, however many processes serve it: how often somebody may try, and how many may
be at something at once. They are kept in files of the home, beside which the kernel lets one process at a time count.

None of it is a row of the database: whoever is refused must not cost the node a transaction. None of it outlives its
use: a turn ends with the process that took it, however that ends, and a rate is forgotten when its time is over.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import hmac
import os
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from exchange.errors import StoreUnavailable

RATE_SLOTS: Final = 1 << 17
"""A megabyte. Two names that share a slot share its tries. Nobody can choose such names, and to fill one slot of fifty
takes a thousand tries a second."""
_KEY_BYTES: Final = 32
_PATIENCE_S: Final = 1.0
_PAUSE_S: Final = 0.001
_MOMENT: Final = struct.Struct("<d")


class NodeLimits:
    """For any thread of any process of one machine. ``folder`` is made when it is first needed. Every method raises
    StoreUnavailable when the folder cannot be used: what cannot be counted is not let in."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` is one that all processes of the machine share, and that nobody sets."""
        self._folder, self._clock = folder, clock

    def wait_s(self, name: str, most: int, within_s: float) -> float:
        """Count one try of a name. Returns 0, or how many seconds it must wait: then it was not counted.

        ``most`` tries are taken at once; each comes back after ``within_s / most`` seconds. So it is ``most`` within
        that time in the long run, whenever the tries come.
        """
        each_s, now = within_s / most, self._clock()
        with self._usable(), self._rates() as file:
            place = _KEY_BYTES + self._slot(os.pread(file, _KEY_BYTES, 0), name) * _MOMENT.size
            found = os.pread(file, _MOMENT.size, place)
            free_at: float = _MOMENT.unpack(found)[0] if len(found) == _MOMENT.size else 0.0
            if free_at > now + within_s + each_s:  # of before the machine was started anew
                free_at = 0.0
            free_at = max(free_at, now) + each_s
            # a millionth: the sum of so many parts of the time is not exactly the time
            wait: float = free_at - now - within_s
            if wait > 1e-6:
                return wait
            os.pwrite(file, _MOMENT.pack(free_at), place)
        return 0.0

    @contextlib.contextmanager
    def turn(self, name: str, most: int) -> Iterator[bool]:
        """Be one of at most so many while the block runs. Gives whether there was a place: where it gives False, the
        caller goes no further."""
        named = hashlib.sha256(name.encode()).hexdigest()[:32]
        held: int | None = None
        for number in range(most):
            held = self._locked(f"{named}-{number}")
            if held is not None:
                break
        try:
            yield held is not None
        finally:
            if held is not None:
                os.close(held)

    def _locked(self, name: str) -> int | None:
        with self._usable():
            file = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return None
            except BaseException:
                os.close(file)
                raise
            return file

    @contextlib.contextmanager
    def _rates(self) -> Iterator[int]:
        """The file of all rates, which nobody else uses meanwhile. It begins with a key that the first one made."""
        file = os.open(self._folder / "rates", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(file)
            if os.fstat(file).st_size < _KEY_BYTES:
                os.pwrite(file, secrets.token_bytes(_KEY_BYTES), 0)
            yield file
        finally:
            os.close(file)

    @contextlib.contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            yield
        except OSError as error:
            raise StoreUnavailable(
                f"The folder {self._folder.name} of this node's home cannot be used ({error.strerror}); try again."
            ) from error

    def _slot(self, key: bytes, name: str) -> int:
        named = hmac.new(key, name.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return int.from_bytes(named.digest()[:8]) % RATE_SLOTS


def _lock(file: int) -> None:
    """Whoever holds it counts for some microseconds. One that hangs meanwhile must not hang all others. Raises
    TimeoutError, an OSError."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(errno.ETIMEDOUT, "another process holds it") from None
            time.sleep(_PAUSE_S)
        else:
            return
