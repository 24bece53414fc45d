"""The requests that a description of the API leads to: every GET route, every parameter, with every value ever seen."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

LIMITS = (1, 2, 50, 200)
DIGESTS = 8
"""So many statements are asked about, beside those that were told."""
_WORDS: Mapping[str, tuple[str, ...]] = {
    "date": ("2026-01-01", "2026-12-31"),
    "wait": ("0",),  # who waits learns nothing sooner here, where nothing happens meanwhile
    "municipality": ("Niš",),
    "calibre": ("9x19",),
    "day": ("2026-11-25",),
    "asks": ("1", "2"),
}


_IN_PATH = re.compile(r"/(records|hits|scans|blobs|statements|queries)/([0-9a-f]{64})")
_SIZE = re.compile(r"^\d{1,6}$", re.MULTILINE)
_ALIKE: Mapping[str, tuple[str, ...]] = {
    "sha256": ("sha256", "scan", "scans", "blobs"),
    "statement_id": ("statement_id", "record", "records", "hits", "subject", "about"),
    "about": ("statement_id", "record", "records", "hits", "subject", "about"),
    "hit_id": ("hit_id", "hits", "statement_id"),
    "size": ("signed_size", "log_size"),
    "jurisdiction": ("jurisdiction", "code"),
    "other": ("code",),
    "candidate_id": ("candidate_id",),
    "start": ("start", "count", "next"),
}
"""Under which names the values of a parameter stand elsewhere."""


@dataclass
class Seen:
    """Values by what they are called, in the order of first sight. What was told is tried everywhere, and first."""

    told: tuple[str, ...] = ()
    named: dict[str, dict[str, None]] = field(default_factory=dict)

    def know(self, name: str, value: object) -> None:
        self.named.setdefault(name, {}).setdefault(str(value))

    def text(self, said: str, listed: str = "") -> None:
        """What stands in addresses, and, where it is JSON, in fields; of a note of the log its size. ``listed``: what
        it is a list of, or one of."""
        for name, value in _IN_PATH.findall(said):
            self.know(name, value)
        if len(said) < 64 * 1024:
            for size in _SIZE.findall(said):
                self.know("log_size", size)
        try:
            found = json.loads(said)
        except ValueError:
            return
        self._walk(found)
        for item in found if isinstance(found, list) else ():
            if isinstance(item, dict) and listed:
                self.know(listed, item.get("statement_id", ""))

    def _walk(self, found: Any, name: str = "") -> None:
        match found:
            case dict():
                for key, value in found.items():
                    self._walk(value, key)
            case list():
                for value in found:
                    self._walk(value, name)
            case bool():
                pass
            case int() if 0 <= found < 2**31:
                self.know(name, found)
            case str() if len(found) <= 64:
                self.know(name, found)
            case _:
                pass

    def values(self, name: str) -> list[str]:
        """Those that a parameter of this name may take."""
        found: dict[str, None] = {}
        for alike in _ALIKE.get(name, (name,)):
            found |= self.named.get(alike, {})
        return list(found)


@dataclass(frozen=True)
class Asked:
    """One request: its route's path as the description has it, and where it goes."""

    path: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    parameters: frozenset[str] = frozenset()


class Description:
    """An OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def routes(self, method: str = "get") -> dict[str, Mapping[str, Any]]:
        return {path: ways[method] for path, ways in self._document["paths"].items() if method in ways}

    def scope(self, path: str, method: str = "get") -> str | None:
        """What a token must be for, None where none is asked for."""
        security = self.routes(method)[path].get("security")
        return security[0]["HTTPBearer"][0] if security else None

    def parameters(self, routes: Collection[str]) -> set[tuple[str, str]]:
        """The parameters of these routes, in the path and in the query."""
        described = self.routes()
        return {(path, item["name"]) for path in routes for item in described[path].get("parameters", ())}

    def requests(self, path: str, seen: Seen, *, most: int, each: int = 2) -> Iterator[Asked]:
        """Requests of one route: for each of ``most`` values of its path, and for two of them with each parameter in
        turn, ``each`` values of it."""
        parameters = self.routes()[path].get("parameters", ())
        of_path = frozenset(item["name"] for item in parameters if item["in"] == "path")
        needed = [item for item in parameters if item["in"] == "query" and item.get("required")]
        always = {item["name"]: self._values(item, seen, 1)[0] for item in needed}
        paths = self._paths(path, parameters, seen, most)
        for where in paths:
            yield Asked(path, _target(where, always), parameters=of_path | set(always))
            if any(item["name"] == "If-None-Match" for item in parameters):
                tag = {"If-None-Match": f'"{where.rstrip("/").rpartition("/")[2]}"'}
                yield Asked(path, _target(where, always), tag, of_path | {"If-None-Match"})
            if where in (paths[0], paths[-1]):  # what it was told, and what it has seen
                yield from self._varied(path, where, always, seen, each)

    def _varied(self, path: str, where: str, always: Mapping[str, str], seen: Seen, each: int) -> Iterator[Asked]:
        parameters = self.routes()[path].get("parameters", ())
        names = {item["name"] for item in parameters}
        for item in parameters:
            name, known = item["name"], frozenset(always) | {item["name"]}
            is_digest = "64" in self._schema(item["schema"]).get("pattern", "")
            for value in self._values(item, seen, DIGESTS if is_digest else each) if item["in"] != "path" else ():
                if item["in"] == "query":
                    yield Asked(path, _target(where, {**always, name: value}), {}, known)
                    if is_digest and "limit" in names:  # what is hidden must not use up a page
                        yield Asked(path, _target(where, {**always, name: value, "limit": "1"}), {}, known | {"limit"})
                else:
                    yield Asked(path, _target(where, always), {name: value}, known)

    def _paths(self, path: str, parameters: Sequence[Mapping[str, Any]], seen: Seen, most: int) -> list[str]:
        found = [path]
        for item in parameters:
            if item["in"] == "path":
                values = self._values({**item, "of": kind_of(path)}, seen, most)
                found = [one.replace("{" + item["name"] + "}", quote(value)) for one in found for value in values]
        return found[: most + len(seen.told)]

    def _values(self, parameter: Mapping[str, Any], seen: Seen, most: int) -> list[str]:
        name, schema = parameter["name"], self._schema(parameter["schema"])
        known = list(dict.fromkeys((*seen.named.get(parameter.get("of", ""), ()), *seen.values(name))))
        if name == "limit":
            return list(map(str, LIMITS))
        if name == "tile_path":
            return _tiles(seen)[:most]
        if name in _WORDS:
            return list(_WORDS[name])[:most]
        if "enum" in schema:
            return list(schema["enum"])[:most]
        if "64" in schema.get("pattern", ""):
            told = [value for value in seen.told if value not in known]
            return [*told, *known][: most + len(told)] or ["0" * 64]
        match schema.get("type"):
            case "boolean":
                return ["true", "false"][:most]
            case "integer" | "number":
                low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
                fit = [value for value in known if value.isdecimal() and low <= int(value) <= high]
                return [*fit, str(low)][:most]
            case _:
                words = [*_WORDS.get(schema.get("format", ""), ()), *known]
                return [word for word in words if re.search(schema.get("pattern", ""), word)][:most] or ["x"]

    def _schema(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for one in schema.get("anyOf", ()):
            if one.get("type") != "null":
                return self._schema(one)
        if "$ref" in schema:
            return self._schema(self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        return schema


def kind_of(path: str) -> str:
    """What a route is about: "records", "statements"."""
    return path.removeprefix("/v1/").partition("/")[0]


def _tiles(seen: Seen) -> list[str]:
    sizes = sorted({int(size) for size in seen.values("size") if 0 < int(size) < 256}, reverse=True)
    return [*(f"0/000.p/{size}" for size in sizes), "0/000", "1/000"]


def _target(where: str, query: Mapping[str, str]) -> str:
    return f"{where}?{urlencode(query)}" if query else where
