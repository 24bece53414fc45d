"""How much of a file from outside is read at all: every bound stands here, with its reason."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from matcher.errors import ScanRefused

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds that hold before a file is parsed deeper; what exceeds one is refused, never cut to size.

    The memory that one scan can cost follows from them: the file, plus its points as stored (8 bytes each),
    plus the result (4 bytes each): about 0.7 GB for the largest surface that is accepted.
    """

    file_bytes: int = 256 * MIB
    """Twelve times the largest breech face seen (1231 x 1223 float64, 5 MB compressed) at four times its
    sampling; also a 16-bit photograph of 64 megapixels, uncompressed."""

    archive_entries: int = 256
    """An x3p holds three to five entries; vendors add logs and settings by the dozen, not by the hundred."""

    archive_directory_bytes: int = 256 * 1024
    """The zip directory is read whole: 256 entries with names of the length that file systems allow."""

    unpacked_ratio: float = 200.0
    """Real scans unpack up to 50:1, constant bytes up to 1030:1, which is as far as deflate goes."""

    unpacked_ratio_from_bytes: int = 16 * MIB
    """Below this a high ratio does no harm, and masks legitimately reach several hundred to one."""

    xml_bytes: int = 128 * MIB
    """main.xml is 2 kB, unless it carries its points as text: up to 90 bytes for each of 1231 x 1223 points."""

    xml_header_bytes: int = 4 * MIB
    """What of main.xml is no points; room for a long comment. Bounds the attributes that expat collects."""

    xml_point_bytes: int = 128
    """A point as text: three numbers of 24 characters, tags, line break and indentation."""

    xml_depth: int = 16
    """The schema nests five deep; vendor extensions a little more."""

    xml_elements: int = 2_000
    """Elements besides the points; a header has about forty."""

    xml_points: int = 2_000_000
    """Points written as text cost a hundred times the time of binary ones: 1400 x 1400, some three seconds."""

    checksum_bytes: int = 4 * 1024
    """md5checksum.hex is one line of 32 digits and a file name."""

    points: int = 36_000_000
    """A field of 6 x 6 mm, more than the head of any primer with its surroundings, at 1 um."""

    data_bytes: int = 320 * MIB
    """Binary points unpacked: the above as float64; with x and y for every point, a third of them."""

    side_points: int = 20_000
    """Points along one axis: a cartridge head of 20 mm at 1 um. Keeps needle-shaped matrices out."""

    image_pixels: int = 64_000_000
    """The sensors of today's comparison microscopes have 5 to 50 megapixels."""

    image_side_pixels: int = 20_000
    """Pixels along one side, for the same reason as ``side_points``."""


DEFAULT_LIMITS = Limits()


def read_within(path: Path, limits: Limits) -> bytes:
    """The bytes of a file that has some, and no more than the limit.

    Raises ScanRefused: "empty-file", "file-too-large"; OSError when the file cannot be opened, which is not
    the file's fault.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.file_bytes:
            raise ScanRefused("file-too-large", f"The file is larger than the {limits.file_bytes} bytes that are read.")
        content = file.read(size)  # no more, should the file be growing
    if not content:
        raise ScanRefused("empty-file", "The file is empty: send it again.")
    return content
