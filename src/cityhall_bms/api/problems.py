"""Errors of the API as problem details (RFC 9457, ``application/problem+json``)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from cityhall_bms.domain.errors import (
    CollectorUnavailableError,
    ConcurrencyError,
    EventLogUnavailableError,
    ForbiddenError,
    HistoryUnavailableError,
    IdentityProviderUnavailableError,
    IdentityRefusedError,
    MissingLibraryError,
    NotFoundError,
    NotSignedInError,
    ReadOnlyPointError,
    RefusedError,
    SiteError,
    TelemetryLogUnavailableError,
    TooManyError,
)

MEDIA_TYPE = "application/problem+json"

TITLES: Mapping[int, tuple[str, str]] = {
    400: ("bad-request", "The request makes no sense"),
    401: ("not-signed-in", "Sign in first"),
    403: ("forbidden", "This is not allowed"),
    404: ("not-found", "There is no such thing"),
    405: ("method-not-allowed", "This address does not take that method"),
    408: ("too-slow", "The request did not come in time"),
    409: ("conflict", "Not possible in the present state"),
    413: ("too-large", "The request is too large"),
    415: ("unsupported-media-type", "Send application/json"),
    422: ("invalid", "Some values are not valid"),
    429: ("too-many", "Too much at once; try again later"),
    431: ("head-too-large", "The head of the request is too large"),
    500: ("internal", "An error of ours"),
    501: ("not-installed", "What this needs is not installed here"),
    503: ("unavailable", "A service behind this one is away; try again"),
}

STATUS_OF: Mapping[type[Exception], int] = {
    MissingLibraryError: 501,
    NotFoundError: 404,
    NotSignedInError: 401,
    ForbiddenError: 403,
    ReadOnlyPointError: 403,
    RefusedError: 409,
    ConcurrencyError: 409,
    CollectorUnavailableError: 503,
    EventLogUnavailableError: 503,
    HistoryUnavailableError: 503,
    TelemetryLogUnavailableError: 503,
    TooManyError: 429,
    IdentityRefusedError: 401,
    IdentityProviderUnavailableError: 503,
}


OF_ALL: Final = frozenset({422, 429, 431})
"""Answers that every route may give before it runs: an unknown parameter, too many requests, too long an address."""
OF_BODIES: Final = frozenset({400, 408, 413})
"""Answers that every route with a body may give before it reads what the body says: no JSON, too slow, too large."""
METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")


class FieldProblem(BaseModel):
    """One value that is not valid."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "/problems/not-found",
                "title": "There is no such thing",
                "status": 404,
                "detail": "no point is named TCH.B2.CN.CHC01.XYZ; GET /api/v1/points lists them",
                "instance": "/api/v1/points/TCH.B2.CN.CHC01.XYZ",
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldProblem] | None = None


class Refusal(BaseModel):
    """Why one of several things that were asked for was not done."""

    type: str = Field(examples=["/problems/conflict"])
    title: str = Field(examples=["Not possible in the present state"])
    detail: str


def refusal_of(error: Exception) -> tuple[int, Refusal]:
    """Status and reason that an error of ours would be answered with."""
    status = next(status for cls, status in STATUS_OF.items() if isinstance(error, cls))
    slug, title = TITLES[status]
    return status, Refusal(type=f"/problems/{slug}", title=title, detail=str(error))


def invalid(error: ValidationError) -> Refusal:
    """Why a message was refused that is not in a form of ours."""
    slug, title = TITLES[422]
    detail = "; ".join(f"{'/'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    return Refusal(type=f"/problems/{slug}", title=title, detail=detail)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers of a route for OpenAPI."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": TITLES[status][1], "content": {MEDIA_TYPE: {"schema": schema}}} for status in statuses
    }


def document(openapi: dict[str, Any]) -> dict[str, Any]:
    """Put the problem schemas in the place of FastAPI's own error form."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = openapi["components"]["schemas"]
    schemas.update(schema.pop("$defs"), Problem=schema)
    for own in ("HTTPValidationError", "ValidationError"):
        schemas.pop(own, None)
    for operations in openapi["paths"].values():
        for operation in operations.values():
            told = operation["responses"]
            general = OF_ALL | ({422} if "422" in told else set())
            general |= OF_BODIES if "requestBody" in operation else set()
            general |= {401, 403} if operation["security"] else set()
            told |= {str(status): found for status, found in responses(*sorted(general)).items()}
    return openapi


def problem_response(
    request: Request,
    status: int,
    detail: str,
    errors: Sequence[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Build the answer for one failure."""
    slug, title = TITLES.get(status, TITLES[400 if status < 500 else 500])
    problem = Problem(
        type=f"/problems/{slug}",
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=list(errors) if errors else None,
    )
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    return problem_response(request, error.status_code, str(error.detail), headers=headers)


def _allowed(request: Request) -> list[str]:
    """Methods of all operations at an address (RFC 9110 section 10.2.1); the router names those of one."""

    def takes(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(dict(scope))[0] is Match.FULL for route in request.app.routes)

    return [method for method in METHODS if takes(method)]


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    errors = [
        FieldProblem(pointer="/".join(str(part) for part in item["loc"]), code=item["type"], detail=item["msg"])
        for item in error.errors()
    ]
    detail = "; ".join(f"{item.pointer}: {item.detail}" for item in errors)
    return problem_response(request, 422, detail, errors)


async def _on_ours(request: Request, error: Exception) -> JSONResponse:
    status = next(status for cls, status in STATUS_OF.items() if isinstance(error, cls))
    retry_after_s = error.retry_after_s if isinstance(error, TooManyError) else 2
    headers = {"Retry-After": str(retry_after_s)} if status in {429, 503} else None
    return problem_response(request, status, str(error), headers=headers)


async def _on_mistakes(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SiteError)  # noqa: S101 - registered for this class only
    errors = [
        FieldProblem(pointer=item.field, code="mistake", detail=f"{item.message} -> {item.remedy}")
        for item in error.problems
    ]
    return problem_response(request, 422, str(error), errors)


async def _on_bug(request: Request, _error: Exception) -> JSONResponse:
    return problem_response(request, 500, "the error is in the service's log")


def install(app: FastAPI) -> None:
    """Answer every failure of this app with problem details."""
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(SiteError, _on_mistakes)
    for cls in STATUS_OF:
        app.add_exception_handler(cls, _on_ours)
    app.add_exception_handler(Exception, _on_bug)
