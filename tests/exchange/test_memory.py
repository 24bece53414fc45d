"""What threads had and is free goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

BURST = """
import os, threading
from exchange.cli.serving.memory import give_back_memory
from exchange.web.metrics import pss_bytes

held = [threading.Barrier(40), threading.Barrier(40)]
def work():
    mine = [bytes(600) for _ in range(5_000)]
    held[0].wait()
    kept.append(mine[-1])  # the last of an arena: nothing below it is given back by itself
    del mine
    held[1].wait()
kept = []
threads = [threading.Thread(target=work) for _ in range(40)]
for one in threads: one.start()
for one in threads: one.join()
before = pss_bytes(os.getpid())
give_back_memory()
print(before - pss_bytes(os.getpid()))
"""


@pytest.mark.slow
def test_what_a_burst_of_threads_took_goes_back() -> None:
    """Of 120 MB that forty threads had at once, most."""
    told = subprocess.run([sys.executable, "-c", BURST], capture_output=True, text=True, check=True, timeout=60)
    assert float(told.stdout) > 60e6, told


HELD = """
import gc
from exchange.cli.serving.memory import keep_what_is_here
ring = []
ring.append(ring)
del ring
keep_what_is_here()
print(gc.get_freeze_count(), gc.collect())
"""


def test_what_is_here_is_looked_through_no_more_and_garbage_is_not_kept() -> None:
    told = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True, timeout=60)
    kept, garbage = map(int, told.stdout.split())
    assert kept > 1_000
    assert garbage < 100
