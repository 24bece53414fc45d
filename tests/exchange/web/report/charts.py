"""What stands in a chart."""

from __future__ import annotations

from xml.etree import ElementTree

from exchange.web.report.charts import Chart

SVG = "{http://www.w3.org/2000/svg}"


def marks_of(drawn: Chart, kind: str = "rect") -> list[dict[str, str]]:
    return [found.attrib for found in ElementTree.fromstring(drawn.__html__()).iter(f"{SVG}{kind}")]  # noqa: S314 - our own


def texts_of(drawn: Chart, kind: str | None = None) -> list[str]:
    found = ElementTree.fromstring(drawn.__html__()).iter(f"{SVG}text")  # noqa: S314 - our own
    return [text.text or "" for text in found if kind in (None, text.get("class"))]
