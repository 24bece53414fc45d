"""The pieces of a report on a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from exchange.web.report.blocks import Block

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_templates.filters["drawn"] = Markup  # a chart escapes its words


def laid(blocks: Sequence[Block], *, sections: bool = True, caption: str = "") -> Markup:
    """The pieces as HTML. ``sections``: each heading of the first level begins a section. ``caption``: of a table that
    no heading names."""
    parts: list[list[Block]] = [[]]
    for block in blocks:
        if sections and block["kind"] == "heading" and block["level"] == 1:
            parts.append([])
        parts[-1].append(block)
    drawn = _templates.get_template("blocks.html").render(begin=parts[0], sections=parts[1:], caption=caption)
    return Markup(drawn)  # noqa: S704 - the template escapes what it is given
