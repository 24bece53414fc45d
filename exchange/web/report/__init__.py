"""The report on a pair, as PDF/A: one page in plain language, then the technical annex."""

from exchange.web.report.render_report import render_report

__all__ = ["render_report"]
