"""Programs that read and submit at fixed moments, over connections that stay open, whatever became of the one before.

What an answer took counts from the moment at which it was to be asked for. The client is a few lines over sockets: it
runs on the same cores as the node, and must take as little of them as it can.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.exchange.running_nodes import metadata

CONNECTIONS = 200
READS_A_S = 50.0
SUBMISSIONS_A_S = 3.0
ANSWER_S = 60
SUBMISSION = "submission"
MIX = {"record": 30, "candidates of a record": 20, "records": 15, "status": 15, "scan": 10, "envelope": 10}
"""How often, of a hundred reads."""
BOUNDARY = b"a-scan-and-what-is-said-of-it"


@dataclass
class Known:
    """What there is to read, and grows: records with the digests of their scans."""

    tokens: Sequence[str]
    records: list[str] = field(default_factory=list)
    scans: list[str] = field(default_factory=list)


@dataclass
class Told:
    """Milliseconds of each kind, and what was not answered well."""

    took_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    late_ms: float = 0.0
    """The most that this program itself was late with a question."""


def another(scan: bytes, number: int) -> bytes:
    """The same scan as another file: its archive has a comment, so its digest is its own."""
    archive = io.BytesIO(scan)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.comment = b"%d" % number
    return archive.getvalue()


def traffic(url: str, known: Known, scans: Sequence[Path], seconds: float, seed: int) -> Told:
    """All of it, for so long. Every submission is of a scan of its own."""
    return asyncio.run(_traffic(url, known, [path.read_bytes() for path in scans], seconds, seed))


async def _traffic(url: str, known: Known, scans: Sequence[bytes], seconds: float, seed: int) -> Told:
    told, dice = Told(), random.Random(seed)
    lines = _Lines(url)
    await lines.open()
    begun = time.monotonic() + 0.5
    planned = [(begun + place / READS_A_S, "") for place in range(int(seconds * READS_A_S))]
    planned += [(begun + place / SUBMISSIONS_A_S, SUBMISSION) for place in range(int(seconds * SUBMISSIONS_A_S))]
    asking = set()
    for number, (moment, kind) in enumerate(sorted(planned)):
        await asyncio.sleep(moment - time.monotonic())
        told.late_ms = max(told.late_ms, 1000 * (time.monotonic() - moment))
        if kind == SUBMISSION:
            step = _submit(
                lines, known, another(scans[number % len(scans)], seed * 10**6 + number), number, moment, told
            )
        else:
            step = _read(lines, known, dice, moment, told)
        task = asyncio.create_task(step)
        asking.add(task)
        task.add_done_callback(asking.discard)
    await asyncio.gather(*asking)
    lines.close()
    return told


def crowd(url: str, known: Known, scans: Sequence[Path], senders: int, seconds: float) -> tuple[Told, int]:
    """So many send one submission after the other, for so long; who is sent away comes again when it was told to, with
    the same. Returns also how often that was. Whoever has begun goes on until it got through."""
    return asyncio.run(_crowd(url, known, [path.read_bytes() for path in scans], senders, seconds))


async def _crowd(url: str, known: Known, scans: Sequence[bytes], senders: int, seconds: float) -> tuple[Told, int]:
    told, lines, away = Told(), _Lines(url), 0
    await lines.open()
    until = time.monotonic() + seconds

    async def send(sender: int) -> None:
        nonlocal away
        number = sender
        while time.monotonic() < until:
            body = _submission(another(scans[number % len(scans)], number), number)
            token = known.tokens[sender % len(known.tokens)]
            while True:
                began = time.monotonic()
                status, answer, come_again_s = await lines.ask("POST", "/v1/records", token, body)
                if status != 429:
                    break
                away += 1
                await asyncio.sleep(come_again_s)
            told.took_ms[SUBMISSION].append(1000 * (time.monotonic() - began))
            if status == 201:
                known.records.append(json.loads(answer)["statement_id"])
            else:
                told.errors[f"{SUBMISSION}: {status}"] += 1
            number += senders

    await asyncio.gather(*(send(sender) for sender in range(senders)))
    lines.close()
    return told, away


async def _read(lines: _Lines, known: Known, dice: random.Random, planned: float, told: Told) -> None:
    [kind] = dice.choices(list(MIX), weights=list(MIX.values()))
    record, scan = dice.choice(known.records), dice.choice(known.scans)
    paths = {
        "record": f"/v1/records/{record}",
        "candidates of a record": f"/v1/records/{record}/candidates",
        "records": "/v1/records?limit=20",
        "status": "/v1/status",
        "scan": f"/v1/blobs/{scan}",
        "envelope": f"/v1/records/{record}/envelope",
    }
    await _timed(lines, kind, "GET", paths[kind], dice.choice(known.tokens), b"", planned, told)


async def _submit(lines: _Lines, known: Known, scan: bytes, number: int, planned: float, told: Told) -> None:
    token = known.tokens[number % len(known.tokens)]
    body = _submission(scan, number)
    answer = await _timed(lines, SUBMISSION, "POST", "/v1/records", token, body, planned, told)
    if answer:
        known.records.append(json.loads(answer)["statement_id"])


def _submission(scan: bytes, number: int) -> bytes:
    said = json.dumps(metadata() | {"case_reference": f"RS-LOAD-{number}"}).encode()
    return b"".join(
        (
            b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n' + said + b"\r\n",
            b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="scan"; filename="scan.x3p"\r\n\r\n',
            scan,
            b"\r\n--" + BOUNDARY + b"--\r\n",
        )
    )


async def _timed(
    lines: _Lines, kind: str, method: str, path: str, token: str, body: bytes, planned: float, told: Told
) -> bytes:
    try:
        async with asyncio.timeout(ANSWER_S):
            status, answer, _ = await lines.ask(method, path, token, body)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        told.errors[f"{kind}: {type(error).__name__}"] += 1
        return b""
    told.took_ms[kind].append(1000 * (time.monotonic() - planned))
    if status != (201 if method == "POST" else 200):
        told.errors[f"{kind}: {status}"] += 1
        return b""
    return answer


class _Lines:
    """So many connections to one server, all open, used in turn."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._host, self._port = str(place.hostname), int(place.port or 80)
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    async def open(self) -> None:
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection(self._host, self._port))

    def close(self) -> None:
        while not self._free.empty():
            self._free.get_nowait()[1].close()

    async def ask(self, method: str, path: str, token: str, body: bytes) -> tuple[int, bytes, int]:
        """Status, body, and when to come again. On a line that the server closed since it was used, the question is
        put again on a new one."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nAuthorization: Bearer {token}\r\n"
        if body:
            head += (
                f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\nContent-Length: {len(body)}\r\n"
            )
        line = await self._free.get()
        try:
            try:
                found = await _asked(*line, head.encode() + b"\r\n" + body)
            except (ConnectionError, asyncio.IncompleteReadError):
                line[1].close()
                line = await asyncio.open_connection(self._host, self._port)
                found = await _asked(*line, head.encode() + b"\r\n" + body)
        except BaseException:
            line[1].close()
            self._free.put_nowait(await asyncio.open_connection(self._host, self._port))
            raise
        self._free.put_nowait(line)
        return found


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> tuple[int, bytes, int]:
    writer.write(request)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    answer = await reader.readexactly(int(fields["content-length"]))
    return int(head[0].split(" ")[1]), answer, int(fields.get("retry-after", 0))
