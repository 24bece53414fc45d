"""A multipart submission, streamed: each file goes to disk piece by piece, hashed on the way, bounded throughout."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncIterator

import anyio
from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from exchange.errors import DigestDiffers, InvalidInput, TooLarge, UnsupportedMedia
from exchange.flows.node.node import Node
from exchange.flows.statement.received_scan import ArrivingScan, ReceivedScan, arriving_scan
from schemas.errors import shown
from schemas.record import MAX_ACQUISITIONS
from schemas.strict_json import MAX_STATEMENT_BYTES

METADATA = "metadata"
MAX_BOUNDARY_BYTES = 70  # RFC 2046, 5.1.1
MAX_HEADER_BYTES = 4096  # of one part, all its lines together; real ones have about 200
AT_ONCE_BYTES = 256 * 1024  # a network brings 64 KiB at a time, and each way into a thread and back costs as much
STALL_S = 60  # how long a sender may send nothing at all


class SubmissionUpload:
    """Takes the body apart as it comes. Files that were not kept are gone when its block ends."""

    def __init__(self, node: Node, content_type: str, *, most: int | None = None, signed: bytes | None = None) -> None:
        """``most`` bounds the whole body, by default to that of a submission. ``signed`` is the SHA-256 that it must
        have, where a signature says so."""
        kind, options = parse_options_header(content_type.encode())
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
            raise UnsupportedMedia(
                "Send multipart/form-data with a part 'metadata' (JSON) and one file part for each scan."
            )
        self._node = node
        self._most = most or node.settings.max_submission_bytes
        self._signed, self._digest = signed, hashlib.sha256()
        self._stack = contextlib.ExitStack()
        self._seen = 0
        self._metadata: bytearray | None = None
        self._arrivals: dict[str, ArrivingScan] = {}
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._header_bytes = 0
        self._disposition = b""
        self._target: bytearray | ArrivingScan | None = None
        self._complete = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_end": self._body_ends,
            },
        )

    def __enter__(self) -> SubmissionUpload:
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    async def receive(self, request: Request) -> tuple[bytes, list[ReceivedScan]]:
        """Read the whole body. Raises InvalidInput, TooLarge, StoreFull, DigestDiffers; the files received so far are
        gone then."""
        stated = request.headers.get("content-length", "0")
        self._check_size(int(stated) if stated.isdecimal() else 0)
        gathered = bytearray()
        async for piece in _pieces(request):
            gathered += piece
            if len(gathered) >= AT_ONCE_BYTES:
                await run_in_threadpool(self._feed, bytes(gathered))
                gathered.clear()
        await run_in_threadpool(self._feed, bytes(gathered))
        return await run_in_threadpool(self._finish)

    def _feed(self, piece: bytes) -> None:
        self._seen += len(piece)
        self._check_size(self._seen)
        if self._signed is not None:
            self._digest.update(piece)
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise InvalidInput(f"The body is not multipart/form-data: {error}.", code="not-multipart") from error

    def _check_size(self, size: int) -> None:
        if size > self._most:
            raise TooLarge(f"A submission may have at most {self._most} bytes; send fewer scans in one.")

    def _finish(self) -> tuple[bytes, list[ReceivedScan]]:
        if self._signed is not None and self._digest.digest() != self._signed:
            raise DigestDiffers("The body is not the one that was signed.")
        if not self._complete:
            raise InvalidInput("The body ends before its last part does; send it again.", code="not-multipart")
        if self._metadata is None:
            raise InvalidInput("The part 'metadata' is missing.", code="metadata-missing")
        scans = []
        for part, arrival in self._arrivals.items():
            if arrival.size == 0:
                name = shown(part, 40)
                raise InvalidInput(f"{name}: the file is empty.", code="empty-file", problems=((name, "is empty"),))
            scans.append(ReceivedScan(part, arrival, arrival.finish()))
        return bytes(self._metadata), scans

    def _part_begins(self) -> None:
        self._disposition, self._target = b"", None
        self._header, self._header_bytes = (bytearray(), bytearray()), 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._extend_header(0, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._extend_header(1, data[start:end])

    def _extend_header(self, side: int, piece: bytes) -> None:
        self._header_bytes += len(piece)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise InvalidInput(f"A part has more than {MAX_HEADER_BYTES} bytes of headers.", code="not-multipart")
        self._header[side].extend(piece)

    def _header_ends(self) -> None:
        if bytes(self._header[0]).lower() == b"content-disposition":
            self._disposition = bytes(self._header[1])
        self._header = (bytearray(), bytearray())

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", errors="replace")
        if name == METADATA:
            if self._metadata is not None:
                raise InvalidInput("The part 'metadata' came twice.", code="not-multipart")
            self._metadata = self._target = bytearray()
            return
        if not name or name in self._arrivals or len(self._arrivals) >= MAX_ACQUISITIONS:
            raise InvalidInput(
                f"Each file part needs a name of its own, and at most {MAX_ACQUISITIONS} are taken.",
                code="files-differ",
            )
        self._arrivals[name] = self._target = self._stack.enter_context(arriving_scan(self._node))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if isinstance(self._target, bytearray):
            if len(self._target) + len(piece) > MAX_STATEMENT_BYTES:
                raise TooLarge(f"The metadata may have at most {MAX_STATEMENT_BYTES} bytes; shorten them.")
            self._target.extend(piece)
        elif self._target is not None:
            self._target.write(piece)

    def _body_ends(self) -> None:
        self._complete = True


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    pieces = request.stream()
    while True:
        try:
            with anyio.fail_after(STALL_S):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except ClientDisconnect as error:
            raise InvalidInput("The sender broke off; nothing was stored.", code="broken-off") from error
        except TimeoutError as error:
            raise InvalidInput(
                f"Nothing came for {STALL_S} s; nothing was stored. Send it again.", code="broken-off"
            ) from error
        yield piece
