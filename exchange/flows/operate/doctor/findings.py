"""What an examination of a node finds, causes before what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from exchange.flows.operate.doctor.causes import EXPLAINS, Cause

_ORDER: Final = {cause: place for place, cause in enumerate(Cause)}


class Gravity(IntEnum):
    """The exit code of whoever found nothing worse."""

    GOOD = 0
    WARNING = 1
    FAULT = 2


@dataclass(frozen=True)
class Finding:
    """``what`` is wrong with the ``subject``, how bad that is, and what the operator does ``next``; a sentence each, or
    for the last a command. ``cause`` says what kind of thing it is."""

    subject: str
    gravity: Gravity
    what: str
    next: str
    cause: Cause

    @property
    def sentence(self) -> str:
        """``what``, as it is understood without its subject: of a peer with its name."""
        peer = self.subject.removeprefix("peer ")
        return self.what if peer == self.subject or peer in self.what else f"{peer}: {self.what}"


def warning(cause: Cause, subject: str, what: str, then: str) -> Finding:
    return Finding(subject, Gravity.WARNING, what, then, cause)


def fault(cause: Cause, subject: str, what: str, then: str) -> Finding:
    return Finding(subject, Gravity.FAULT, what, then, cause)


def causes_and_consequences(findings: Iterable[Finding]) -> tuple[list[Finding], list[Finding]]:
    """What nothing else explains, the most severe first; and what follows from one of these, in the same order."""
    ranked = sorted(findings, key=lambda item: (-item.gravity, _ORDER[item.cause]))
    found = {item.cause for item in ranked}
    explained = {cause for one in found for cause in EXPLAINS.get(one, ()) if one not in EXPLAINS.get(cause, ())}
    return (
        [item for item in ranked if item.cause not in explained],
        [item for item in ranked if item.cause in explained],
    )
