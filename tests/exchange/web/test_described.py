"""Whatever may be asked by the description of the API is answered as it says: no fault of the server, no other form.

Schemathesis draws the requests from docs/openapi.json: valid ones and others, of each operation, as an examiner.
``FFP_SCHEMA_EXAMPLES`` says how many of each kind, and has operators and auditors ask too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.vocabulary import Jurisdiction, Role
from tests.exchange.running_nodes import RunningNode

pytestmark = pytest.mark.slow

EXAMPLES = os.environ.get("FFP_SCHEMA_EXAMPLES", "2")
ROLES = [Role.EXAMINER, Role.OPERATOR, Role.AUDITOR] if "FFP_SCHEMA_EXAMPLES" in os.environ else [Role.EXAMINER]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)


@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_as_described(
    start_node: Callable[..., RunningNode], scans: dict[str, Path], tmp_path: Path, role: Role
) -> None:
    node = start_node(Jurisdiction.RS)
    assert node.submit(scans["1-1"]).status_code == 201
    assert node.submit(scans["1-2"], case_reference="RS-26-2").status_code == 201
    node.wait_correlated(2)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", "docs/openapi.json", "--url", node.url),
            *("--header", f"Authorization: {node.bearer(role)['Authorization']}"),
            *("--checks", ",".join(CHECKS), "--max-examples", EXAMPLES, "--seed", "26", "--no-shrink"),
            *("--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"),
            *("--generation-database", "none", "--request-timeout", "60"),
        ],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    assert node.get("/readyz").status_code == 200
    print(done.stdout[-1500:])
