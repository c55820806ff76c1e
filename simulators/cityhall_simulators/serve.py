"""A whole simulated building in one process: faces, control interface, the passing of time."""

import asyncio
import contextlib
import ctypes
import gc
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Coroutine, Iterator
from datetime import datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import uvicorn

from cityhall_simulators.control import control_app
from cityhall_simulators.description import Building, load_building
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.faces.modbus import ModbusFace
from cityhall_simulators.faces.opcua import OpcUaFace
from cityhall_simulators.fault_desk import FaultDesk
from cityhall_simulators.free_ports import kept_ports
from cityhall_simulators.options import Options
from cityhall_simulators.runtime import City
from cityhall_simulators.scenarios import ScenarioPlayer
from cityhall_simulators.secrets_folder import ServerSecrets, write_secrets
from cityhall_simulators.site_folder import write_site

TICK_S: Final = 0.5
STEP_MAX_S: Final = 900.0
"""When plants live fast: what begins and ends within a tick must still have been."""
_TICK_MIN_S: Final = 0.02
"""Between two ticks brought forward by commands, so that a storm of writes cannot take the core."""
_CONTROL_HOST: Final = "127.0.0.1"
"""Whoever reaches the control interface can break the building: nobody from outside may, wherever devices listen."""
_PR_SET_PDEATHSIG: Final = 1


class Face(Protocol):
    """A port, or a device on its own port."""

    def start(self, host: str, port: int) -> Awaitable[None]: ...  # noqa: D102
    def stop(self) -> Awaitable[None]: ...  # noqa: D102
    def refresh(self) -> Awaitable[None]:
        """Show what the city has become."""
        ...


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent ends, however it ends. Linux only."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # It ended before the kernel knew of our wish.
        sys.exit(0)


def make_faces(building: Building, city: City, secrets: ServerSecrets) -> dict[str, Face]:
    """A face per port label."""
    faces: dict[str, Face] = {}
    for label in building.port_labels:
        devices = [device for device in building.devices if device.port == label]
        first = devices[0]
        if first.protocol == "modbus":
            faces[label] = ModbusFace(devices, city)
        elif first.protocol == "bacnet":
            faces[label] = BacnetFace(first, city)
        else:
            faces[label] = OpcUaFace(first, city, secrets if first.security != "none" else None)
    return faces


class PlantClock:
    """The one clock that all plants go by: it starts when it is made and runs ``speed`` times as fast as the real one.

    Its start is the real time and ``shift``.
    """

    def __init__(self, zone: ZoneInfo, shift: timedelta, speed: float) -> None:
        self._zone = zone
        self._start = datetime.now(zone) + shift
        self._began_s = time.monotonic()
        self._speed = speed

    def elapsed_s(self) -> float:
        """Plant seconds since the start."""
        return (time.monotonic() - self._began_s) * self._speed

    def after(self, elapsed_s: float) -> datetime:
        """Plant time so many plant seconds after the start."""
        return self._start + timedelta(seconds=elapsed_s)

    def real(self) -> datetime:
        """Wall clock, for records."""
        return datetime.now(self._zone)


async def serve(options: Options) -> None:
    """Write the site folder, serve until SIGTERM or SIGINT. :class:`OSError` when a port is taken."""
    building = load_building(options.site)
    with kept_ports(options.host, building.port_labels, options.base_port) as ports:
        await _serve(options, building, ports)


async def _serve(options: Options, building: Building, ports: dict[str, int]) -> None:
    write_site(options.folder, building, options.host, ports)
    secrets = await asyncio.to_thread(write_secrets, options.folder, options.host)
    clock = PlantClock(ZoneInfo(building.time_zone), options.shift, options.speed)
    city = City(building, options.seed, clock.after(0.0))
    desk = FaultDesk(city, clock.real, options.truth_file)
    faces = make_faces(building, city, secrets)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    control = _Control(uvicorn.Config(control_app(city, desk, options, ports), log_level="error", lifespan="off"))
    with socket.create_server((_CONTROL_HOST, options.control_port)) as listener:
        # As asyncio does for what it opens itself; else every answer waits 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for label, face in faces.items():
                await face.start(options.host, ports[label])
            # What the faces hold lasts as long as they do: a million objects, half a second for each full collection,
            # in which no device would answer.
            gc.freeze()
            ticking = _tick(city, clock, faces, ScenarioPlayer(options.strikes, desk))
            await _run(options, stop, listener, ticking, control)
        finally:
            for face in faces.values():
                with contextlib.suppress(OSError):
                    await face.stop()


async def _run(
    options: Options,
    stop: asyncio.Event,
    listener: socket.socket,
    ticking: Coroutine[None, None, None],
    control: uvicorn.Server,
) -> None:
    """Everything that goes on while the faces serve, until ``stop``."""
    async with asyncio.TaskGroup() as tasks:
        endless = tasks.create_task(ticking)
        tasks.create_task(control.serve(sockets=[listener]))
        while not control.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(_TICK_MIN_S)
        _announce(options, listener.getsockname()[1])
        await stop.wait()
        control.should_exit = True
        endless.cancel()


def _announce(options: Options, control_port: int) -> None:
    line = {"ready": True, "control": f"http://{_CONTROL_HOST}:{control_port}", "site": str(options.folder)}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class _Control(uvicorn.Server):
    """The web server without its own signal handlers: one place decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _tick(city: City, clock: PlantClock, faces: dict[str, Face], scenario: ScenarioPlayer) -> None:
    changed = asyncio.Event()
    city.on_change(changed.set)
    before_s = 0.0
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), TICK_S)
        changed.clear()
        now_s = clock.elapsed_s()
        while before_s < now_s:
            step_s = min(STEP_MAX_S, now_s - before_s)
            scenario.play(before_s + step_s)
            city.advance(clock.after(before_s + step_s), step_s)
            before_s += step_s
        for face in faces.values():
            await face.refresh()
        await asyncio.sleep(_TICK_MIN_S)
