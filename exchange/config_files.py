"""Where a node's settings lie in files: ``config.toml``, and secrets that their owner alone may read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from exchange.home import write_private

PREFIX: Final = "FFP_NODE_"
"""Of a setting in the environment, and of its secret file."""


def write_config(settings: dict[str, Any], home: Path) -> None:
    """Write the first ``config.toml``; values are validated strings and numbers, so quoting is safe."""
    lines = [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in settings.items()
    ]
    write_private(home / "config.toml", "\n".join(lines) + "\n")


def write_secret(name: str, value: str, home: Path) -> None:
    """Write a setting to a file that its owner alone may read."""
    folder = home / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / f"{PREFIX}{name}".lower(), value + "\n")


def secret_folders(home: Path) -> tuple[Path, ...]:
    """Where secret files are, the last first to count: those of the node, over what systemd decrypted for its service
    (``LoadCredentialEncrypted=``)."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    return (*((Path(credentials),) if credentials else ()), home / "secrets")
