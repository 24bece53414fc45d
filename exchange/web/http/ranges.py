"""Byte ranges (RFC 9110, 14) of a scan: one range, or the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from exchange.web.http.head_requests import HEADERS_ALONE

_PIECE_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def file_answer(request: Request, path: Path, tag: str, media_type: str, headers: dict[str, str]) -> StreamingResponse:
    """The file, or the part of it that Range asks for, as If-Range allows.

    Several ranges, other units and malformed ones are passed over, as RFC 9110, 14.2 has it: the whole file comes.
    Raises HTTPException 416 for a range that the file does not have.
    """
    size = path.stat().st_size
    wanted = None
    if request.headers.get("if-range", tag) == tag:  # a tag is a content hash; a date says nothing of content
        wanted = _wanted(request.headers.get("range", ""), size)
    start, stop = wanted or (0, size)
    return StreamingResponse(
        iter(()) if request.scope.get(HEADERS_ALONE) else _pieces(path, start, stop),
        206 if wanted else 200,
        {
            **headers,
            "ETag": tag,
            "Accept-Ranges": "bytes",
            "Content-Length": str(stop - start),
            **({"Content-Range": f"bytes {start}-{stop - 1}/{size}"} if wanted else {}),
        },
        media_type,
    )


def _wanted(value: str, size: int) -> tuple[int, int] | None:
    """Start and stop (exclusive) of the one range that is asked for."""
    found = _RANGE.fullmatch(value.strip())
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise HTTPException(
            416, f"The scan has {size} bytes; ask for a part of these.", {"Content-Range": f"bytes */{size}"}
        )
    return start, stop


def _pieces(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop and (piece := file.read(min(_PIECE_BYTES, stop - start))):
            start += len(piece)
            yield piece
