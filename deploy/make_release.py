"""Make a release: what is committed, built so that whoever builds it again gets the same bytes, and signed.

    python deploy/make_release.py FOLDER KEY [--with-image]

Into the folder, which is new: wheel and source, the locks, the bill of materials (CycloneDX), the notes of this release
out of the changelog, what verifies it, SHA256SUMS, and a signature over that by ssh-keygen. ``KEY`` is the private key
that ssh-keygen signs with, or the public one when an agent or a token holds the private half.

With ``--with-image`` it is refused unless each base image is named by its digest.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from image_digests import loose
from verify_release import BILL, NAMESPACE, NOTES, SUMS

SOURCE = Path(__file__).parents[1]
TO_DO = "### What to do"
"""The part of a release's notes that no release lacks."""


class Refused(Exception):
    """Why there is no release, and what to do."""


def notes_of(changelog: str, version: str) -> str:
    """The part of the changelog on one version. Raises Refused when there is none, or when it does not say what to
    do."""
    parts = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    found = [part for part in parts if part.startswith(f"[{version}]")]
    if len(found) != 1:
        raise Refused(f"CHANGELOG.md has {len(found)} parts on {version}: write one, beginning with ## [{version}]")
    _, _, told = found[0].partition("\n")
    if TO_DO not in told.splitlines():
        raise Refused(f"CHANGELOG.md does not say what to do for {version}: write a part that begins with {TO_DO!r}")
    to_do = told[told.index(TO_DO) :]
    end = to_do.find("\n### ", 1)
    first = to_do if end < 0 else to_do[: end + 1]
    rest = told.replace(first, "", 1)
    return f"# Release {version}\n\n{first.strip()}\n\n{rest.strip()}\n"


def make(folder: Path, key: Path, source: Path = SOURCE, *, with_image: bool = False) -> None:
    """Make the release of what is committed in ``source``. Raises Refused; then there is no folder."""
    if with_image and (lines := loose(source / "deploy")):
        raise Refused("\n".join(lines))
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty: name a new folder, so that nothing of an earlier release gets in.")
    if not key.is_file():
        raise Refused(
            f"There is no key in {key}. Make one, and keep it off this machine: ssh-keygen -t ed25519 -f FILE"
        )
    changed = _run(source, "git", "status", "--porcelain").decode().splitlines()
    if changed:
        raise Refused(f"{len(changed)} files are not committed, the first {changed[0][3:]}: commit or remove them.")
    with tempfile.TemporaryDirectory() as made:
        copy, dist = Path(made) / "source", Path(made) / "dist"
        dist.mkdir()
        with tarfile.open(fileobj=io.BytesIO(_run(source, "git", "archive", "HEAD"))) as committed:
            committed.extractall(copy, filter="data")
        _build(source, copy, dist)
        _sum_up(dist)
        _run(dist, "ssh-keygen", "-Y", "sign", "-f", str(key.absolute()), "-n", NAMESPACE, SUMS)
        shutil.copytree(dist, folder, dirs_exist_ok=True)


def _build(source: Path, copy: Path, dist: Path) -> None:
    version = tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    notes = notes_of((copy / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    (dist / NOTES).write_text(notes, encoding="utf-8")
    # the moment of the last commit stands for that of the build: who builds it later gets the same
    epoch = _run(source, "git", "log", "-1", "--format=%ct").decode().strip()
    _run(copy, sys.executable, "-m", "hatchling", "build", "-d", str(dist), SOURCE_DATE_EPOCH=epoch)
    for lock in sorted(copy.glob("requirements*.lock")):
        shutil.copyfile(lock, dist / lock.name)
    shutil.copyfile(copy / "deploy" / "verify_release.py", dist / "verify_release.py")
    bill = ("requirements", "requirements-node.lock", "--pyproject", "pyproject.toml", "--output-reproducible")
    tool = str(Path(sys.executable).parent / "cyclonedx-py")
    _run(copy, tool, *bill, "--of", "JSON", "-o", str(dist / BILL))


def _sum_up(dist: Path) -> None:
    """As sha256sum writes it."""
    names = sorted(path.name for path in dist.iterdir())
    lines = [f"{hashlib.sha256((dist / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (dist / SUMS).write_text("".join(lines), encoding="utf-8")


def _run(folder: Path, *command: str, **environment: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, cwd=folder, env=os.environ | environment, capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise Refused(f"{command[0]} is not installed.") from error
    if done.returncode != 0:
        raise Refused(f"{' '.join(command[:3])} failed: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description="Make a release into a new folder, and sign it.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("key", type=Path)
    parser.add_argument("--with-image", action="store_true", help="refuse base images that are not named by digest")
    told = parser.parse_args()
    try:
        make(told.folder, told.key, with_image=told.with_image)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"The release is in {told.folder}. Verify it as others do: make verify-release DIST={told.folder} KEY=FILE.pub"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
