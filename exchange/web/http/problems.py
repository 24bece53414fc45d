"""Every error leaves as ``application/problem+json`` (RFC 9457); this is the one place that knows status codes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.routing import Route

from exchange import errors
from exchange.web.http.head_requests import HEADERS_ALONE
from schemas.errors import shown

log = structlog.get_logger(__name__)

_STATUS: dict[type[errors.ExchangeError], int] = {
    errors.Unauthenticated: 401,
    errors.RequestRefused: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.TooMany: 429,
    errors.InvalidInput: 422,
    errors.DigestDiffers: 422,
    errors.ComputeFailed: 503,
    errors.StoreFull: 507,
    errors.StoreUnavailable: 503,
    errors.PeerError: 502,
    errors.ProviderUnavailable: 502,
    errors.ExtraMissing: 501,
}


class FaultyPlace(BaseModel):
    """Where in a request something is wrong, and what."""

    where: str
    what: str


class Problem(BaseModel):
    """An error as RFC 9457 has it, with each faulty place where there are several."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:ffp:problem:unknown-calibre",
                    "title": "Unknown calibre",
                    "status": 422,
                    "detail": "The calibre '9x91' is not known. Nearest: 9 mm Luger, 9 mm Makarov.",
                    "problems": [{"where": "exhibit.calibre", "what": "The calibre '9x91' is not known."}],
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    problems: list[FaultyPlace] = []


REFUSAL_ANSWER: dict[str, Any] = {
    "description": "An error, always in this form.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {"default": REFUSAL_ANSWER}


def install_problems(app: FastAPI) -> None:
    """Give the app its error handlers. What nobody foresaw is logged with its trace and told without any."""
    app.add_exception_handler(errors.ExchangeError, _exchange_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unforeseen)


def problem(
    code: str,
    status: int,
    detail: str,
    problems: tuple[tuple[str, str], ...] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = Problem(
        type=errors.PROBLEM_TYPE + code,
        title=code.replace("-", " ").capitalize(),
        status=status,
        detail=detail,
        problems=[FaultyPlace(where=where, what=what) for where, what in problems],
    )
    return JSONResponse(body.model_dump(), status, dict(headers or {}), media_type="application/problem+json")


def _exchange_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, errors.ExchangeError):
        raise TypeError("this handler is for the node's own errors")
    status = status_of(error)
    headers = headers_of(error)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="ffp"'
    if isinstance(error, errors.ScopeMissing):  # RFC 6750, 3.1
        headers["WWW-Authenticate"] = f'Bearer realm="ffp", error="insufficient_scope", scope="{error.scope}"'
    if status >= 500:
        log.warning("answered with an error", code=error.code, detail=str(error))
    problems = error.problems if isinstance(error, errors.InvalidInput) else ()
    return problem(error.code, status, _sentence(str(error)), problems, headers)


def headers_of(error: errors.ExchangeError) -> dict[str, str]:
    """When to come again, of an error that goes by."""
    if isinstance(error, errors.TooMany):
        return {"Retry-After": str(error.retry_after_s)}
    return {"Retry-After": "5"} if status_of(error) == 503 else {}


def status_of(error: errors.ExchangeError) -> int:
    """The status of HTTP that says what kind of error it is."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)


def _sentence(text: str) -> str:
    """The log and the signatures of requests say what is wrong in the half sentences of their specifications."""
    return text if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."


def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise TypeError("this handler is for invalid parameters")
    problems = tuple((".".join(str(step) for step in item["loc"]), str(item["msg"])) for item in error.errors())
    first = "; ".join(f"{where}: {what}" for where, what in problems[:5])
    return problem("invalid-parameter", 422, f"The request does not fit: {first}.", problems)


def _http_exception(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise TypeError("this handler is for HTTP errors")
    place = shown(request.url.path, 100)
    match error.status_code:
        case 404:
            return problem("not-found", 404, f"There is nothing at {place}. See /v1/openapi.json for what there is.")
        case 405:
            allowed = ", ".join(_methods(request))
            asked = "HEAD" if request.scope.get(HEADERS_ALONE) else request.method
            sentence = f"{asked} is not possible at {place}; possible: {allowed}."
            return problem("method-not-allowed", 405, sentence, headers={"Allow": allowed})
        case 416:
            return problem("range-not-satisfiable", 416, str(error.detail), headers=error.headers)
        case status:
            return problem("bad-request", status, str(error.detail), headers=error.headers)


def _methods(request: Request) -> list[str]:
    """What is possible at this path; its methods are routes of their own, of which the framework names the first."""
    routes: list[Route] = request.app.state.routes
    here = [route for route in routes if route.path_regex.match(request.scope["path"])]
    methods = {method for route in here for method in route.methods or ()}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    logging.getLogger(__name__).error("unforeseen error at %s %s", request.method, request.url.path, exc_info=error)
    return problem(
        "internal-error", 500, "The node met an error that nobody foresaw. It was logged; tell the node's operator."
    )
