"""The requests that a description of the API leads to: every GET route, every parameter, with every value ever seen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

LIMITS = (1, 2, 50, 200)
_DIGEST = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])")
_WORDS: Mapping[str, tuple[str, ...]] = {
    "date": ("2026-01-01", "2026-12-31"),
    "wait": ("0",),  # who waits learns nothing sooner here, where nothing happens meanwhile
    "municipality": ("Niš",),
    "calibre": ("9x19",),
    "day": ("2026-11-25",),
}


@dataclass
class Seen:
    """Values by what they are called, in the order of first sight; digests and numbers wherever they stood."""

    digests: dict[str, None] = field(default_factory=dict)
    numbers: dict[int, None] = field(default_factory=lambda: dict.fromkeys((0, 1)))
    named: dict[str, dict[str, None]] = field(default_factory=dict)

    def know(self, *values: str) -> None:
        self.digests |= dict.fromkeys(values)

    def text(self, said: str) -> None:
        """Every digest of a text, and, where it is JSON, every number and name."""
        self.know(*_DIGEST.findall(said))
        try:
            self._walk(json.loads(said))
        except ValueError:
            return

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
                self.numbers.setdefault(found)
            case str() if len(found) <= 64:
                self.named.setdefault(name, {}).setdefault(found)
            case _:
                pass


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

    def requests(self, path: str, seen: Seen, *, most: int) -> Iterator[Asked]:
        """Requests of one route: for each of the newest values of its path, alone, and with each parameter in turn."""
        parameters = self.routes()[path].get("parameters", ())
        of_path = [item for item in parameters if item["in"] == "path"]
        for place, where in enumerate(self._paths(path, of_path, seen, most)):
            given = frozenset(item["name"] for item in of_path)
            queries = [item for item in parameters if item["in"] == "query"]
            always = {item["name"]: next(iter(self._values(item, seen, 1))) for item in queries if item.get("required")}
            yield Asked(path, _target(where, always), parameters=given | set(always))
            for item in parameters if place < 2 or most > 20 else ():
                for value in self._values(item, seen, 4):
                    name = item["name"]
                    if item["in"] == "query":
                        yield Asked(path, _target(where, {**always, name: value}), parameters=given | {name})
                    elif item["in"] == "header":
                        yield Asked(path, _target(where, always), {name: value}, given | {name})
            if any(item["name"] == "If-None-Match" for item in parameters):
                tag = {"If-None-Match": f'"{where.rstrip("/").rpartition("/")[2]}"'}
                yield Asked(path, _target(where, always), tag, given | {"If-None-Match"})

    def _paths(self, path: str, parameters: Sequence[Mapping[str, Any]], seen: Seen, most: int) -> list[str]:
        found = [path]
        for item in parameters:
            values = list(self._values(item, seen, most))
            found = [one.replace("{" + item["name"] + "}", quote(value)) for one in found for value in values]
        return found[:most]

    def _values(self, parameter: Mapping[str, Any], seen: Seen, most: int) -> Iterable[str]:
        name, schema = parameter["name"], self._schema(parameter["schema"])
        if name == "limit":
            return map(str, LIMITS)
        if name == "tile_path":
            return _tiles(seen)[:most]
        if name in _WORDS:
            return _WORDS[name][:most]
        if "enum" in schema:
            return schema["enum"][:most]
        if "64" in schema.get("pattern", ""):
            return list(seen.digests)[:most]
        match schema.get("type"):
            case "boolean":
                return ("true", "false")[:most]
            case "integer" | "number":
                low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
                return [str(number) for number in sorted(seen.numbers) if low <= number <= high][:most] or [str(low)]
            case _:
                word = _WORDS.get(schema.get("format", ""), tuple(seen.named.get(name.replace("-", "_").lower(), ())))
                return word[:most] or ("x",)

    def _schema(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        for one in schema.get("anyOf", ()):
            if one.get("type") != "null":
                return self._schema(one)
        if "$ref" in schema:
            return self._schema(self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        return schema


def _tiles(seen: Seen) -> list[str]:
    sizes = [number for number in sorted(seen.numbers) if 0 < number < 256]
    return [f"0/000.p/{size}" for size in reversed(sizes)] + ["0/000", "1/000"]


def _target(where: str, query: Mapping[str, str]) -> str:
    return f"{where}?{urlencode(query)}" if query else where
