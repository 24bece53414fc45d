"""What a crawl reached: an empty one would find no difference either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Coverage:
    """Answers by route and status, and the parameters with which a route was answered well."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    parameters: set[tuple[str, str]] = field(default_factory=set)

    def note(self, route: str, status: int, parameters: Collection[str] = ()) -> None:
        self.answers[route, status] += 1
        if status < 400:
            self.parameters |= {(route, name) for name in parameters}

    def add(self, other: Coverage) -> None:
        self.answers += other.answers
        self.parameters |= other.parameters

    def reached(self, routes: Collection[str]) -> list[str]:
        """Those of these routes that gave a good answer at least once."""
        return sorted(route for route in routes if any(self.answers[route, status] for status in range(200, 400)))

    def missed(self, routes: Collection[str]) -> list[str]:
        return sorted(set(routes) - set(self.reached(routes)))

    @property
    def broken(self) -> dict[str, int]:
        """Routes that met an error nobody foresaw."""
        return {route: count for (route, status), count in self.answers.items() if status >= 500 and status != 503}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Coverage:
        """What ``as_dict`` gave."""
        found = cls()
        for route, answers in kept.get("answers", {}).items():
            found.answers.update({(route, int(status)): count for status, count in answers.items()})
        for one in kept.get("parameters", ()):
            route, _, name = one.rpartition(" ")
            found.parameters.add((route, name))
        return found

    def as_dict(self) -> dict[str, Any]:
        routes = sorted({route for route, _ in self.answers})
        return {
            "answers": {
                route: {str(status): count for (one, status), count in sorted(self.answers.items()) if one == route}
                for route in routes
            },
            "parameters": sorted(f"{route} {name}" for route, name in self.parameters),
        }
