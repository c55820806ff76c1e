"""One simulated BACnet device of the small building on loopback, and a plain client to talk to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bacpypes3.apdu import ErrorRejectAbortNack
from bacpypes3.app import Application
from bacpypes3.local.device import DeviceObject
from bacpypes3.local.networkport import NetworkPortObject
from bacpypes3.pdu import Address
from tests.support.until import until

from cityhall_simulators.addresses import bacnet_map
from cityhall_simulators.description import Device, load_building
from cityhall_simulators.faces.bacnet import BacnetFace
from cityhall_simulators.free_ports import choose_ports
from cityhall_simulators.runtime import ActiveFault, City

BUILDING = load_building("small")
WORKING_MORNING = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Asia/Taipei"))
DEVICES = {d.name: d for d in BUILDING.devices if d.protocol == "bacnet"}


def new_city() -> City:
    """The building on a working morning."""
    return City(BUILDING, seed=5, local=WORKING_MORNING)


def strike(city: City, fault: str, device: str) -> None:
    """Put a device fault on without the table of faults, which a face does not know."""
    city._faults[fault, device] = ActiveFault(fault, device, "now")


def show(city: City, name: str, value: float) -> None:
    """Let a sensor show a value until the city moves on."""
    city.shown = city.shown.copy()
    city.shown[BUILDING.by_name[name].index] = value
    city.revision += 1


def move_on(city: City, seconds: float) -> None:
    """Let time pass."""
    city.advance(city.local + timedelta(seconds=seconds), seconds)


def address_of(name: str) -> tuple[int, str]:
    """Index and object of a point."""
    point = BUILDING.by_name[name]
    return point.index, bacnet_map(DEVICES[point.device])[point.index].text


@asynccontextmanager
async def client_app(kind: type[Application] = Application, **options: Any) -> AsyncIterator[Any]:
    """A client that asks once and waits 5 s for the answer."""
    port = choose_ports("127.0.0.1", ["client"], 0)["client"]
    device = DeviceObject(
        **{
            "objectIdentifier": ("device", 9),
            "objectName": "client",
            "vendorIdentifier": 999,
            "maxApduLengthAccepted": 1476,
            "apduTimeout": 5000,
            "numberOfApduRetries": 0,
        }
        | options
    )
    network = NetworkPortObject(f"127.0.0.1/24:{port}", objectIdentifier=("network-port", 1), objectName="port")
    app = kind.from_object_list([device, network])
    links = [link.server for link in app.link_layers.values()]
    await until(lambda: all(link.local_transport for link in links))
    try:
        yield app
    finally:
        app.close()


async def plain_client() -> AsyncIterator[Application]:
    """The same, to be made a fixture."""
    async with client_app() as app:
        yield app


@asynccontextmanager
async def served(city: City, device: Device) -> AsyncIterator[tuple[BacnetFace, Address]]:
    """The device, with its address."""
    port = choose_ports("127.0.0.1", ["device"], 0)["device"]
    face = BacnetFace(device, city)
    await face.start("127.0.0.1", port)
    try:
        yield face, Address(f"127.0.0.1:{port}")
    finally:
        await face.stop()


async def refused(call: Any) -> str:
    """How a request was refused; empty when it was not."""
    try:
        answer = await call
    except ErrorRejectAbortNack as error:
        return str(error)
    return str(answer) if isinstance(answer, ErrorRejectAbortNack) else ""
