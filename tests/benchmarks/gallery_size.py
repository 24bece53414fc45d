"""What a gallery of so many references takes: bytes on disk, calls that make it last, memory of its writer and of a
reader, seconds. ``python -m tests.benchmarks.gallery_size docs/gallery-size.md`` writes the page.

Drawn references, as in ``test_gallery``: 64 drawn faces, whose grids repeat, under columns that are each unlike all
others. Prepared copies are those of the faces: so many files of their mean size.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from matcher import Gallery, GalleryWriter, Prepared, Reference, prepare
from matcher.synthetic import breech_face
from matcher.synthetic.marks import Mixtures

SIZES = (1_000, 10_000, 100_000)
FACES, CHUNK = 64, 2048
BLOCK = 4096
PAGE = "docs/gallery-size.md"


@dataclass(frozen=True)
class Size:
    """Bytes are on disk, whole blocks. ``writer_bytes``: what the writer's process has of its own more than before it
    opened the whole gallery; ``peak_bytes``: the most that the process that made it had in all."""

    references: int
    prepared: float
    gallery: float
    syncs: float
    written: float
    writer_bytes: float
    peak_bytes: int
    ms: float


def faces(count: int = FACES) -> list[Prepared]:
    return [prepare(breech_face.draw(firearm, 0)) for firearm in range(count)]


def entries(drawn: list[Prepared], start: int, stop: int) -> Iterator[tuple[Reference, Prepared]]:
    for at in range(start, stop, CHUNK):
        mixed = Mixtures.drawn(drawn, min(CHUNK, stop - at), at)
        columns = zip(mixed.descriptors(), mixed.polar_rows(), strict=True)
        for place, (descriptor, polar) in enumerate(columns, at):
            told = Reference(name(place), "9 mm Luger", "breech_face", "topography", "RS")
            yield told, replace(drawn[place % len(drawn)], descriptor=descriptor, polar=polar)


def name(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def on_disk(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_blocks * 512 for path in paths if path.is_file())


def measured(folder: Path, references: int) -> Size:
    """Make a gallery in a process of its own, and open it in another."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        ms, syncs, written, peak = pool.submit(_make, folder, references).result()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        writer = pool.submit(_open, folder).result()
    files = [-(-len(face.to_bytes()) // BLOCK) * BLOCK for face in faces()]
    gallery = on_disk(folder.rglob("*")) / references
    return Size(references, sum(files) / len(files), gallery, syncs, written, writer / references, peak, ms)


def _make(folder: Path, references: int) -> tuple[float, float, float, int]:
    drawn, count, sync, write, sizes = faces(), [0], os.fdatasync, os.pwrite, [0]

    def counted(descriptor: int) -> None:
        count[0] += 1
        sync(descriptor)

    def weighed(descriptor: int, data: memoryview, offset: int) -> int:
        done = write(descriptor, data, offset)
        sizes[0] += done
        return done

    os.fdatasync, os.pwrite = counted, weighed  # type: ignore[assignment]  # in a process of its own
    began = time.process_time()
    with GalleryWriter(folder) as writer:
        writer.append(entries(drawn, 0, references))
    ms = (time.process_time() - began) * 1000 / references
    peak = _status("VmHWM") - _status("RssFile")  # not ru_maxrss, which a process inherits from the one that started it
    return ms, count[0] / references, sizes[0] / references, peak


def _open(folder: Path) -> int:
    before = own_bytes()
    with GalleryWriter(folder) as writer:
        assert len(writer) == Gallery(folder).count()
        return own_bytes() - before


def own_bytes() -> int:
    """Of this process, without what it has mapped of files."""
    return _status("RssAnon")


def _status(kind: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(kind)).split()[1]) * 1024


def row(size: Size) -> str:
    cells = [f"{size.references:,}", f"{size.prepared:,.0f}", f"{size.gallery:,.0f}", f"{size.written:,.0f}"]
    cells += [f"{size.syncs:.3f}", f"{size.writer_bytes:,.0f}", f"{size.peak_bytes / 1e6:,.0f}", f"{size.ms:.2f}"]
    return f"| {' | '.join(cells)} |"


def page(sizes: Iterable[Size]) -> str:
    template = Path(__file__).with_name("gallery-size.md.in").read_text(encoding="utf-8")
    return template.replace("[SIZES]", "\n".join(map(row, sizes)))


def read_page(path: Path = Path(PAGE)) -> dict[int, tuple[float, ...]]:
    """References -> the other cells of their row."""
    found: dict[int, tuple[float, ...]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().replace(",", "") for cell in line.strip("|").split("|")]
        if len(cells) == 8 and cells[0].isdecimal():
            found[int(cells[0])] = tuple(map(float, cells[1:]))
    return found


if __name__ == "__main__":
    made = []
    for wanted in SIZES:
        with tempfile.TemporaryDirectory(dir="/var/tmp") as scratch:
            made.append(measured(Path(scratch), wanted))
    Path(sys.argv[1]).write_text(page(made), encoding="utf-8")
