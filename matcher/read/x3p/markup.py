"""The texts and the points of main.xml, taken from untrusted XML in bounded time and memory.

The index.xml of a plux file, which has no points, is read in the same way.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Mapping
from xml.parsers import expat

from matcher.errors import ScanRefused
from matcher.numeric.size_limits import Limits

ADVICE = "correct it in the instrument's software and export the scan again."
_CHUNK_BYTES = 256 * 1024


def read_markup(
    xml: bytes,
    wanted: Collection[str],
    limits: Limits,
    *,
    told: Collection[str] = (),
    name: str = "main.xml",
    root: str = "ISO5436",
) -> Markup:
    """The texts of the ``wanted`` elements, by their path below the root without namespaces, and all datums.

    ``told``: elements that bear on no height: of several the first is taken. ``name`` is what refusals call the
    document, ``root`` how the name of its root begins.

    Raises ScanRefused: "main-xml-invalid" (not well-formed, another root, a wanted element twice, a datum that
    is no number, more than a header), "dtd-forbidden", "dimensions-out-of-range" (too many datums).
    """
    markup = Markup(wanted, told, limits, name, root)
    markup.parse(xml)
    return markup


class Markup:
    """Collects texts by path and datums as numbers, in one pass over the events of expat."""

    def __init__(self, wanted: Collection[str], told: Collection[str], limits: Limits, name: str, root: str) -> None:
        self.texts: dict[str, str] = {}
        self.x, self.y, self.z = array("d"), array("d"), array("d")
        self._wanted = wanted
        self._told = told
        self._limits = limits
        self._name = name
        self._root = root
        self._path: list[str] = []
        self._text: list[str] = []
        self._elements = 0

    def parse(self, xml: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True  # else every line break of a text is a string of its own
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        try:
            for start in range(0, len(xml), _CHUNK_BYTES):
                chunk = xml[start : start + _CHUNK_BYTES]
                parser.Parse(chunk, False)
                self._check_size(start + len(chunk))
            parser.Parse(b"", True)
        except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: an encoding nobody knows
            raise self._invalid("is not well-formed XML") from error

    def _check_size(self, bytes_fed: int) -> None:
        limits = self._limits
        if bytes_fed > limits.xml_header_bytes + limits.xml_point_bytes * len(self.z):
            raise self._invalid("holds more than a header and its points")

    def _doctype(self, *_: object) -> None:
        raise ScanRefused(
            "dtd-forbidden", f"{self._name} declares a document type, which can hide an entity bomb: scans have none."
        )

    def _start(self, name: str, _attributes: Mapping[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        self._text.clear()
        if self._path[-1] == "Datum":
            if len(self.z) >= self._limits.xml_points:
                raise ScanRefused(
                    "dimensions-out-of-range",
                    f"main.xml holds more than {self._limits.xml_points} points as text: export them as binary.",
                )
            return
        self._elements += 1
        if self._elements > self._limits.xml_elements or len(self._path) > self._limits.xml_depth:
            raise self._invalid("holds more elements than any header")
        if len(self._path) == 1 and not self._path[0].startswith(self._root):
            raise self._invalid(f"has another root than {self._root}")

    def _end(self, _name: str) -> None:
        text = "".join(self._text).strip()
        self._text.clear()
        if self._path[-1] == "Datum":
            self._datum(text)
        else:
            path = "/".join(self._path[1:])
            if path in self._wanted:
                if path in self.texts:
                    raise self._invalid(f"states {path} twice")
                self.texts[path] = text
            elif path in self._told:
                self.texts.setdefault(path, text)
        self._path.pop()

    def _datum(self, text: str) -> None:
        if self._path[1:] != ["Record3", "DataList", "Datum"]:
            raise self._invalid("holds a Datum outside its DataList")
        try:
            if ";" not in text:
                self.z.append(_coordinate(text))
            else:
                x, y, z = text.split(";")
                self.x.append(_coordinate(x))
                self.y.append(_coordinate(y))
                self.z.append(_coordinate(z))
        except ValueError as error:
            raise self._invalid("holds a Datum that is not z or x;y;z") from error

    def _invalid(self, what: str) -> ScanRefused:
        return ScanRefused(f"{self._name.replace('.', '-')}-invalid", f"{self._name} {what}: {ADVICE}")


def _coordinate(text: str) -> float:
    if "_" in text:  # Python reads 1_000 as a number, x3p does not
        raise ValueError(text)
    return float(text) if text and not text.isspace() else math.nan
