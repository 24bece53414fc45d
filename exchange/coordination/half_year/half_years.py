"""Half-years and years as the Roadmap's monitoring counts them: January to June and July to December, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from exchange.clock import stamp
from exchange.errors import InvalidInput

_FORM = re.compile(r"(20[0-9]{2})H([12])")
_YEAR = re.compile(r"20[0-9]{2}")


@dataclass(frozen=True, order=True)
class Half:
    """Written ``2026H2``. It holds what happened from ``start`` on and before ``end``, as times are written here."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Half:
        """Raises InvalidInput."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise InvalidInput("A half-year is written 2026H1 or 2026H2, a year 2026.", code="invalid-half")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> Half:
        """That which a moment lies in."""
        at = moment.astimezone(UTC)
        return cls(at.year, 1 if at.month <= 6 else 2)

    @property
    def halves(self) -> tuple[Half, ...]:
        """Itself, as a year has two."""
        return (self,)

    @property
    def start(self) -> str:
        return stamp(datetime(self.year, 6 * self.number - 5, 1, tzinfo=UTC))

    @property
    def end(self) -> str:
        return self.after().start

    def after(self) -> Half:
        return Half(self.year, 2) if self.number == 1 else Half(self.year + 1, 1)

    def before(self) -> Half:
        return Half(self.year, 1) if self.number == 2 else Half(self.year - 1, 2)

    def holds(self, at: str | None) -> bool:
        return at is not None and self.start <= at < self.end

    def __str__(self) -> str:
        return f"{self.year}H{self.number}"


@dataclass(frozen=True, order=True)
class Year:
    """Written ``2026``: its two half-years together, and nothing that they do not hold."""

    year: int

    @property
    def halves(self) -> tuple[Half, Half]:
        return Half(self.year, 1), Half(self.year, 2)

    @property
    def start(self) -> str:
        return self.halves[0].start

    @property
    def end(self) -> str:
        return self.halves[1].end

    def before(self) -> Year:
        return Year(self.year - 1)

    def __str__(self) -> str:
        return f"{self.year}"


Period = Half | Year


def parse_period(text: str) -> Period:
    """A half-year or a year, as it is written. Raises InvalidInput."""
    return Year(int(text)) if _YEAR.fullmatch(text) else Half.parse(text)


def is_year(period: str) -> bool:
    """Of a period as it is written."""
    return "H" not in period
