"""Programs of Debian that some of these tests need: in CI their lack is a failure, elsewhere a loud skip."""

from __future__ import annotations

import os
import shutil

import pytest


def needed(program: str, package: str) -> str:
    """Where a program is."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        reason = f"{program} is not installed: what it looks at WAS NOT TRIED (apt-get install {package})"
        (pytest.fail if "CI" in os.environ else pytest.skip)(reason)
    return found
