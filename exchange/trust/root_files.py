"""The rounds of the trust root as files in a folder: ``1.root.json``, ``1.targets.json``, ``2.root.json`` and so on.

The names are those of a TUF repository (specification 7.2). The folder is carried on a stick, and installed in a home.
"""

from __future__ import annotations

import os
from pathlib import Path

from exchange.errors import ConfigurationError
from exchange.home import private_folder, public_folder, read_bounded
from exchange.trust.registry import MAX_REGISTRY_BYTES, RoundFiles, Trust
from exchange.trust.root import MAX_ROOT_BYTES, MAX_ROUNDS


def read_rounds(folder: Path) -> tuple[RoundFiles, ...]:
    """The rounds in a folder, from the first on; none when the folder is empty or not there.

    A round is there when its root is: that is written last. Raises ConfigurationError for a registry that is missing.
    """
    found = []
    for number in range(1, MAX_ROUNDS + 2):  # one more than is ever believed, so that too many are refused, not cut off
        root, registry = _paths(folder, number)
        if not root.is_file():
            break
        found.append(read_round(root, registry))
    return tuple(found)


def read_round(root: Path, registry: Path) -> RoundFiles:
    """Two files of one round, bounded. Raises ConfigurationError when one cannot be read."""
    return RoundFiles(_read(root, MAX_ROOT_BYTES), _read(registry, MAX_REGISTRY_BYTES))


def write_rounds(folder: Path, trust: Trust, *, public: bool = True) -> None:
    """Write the rounds that the folder has not. When this returns they are on the disk; a crash leaves whole rounds."""
    for root, registry in zip(trust.roots, trust.registries, strict=True):
        root_path, registry_path = _paths(folder, root.version)
        if not root_path.exists():
            write_round_file(registry_path, registry.raw, public=public)
            write_round_file(root_path, root.raw, public=public)


def write_round_file(path: Path, content: bytes, *, public: bool = True) -> None:
    """Replace a file at once and for good. It goes from hand to hand and may be read by everybody; the copy in a node's
    home is the node's own."""
    (public_folder if public else private_folder)(path.parent)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        os.fchmod(file.fileno(), 0o644 if public else 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the name too: a round that was installed must outlast a power cut
    finally:
        os.close(descriptor)


def _paths(folder: Path, number: int) -> tuple[Path, Path]:
    return folder / f"{number}.root.json", folder / f"{number}.targets.json"


def _read(path: Path, most: int) -> bytes:
    try:
        return read_bounded(path, most)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. Copy it again.") from error
