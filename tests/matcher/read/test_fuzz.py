"""Whatever comes is read, or refused with a reason, in bounded time and memory: each reader, on damaged good files."""

from __future__ import annotations

import io
import os
import random
import re
import resource
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matcher import Prepared, ScanRefused, Topography, read_topography
from matcher.numeric.size_limits import DEFAULT_LIMITS
from matcher.read.image import ImageInfo, inspect_image
from tests.matcher import mutations
from tests.matcher.read.formats.conftest import al3d, plux, sur
from tests.matcher.read.x3p.conftest import build

FILE_CPU_S = 3.0
"""One small file; even the slowest is refused in less than a tenth of it on an idle core."""
HANGS_AFTER_S = 60.0
MEMORY_KB = 150_000
"""Beside what the process had when the file was opened: a small file takes no more than a small part of what the
largest may (0.7 GB)."""
CLAIMED_BYTES = 2**31
SECONDS = float(os.environ.get("FFP_FUZZ_SECONDS", "4"))
LIMITS = replace(DEFAULT_LIMITS, image_pixels=1_000_000)


@dataclass(frozen=True)
class Target:
    """A reader with good files for it, and how they are damaged beside the plain ways."""

    read: Callable[[Path], object]
    good: Callable[[], list[bytes]]
    mutations: tuple[mutations.Mutation, ...] = ()


def read_scan(path: Path) -> Topography:
    topography = read_topography(path, LIMITS)
    heights = topography.heights_um
    assert heights.dtype == np.float32
    assert heights.ndim == 2
    assert min(heights.shape) >= 2
    assert not heights.flags.writeable
    assert not np.isinf(heights).any()
    assert set(heights[np.isnan(heights)].view(np.uint32).tolist()) <= {0x7FC00000}
    assert topography.coverage > 0
    assert all(0.05 <= step <= 50 for step in topography.spacing_um)
    assert all(warning.isprintable() for warning in topography.warnings)
    assert (topography.instrument or "x").isprintable()
    return topography


def read_image(path: Path) -> ImageInfo:
    info = inspect_image(path, LIMITS)
    assert 0 < info.width * info.height <= LIMITS.image_pixels
    assert info.bits in (8, 16)
    assert info.orientation in range(1, 9)
    return info


def read_prepared(path: Path) -> Prepared:
    prepared = Prepared.from_bytes(path.read_bytes())
    assert not prepared.coarse.flags.writeable
    return prepared


def x3p_files() -> list[bytes]:
    rows, columns = np.indices((9, 12))
    spread = rows * 3e-6, columns * 3e-6
    counts = np.arange(108.0).reshape(9, 12) * 50
    cloud = {"feature": "PCL", "dimension": "<ListDimension>108</ListDimension>"}
    return [
        build(),
        build(counts, z_type="I", dz="2e-9", valid=np.arange(108).reshape(9, 12) % 7 > 0),
        build(as_text=True),
        build(x=spread[1], y=spread[0], x_type="F", y_type="F"),
        build(np.sin(counts).reshape(1, -1) * 1e-6, x=spread[1].reshape(1, -1), y=spread[0].reshape(1, -1), **cloud),
    ]


def image_files() -> list[bytes]:
    grey = (np.arange(40 * 30) % 251).astype(np.uint8).reshape(30, 40)
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    pictures = [
        (Image.fromarray(grey), "PNG", {"exif": exif}),
        (deep, "PNG", {}),
        (Image.fromarray(np.stack([grey] * 3, -1)), "JPEG", {"exif": exif, "quality": 80}),
        (Image.fromarray(grey), "JPEG", {"progressive": True}),
        (deep, "TIFF", {}),
        (Image.fromarray(np.stack([grey] * 3, -1)), "TIFF", {"compression": "tiff_lzw"}),
        (Image.fromarray(grey), "TIFF", {"compression": "tiff_deflate"}),
        (Image.fromarray(grey), "TIFF", {"compression": "packbits"}),
    ]
    files = []
    for picture, kind, options in pictures:
        file = io.BytesIO()
        picture.save(file, kind, **options)
        files.append(file.getvalue())
    return files


TARGETS = {
    "x3p": Target(read_scan, x3p_files, (mutations.in_zip, mutations.in_zip)),
    "al3d": Target(read_scan, lambda: [al3d(), al3d(marker="nan", more={"DepthImageResPtr": "1"})]),
    "sur": Target(read_scan, lambda: [sur(), sur(bits=16, comment=b"x" * 30), sur(streams=1)], (mutations.in_streams,)),
    "plux": Target(read_scan, lambda: [plux()], (mutations.in_zip, mutations.in_zip)),
    "image": Target(read_image, image_files, (mutations.in_chunks,)),
    "prepared": Target(read_prepared, list),
}


@pytest.fixture(scope="module")
def good(prepared: dict[tuple[int, int], Prepared]) -> dict[str, list[bytes]]:
    files = {name: target.good() for name, target in TARGETS.items()}
    return files | {"prepared": [scan.to_bytes() for scan in list(prepared.values())[:2]]}


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "damaged"


def peak_kb() -> int:
    """Return the largest resident memory of this process since ``reset_peak_kb``."""
    (line,) = re.findall(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    return int(line)


def reset_peak_kb() -> int:
    """Let the peak begin with the memory that the process has now, whatever earlier tests took. Return it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return peak_kb()


class Fuzzer:
    """Damages good files one after the other and reads them; what is not right names the seed and keeps the file."""

    def __init__(self, name: str, files: list[bytes], scratch: Path, seed: int) -> None:
        self._name, self._files, self._scratch, self._seed = name, files, scratch, seed
        self._target = TARGETS[name]
        self._random = random.Random(seed)
        self.read = self.refused = 0

    def once(self) -> None:
        content = self._random.choice(self._files)
        for _ in range(self._random.choice((1, 1, 1, 2))):
            mutate = self._random.choice(mutations.PLAIN + 2 * self._target.mutations)
            try:
                content = mutate(self._random, content or b"x", self._files)
            except mutations.CANNOT:
                break
        self._scratch.write_bytes(content)
        memory_kb = reset_peak_kb()
        started = time.thread_time()
        refusal = self._refusal()
        if refusal is None:
            self.read += 1
        else:
            self.refused += 1
            assert refusal.reason, self._where()
            assert str(refusal).isprintable(), self._where()
        assert time.thread_time() - started < FILE_CPU_S, self._where()
        grown = peak_kb() - memory_kb
        assert grown < MEMORY_KB, f"{grown} kB more; {self._where()}"

    def _refusal(self) -> ScanRefused | None:
        try:
            self._target.read(self._scratch)
        except ScanRefused as refused:
            return refused
        except Exception as error:
            raise AssertionError(self._where()) from error
        return None

    def _where(self) -> str:
        return f"{self._name}, seed {self._seed}, file {self.read + self.refused}, kept as {self._scratch}"


@pytest.fixture
def bounded() -> Iterator[Callable[[float], None]]:
    """A file that never ends or claims gigabytes fails the test, instead of stopping the machine."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"a file took more than {HANGS_AFTER_S} s")

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    memory_before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + CLAIMED_BYTES, memory_before[1]))
    alarm_before = signal.signal(signal.SIGALRM, stop)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds + HANGS_AFTER_S)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, alarm_before)
    resource.setrlimit(resource.RLIMIT_AS, memory_before)


@pytest.mark.parametrize("name", TARGETS)
def test_the_good_files_are_good(good: dict[str, list[bytes]], scratch: Path, name: str) -> None:
    for content in good[name]:
        scratch.write_bytes(content)
        TARGETS[name].read(scratch)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_three_hundred_damaged_files(
    good: dict[str, list[bytes]], scratch: Path, bounded: Callable[[float], None], name: str
) -> None:
    bounded(10)
    fuzzer = Fuzzer(name, good[name], scratch, seed=3)
    for _ in range(300):
        fuzzer.once()
    assert fuzzer.refused > 60  # the damage is damage


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files_at_length(
    good: dict[str, list[bytes]], scratch: Path, bounded: Callable[[float], None], name: str
) -> None:
    """Another seed each time; $FFP_FUZZ_SECONDS of processor time for each reader."""
    bounded(10 * SECONDS)
    fuzzer = Fuzzer(name, good[name], scratch, seed=secrets.randbits(32))
    until = time.thread_time() + SECONDS
    while time.thread_time() < until:
        fuzzer.once()
    assert fuzzer.refused > 60
