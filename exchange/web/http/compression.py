"""Answers in fewer bytes, for browsers that take gzip: style and scripts, packed once, and pages.

A page holds what nobody else may learn, such as the secret of its forms, beside words that somebody else may have
chosen. Whoever can have a browser ask for many such pages, and sees how long the encrypted answers are, could guess the
secret letter by letter (BREACH). So a page is packed only where the browser says that its own address or the person
asked for it (``Sec-Fetch-Site``, which no script can set): not what another site, or a sister of this host, makes it
ask.
docs/threat-model.md has the rest of the reason. Pictures, scans and heights are packed already.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exchange.web.http.joined_scripts import joined_script
from exchange.web.http.lean_text import lean_script, lean_style

WORTH_BYTES: Final = 1024
"""What is shorter goes into one packet anyway."""
_LEAN: Final[dict[str, Callable[[str], str]]] = {".css": lean_style, ".js": lean_script, ".svg": str}
_LEVEL: Final = 5
"""Of a page, in the moment in which it is sent: 30 kB take half a millisecond."""
_IN_LOOP_BYTES: Final = 128 * 1024
"""What is longer is packed in a thread."""
OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Of ``Sec-Fetch-Site``: the browser says that this address asks, or the person alone."""


def takes_gzip(accepted: str) -> bool:
    """Whether a header Accept-Encoding allows it (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for item in accepted.lower().split(","):
        coding, _, parameter = item.partition(";")
        name, _, value = parameter.partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


class Kept(StaticFiles):
    """Style and scripts hold nothing that anybody must not keep. Pages name them below an address that changes with
    them; by their bare names a browser asks each time whether they are still the same. They are given whole, from the
    memory, lean and where that is taken packed: each form with a tag of its own. Everything else is given as it is."""

    def __init__(
        self, *, directory: Path, how: str, joined: Collection[Path] = (), further: Collection[Path] = ()
    ) -> None:
        """``joined``: scripts that are given with the modules of their folder in them. ``further``: folders whose files
        are given as if they were in the directory."""
        super().__init__(directory=directory)
        self.all_directories += further
        self._how, self._joined = how, joined

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        asked, path = Headers(scope=scope), Path(full_path)
        answer: Response = FileResponse(path, status_code=status_code, stat_result=stat_result)
        if path.suffix in _LEAN:
            made = joined_script if path in self._joined else _read
            text = _text(path, made, stat_result.st_mtime_ns, stat_result.st_size)
            answer = text.answer(answer, packed=takes_gzip(asked.get("accept-encoding", "")))
        answer.headers["Cache-Control"] = self._how
        return NotModifiedResponse(answer.headers) if self.is_not_modified(answer.headers, asked) else answer


@dataclass(frozen=True)
class _Text:
    plain: bytes
    packed: bytes
    tag: str

    def answer(self, file: Response, *, packed: bool) -> Response:
        """In the place of the answer that would give the file itself."""
        headers = {"Last-Modified": file.headers["last-modified"], "Vary": "Accept-Encoding"}
        if packed and len(self.packed) < len(self.plain):
            headers |= {"ETag": f'"{self.tag}-gzip"', "Content-Encoding": "gzip"}
            return Response(self.packed, file.status_code, headers, file.media_type)
        return Response(self.plain, file.status_code, headers | {"ETag": f'"{self.tag}"'}, file.media_type)


@lru_cache(maxsize=256)
def _text(path: Path, made: Callable[[Path], str], _changed: int, _size: int) -> _Text:
    """A quarter of a megabyte of all; of a file that changes, as while somebody works on it, the new ones."""
    plain = made(path).encode()
    return _Text(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:32])


def _read(path: Path) -> str:
    return _LEAN[path.suffix](path.read_text(encoding="utf-8"))


class PackedPages:
    """Pages that the browser's own address, or the person, asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        takes = asked.get("sec-fetch-site") in OWN_SITES and takes_gzip(asked.get("accept-encoding", ""))
        held: list[Message] = []

        async def packing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers:
                    headers.add_vary_header("Accept-Encoding")
                    headers.add_vary_header("Sec-Fetch-Site")
                    if takes and int(headers.get("content-length", "0")) >= WORTH_BYTES:
                        held.append(message)
                        return
            if held and message["type"] == "http.response.body":
                start = held.pop()
                if not message.get("more_body", False):
                    message = await _packed_body(start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, packing)


async def _packed_body(start: Message, body: Message) -> Message:
    plain: bytes = body["body"]
    if len(plain) <= _IN_LOOP_BYTES:
        content = gzip.compress(plain, _LEVEL, mtime=0)
    else:
        content = await run_in_threadpool(gzip.compress, plain, _LEVEL, mtime=0)
    headers = MutableHeaders(scope=start)
    headers["Content-Encoding"], headers["Content-Length"] = "gzip", str(len(content))
    return {**body, "body": content}
