"""Verify a folder that ``make release`` made, with nothing but Python and ssh-keygen (OpenSSH 8.2 or newer).

    python3 deploy/verify_release.py FOLDER allowed_signers

1. SHA256SUMS is signed by one of the signers.
2. It names each file of the folder, and no other; each file has the digest that it names.
3. The bill of materials names what the lock for nodes pins, no more and no less, with the same digests.
4. Wheel, source, bill and notes are of one version.

Exit code 1 and a sentence for each thing that is wrong; what comes after an invalid signature is not looked at.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SUMS, SIGNATURE, BILL, LOCK, NOTES = (
    "SHA256SUMS",
    "SHA256SUMS.sig",
    "sbom.json",
    "requirements-node.lock",
    "RELEASE-NOTES.md",
)
NAMESPACE = "ffp-release"
"""A signature for another purpose, of the same key, is none for a release."""
IDENTITY = "ffp-release"
"""The name of the signer in the file of allowed signers."""
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._+-]*)")


def verify(folder: Path, signers: Path) -> list[str]:
    """What is wrong with a release; nothing of a whole one."""
    if not folder.is_dir():
        return [f"{folder} is no folder: name the one that the release is in."]
    refused = _signature(folder, signers)
    if refused is not None:
        return [refused]
    found = list(_sums(folder))
    return found or [*_bill(folder), *_versions(folder)]


def _signature(folder: Path, signers: Path) -> str | None:
    for file in (folder / SUMS, folder / SIGNATURE, signers):
        if not file.is_file():
            return f"{file} is missing: without it nothing can be verified."
    with tempfile.TemporaryDirectory() as made, (folder / SUMS).open("rb") as signed:
        told = signers
        if signers.read_text(encoding="utf-8").startswith(("ssh-", "sk-", "ecdsa-")):  # a public key, as it is made
            told = Path(made) / "allowed_signers"
            told.write_text(f"{IDENTITY} {signers.read_text(encoding='utf-8')}", encoding="utf-8")
        command = ["ssh-keygen", "-Y", "verify", "-f", str(told), "-I", IDENTITY, "-n", NAMESPACE]
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own arguments
                [*command, "-s", str(folder / SIGNATURE)], stdin=signed, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            return "ssh-keygen is not installed: apt-get install openssh-client"
    if done.returncode == 0:
        return None
    said = " ".join((done.stderr or done.stdout).split())
    return f"{SUMS} is NOT signed by a signer of {signers} ({said}): use nothing of this folder."


def _sums(folder: Path) -> Iterator[str]:
    named: dict[str, str] = {}
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        if (read := _LINE.fullmatch(line)) is None or read[2] in named:
            yield f"{SUMS} has a line that is none of its own: {line!r}."
            return
        named[read[2]] = read[1]
    there = {path.name: path for path in folder.iterdir()} if named else {}
    for name in sorted(named.keys() - there.keys()):
        yield f"{name} is missing."
    for name in sorted(there.keys() - named.keys() - {SUMS, SIGNATURE}):
        yield f"{name} is not a file of this release: it was added."
    for name in sorted(named.keys() & there.keys()):
        path = there[name]
        if path.is_symlink() or not path.is_file():
            yield f"{name} is no plain file."
        elif hashlib.sha256(path.read_bytes()).hexdigest() != named[name]:
            yield f"{name} is NOT what was signed: its digest differs."
    for name in (BILL, LOCK, NOTES):
        if name not in named:
            yield f"{name} is not in this release."


def pinned(lock: str) -> dict[str, set[str]]:
    """``name==version`` -> the digests that a lock allows."""
    lines = [line for line in lock.replace("\\\n", " ").splitlines() if line and not line.startswith((" ", "#"))]
    return {
        re.split(r"[ ;]", line, maxsplit=1)[0]: set(re.findall(r"--hash=sha256:([0-9a-f]{64})", line)) for line in lines
    }


def _bill(folder: Path) -> Iterator[str]:
    lock = pinned((folder / LOCK).read_text(encoding="utf-8"))
    parts = json.loads((folder / BILL).read_text(encoding="utf-8"))["components"]
    bill = {
        f"{part['name']}=={part['version']}": {
            told["content"] for reference in part.get("externalReferences", ()) for told in reference.get("hashes", ())
        }
        for part in parts
    }
    for pin in sorted(lock.keys() - bill.keys()):
        yield f"{BILL} does not name {pin}, which {LOCK} pins."
    for pin in sorted(bill.keys() - lock.keys()):
        yield f"{BILL} names {pin}, which {LOCK} does not pin."
    for pin in sorted(lock.keys() & bill.keys()):
        if lock[pin] != bill[pin]:
            yield f"{BILL} and {LOCK} have different digests of {pin}."


def _versions(folder: Path) -> Iterator[str]:
    stated = {
        BILL: json.loads((folder / BILL).read_text(encoding="utf-8"))["metadata"]["component"]["version"],
        NOTES: (folder / NOTES).read_text(encoding="utf-8").splitlines()[0].split()[-1],
    }
    for pattern in ("*.whl", "*.tar.gz"):
        built = [path.name.removesuffix(".tar.gz").split("-")[1] for path in folder.glob(pattern)]
        stated[pattern] = built[0] if len(built) == 1 else f"of {len(built)} files"
    if len(set(stated.values())) != 1:
        yield f"Not of one version: {', '.join(f'{name} {version}' for name, version in stated.items())}."


def main(folder: str, signers: str) -> int:
    found = verify(Path(folder), Path(signers))
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"{folder} is whole, and signed by a signer of {signers}.")
    return 1 if found else 0


if __name__ == "__main__":
    reader = argparse.ArgumentParser(description="Whether a release is whole, and signed by somebody who may.")
    reader.add_argument("folder", help="where the release lies")
    reader.add_argument("signers", help="a public key, or a file of allowed signers (ssh-keygen)")
    given = reader.parse_args()
    sys.exit(main(given.folder, given.signers))
