"""A module and all that it imports of its own folder, as one script: one request in place of forty, and fewer bytes,
for what is alike in two modules is packed once.

A browser reads the same from the modules themselves. They keep to what this understands, and a test sees to that: each
import names what it takes, in braces, on a line of its own; each export stands before a function, a class or a
constant; no circle of imports.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from exchange.web.http.lean_text import lean_script

IMPORT: Final = re.compile(r'^import \{ ([\w$, ]+) \} from "(\.[^"]+)";\n', re.MULTILINE)
EXPORT: Final = re.compile(r"^export ((?:async )?(?:function\*?|class|const) )([\w$]+)", re.MULTILINE)


def joined_script(entry: Path) -> str:
    """The script of a module ``x.js`` with the modules of the folder ``x`` in it. What they import from elsewhere they
    import still: it may have a state that other scripts share."""
    joined = _Joined(entry)
    body = joined.read(entry)
    return "".join((*joined.elsewhere(), *joined.modules.values(), body))


class _Joined:
    """The modules that were read, each after those that it imports."""

    def __init__(self, entry: Path) -> None:
        self._entry, self._folder = entry, entry.with_suffix("")
        self._elsewhere: dict[Path, set[str]] = {}
        self.modules: dict[Path, str] = {}

    def elsewhere(self) -> list[str]:
        """The imports that stay, as the entry would write them."""
        return [
            f'import {{ {", ".join(sorted(names))} }} from "./{path.relative_to(self._entry.parent)}";\n'
            for path, names in self._elsewhere.items()
        ]

    def read(self, path: Path) -> str:
        """What a module does, in the names of the joined script."""
        text = lean_script(path.read_text(encoding="utf-8"))
        taken = [self._take(names, (path.parent / source).resolve()) for names, source in IMPORT.findall(text)]
        return "".join((*taken, EXPORT.sub(r"\1\2", IMPORT.sub("", text))))

    def _take(self, names: str, source: Path) -> str:
        if source.parent != self._folder:
            self._elsewhere.setdefault(source, set()).update(names.split(", "))
            return ""
        if source not in self.modules:
            body, given = self.read(source), EXPORT.findall(lean_script(source.read_text(encoding="utf-8")))
            exported = ", ".join(name for _, name in given)
            self.modules[source] = f"const {_name_of(source)} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"
        return f"const {{ {names} }} = {_name_of(source)};\n"


def _name_of(module: Path) -> str:
    return f"$_{module.stem.replace('-', '_')}"
