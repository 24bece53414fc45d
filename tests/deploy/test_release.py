"""A release is made twice with the same bytes, verified, and found out wherever a byte of it is changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest

from tests.deploy.wheelhouse import ROOT

pytestmark = pytest.mark.slow
COMMITTED = ("exchange", "matcher", "schemas", "deploy", "docs")
FILES = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile", ".gitignore")


@pytest.fixture(scope="module")
def tools() -> Iterator[dict[str, ModuleType]]:
    """The programs of ``deploy``, which run as files beside each other."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(ROOT / "deploy"))
        patched.setattr(sys, "dont_write_bytecode", True)  # a wheelhouse has a copy of that folder
        import image_digests
        import make_release
        import verify_release

        yield {"make": make_release, "verify": verify_release, "images": image_digests}
        for name in ("image_digests", "make_release", "verify_release"):
            sys.modules.pop(name)


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=maintainer", "-c", "user.email=maintainer@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as it is here, committed."""
    folder = tmp_path_factory.mktemp("source")
    for name in COMMITTED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "screenshots"))
    (folder / "tests").mkdir()
    for name in (*FILES, *(lock.name for lock in ROOT.glob("requirements*.lock"))):
        shutil.copyfile(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "release")
    return folder


def make_key(folder: Path, name: str) -> Path:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / name


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_key(tmp_path_factory.mktemp("keys"), "release-key")


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, source: Path, key: Path, tools: dict[str, ModuleType]
) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("made")
    for name in ("one", "other"):
        tools["make"].make(folder / name, key, source)
    return folder / "one", folder / "other"


@pytest.fixture
def release(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(made[0], tmp_path / "release"))


Verify = Callable[[Path], list[str]]


@pytest.fixture
def verify(tools: dict[str, ModuleType], key: Path) -> Verify:
    return lambda folder: list(tools["verify"].verify(folder, key.with_suffix(".pub")))


def test_whoever_builds_it_again_gets_the_same_bytes(made: tuple[Path, Path]) -> None:
    one, other = made
    names = {path.name for path in one.iterdir()}
    assert {path.name for path in other.iterdir()} == names
    assert {name for name in names if (one / name).read_bytes() != (other / name).read_bytes()} == set()
    assert {"SHA256SUMS", "SHA256SUMS.sig", "sbom.json", "RELEASE-NOTES.md", "requirements-node.lock"} <= names
    assert {suffix for name in names for suffix in (".whl", ".tar.gz") if name.endswith(suffix)} == {".whl", ".tar.gz"}
    [wheel] = one.glob("*.whl")
    assert {"exchange/cli/main.py", "matcher/__init__.py", "schemas/__init__.py"} <= set(ZipFile(wheel).namelist())


def test_a_whole_release_is_verified_with_well_known_tools_too(made: tuple[Path, Path], key: Path) -> None:
    """As deploy/README.md says; and by the program."""
    folder = made[0]
    program = [sys.executable, "-I", str(ROOT / "deploy" / "verify_release.py"), str(folder)]
    done = subprocess.run([*program, str(key.with_suffix(".pub"))], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    signers = folder.parent / "allowed_signers"
    signers.write_text(f"ffp-release {key.with_suffix('.pub').read_text()}")
    done = subprocess.run([*program, str(signers)], capture_output=True, text=True, check=False)
    assert (done.returncode, "is whole" in done.stdout) == (0, True)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", "ffp-release", "-n", "ffp-release"]
    with (folder / "SHA256SUMS").open("rb") as sums:
        subprocess.run([*command, "-s", str(folder / "SHA256SUMS.sig")], stdin=sums, check=True, capture_output=True)
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)


def test_a_changed_byte_in_any_file_is_found(release: Path, verify: Verify) -> None:
    assert verify(release) == []
    for path in sorted(release.iterdir()):
        whole = path.read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            found = verify(release)
            name = "SHA256SUMS" if path.name == "SHA256SUMS.sig" else path.name
            # a signature in armour has a line end after it that says nothing
            armour = path.name == "SHA256SUMS.sig" and place == len(whole) - 1
            assert armour or (found and name in found[0]), (path.name, place, found)
        path.write_bytes(whole)
        path.unlink()
        assert any(path.name in line and "missing" in line for line in verify(release)), path.name
        path.write_bytes(whole)
    assert verify(release) == []


def test_what_was_added_or_leads_elsewhere_is_found(release: Path, verify: Verify, tmp_path: Path) -> None:
    (release / "install.sh").write_text("true\n")
    assert verify(release) == ["install.sh is not a file of this release: it was added."]
    (release / "install.sh").unlink()
    notes = release / "RELEASE-NOTES.md"
    notes.rename(tmp_path / "elsewhere")
    notes.symlink_to(tmp_path / "elsewhere")
    assert verify(release) == ["RELEASE-NOTES.md is no plain file."]


def test_a_stranger_s_signature_is_none(
    release: Path, key: Path, tmp_path: Path, verify: Verify, tools: dict[str, ModuleType]
) -> None:
    stranger = make_key(tmp_path, "stranger")
    sign(release, stranger)
    [said] = verify(release)
    assert "NOT signed by a signer" in said
    sign(release, key, namespace="file")
    [said] = verify(release)
    assert "NOT signed by a signer" in said, "signed for another purpose"
    sign(release, key)
    assert verify(release) == []
    [said] = tools["verify"].verify(release, tmp_path / "nothing")
    assert "is missing" in said


def sign(folder: Path, key: Path, namespace: str = "ffp-release") -> None:
    (folder / "SHA256SUMS.sig").unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", namespace, "SHA256SUMS"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def sum_up(folder: Path, key: Path) -> None:
    """As a maintainer who makes a release by hand."""
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("SHA256SUMS"))
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(sums))
    sign(folder, key)


def test_a_bill_of_materials_that_the_lock_does_not_bear_out_is_found(release: Path, key: Path, verify: Verify) -> None:
    """Though all of it is signed."""
    bill = release / "sbom.json"
    whole = json.loads(bill.read_text())
    gone, changed, *rest = whole["components"]
    changed = json.loads(json.dumps(changed))
    digest = next(told for reference in changed["externalReferences"] for told in reference["hashes"])
    digest["content"] = "0" * 64
    bill.write_text(json.dumps(whole | {"components": [changed, {"name": "more", "version": "1"}, *rest]}))
    sum_up(release, key)
    found = "\n".join(verify(release))
    assert f"does not name {gone['name']}=={gone['version']}" in found
    assert "names more==1, which requirements-node.lock does not pin" in found
    assert f"different digests of {changed['name']}=={changed['version']}" in found
    assert len(found.splitlines()) == 3


def test_parts_of_two_versions_are_no_release(release: Path, key: Path, verify: Verify) -> None:
    [wheel] = release.glob("*.whl")
    wheel.rename(release / re.sub(r"-\d+\.\d+\.\d+-", "-9.9.9-", wheel.name))
    sum_up(release, key)
    assert "Not of one version" in "\n".join(verify(release))


def test_what_is_not_committed_is_not_released(
    source: Path, key: Path, tmp_path: Path, tools: dict[str, ModuleType]
) -> None:
    make, refused = tools["make"].make, tools["make"].Refused
    (source / "exchange" / "forgotten.py").write_text("")
    with pytest.raises(refused, match=r"1 files are not committed, the first exchange/forgotten\.py"):
        make(tmp_path / "dist", key, source)
    (source / "exchange" / "forgotten.py").unlink()
    with pytest.raises(refused, match="no key"):
        make(tmp_path / "dist", tmp_path / "nothing", source)
    assert not (tmp_path / "dist").exists()
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "old.whl").write_text("")
    with pytest.raises(refused, match="not empty"):
        make(tmp_path / "dist", key, source)


def test_notes_say_what_to_do_first(made: tuple[Path, Path], tools: dict[str, ModuleType]) -> None:
    notes = (made[0] / "RELEASE-NOTES.md").read_text(encoding="utf-8")
    headings = [line for line in notes.splitlines() if line.startswith("#")]
    assert headings[0].startswith("# Release 0.")
    assert headings[1] == "### What to do"
    assert len(headings) > 5
    refused, notes_of = tools["make"].Refused, tools["make"].notes_of
    for changelog, said in (
        ("# Changelog\n\n## [1.0.0]\n\n### Added\n\n- x\n", "does not say what to do"),
        ("# Changelog\n\n## [1.0.1]\n\n### What to do\n\n- x\n", "0 parts on"),
    ):
        with pytest.raises(refused, match=said):
            notes_of(changelog, "1.0.0")
    both = "## [2.0.0]\n\n### Added\n\n- new\n\n### What to do\n\n- migrate\n\n## [1.0.0]\n\n### What to do\n\n- old\n"
    assert notes_of(both, "2.0.0") == "# Release 2.0.0\n\n### What to do\n\n- migrate\n\n### Added\n\n- new\n"


def test_images_are_named_by_digest_or_it_is_said_what_to_run(tmp_path: Path, tools: dict[str, ModuleType]) -> None:
    digest = "@sha256:" + "ab" * 32
    (tmp_path / "Dockerfile").write_text(f"FROM python:3.13{digest} AS built\nFROM built\nFROM debian:13-slim\n")
    (tmp_path / "compose.yaml").write_text(
        f"services:\n  a:\n    image: nginx:1.28{digest}\n  b:\n    image: ffp-exchange:0.1.0\n  c:\n"
        f"    image: 'postgres:17@sha256:abc'\n"
    )
    found = tools["images"].loose(tmp_path)
    assert [line.partition(" has no digest")[0] for line in found] == [
        "Dockerfile: debian:13-slim",
        "compose.yaml: postgres:17@sha256:abc",
    ]
    assert all("docker buildx imagetools inspect" in line for line in found)
    named = tools["images"].images_in(ROOT / "deploy")
    assert any(image.startswith("python:") and "Dockerfile" in files for image, files in named.items())
    assert {re.split("[:@]", image)[0] for image in named} >= {"python", "nginx", "postgres"}


def test_with_an_image_that_is_named_by_its_tag_there_is_no_release(tmp_path: Path, key: Path) -> None:
    """Until the digests are looked up, where there is a network, that is so of this project's own."""
    command = [sys.executable, str(ROOT / "deploy" / "make_release.py"), str(tmp_path / "dist"), str(key)]
    checked = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "image_digests.py")], capture_output=True, text=True, check=False
    )
    if checked.returncode == 0:
        return
    done = subprocess.run([*command, "--with-image"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == checked.stdout
    assert not (tmp_path / "dist").exists()
