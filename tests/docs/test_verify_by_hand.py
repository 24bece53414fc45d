"""docs/verify-by-hand.md, followed to the letter: it accepts what is true, and refuses what is not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exchange.flows.bundle import verify_bundle
from exchange.trust.card import same_fingerprint
from tests.exchange.flows.bundles import LIES, made
from tests.exchange.flows.owner import Owner, make_owner

TOOLS = ("openssl", "jq", "xxd", "sha256sum", "base64", "expr")


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    made = make_owner(tmp_path_factory.mktemp("owner") / "node")
    for _ in range(6):
        made.publish()
    yield made
    made.node.close()


@pytest.fixture(scope="module")
def script(root: Path) -> str:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    assert not missing, f"install {', '.join(missing)}: the page needs them (Debian: openssl jq xxd coreutils)"
    page = (root / "docs/verify-by-hand.md").read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))


def follow(script: str, folder: Path, bundle: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    (folder / "bundle.json").write_text(json.dumps(bundle))
    return subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_true_bundle_is_accepted(owner: Owner, script: str, tmp_path: Path, place: int) -> None:
    """Wherever its leaf is: the tree of seven leaves has ways of different lengths."""
    bundle = made(owner, place)
    done = follow(script, tmp_path / "by-hand", bundle)
    assert done.returncode == 0, done.stdout + done.stderr
    by_ffp = verify_bundle(json.dumps(bundle).encode())
    assert f"statement id: {by_ffp.statement_id}" in done.stdout
    assert f"number {place + 1} of 7" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if line.startswith("fingerprint of ffp-rs: ")]
    assert same_fingerprint(line.partition(": ")[2], by_ffp.fingerprint)


QUICKLY = ("a payload changed", "a card changed", "another index", "a bit of the head")
"""The others run with the slow tests; ``ffp verify`` is shown all of them each time."""


@pytest.mark.parametrize("lie", [pytest.param(lie, marks=() if lie in QUICKLY else pytest.mark.slow) for lie in LIES])
def test_what_is_not_true_is_refused(owner: Owner, script: str, tmp_path: Path, lie: str) -> None:
    bundle = LIES[lie].told(made(owner, 4), owner)
    assert follow(script, tmp_path / "by-hand", bundle).returncode != 0
