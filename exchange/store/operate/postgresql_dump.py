"""A database of PostgreSQL as a file, by the server's own pg_dump and pg_restore."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import URL

from exchange.errors import ConfigurationError, StoreUnavailable


def dump(address: URL, snapshot: str, target: Path) -> None:
    """Write the database as one exported snapshot shows it; the transaction that exported it is still open.

    Raises ConfigurationError when pg_dump is missing, StoreUnavailable with what it says when it fails.
    """
    _run("pg_dump", address, "--format=custom", f"--snapshot={snapshot}", f"--file={target}")


def load(address: URL, source: Path) -> None:
    """Fill an empty database, all of it or nothing. Raises as ``dump`` does."""
    owner = ("--no-owner", "--no-privileges")  # the role may have another name where it is restored
    _run("pg_restore", address, "--exit-on-error", "--single-transaction", *owner, str(source))


def _run(name: str, address: URL, *arguments: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise ConfigurationError(
            f"{name} is not installed, which a database of PostgreSQL is copied with: apt-get install postgresql-client"
        )
    # others on this machine can read a command line: the password is not in it
    environment = {**os.environ, **({"PGPASSWORD": str(address.password)} if address.password else {})}
    shown = address._replace(drivername="postgresql", password=None).render_as_string()  # `set` would keep it, as ***
    done = subprocess.run(  # noqa: S603 - a program of the server's, found on the PATH; no shell
        [program, f"--dbname={shown}", "--no-password", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[:500]
        raise StoreUnavailable(f"{name} failed ({said}); nothing of it counts. Mend that and run it again.")
