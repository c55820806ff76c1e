"""Whether the service is alive, ready and how it is doing."""

from collections.abc import Awaitable
from ipaddress import ip_address

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from cityhall_bms.api import models
from cityhall_bms.api.access import NOT_SIGNED_IN, identify
from cityhall_bms.api.problems import problem_response, responses
from cityhall_bms.api.services import ApiServices, Services
from cityhall_bms.domain.errors import CityHallError, NotSignedInError

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", response_model=models.Status, responses=responses(503))
async def readyz(services: Services, request: Request) -> models.Status | JSONResponse:
    """Every part behind the API answers; 503 names those that do not."""
    found = await checks(services)
    failing = {name: state for name, state in found.items() if state != "ok"}
    if failing:
        detail = "; ".join(f"{name}: {state}" for name, state in failing.items())
        return problem_response(request, 503, detail, headers={"Retry-After": "2"})
    return models.Status(status="ok", checks=found)


async def checks(services: ApiServices) -> dict[str, str]:
    """`ok`, or what is wrong, of every part behind the API."""
    return {
        "live": "ok" if services.live.ready else "no snapshot of values yet",
        "feed": "ok" if services.feed.ready else "the alarm feed has not started",
        "event_log": await _answer(services.events.end()),
        "telemetry_log": await _answer(services.telemetry.end()),
    }


async def _answer(question: Awaitable[object]) -> str:
    try:
        await question
    except CityHallError as error:
        return str(error) or type(error).__name__
    return "ok"


@router.get("/metrics", include_in_schema=True, response_class=Response, responses=responses(401))
async def metrics(services: Services, request: Request) -> Response:
    """Figures for Prometheus: open to this very machine where the settings say so, else for a session or token."""
    if not (services.access.metrics_open_on_loopback and _is_loopback(request)) and await identify(request) is None:
        raise NotSignedInError(NOT_SIGNED_IN)
    body, content_type = services.metrics()
    return Response(body, media_type=content_type)


def _is_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
