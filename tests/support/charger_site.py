"""A charger and a fire panel on one Modbus server, as a site folder; the server takes writes and keeps account of them."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.modbus_server import ModbusServer, Request
from tests.support.sites import SITE_TOML

LIMIT: Final = "TCH.01.E.EVSE01.LimitA"
RESET: Final = "TCH.01.E.FACP01.Reset"
WRITE_REGISTER, WRITE_COIL, LIMIT_REGISTER, RESET_COIL = 6, 5, 0, 0
FILES: Final = {
    "site.toml": SITE_TOML,
    "equipment.csv": """\
equipment,class,system,text_zh,text_en,fed_by,part_of
TCH.01.E.EVSE01,Electric_Vehicle_Charging_Station,parking,一號充電樁,Charger 1,,
TCH.01.E.FACP01,Fire_Alarm_Control_Panel,fire,火警受信總機,Fire panel,,
""",
    "commanding.toml": "[times]\nbetween_writes_s = 1.0\n",
    "points.csv": f"""\
name,text_zh,text_en,equipment,role,kind,unit,device,address,type,word_order,scale,offset,low,high,scan_s,deadband,states
{LIMIT},電流上限,Limit,TCH.01.E.EVSE01,LimitA,AO,A,charger-1,holding:0,uint16,,,,0,32,1,,
{RESET},復歸,Reset,TCH.01.E.FACP01,Reset,DO,,panel-1,coil:0,bool,,,,,,1,,
""",
}


def write_charger_site(folder: Path, port: int) -> Path:
    """Write the folder; both devices are units of the server at ``port``."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "devices").mkdir()
    for unit, name in enumerate(("charger-1", "panel-1"), 1):
        (folder / "devices" / f"{name}.toml").write_text(
            f'[device]\nprotocol = "modbus"\ntext_zh = "{name}"\ntext_en = "{name}"\ntimeout_s = 0.5\n'
            f'retry_min_s = 0.1\nretry_max_s = 1.0\n\n[modbus]\nhost = "127.0.0.1"\nport = {port}\nunit_id = {unit}\n',
            encoding="utf-8",
        )
    return folder


def charger_server() -> ModbusServer:
    """The two units, whose registers can be written."""
    server = ModbusServer({(1, 3): {LIMIT_REGISTER: 32}, (2, 1): {RESET_COIL: 0}})
    server.habits = {1: taking(lambda: None), 2: taking(lambda: None)}
    return server


def lying(server: ModbusServer, request: Request) -> bytes | None:
    """Say yes to a write, and keep what there was."""
    return request.frame(request.pdu) if request.function == WRITE_REGISTER else server.right_answer(request)


def deaf(server: ModbusServer, request: Request) -> bytes | None:
    """Answer no write, and take none."""
    return None if request.function == WRITE_REGISTER else server.right_answer(request)


def refusing(server: ModbusServer, request: Request) -> bytes | None:
    """Turn every write down."""
    return request.exception(3) if request.function == WRITE_REGISTER else server.right_answer(request)


def taking(then: Callable[[], object], *, answers: bool = True) -> Callable[[ModbusServer, Request], bytes | None]:
    """Take writes of one register or coil; ``then`` is called when one was taken, before it is answered."""

    def habit(server: ModbusServer, request: Request) -> bytes | None:
        if request.function not in {WRITE_REGISTER, WRITE_COIL}:
            return server.right_answer(request)
        value = struct.unpack(">H", request.pdu[3:5])[0]
        table = 3 if request.function == WRITE_REGISTER else 1
        server.registers.setdefault((request.unit, table), {})[request.start] = value
        then()
        return request.frame(request.pdu) if answers else None

    return habit


def writes(server: ModbusServer) -> list[tuple[int, int, int]]:
    """Unit, function and value of every write that reached the server."""
    kinds = {WRITE_COIL, WRITE_REGISTER, 15, 16, 22, 23}
    return [(one.unit, one.function, one.count) for one in server.requests if one.function in kinds]
