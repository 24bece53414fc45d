"""Write the JSON Schema documents anew: ``python -m tests.schemas.write_json_schema``."""

from __future__ import annotations

from pathlib import Path

import schemas
from schemas.json_schema import json_schema_documents

FOLDER = Path(schemas.__file__).parent / "json"

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in json_schema_documents().items():
        (FOLDER / name).write_bytes(content)
        print(FOLDER / name)
