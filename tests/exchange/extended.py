"""What the tests of an extension add to the tests of a whole node."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from exchange.extensions import EXTENSIONS


def modules(name: str) -> list[ModuleType]:
    """Import and return the module of this name from the tests of each extension."""
    return [import_module(f"tests.{extension}.{name}") for extension in EXTENSIONS]
