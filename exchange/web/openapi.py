"""Write the node's OpenAPI description, the form in which it is committed: ``python -m exchange.web.openapi FILE``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from exchange.web.app import create_api


def openapi_document() -> str:
    """The description of the API as this software serves it; no node is needed to make it."""
    return json.dumps(create_api().openapi(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(openapi_document(), encoding="utf-8")
