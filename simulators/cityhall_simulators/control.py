"""The control interface on loopback: what runs, what is true, which faults are on."""

from collections.abc import Mapping
from dataclasses import asdict

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict

from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.faults import FAULTS, FaultTargetError
from cityhall_simulators.options import Options
from cityhall_simulators.runtime import City


class FaultOrder(BaseModel):
    """Body of ``PUT /faults/{name}``."""

    model_config = ConfigDict(extra="forbid")

    target: str | None = None


def control_app(city: City, desk: FaultDesk, options: Options, ports: Mapping[str, int]) -> FastAPI:
    """The application; it holds no state of its own."""
    app = FastAPI(title="Simulated city hall", openapi_url="/openapi.json")

    @app.get("/")
    async def status() -> dict[str, object]:
        return _status(city, desk, options, ports)

    @app.get("/truth")
    async def truth() -> dict[str, float]:
        return {point.name: float(city.truth[point.index]) for point in city.building.points}

    @app.get("/faults")
    async def faults() -> list[dict[str, object]]:
        return fault_table(desk)

    @app.put("/faults/{name}")
    async def switch_on(name: str, order: FaultOrder | None = None) -> list[dict[str, str]]:
        _known(name)
        try:
            return [asdict(fault) for fault in desk.on(name, order.target if order else None)]
        except FaultTargetError as error:
            raise HTTPException(422, str(error)) from error

    @app.delete("/faults/{name}")
    async def switch_off(name: str, target: str | None = None) -> list[dict[str, str]]:
        _known(name)
        try:
            return [asdict(fault) for fault in desk.off(name, target)]
        except FaultTargetError as error:
            raise HTTPException(422, str(error)) from error

    return app


def fault_table(desk: FaultDesk | None = None) -> list[dict[str, object]]:
    """Every fault with its texts, what it strikes, and where it is on."""
    active = desk.active if desk else []
    return [
        {
            "name": fault.name,
            "text_zh": fault.text.zh,
            "text_en": fault.text.en,
            "strikes": fault.reach.value,
            "default": fault.default,
            "rules": " ".join(fault.rules),
            "active": [on.target for on in active if on.name == fault.name],
        }
        for fault in FAULTS.values()
    ]


def _status(city: City, desk: FaultDesk, options: Options, ports: Mapping[str, int]) -> dict[str, object]:
    devices = [
        {"name": d.name, "protocol": d.protocol, "host": options.host, "port": ports[d.port], "points": len(d.points)}
        for d in city.building.devices
    ]
    return {
        "site": city.building.code,
        "plant_time": city.local.isoformat(),
        "speed": options.speed,
        "points": len(city.building.points),
        "devices": devices,
        "faults": [asdict(fault) for fault in desk.active],
    }


def _known(name: str) -> None:
    if name not in FAULTS:
        raise HTTPException(404, f"no fault is called {name!r}; there are: {', '.join(FAULTS)}")
