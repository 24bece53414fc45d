"""A query parameter that no route knows is refused: a mistyped filter that is passed over shows too much, silently."""

from __future__ import annotations

from fastapi import Request

from exchange.errors import InvalidInput


def only_known_parameters(request: Request) -> None:
    """Raises InvalidInput, code "unknown-parameter", also for a parameter that comes twice."""
    described = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    parameters = described.get(request.method.lower(), {}).get("parameters", ())
    known = {parameter["name"] for parameter in parameters if parameter["in"] == "query"}
    given = [name for name, _ in request.query_params.multi_items()]
    wrong = sorted({name for name in given if name not in known or given.count(name) > 1})
    if wrong:
        raise InvalidInput(
            f"Not understood, or given twice: {', '.join(wrong)[:200]}. "
            f"Known here: {', '.join(sorted(known)) or 'no parameter'}.",
            code="unknown-parameter",
            problems=tuple((f"query.{name[:40]}", "is not known, or given twice") for name in wrong[:20]),
        )
