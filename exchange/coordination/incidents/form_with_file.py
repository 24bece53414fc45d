"""A small form with one file, taken apart in the memory: nothing of it touches the disk, so nothing stays there."""

from __future__ import annotations

from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from exchange.errors import InvalidInput, UnsupportedMedia
from exchange.web.http.upload import MAX_BOUNDARY_BYTES, MAX_HEADER_BYTES

MAX_PARTS = 16
MAX_FIELD_BYTES = 1024


@dataclass
class FormWithFile:
    """``fields`` by name; ``file`` is None where none was sent. What the file was called is not read."""

    fields: dict[str, str] = field(default_factory=dict)
    file: bytes | None = None


def parse_form(body: bytes, content_type: str) -> FormWithFile:
    """Raises UnsupportedMedia, InvalidInput. No message repeats what was sent."""
    kind, options = parse_options_header(content_type.encode())
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise UnsupportedMedia("Send the form with its file as multipart/form-data.")
    parts = _Parts()
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": parts.begin,
            "on_header_field": parts.header_field,
            "on_header_value": parts.header_value,
            "on_header_end": parts.header_end,
            "on_headers_finished": parts.headers_finished,
            "on_part_data": parts.data,
            "on_part_end": parts.end,
            "on_end": parts.finish,
        },
    )
    try:
        parser.write(body)
        broken = not parts.is_complete
    except MultipartParseError:
        broken = True
    if broken:
        raise _no_form()
    return parts.found


class _Parts:
    """What the parser calls, one part after the other."""

    def __init__(self) -> None:
        self.found = FormWithFile()
        self.is_complete = False
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._name, self._is_file, self._seen = "", False, 0
        self._content = bytearray()

    def begin(self) -> None:
        self._disposition, self._content = b"", bytearray()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._extend(0, data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._extend(1, data[start:end])

    def header_end(self) -> None:
        if bytes(self._header[0]).lower() == b"content-disposition":
            self._disposition = bytes(self._header[1])
        self._header = (bytearray(), bytearray())

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", errors="replace")
        self._is_file = b"filename" in options
        self._seen += 1
        if self._seen > MAX_PARTS or not self._name or (self._is_file and self.found.file is not None):
            raise _no_form()

    def data(self, data: bytes, start: int, end: int) -> None:
        self._content += data[start:end]
        if not self._is_file and len(self._content) > MAX_FIELD_BYTES:
            raise _no_form()

    def end(self) -> None:
        if self._is_file:
            self.found.file = bytes(self._content)
        else:
            self.found.fields[self._name] = self._content.decode("utf-8", errors="replace")
        self._content = bytearray()

    def finish(self) -> None:
        self.is_complete = True

    def _extend(self, side: int, piece: bytes) -> None:
        self._header[side].extend(piece)
        if len(self._header[side]) > MAX_HEADER_BYTES:
            raise _no_form()


def _no_form() -> InvalidInput:
    return InvalidInput("This is no form of these pages.", code="no-form")
