"""A PostgreSQL server for the length of a test run, in a temporary folder, on a Unix socket. Standard library alone.

Started by the first test that needs it, used by all processes of the run, and stopped by a supervisor of its own as
soon as none of them is left, however they ended: each holds a shared lock, and the kernel lets go of it.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S = 60
SETTINGS = {
    "listen_addresses": "",
    "fsync": os.environ.get("FFP_TEST_POSTGRESQL_FSYNC", "off"),  # a test ends before the power does
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "32MB",
}


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl: what is on the PATH, else the newest that Debian installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders and (folders[-1] / "initdb").is_file() else None


@contextmanager
def using(folder: Path) -> Iterator[str]:
    """The address of the server that all who name this folder share, started if nobody has."""
    with (folder / "users").open("w") as users:
        with (folder / "starting").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)  # waits for a supervisor that is just stopping the last one
            if not (folder / "address").exists():
                _start_supervisor(folder)
        yield (folder / "address").read_text()


def _start_supervisor(folder: Path) -> None:
    """Its parent need not wait for its end: it outlives whoever started it, as long as others use the server."""
    log = folder / "log"
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, __file__, str(folder)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, number, log, writing, 0o600) for number in (1, 2)],
        setsid=True,
    )
    deadline = time.monotonic() + START_S
    while not (folder / "address").exists():
        assert os.waitpid(process, os.WNOHANG) == (0, 0), log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def supervise(folder: Path) -> None:
    """Run a server until nobody uses it any more, then leave nothing behind."""
    data = Path(tempfile.mkdtemp(prefix="ffp-postgresql-"))
    try:
        _start(data)
        part = folder / "address.part"
        part.write_text(_address(data))
        part.rename(folder / "address")
        with (folder / "users").open("w") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            (folder / "address").unlink()
            stop(data)
    finally:
        shutil.rmtree(data)


@contextmanager
def one_of_its_own() -> Iterator[tuple[Path, str]]:
    """A server that one test has for itself, to ``stop`` and ``start`` it: its folder and its address."""
    data = Path(tempfile.mkdtemp(prefix="ffp-postgresql-"))
    try:
        _start(data)
        yield data, _address(data)
        stop(data)
    finally:
        shutil.rmtree(data)


def _address(data: Path) -> str:
    return f"postgresql+psycopg://ffp@/postgres?host={data}"


def _start(data: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(data, _unprivileged())
    # ordered by a language on purpose: what relies on the order of bytes must say so itself
    locale = ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=sr", "--encoding=UTF8")
    _run("initdb", "-D", str(data / "data"), "--username=ffp", "--auth=trust", "--no-sync", *locale)
    start(data)


def start(data: Path) -> None:
    options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
    options += f" -k {data}"
    _run("pg_ctl", "start", "-w", "-D", str(data / "data"), "-l", str(data / "server.log"), "-o", options)


def stop(data: Path) -> None:
    _run("pg_ctl", "stop", "-D", str(data / "data"), "-m", "immediate")


def _run(name: str, *arguments: str) -> None:
    """As an unprivileged user: PostgreSQL refuses to run as root."""
    folder = binaries()
    assert folder
    user = _unprivileged() if os.geteuid() == 0 else None
    groups: list[int] | None = [] if user else None
    group = pwd.getpwnam(user).pw_gid if user else None
    command = [str(folder / name), *arguments]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    subprocess.run(command, user=user, group=group, extra_groups=groups, cwd="/", env=environment, check=True)


def _unprivileged() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
