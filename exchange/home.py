"""Where a node lies. Apart from its settings, so that a command that needs none of them begins at once."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_HOME = Path("/var/lib/ffp")
HOME_VARIABLE = "FFP_NODE_HOME"


def resolve_home(given: Path | None) -> Path:
    """The node's home: ``--home``, else ``FFP_NODE_HOME``, else ``/var/lib/ffp``."""
    return (given or Path(os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).expanduser().absolute()
