"""What plugs into a node without being part of it. A node imports no extension: each floor asks here for its part.

An extension is a package with one module for each floor that it extends, named `extends_<floor>`, with one constant of
the same name in capitals. Its class is defined by the floor:

    tables      no constant; imported for its effect, the SQLAlchemy tables
    commands    commands below one heading (`exchange.cli.command_groups.CommandHeading`)
    integrity   how rows are held against statements (`exchange.flows.integrity.signed_rows.IntegrityPart`)
    messages    what translators translate (`exchange.web.wording.messages.MessagesPart`)
    pages       templates, navigation, guide (`exchange.web.pages.extended.PagesPart`)
    routes      pages and REST routes (`exchange.web.pages.extended.RoutesPart`)
    worker      duties of the leader (`exchange.worker.leader_duties.WorkerPart`)
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Final, TypeVar

_P = TypeVar("_P")

EXTENSIONS: Final[tuple[str, ...]] = ("exchange.coordination",)
"""The packages of all extensions: only the region's coordination. A node without its name here and without its folder
    is still complete."""


def extension_folders() -> list[Path]:
    """Return the folder of each extension. One with texts of its own has the catalogues in `languages`."""
    return [Path(import_module(name).__path__[0]) for name in EXTENSIONS]


def modules_for(floor: str) -> list[ModuleType]:
    """Import and return the module of each extension that extends this floor."""
    names = (f"{extension}.extends_{floor}" for extension in EXTENSIONS)
    return [import_module(name) for name in names if find_spec(name) is not None]


def parts_for(floor: str, kind: type[_P]) -> list[_P]:
    """Return the part of each extension that extends this floor. Raises TypeError where a part is of another class."""
    parts = [getattr(module, floor.upper()) for module in modules_for(floor)]
    for part in parts:
        if not isinstance(part, kind):
            raise TypeError(f"{part!r} is no {kind.__name__}")
    return parts
