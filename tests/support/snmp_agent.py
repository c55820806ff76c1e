"""A real SNMP agent in its own process: v2c and v3, scripted over its standard input. It shares no code with the driver.

``python -m tests.support.snmp_agent PORT`` prints ``ready``, then takes a line of JSON per order and answers ``done``.
"""

import asyncio
import json
import select
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto import rfc1902
from pysnmp.proto.api import v2c
from pysnmp.proto.rfc1905 import endOfMibView, noSuchInstance, noSuchObject
from pysnmp.smi import error, instrum

from cityhall_bms.domain.site import Device, Encoding, Point, PointKind, Text

COMMUNITY = "correct-horse"
USERS = {
    "sha-aes": (config.USM_AUTH_HMAC96_SHA, config.USM_PRIV_CFB128_AES),
    "sha256-aes256": (config.USM_AUTH_HMAC192_SHA256, config.USM_PRIV_CFB256_AES_BLUMENTHAL),
    "sha512-aes256c": (config.USM_AUTH_HMAC384_SHA512, config.USM_PRIV_CFB256_AES),
    "sha256-only": (config.USM_AUTH_HMAC192_SHA256, config.USM_PRIV_NONE),
}
AUTH_SECRET, PRIV_SECRET = "battery-staple", "horse-battery"
CONTEXT = "plant"

Oid = tuple[int, ...]
Value = tuple[str, Any]
"""Name of an SNMP type (``Gauge32``), and what is in it."""
ABSENT = {"noSuchObject": noSuchObject, "noSuchInstance": noSuchInstance}


def oid(text: str) -> Oid:
    return tuple(int(part) for part in text.split("."))


class Objects(instrum.AbstractMibInstrumController):
    """What the agent holds, and how it misbehaves."""

    def __init__(self) -> None:
        self.values: dict[Oid, Value] = {}
        self.too_big = 10_000
        self.broken: set[Oid] = set()
        self.wrong_name = False
        self.requests = 0

    def read_variables(self, *var_binds: Any, **_: Any) -> list[Any]:
        self.requests += 1
        if len(var_binds) > self.too_big:
            raise error.TooBigError(idx=0)
        for index, (name, _value) in enumerate(var_binds):
            if tuple(name) in self.broken:
                raise error.GenError(name=name, idx=index)
        found = [(name, self.value(tuple(name))) for name, _ in var_binds]
        return [(rfc1902.ObjectName((*name, 9)), value) for name, value in found] if self.wrong_name else found

    def read_next_variables(self, *var_binds: Any, **_: Any) -> list[Any]:
        names = sorted(self.values)
        out = []
        for name, _value in var_binds:
            place = bisect_right(names, tuple(name))
            if place == len(names):
                out.append((name, endOfMibView))
            else:
                out.append((rfc1902.ObjectName(names[place]), self.value(names[place])))
        return out

    def value(self, name: Oid) -> Any:
        kind, content = self.values.get(name, ("noSuchInstance", None))
        if kind in ABSENT:
            return ABSENT[kind]
        if kind == "OctetString" and isinstance(content, list):
            return v2c.OctetString(bytes(content))
        return getattr(v2c, kind)(content)


def obey(objects: Objects, order: dict[str, Any]) -> str:
    """Take an order; give the answer."""
    for name, value in order.get("set", {}).items():
        objects.values[oid(name)] = (value[0], value[1])
    for name in order.get("remove", ()):
        objects.values.pop(oid(name), None)
    objects.broken = {oid(name) for name in order["broken"]} if "broken" in order else objects.broken
    objects.too_big = order.get("too_big", objects.too_big)
    objects.wrong_name = order.get("wrong_name", objects.wrong_name)
    requests, objects.requests = objects.requests, 0
    return json.dumps({"requests": requests})


async def serve(port: int, engine_id: str) -> None:
    snmp = engine.SnmpEngine(snmpEngineID=v2c.OctetString(hexValue=engine_id))
    config.add_transport(snmp, udp.DOMAIN_NAME, udp.UdpTransport().open_server_mode(("127.0.0.1", port)))
    config.add_v1_system(snmp, "area", COMMUNITY)
    config.add_vacm_user(snmp, 2, "area", "noAuthNoPriv", (1, 3, 6), (1, 3, 6))
    for user, (auth, priv) in USERS.items():
        secret = PRIV_SECRET if priv != config.USM_PRIV_NONE else None
        config.add_v3_user(snmp, user, auth, AUTH_SECRET, priv, secret)
        level = "authPriv" if secret else "authNoPriv"
        for name in ("", CONTEXT):
            config.add_vacm_user(snmp, 3, user, level, (1, 3, 6), (1, 3, 6), contextName=name)
    objects = Objects()
    served = context.SnmpContext(snmp)
    served.unregister_context_name(b"")
    served.register_context_name(b"", objects)
    served.register_context_name(CONTEXT.encode(), objects)
    cmdrsp.GetCommandResponder(snmp, served)
    cmdrsp.NextCommandResponder(snmp, served)
    cmdrsp.BulkCommandResponder(snmp, served)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        sys.stdout.write(obey(objects, json.loads(line)) + "\n")
        sys.stdout.flush()


class SnmpAgent:
    """The process; ``kill`` is ``kill -9``. What it was told to hold it holds again after ``start``."""

    def __init__(self, port: int, engine_id: str) -> None:
        self.port = port
        self.engine_id = engine_id
        self._process: subprocess.Popen[str] | None = None
        self._held: dict[str, Value] = {}

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.support.snmp_agent", str(self.port), self.engine_id]
        self._process = subprocess.Popen(
            command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._line() == "ready"
        self.order(set=self._held)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def set(self, values: Mapping[str, Value]) -> None:
        self._held |= values
        self.order(set=values)

    def order(self, **order: object) -> dict[str, int]:
        """Tell the agent what to do; give how many requests it has answered since it was last told something."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, int] = json.loads(self._line())
        return answer

    def behave(self) -> None:
        """Take back every misbehaviour."""
        self.order(broken=[], too_big=10_000, wrong_name=False)

    def clear(self) -> None:
        """Hold nothing, and behave."""
        self.order(remove=list(self._held))
        self._held.clear()
        self.behave()

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], 30.0)[0], "the agent says nothing"
        return self._process.stdout.readline().strip()


@contextmanager
def snmp_agent(
    port: int, values: Mapping[str, Value], engine_id: str = "80004fb805636974790001"
) -> Iterator[SnmpAgent]:
    agent = SnmpAgent(port, engine_id)
    agent.start()
    try:
        agent.set(values)
        yield agent
    finally:
        agent.kill()


def secret(folder: Path, name: str, text: str) -> str:
    """Write a secret of a site; give its name in the site folder."""
    path = folder / "secrets" / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_text(f"{text}\n")
    path.chmod(0o600)
    return f"secrets/{name}"


def community(folder: Path, text: str = COMMUNITY) -> dict[str, object]:
    return {"community_file": secret(folder, "community.txt", text)}


def user_account(
    folder: Path, user: str, auth: str, priv: str | None, secrets: tuple[str, str] = (AUTH_SECRET, PRIV_SECRET)
) -> dict[str, object]:
    """Settings of a device that is spoken to by version 3."""
    settings: dict[str, object] = {"version": "3", "user": user, "auth": auth}
    settings["auth_password_file"] = secret(folder, "auth.txt", secrets[0])
    if priv is not None:
        settings |= {"priv": priv, "priv_password_file": secret(folder, "priv.txt", secrets[1])}
    return settings


def snmp_device(port: int, folder: Path | str = "", timeout_s: float = 1.0, **settings: object) -> Device:
    return Device(
        "ups",
        Text("不斷電系統", "UPS"),
        "snmp",
        {"host": "127.0.0.1", "port": port, **settings},
        timeout_s=timeout_s,
        folder=str(folder),
    )


def snmp_point(address: str, role: str = "X", scan_s: float = 1.0, **encoding: Any) -> Point:
    return Point(
        name=f"TCH.B1.E.UPS01.{role}",
        text=Text("點", "Point"),
        equipment="TCH.B1.E.UPS01",
        role=role,
        kind=PointKind.AI,
        unit="",
        device="ups",
        address=address,
        encoding=Encoding(**encoding),
        low=None,
        high=None,
        scan_s=scan_s,
    )


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
