"""Mutants: each undoes one protection, and an observer must see the difference that this makes.

A mutant names one function of the node by its module; wherever else that function was imported to, it is replaced too.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from exchange.store.review import candidate_rows as candidates
from exchange.store.review import exhibit_pair_rows as exhibit_pairs
from tests.observers.trial import Observer, Secret


@dataclass(frozen=True)
class Mutant:
    """``function`` is "module:name", or several where one stands behind the other; ``instead`` is given the function
    and returns what stands in its place."""

    name: str
    function: str
    instead: Callable[[Callable[..., Any]], Callable[..., Any]]
    secret: type[Secret]
    observer: Observer
    seed: int = 1

    @contextmanager
    def applied(self) -> Iterator[None]:
        """While the block runs the protection is undone. Fails when there is no such function any more."""
        with pytest.MonkeyPatch.context() as patched:
            for function in self.function.split():
                module, _, name = function.partition(":")
                original = getattr(importlib.import_module(module), name)
                changed = self.instead(original)
                for found in list(sys.modules.values()):
                    if found.__name__.startswith("exchange.") and getattr(found, name, None) is original:
                        patched.setattr(found, name, changed)
            _forget_queries()
            yield
        _forget_queries()


def _forget_queries() -> None:
    """What the store keeps for each examiner was built with the protection, or is built without it."""
    for kept in (candidates._pairs, candidates._unopened, exhibit_pairs._scored):
        kept.cache_clear()


def always(answer: object) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Whatever is asked, this is answered."""
    return lambda _original: lambda *_, **__: answer
