"""Who takes part, as a drawing: a circle for each jurisdiction, in the order of their codes, and a line for each two
that exchange. It is no map, and no border is on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from exchange.coordination.public_site.publication import TakingPart
from exchange.coordination.public_site.site_charts import in_lines

MOST_CIRCLES: Final = 20
"""Beyond it the names would lie on each other: the table has all."""
_WIDE, _HIGH = 360, 330
_ACROSS, _DOWN = 132, 118
_RADIUS: Final = 21
_LINE: Final = Markup('<line class="lane" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
_PLACE: Final = Markup('<text class="place" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>')


@dataclass(frozen=True)
class DrawnJurisdiction:
    code: str
    name: str
    part: TakingPart


def circles_drawing(
    title: str, description: str, circles: Sequence[DrawnJurisdiction], exchanging: Sequence[tuple[str, str]]
) -> Markup | None:
    """The first stands at the top, the others follow as the clock goes; None where there are too many to draw."""
    if not 0 < len(circles) <= MOST_CIRCLES:
        return None
    at = _places(circles)
    parts = [_line(at[one], at[other]) for one, other in exchanging if one in at and other in at]
    for circle in circles:
        parts.extend(_circle(circle, *at[circle.code]))
    drawn = Markup(
        '<svg class="ring" role="img" aria-labelledby="ring-title ring-desc" viewBox="0 0 {wide} {high}">'
        '<title id="ring-title">{title}</title><desc id="ring-desc">{description}</desc>\n{body}\n</svg>'
    )
    return drawn.format(wide=_WIDE, high=_HIGH, title=title, description=description, body=Markup("\n").join(parts))


def _places(circles: Sequence[DrawnJurisdiction]) -> Mapping[str, tuple[float, float]]:
    turns = [2 * math.pi * number / len(circles) - math.pi / 2 for number in range(len(circles))]
    return {
        circle.code: (_WIDE / 2 + _ACROSS * math.cos(turn), _HIGH / 2 - 14 + _DOWN * math.sin(turn))
        for circle, turn in zip(circles, turns, strict=True)
    }


def _line(one: tuple[float, float], other: tuple[float, float]) -> Markup:
    return _LINE.format(*one, *other)


def _circle(circle: DrawnJurisdiction, x: float, y: float) -> list[Markup]:
    found = [
        Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(circle.part, x, y, _RADIUS),
        Markup('<text class="code {}" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(
            circle.part, x, y + 5, circle.code
        ),
    ]
    for number, line in enumerate(in_lines(circle.name, 12)):
        found.append(_PLACE.format(x, y + _RADIUS + 14 + 13 * number, line))
    return found
