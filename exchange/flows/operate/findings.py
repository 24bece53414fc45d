"""What an examination of a node finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Gravity(IntEnum):
    """The exit code of whoever found nothing worse."""

    GOOD = 0
    WARNING = 1
    FAULT = 2


@dataclass(frozen=True)
class Finding:
    """``what`` is wrong with the ``subject``, how bad that is, and what the operator does ``next``; a sentence each."""

    subject: str
    gravity: Gravity
    what: str
    next: str


def warning(subject: str, what: str, then: str) -> Finding:
    return Finding(subject, Gravity.WARNING, what, then)


def fault(subject: str, what: str, then: str) -> Finding:
    return Finding(subject, Gravity.FAULT, what, then)
