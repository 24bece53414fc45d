"""One pair has one score on every machine: this process computes as all do, and so does a processor of another kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from matcher.evaluate.trial import EXPECTED, computes_otherwise, trial_digest
from matcher.processor import BOUND, as_environment

TOLD = "from matcher.evaluate.trial import *; print(trial_digest(), computes_otherwise())"


def told(*command: str | Path, code: str = TOLD, **settings: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in BOUND} | settings
    done = subprocess.run([*command, "-c", code], env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_this_process_computes_as_all_do() -> None:
    """Where this fails after a change of the matcher or of a lock, EXPECTED and the matcher's version change."""
    assert trial_digest() == EXPECTED
    assert computes_otherwise() is None


@pytest.mark.slow
def test_who_computes_otherwise_is_told_what_to_set() -> None:
    """As a processor of twelve years ago does; whoever loads numpy first sets it too."""
    digest, _, why = told(sys.executable, OPENBLAS_CORETYPE="Sandybridge").partition(" ")
    assert digest != EXPECTED
    assert as_environment() in why
    assert told(sys.executable, code=f"import numpy; {TOLD}", **BOUND) == f"{EXPECTED} None"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_where_a_unit_hides_the_processor_it_is_bound_too() -> None:
    """As ProcSubset=pid does in the units of a node."""
    hidden = 'mount -t proc -o subset=pid proc /proc && test ! -e /proc/cpuinfo && exec "$@"'
    assert told("unshare", "--mount", "sh", "-c", hidden, "sh", sys.executable) == f"{EXPECTED} None"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_another_kind_of_processor_gives_the_same_bits() -> None:
    """An EPYC without AVX-512, emulated: some minutes for what takes two seconds here."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None:
        reason = "qemu-x86_64 is not installed (apt-get install qemu-user): no other processor was tried"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    assert told(emulator, "-cpu", "EPYC", sys.executable).splitlines()[-1] == f"{EXPECTED} None"
