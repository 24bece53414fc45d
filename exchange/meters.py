"""What a process counts while it works, for its operator: no label has a value that a caller or a person chooses."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

_QUICK_S = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
SUBMISSIONS = ("/v1/records", "/app/register/{draft_id}/submit")
"""The routes by which records come."""
_FAULTS = ("500", "503", "507")
_SLOW_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Meters:
    """One set for each open node, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ffp_http_requests", "Requests that were answered.", ["method", "route", "status"], registry=self.registry
        )
        self.request_seconds = Histogram(
            "ffp_http_request_seconds",
            "From a request's first line to the end of its answer; peers and pages that wait to be told are in it.",
            ["route"],
            buckets=_QUICK_S,
            registry=self.registry,
        )
        self.correlation_seconds = Histogram(
            "ffp_correlation_seconds",
            "One scan against all that it may be compared with, its preparation included.",
            buckets=_SLOW_S,
            registry=self.registry,
        )
        for route in SUBMISSIONS:
            for status in _FAULTS:  # a series that begins with its first fault does not show that one as a rise
                self.requests.labels("POST", route, status)
