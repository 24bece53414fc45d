"""The folder of a published site: replaced whole, and never one that holds anything else."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from exchange.errors import Conflict, InvalidInput
from exchange.home import read_bounded
from schemas.errors import ContractError
from schemas.exhibit import Contract, Sha256Hex
from schemas.strict_json import read_strict

SITE_FORMAT: Final = "ffp-public-site/1"
SITE_LIST: Final = "site.json"
MAX_SITE_LIST_BYTES: Final = 4 * 1024 * 1024
"""Of a list of 20,000 files."""
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
"""For whoever serves it: a site is public."""


class SiteList(Contract):
    """Each file of a site but this one, with its SHA-256."""

    format: Literal["ffp-public-site/1"]
    files: Annotated[dict[Annotated[str, Field(max_length=300)], Sha256Hex], Field(max_length=20_000)]


def replace_site(folder: Path, files: Mapping[str, bytes]) -> None:
    """``files`` by their paths within the site.

    1. Nobody else replaces a site beside it; what a run left that was cut off is put right.
    2. What is there is an earlier site, or an empty folder, or nothing.
    3. The new site is written beside it, with its list.
    4. The earlier one goes aside, the new one takes its name, the earlier one is removed.

    Whoever reads meanwhile sees the one or the other, and nothing at all for the moment between two renames. Raises
    InvalidInput, code "other-files"; Conflict, code "site-busy".
    """
    if folder.is_symlink():
        raise InvalidInput(f"{folder} is a link. Name the folder itself.", code="other-files")
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    new, before = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.before")
    with _alone_in(folder.parent):
        # 1.
        if before.exists() and not folder.exists():
            before.rename(folder)
        for left in (new, before):
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)

        # 2.
        check_site_folder(folder)

        # 3.
        new.mkdir(mode=_FOLDER_MODE)
        try:
            _write_site(new, {**files, SITE_LIST: _list_of(files)})

            # 4.
            if folder.exists():
                folder.rename(before)
            try:
                new.rename(folder)
            except OSError:
                if before.exists():
                    before.rename(folder)
                raise
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise
        if before.exists():
            shutil.rmtree(before)


@contextmanager
def _alone_in(parent: Path) -> Iterator[None]:
    """The lock goes with the process, however it ends."""
    descriptor = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            detail = f"Another run writes a site in {parent}. Wait until it has ended."
            raise Conflict(detail, code="site-busy") from error
        yield
    finally:
        os.close(descriptor)


def check_site_folder(folder: Path) -> None:
    """Nothing is lost where a site is replaced. Raises InvalidInput, code "other-files"."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InvalidInput(f"{folder} is no folder. Name a folder, or one that is not there yet.", code="other-files")
    if not folder.exists() or not any(folder.iterdir()):
        return
    known = _read_list(folder / SITE_LIST)
    if known is None:
        raise InvalidInput(
            f"{folder} holds something else than a site that this command wrote: it has no list of files "
            f"({SITE_LIST}). Name another folder.",
            code="other-files",
        )
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        is_known = name == SITE_LIST or (
            not path.is_symlink() and name in known and hashlib.sha256(path.read_bytes()).hexdigest() == known[name]
        )
        if not is_known:
            raise InvalidInput(
                f"{path} is not as the earlier site had it, and would be lost. Take it away, or name another folder.",
                code="other-files",
            )


def _read_list(path: Path) -> Mapping[str, str] | None:
    if path.is_symlink() or not path.is_file():
        return None
    try:
        return read_strict(SiteList, read_bounded(path, MAX_SITE_LIST_BYTES), max_bytes=MAX_SITE_LIST_BYTES).files
    except ContractError:
        return None


def _list_of(files: Mapping[str, bytes]) -> bytes:
    listed = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    return (json.dumps({"format": SITE_FORMAT, "files": listed}, ensure_ascii=False, indent=1) + "\n").encode()


def _write_site(root: Path, files: Mapping[str, bytes]) -> None:
    """With modes of their own: whatever else this program writes is its user's alone."""
    root.chmod(_FOLDER_MODE)
    for name, content in files.items():
        path = root / name
        for folder in reversed(path.relative_to(root).parents[:-1]):
            (root / folder).mkdir(exist_ok=True)
            (root / folder).chmod(_FOLDER_MODE)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, _FILE_MODE)
            file.write(content)
