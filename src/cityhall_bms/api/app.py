"""The web application: routes, errors, headers and the dashboard's files."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityhall_bms.api import (
    access,
    accounts,
    air_record,
    alarm_desk,
    alarm_feed,
    alarm_figures,
    alarm_sockets,
    alarms,
    audit,
    bookings,
    comfort,
    commands,
    commissioning,
    counters,
    devices,
    energy_baselines,
    energy_comparison,
    energy_demand,
    energy_enpi,
    energy_measures,
    energy_meters,
    energy_readings,
    energy_shedding,
    energy_targets,
    energy_tariffs,
    energy_vehicles,
    equipment,
    events,
    explain,
    exports,
    gaps,
    hand_over,
    health,
    history,
    indoor_air,
    label,
    maintenance,
    maintenance_patrol,
    maintenance_registers,
    notifications,
    permissions,
    permits,
    point_limits,
    points,
    problems,
    provider,
    questions,
    reports,
    restatements,
    rules,
    scenes,
    schedules,
    session,
    source,
    state,
    streams,
    suppressions,
    system,
    water,
)
from cityhall_bms.api.server import BODY_BYTES_MAX
from cityhall_bms.api.services import ApiServices
from cityhall_bms.api.stream_ends import StreamEnds

API_PREFIX: Final = "/api/v1"

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    # What no page of ours uses, so that a script that got in could not either.
    "Permissions-Policy": (
        "accelerometer=(), bluetooth=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
        "magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STRICT_TRANSPORT: Final = "max-age=31536000"
"""For a year nothing but TLS (RFC 6797); only said over TLS."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})


GUARDED: Final = [Depends(access.caller), Depends(questions.refuse_unknown)]
"""Every route passes here."""


def create_app(services: ApiServices, dashboard: Path | None = None) -> FastAPI:
    """Build the application over its services; ``dashboard`` is the folder of the built pages."""
    app = _routes()
    app.state.services = services
    app.add_middleware(StreamEnds)
    app.add_middleware(Guard)
    # A page of a stranger must not reach a service on loopback under a name of its own (DNS rebinding).
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(services.allowed_hosts))
    if dashboard is not None and (dashboard / "index.html").exists():
        app.frontend("/", directory=dashboard)
    return app


def openapi_document() -> dict[str, Any]:
    """OpenAPI description of the interface, as it is committed in ``web/openapi.json``."""
    return _routes().openapi()


# Streams and files first: their addresses would otherwise be taken for names of points, alarms and exports.
MODULES: Final = (
    streams,
    point_limits,
    commands,
    alarm_feed,
    alarm_sockets,
    points,
    source,
    history,
    devices,
    equipment,
    alarm_figures,
    alarms,
    alarm_desk,
    permits,
    suppressions,
    hand_over,
    audit,
    events,
    gaps,
    notifications,
    counters,
    restatements,
    commissioning,
    energy_tariffs,
    exports,
    reports,
    rules,
    energy_meters,
    energy_readings,
    energy_baselines,
    energy_comparison,
    energy_enpi,
    energy_measures,
    energy_targets,
    energy_demand,
    energy_shedding,
    state,
    explain,
    indoor_air,
    air_record,
    water,
    comfort,
    energy_vehicles,
    label,
    maintenance,
    maintenance_patrol,
    maintenance_registers,
    session,
    provider,
    accounts,
    schedules,
    scenes,
    bookings,
    system,
)


def _routes() -> FastAPI:
    app = FastAPI(
        title="cityhall_bms",
        version=version("cityhall-bms"),
        description="建築管理與遙測服務 / Building management and telemetry. Errors are RFC 9457 problem details.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API_PREFIX}/openapi.json",
        generate_unique_id_function=lambda route: route.name,
        max_body_size=BODY_BYTES_MAX,
    )
    for module in MODULES:
        app.include_router(module.router, prefix=API_PREFIX, dependencies=GUARDED)
    app.include_router(health.router, dependencies=GUARDED)
    problems.install(app)
    describe = app.openapi
    app.openapi = lambda: problems.document(permissions.described(describe()))  # type: ignore[method-assign]
    return app


class Guard:
    """Refuses changes that another site's page asks for, and tells browsers what our pages may do."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if request.method not in SAFE_METHODS and _is_foreign(request):
            refusal = problems.problem_response(request, 403, "a page of another site may not change anything here")
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = STRICT_TRANSPORT
                if scope["path"].startswith(API_PREFIX):
                    # Who uses this browser next shall find nothing of it.
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _is_foreign(request: Request) -> bool:
    """Whether a page of another site asks: browsers say so, old ones at least whose page it is."""
    if request.headers.get("sec-fetch-site") in FOREIGN_SITES:
        return True
    origin = request.headers.get("origin")
    # A header of no form is nobody's; it is compared, not read.
    return origin is not None and origin.partition("://")[2] != request.headers.get("host")
