"""Devices, and the site they belong to."""

from collections import Counter

from fastapi import APIRouter

from cityhall_bms.api import models
from cityhall_bms.api.problems import responses
from cityhall_bms.api.services import Services
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain import site
from cityhall_bms.domain.errors import NotFoundError
from cityhall_bms.ports.read_models import DeviceState

router = APIRouter(tags=["devices"])


@router.get("/devices", responses=responses(503))
async def list_devices(services: Services) -> models.Devices:
    """All devices, whether they answer, since when and why not."""
    states = await services.devices.states()
    points = Counter(point.device for point in services.site.points.values())
    return models.Devices(
        items=[
            _describe(device, states.get(name), services.endpoints.get(name, ""), points[name])
            for name, device in sorted(services.site.devices.items())
        ]
    )


@router.get("/devices/{name}/diagnostics", responses=responses(404, 503))
async def diagnose_device(name: str, services: Services) -> models.DeviceDiagnostics:
    """How a device fares at its collector: what was read and missed, and what its driver counts."""
    if name not in services.site.devices:
        msg = f"no device is named {name}; GET /api/v1/devices lists them"
        raise NotFoundError(msg)
    told = await services.diagnostics.of(name)
    now = to_rfc3339(services.clock.now())
    return models.DeviceDiagnostics(device=name, collector=told.collector, at=now, figures=dict(told.figures))


def _describe(device: site.Device, state: DeviceState | None, endpoint: str, points: int) -> models.Device:
    return models.Device(
        name=device.name,
        text=models.Text.of(device.text),
        protocol=device.protocol,
        endpoint=endpoint,
        state="online" if state and state.state == "online" else "offline" if state else "unknown",
        since=to_rfc3339(state.since) if state else None,
        reason=state.reason if state else "",
        points=points,
    )


@router.get("/site")
async def get_site(services: Services) -> models.Site:
    """The building, and its systems in the order in which they are shown."""
    described = services.site
    equipment = Counter(item.system for item in described.equipment.values())
    points = Counter(described.system_of(point) for point in described.points.values())
    return models.Site(
        code=described.code,
        text=models.Text.of(described.text),
        time_zone=described.time_zone,
        simulated=described.simulated,
        systems=[
            models.System(code=system, equipment=equipment[system], points=points[system])
            for system in site.System
            if equipment[system]
        ],
        floors=[models.PlaceName.of(floor) for floor in described.floors],
        zones=[models.PlaceName.of(zone) for zone in described.zones],
    )
