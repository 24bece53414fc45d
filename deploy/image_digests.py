"""Which images the Dockerfile and the compose files name, and whether each is named by its digest.

    python deploy/image_digests.py

A tag can be moved by whoever holds the registry; a digest cannot. Exit code 1 when an image is named by its tag alone,
with the command that tells its digest: the digest is then written behind the tag, ``nginx:1.28@sha256:...``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
OWN = "ffp-exchange"
"""Built here, and named by its release."""
_NAMED = re.compile(r"^\s*(?:FROM\s+(?:--platform=\S+\s+)?|image:\s*)[\"']?([^\s\"'#]+)", re.MULTILINE | re.IGNORECASE)
_STAGE = re.compile(r"^FROM\s+.*\s+AS\s+(\S+)", re.MULTILINE | re.IGNORECASE)
_PINNED = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


def images_in(folder: Path) -> dict[str, list[str]]:
    """Image -> the files that name it; neither stages of a build nor this project's own image."""
    found: dict[str, list[str]] = {}
    for file in sorted([*folder.glob("Dockerfile*"), *folder.glob("compose*.yaml")]):
        text = file.read_text(encoding="utf-8")
        for image in _NAMED.findall(text):
            if image not in _STAGE.findall(text) and re.split("[:@]", image)[0] != OWN:
                found.setdefault(image, [])
                if file.name not in found[image]:
                    found[image].append(file.name)
    return found


def loose(folder: Path = FOLDER) -> list[str]:
    """A line for each image that is named by its tag alone, with what to run; none when all have their digest."""
    return [
        f"{', '.join(files)}: {image} has no digest. Look it up, and write it behind the tag: "
        f"docker buildx imagetools inspect --format '{{{{.Manifest.Digest}}}}' {image}"
        for image, files in images_in(folder).items()
        if not _PINNED.fullmatch(image)
    ]


def main() -> int:
    lines = loose()
    print("\n".join(lines) if lines else "Each image is named by its digest.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
