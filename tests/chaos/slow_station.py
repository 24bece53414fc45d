"""A station that writes its scans slowly, piece by piece, many at once, and each sidecar in the middle of its scan:

    python -m tests.chaos.slow_station MADE FOLDER

copies what lies in MADE to FOLDER.
"""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PIECES = 5
LONGEST_S = 0.6
AT_ONCE = 8


def main(made: Path, folder: Path) -> None:
    scans = sorted(path for path in made.iterdir() if path.suffix != ".json")
    with ThreadPoolExecutor(AT_ONCE) as writing:
        for _ in writing.map(lambda scan: _write(scan, folder), scans):
            pass


def _write(scan: Path, folder: Path) -> None:
    rest = random.Random(scan.name)
    content = scan.read_bytes()
    size = len(content) // PIECES + 1
    with (folder / scan.name).open("wb", buffering=0) as file:
        for number in range(PIECES):
            file.write(content[number * size : (number + 1) * size])
            sidecar = scan.with_suffix(".json")
            if number == PIECES // 2 and sidecar.exists():
                (folder / sidecar.name).write_bytes(sidecar.read_bytes())
            time.sleep(rest.uniform(0, LONGEST_S))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
