"""Install extras into the environment that runs, by pip, from the locks of this release.

1. The environment has pip, and may be written.
2. pip installs what the locks name, each file compared with its digest; from a wheelhouse nothing else is asked.
3. pip finds no package without what it needs, and each extra can be imported.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from exchange.errors import ConfigurationError
from exchange.extras.known import Extra

_READABLE_UMASK: Final = 0o022
"""``ffp`` keeps what it writes to itself; what is installed is read by the node's user too."""
_STDERR: Final = 2
_ALTERED: Final = "THE HASHES FROM THE REQUIREMENTS FILE"
_NOT_FOUND: Final = "distribution found for"
_PATIENCE: Final = ("--retries", "2", "--timeout", "30")
"""Where no index answers, that is said within minutes, whatever pip is set to."""


class NotInstalled(ConfigurationError):
    """Why nothing was installed, and the next step."""

    code = "extra-not-installed"


def install_extras(extras: Sequence[Extra], wheelhouse: Path | None = None) -> None:
    """Install them, or bring them to the versions of this release. What pip does is told on stderr meanwhile.

    Raises NotInstalled.
    """
    again = f"ffp extras add {' '.join(extra.name for extra in extras)}"
    _refuse_unwritable(again)
    source = []
    if wheelhouse is not None:
        if not any(wheelhouse.glob("*.whl")):
            raise NotInstalled(f"{wheelhouse} is no wheelhouse: no file there ends in .whl. Name the right folder.")
        source = ["--no-index", "--find-links", str(wheelhouse.absolute())]
    locks = [word for extra in extras for word in ("--requirement", str(extra.lock))]
    code, said = _pip("install", "--require-hashes", "--only-binary", ":all:", *_PATIENCE, *source, *locks)
    if code:
        raise NotInstalled(f"{_reason(said)}. {_next_step(said, wheelhouse, again)}")
    code, said = _pip("check", told=False)
    if code:
        raise NotInstalled(f"Installed, and the environment does not fit together: {'; '.join(said.splitlines())}.")
    importlib.invalidate_caches()
    if absent := [extra.name for extra in extras if not extra.is_installed]:
        raise NotInstalled(f"pip says that all is installed, and {', '.join(absent)} cannot be imported.")


def _refuse_unwritable(again: str) -> None:
    if importlib.util.find_spec("pip") is None:
        raise NotInstalled(
            f"The environment {sys.prefix} has no pip. In a container the extras are chosen when its image is built: "
            "docker build --build-arg EXTRAS=... (deploy/README.md)."
        )
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        if not os.access(place, os.W_OK):
            raise NotInstalled(
                f"This user may not write to {place}. Run it as the environment's owner, most often root: "
                f"sudo {sys.prefix}/bin/{again}"
            )


def _pip(*words: str, told: bool = True) -> tuple[int, str]:
    """The exit code, and what pip said of errors, or all it said where that is not shown as it comes.

    -I: neither the folder in which this runs nor PYTHONPATH has a say in what pip is.
    """
    command = [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    with subprocess.Popen(  # noqa: S603 - our own arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=_STDERR if told else subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        umask=_READABLE_UMASK,
    ) as running:
        shown, errors = running.communicate()
    return running.returncode, errors if told else f"{shown}{errors}".strip()


def _reason(said: str) -> str:
    """The first error that pip names; the rest follows from it."""
    lines = [line.removeprefix("ERROR: ").strip() for line in said.splitlines() if line.startswith("ERROR: ")]
    return lines[0].rstrip(".:") if lines else "pip failed"


def _next_step(said: str, wheelhouse: Path | None, again: str) -> str:
    if _ALTERED in said:
        return (
            "Nothing was installed: the package is not the one that this release was tested with. Fetch it anew, "
            "or take the wheelhouse of this release."
        )
    if _NOT_FOUND not in said:
        return f"Mend that, then: {again}"
    if wheelhouse is not None:
        return (
            f"The wheelhouse {wheelhouse} is of another release, Python or processor, or is not whole: make it anew "
            f"with this release and Python {sys.version_info.major}.{sys.version_info.minor}, by make wheelhouse."
        )
    return (
        "Without a way to a package index: make wheelhouse on a machine that has one (deploy/README.md, 1), carry the "
        f"folder here, then: {again} --from FOLDER"
    )
