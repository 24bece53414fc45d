"""The modules of the comparison viewer, named in the page's head: a browser that had to find them one import after the
other would ask for the scans half a second later."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"
VIEWER_MODULES = tuple(sorted(f"/app/static/viewer/{path.name}" for path in (STATIC / "viewer").glob("*.js")))
