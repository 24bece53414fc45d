"""A query parameter that no route knows is refused: a mistyped filter that is passed over shows too much, silently."""

from __future__ import annotations

from collections import Counter

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from exchange.errors import InvalidInput
from schemas.errors import shown


async def only_known_parameters(request: Request) -> None:
    """Raises InvalidInput, code "unknown-parameter", also for a parameter that comes twice
    and is no list."""
    if request.scope["query_string"]:  # the first time the description is made, which takes a thread a second
        await run_in_threadpool(_check_known, request)


def _check_known(request: Request) -> None:
    described = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    parameters = described.get(request.method.lower(), {}).get("parameters", ())
    known = {item["name"]: item["schema"].get("type") for item in parameters if item["in"] == "query"}
    given = Counter(name for name, _ in request.query_params.multi_items())
    wrong = sorted(name for name, times in given.items() if name not in known or (times > 1 and known[name] != "array"))
    if wrong:
        raise InvalidInput(
            f"Not understood, or given twice: {shown(', '.join(wrong), 200)}. "
            f"Known here: {', '.join(sorted(known)) or 'no parameter'}.",
            code="unknown-parameter",
            problems=tuple((f"query.{shown(name, 40)}", "is not known, or given twice") for name in wrong[:20]),
        )
