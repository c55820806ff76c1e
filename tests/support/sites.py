"""A small valid site folder, written by hand, which tests then break in one place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cityhall_bms.domain.site import Device, Point
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import ConfigProblem, Driver

SITE_TOML: Final = """\
[site]
code = "TCH"
name_zh = "市政大樓（模擬）"
name_en = "City hall (simulated)"
time_zone = "Asia/Taipei"
simulated = true

[[floors]]
code = "B2"
name_zh = "地下二樓"
name_en = "Basement 2"

[[floors]]
code = "01"
name_zh = "一樓"
name_en = "Ground floor"

[[zones]]
code = "CN"
name_zh = "中央北"
name_en = "Central north"

[[zones]]
code = "E"
name_zh = "東"
name_en = "East"
"""

EQUIPMENT_CSV: Final = """\
equipment,class,system,text_zh,text_en,fed_by,part_of
TCH.B2.CN.PLT01,Chilled_Water_System,hvac,冰水系統,Chilled water system,,
TCH.B2.CN.CHC01,Centrifugal_Chiller,hvac,一號冰水主機,Chiller 1,,TCH.B2.CN.PLT01
TCH.01.E.AHU01,Air_Handling_Unit,hvac,一號空調箱,Air handling unit 1,TCH.B2.CN.CHC01 TCH.B2.CN.PLT01,
"""

POINTS_CSV: Final = """\
name,text_zh,text_en,equipment,role,kind,unit,device,address,type,word_order,scale,offset,low,high,scan_s,deadband,states
TCH.B2.CN.CHC01.CHWS_T,冰水出水溫度,Leaving chilled water,TCH.B2.CN.CHC01,CHWS_T,AI,,chiller-1,,,,,,,,10,0.1,
TCH.B2.CN.CHC01.CHW_Flow,冰水流量,Chilled water flow,TCH.B2.CN.CHC01,CHW_Flow,AI,m3/h,chiller-1,,,,,,,400,10,,
TCH.B2.CN.CHC01.RunSts,運轉狀態,Run status,TCH.B2.CN.CHC01,RunSts,DI,,chiller-1,coil:0,bool,,,,,,1,,0=停止/Stopped;1=運轉/Running
TCH.01.E.AHU01.SAT,送風溫度,Supply air temperature,TCH.01.E.AHU01,SAT,AI,°C,ahu-1,"input:7",float32,CDAB,0.1,-10,-10,60,30,,
"""

CHILLER_TOML: Final = """\
[device]
protocol = "modbus"
text_zh = "一號離心機控制盤"
text_en = "Chiller 1 panel"
profile = "chiller"
timeout_s = 1.5
retry_min_s = 0.5
retry_max_s = 30.0

[modbus]
host = "127.0.0.1"
port = 5020
"""

AHU_TOML: Final = """\
[device]
protocol = "modbus"
text_zh = "一號空調箱控制盤"
text_en = "Air handling unit 1 panel"

[modbus]
host = "127.0.0.1"
port = 5021
"""

PROFILE_TOML: Final = """\
[profile]
protocol = "modbus"
text_en = "Centrifugal chiller 600 RT"
source = "written for tests"

[[point]]
role = "CHWS_T"
address = "input:100"
type = "float32"
word_order = "ABCD"
unit = "°C"
low = 0.0
high = 40.0

[[point]]
role = "CHW_Flow"
address = "input:{equipment}"
type = "int16"
scale = 0.5
low = 0.0
high = 500.0
"""

SITE_FILES: Final = {
    "site.toml": SITE_TOML,
    "equipment.csv": EQUIPMENT_CSV,
    "points.csv": POINTS_CSV,
    "devices/chiller-1.toml": CHILLER_TOML,
    "devices/ahu-1.toml": AHU_TOML,
    "profiles/chiller.toml": PROFILE_TOML,
}


def write_site(folder: Path) -> Path:
    """Write the small valid site into a folder and give it back."""
    for name, text in SITE_FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


class CheckingFactory:
    """A driver of which only the check works: it knows ``host`` and ``port``, and refuses one address used twice."""

    def check(self, device: Device, points: Sequence[Point]) -> list[ConfigProblem]:
        problems = [
            ConfigProblem(key, "unknown key", "did you mean 'port'?")
            for key in device.settings
            if key not in {"host", "port"}
        ]
        first: dict[str, str] = {}
        for point in points:
            if point.address in first:
                message = f"register {point.address} is also used by {first[point.address]}"
                problems.append(ConfigProblem("address", message, "give every point its own register", point.name))
            first.setdefault(point.address, point.name)
        return problems

    def endpoint(self, device: Device) -> str:
        return f"{device.settings['host']}:{device.settings['port']}"

    def create(self, device: Device, clock: Clock) -> Driver:
        raise NotImplementedError
