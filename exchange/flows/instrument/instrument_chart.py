"""The control chart of a series, and what each figure is called and written with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from exchange.flows.instrument.check_series import CheckPoint, CheckSeries
from matcher.draw.control_chart import ChartPoint, ControlPanel, draw_control_chart, draw_control_panel
from matcher.instrument.check_limits import MEASURES, Measure, Sign


@dataclass(frozen=True)
class Written:
    """How a figure is written: in percent or in degrees, so many digits after the point."""

    title: str
    factor: float
    unit: str
    digits: int


WRITTEN: Final[Mapping[str, Written]] = {
    "correlation": Written("Correlation with the first scan", 1.0, "", 4),
    "height_ratio": Written("Heights, ratio to the first scan", 100.0, "%", 2),
    "scale_x": Written("Lengths along x, ratio to the first scan", 100.0, "%", 3),
    "scale_y": Written("Lengths along y, ratio to the first scan", 100.0, "%", 3),
    "skew_deg": Written("Angle of the axes, off 90 degrees", 1.0, "\N{DEGREE SIGN}", 3),
    "detail_ratio": Written("Fine detail, ratio to the first scan", 100.0, "%", 1),
    "difference_share": Written("Difference, share of the roughness", 100.0, "%", 1),
    "missing": Written("Points that are missing now", 100.0, "%", 1),
}


def written(name: str, value: float) -> str:
    """A figure with its unit."""
    how = WRITTEN[name]
    rounded = round(how.factor * value, how.digits) + 0.0  # no zero has a sign
    return f"{rounded:.{how.digits}f}{' ' if how.unit == '%' else ''}{how.unit}"


def written_limits(measure: Measure, reach: float) -> str:
    """What lies within a limit: at least, at most, or between two values."""
    low, high = measure.bounds(reach)
    if low is None:
        return f"\N{LESS-THAN OR EQUAL TO} {written(measure.name, measure.target if high is None else high)}"
    if high is None:
        return f"\N{GREATER-THAN OR EQUAL TO} {written(measure.name, low)}"
    return f"{written(measure.name, low)} \N{EN DASH} {written(measure.name, high)}"


def panels_of(series: CheckSeries, titles: Mapping[str, str] | None = None) -> list[ControlPanel]:
    """One for each figure; ``titles``: in the reader's language, by name."""
    return [_panel(series, measure, (titles or {}).get(measure.name)) for measure in MEASURES]


def chart_of(series: CheckSeries) -> str:
    """The whole chart as one SVG document."""
    of = series.instrument
    serial = f", {of.serial}" if of.serial else ""
    return draw_control_chart(f"{of.maker} {of.model}{serial}: {series.specimen}", panels_of(series))


def panels_as_svg(series: CheckSeries, titles: Mapping[str, str]) -> list[str]:
    """To stand in a page, which has their style."""
    return [draw_control_panel(panel) for panel in panels_of(series, titles)]


def _panel(series: CheckSeries, measure: Measure, title: str | None) -> ControlPanel:
    how = WRITTEN[measure.name]
    checks = [point for point in series.points if measure.name in point.values]
    points = [
        ChartPoint(how.factor * point.values[measure.name], point.at[:10], _mark(point, measure)) for point in checks
    ]
    title = title or how.title
    title += f" ({how.unit})" if how.unit else ""
    last = f": {written(measure.name, checks[-1].values[measure.name])}" if checks else ""
    return ControlPanel(
        title,
        f"{title}{last}",
        how.factor * measure.target,
        _scaled(measure.bounds(measure.warning), how.factor),
        _scaled(measure.bounds(measure.action), how.factor),
        points,
        how.digits,
    )


def _mark(point: CheckPoint, measure: Measure) -> Literal["passed", "told", "failed"]:
    sign = point.sign_of(measure.name)
    return "failed" if sign == Sign.ACTION else "told" if sign is not None else "passed"


def _scaled(bounds: tuple[float | None, float | None], factor: float) -> tuple[float | None, float | None]:
    low, high = bounds
    return None if low is None else factor * low, None if high is None else factor * high
