"""What an observer was told, in a form in which two worlds can be compared byte for byte.

Hashes, keys and signatures get names in the order of first sight: #1, #2 ... What they are of differs between the
worlds, and ML-DSA signatures differ each time; when and how often they come must not. Base64 that holds text is opened
first, so that no name covers what an envelope says; so is a ZIP, whose length depends on how well hashes pack. Times
and other tokens are the trial's own (``fixed``).
"""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import httpx

from tests.observers.allowed import ALLOWED, Allowed
from tests.observers.seen.wire import Exchange

HASH_BYTES = 32
_HEX = r"(?<![0-9A-Za-z])[0-9a-f]{12,}(?![0-9A-Za-z])"
_BASE64 = r"(?<![0-9A-Za-z+/=_-])(?:[0-9A-Za-z+/]{40,}|[0-9A-Za-z_-]{40,})={0,2}(?![0-9A-Za-z+/=_-])"
_ADDRESS = re.compile("[a-z0-9]*/(app|v1)/")
"""What it begins with, at most a part of a host before it: within a long signature the same may stand by chance."""
_TOKENS = (re.compile(_HEX), re.compile(_BASE64))
"""One after the other: a digest at the end of a path would else be taken for a part of it."""
_TEXT = ("text/", "application/json", "application/problem+json", "application/vnd.dsse", "image/svg")
_DEPTH = 6
"""A payload in an envelope in a page is three deep: nothing that a node says is deeper."""


class Names:
    """Names by first sight. ``known`` has theirs before anything is seen: what the observer is told from outside."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._names: dict[bytes, str] = {}
        for value in known:
            self.of(bytes.fromhex(value))

    def of(self, value: bytes) -> str:
        return self._names.setdefault(value, f"#{len(self._names) + 1}")

    def text(self, said: str, depth: int = 0) -> str:
        """The text with a name for each token in it."""
        for kind in _TOKENS:
            said = kind.sub(lambda found: self._token(found.group(), depth), said)
        return said

    def _token(self, token: str, depth: int) -> str:
        if re.fullmatch("[0-9a-f]+", token):
            return self.of(bytes.fromhex(token)) if len(token) % 2 == 0 else self.of(token.encode())
        if token in (token.lower(), token.upper()) or _ADDRESS.match(token):
            return token  # a word, or a part of an address
        content = _opened(token)
        if content is None:
            return self.of(token.encode())
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return self.hashes(content)
        if depth == _DEPTH:
            return self.hashes(content)
        return f"<{self.text(text, depth + 1)}>"

    def hashes(self, content: bytes) -> str:
        """Bytes that hold hashes, one after the other, or nothing that can be read."""
        if len(content) > HASH_BYTES and len(content) % HASH_BYTES == 0:
            parts = [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]
            return "[" + " ".join(map(self.of, parts)) + "]"
        return f"{self.of(content)}({len(content)} bytes)"


def _opened(token: str) -> bytes | None:
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_" if set(token) & set("-_") else None, validate=True)
    except (ValueError, binascii.Error):
        return None


@dataclass(frozen=True)
class Line:
    """One exchange in comparable form: what was asked, and what came."""

    asked: str
    came: str


def transcript(told: Sequence[Exchange], known: Sequence[str], allowed: Sequence[Allowed] = ALLOWED) -> list[Line]:
    """All that was asked and told: what each asker asked, in its order, with names of its own."""
    lines: list[Line] = []
    for asker in dict.fromkeys(exchange.asker for exchange in told):
        names = Names(known)
        lines += [_line(names, exchange, allowed) for exchange in told if exchange.asker == asker]
    return lines


def _line(names: Names, exchange: Exchange, allowed: Sequence[Allowed]) -> Line:
    request, answer = exchange.request, exchange.answer
    asked = names.text(f"{exchange.asker}: {request.method} {request.url}")
    came = [f"{answer.status_code}"]
    packed = _is_zip(answer)
    headers = [item for item in answer.headers.multi_items() if not (packed and item[0] == "content-length")]
    came += [f"{name}: {names.text(value)}" for name, value in headers]
    came += ["", _body(names, answer)]
    text = "\n".join(came)
    for entry in allowed:
        text = entry.masked(asked, text)
    return Line(asked, text)


def _body(names: Names, answer: httpx.Response) -> str:
    kind = answer.headers.get("content-type", "")
    if kind.startswith(_TEXT) or kind.split(";")[0].endswith(("+json", "javascript")):
        return names.text(answer.text)
    if _is_zip(answer):
        return "\n".join(_unpacked(names, answer.content))
    if kind.startswith("application/octet-stream") and len(answer.content) % HASH_BYTES == 0:
        return names.hashes(answer.content)
    return _unread(answer.content)


def _is_zip(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").split(";")[0].endswith(("/zip", "+zip"))


def _unpacked(names: Names, content: bytes) -> Iterator[str]:
    """Each file of a ZIP in its order, what packs it left out."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for item in archive.infolist():
            held = archive.read(item)
            yield f"{item.filename} of {item.date_time}"
            yield names.text(held.decode()) if item.filename.endswith(".json") else _unread(held)


def _unread(content: bytes) -> str:
    return f"{len(content)} bytes of SHA-256 {hashlib.sha256(content).hexdigest()}" * bool(content)


@dataclass(frozen=True)
class Difference:
    """The same step in the two worlds, told differently."""

    step: int
    asked: str
    lines: str

    @property
    def kind(self) -> frozenset[str]:
        """What differs, without names and lengths: the same fault shows in many answers."""
        lines = [line for line in self.lines.splitlines() if line[0] in "+-" and "content-" not in line]
        return frozenset(re.sub(r"#?\d+", "#", line) for line in lines)

    @property
    def in_names_alone(self) -> bool:
        """Whether the same was told of things that were named otherwise before: that follows from what came before."""
        return {line[1:] for line in self.kind if line[0] == "-"} == {line[1:] for line in self.kind if line[0] == "+"}

    def __str__(self) -> str:
        return f"step {self.step}, {self.asked}\n{self.lines}"


def differences(one: Sequence[Line], other: Sequence[Line], *, most: int = 8) -> list[Difference]:
    """The first of each kind of difference, in order. What only one of the worlds led to is one too."""
    found: list[Difference] = []
    kinds: set[frozenset[str]] = set()
    matcher = difflib.SequenceMatcher(None, [line.asked for line in one], [line.asked for line in other], False)
    for kind, at, end, where, until in matcher.get_opcodes():
        if kind == "equal":
            told = zip(one[at:end], other[where:until], strict=True)
            fresh = [Difference(at + n, a.asked, _diff(a.came, b.came)) for n, (a, b) in enumerate(told) if a != b]
            for item in fresh:
                if item.kind not in kinds and not (found and item.in_names_alone):
                    kinds.add(item.kind)
                    found.append(item)
        else:
            asked = [[line.asked for line in part] for part in (one[at:end], other[where:until])]
            found.append(Difference(at, "what was asked", _diff(*map("\n".join, asked))))
        if len(found) >= most:
            break
    return found[:most]


def _diff(one: str, other: str) -> str:
    """A unified diff; JSON and HTML come in few long lines, so they are broken at their marks first."""
    a, b = (re.sub(r"(,\s?\"|>\s*<)", r"\n\1", text).splitlines() for text in (one, other))
    return "\n".join(line[:400] for line in list(difflib.unified_diff(a, b, "one", "other", lineterm="", n=1))[:40])
