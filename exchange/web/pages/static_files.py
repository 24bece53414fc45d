"""Style and scripts, below an address that changes with them: a browser keeps them for good and asks for none twice.

The modules of the comparison viewer travel as one script: a browser that had to find them one import after the other
would ask for the scans half a second later.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from exchange.web.pages.extended import folders

STATIC: Final = Path(__file__).parents[1] / "static"
EXTENDED: Final = folders("static")
"""The folders of extensions, whose files have names of their own."""


def _version() -> str:
    """Of all names and contents."""
    digest = hashlib.sha256()
    for folder in (STATIC, *EXTENDED):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(folder)} {path.stat().st_size} ".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


VERSION: Final = _version()
STATIC_ADDRESS: Final = f"/app/static/{VERSION}"
JOINED: Final = frozenset({STATIC / "viewer.js"})
"""Scripts that are given with the modules of their folder in them."""
