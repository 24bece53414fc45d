"""Memory over time as a small picture (SVG), for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 640, 240, 40
COLOURS = ("#1f5fa8", "#b3541e", "#3b7d3b")


def draw(curves: Mapping[str, Sequence[tuple[float, float]]], path: Path) -> None:
    """``curves``: by name, points of (seconds, MB)."""
    last = max(x for curve in curves.values() for x, _ in curve)
    top = 100 * (1 + int(max(y for curve in curves.values() for _, y in curve) // 100))
    across, up = (WIDTH - 2 * MARGIN) / last, (HEIGHT - 2 * MARGIN) / top
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for step in range(5):
        y = HEIGHT - MARGIN - up * top * step / 4
        lines.append(f'<path d="M{MARGIN} {y:.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>')
        lines.append(f'<text x="{MARGIN - 4}" y="{y + 4:.1f}" text-anchor="end">{top * step // 4}</text>')
    lines.append(f'<text x="{MARGIN}" y="{MARGIN - 14}">MB, proportional set size of all processes of the node</text>')
    lines.append(f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 12}" text-anchor="end">{last:.0f} s</text>')
    for (name, curve), colour in zip(curves.items(), COLOURS, strict=False):
        points = " ".join(f"{MARGIN + across * x:.1f},{HEIGHT - MARGIN - up * y:.1f}" for x, y in curve)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        place = MARGIN + 120 * list(curves).index(name)
        lines.append(f'<text x="{place}" y="{HEIGHT - 12}" fill="{colour}">{name}</text>')
    path.write_text("\n".join([*lines, "</svg>"]) + "\n", encoding="utf-8")
