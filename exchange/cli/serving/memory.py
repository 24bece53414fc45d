"""Memory that a burst of work took goes back to the system, and what a process has for good is looked through once.

glibc keeps what is free for the threads that had it: after eighty threads spoke with two hundred peers at once, a third
of a process's memory held nothing.

Python looks for garbage in rings by looking through all that there is, while everybody waits: a third of a second for
the half a million objects of a node that serves, once for some fifty pages.
"""

from __future__ import annotations

import ctypes
import gc
from typing import Final

GIVE_BACK_S: Final = 60.0
"""How often: it takes some milliseconds."""


def collect_seldom() -> None:
    """For a program of which most stays: what is imported is no garbage."""
    gc.set_threshold(10_000, 10, 10)


def keep_what_is_here(*, collect: bool = True) -> None:
    """What this process has by now it has for good, and no collection looks at it again. Garbage among it goes first,
    unless nobody may wait for that."""
    if collect:
        gc.collect()
    gc.freeze()


def give_back_memory() -> None:
    """Of all threads of this process; nothing where the C library cannot."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
