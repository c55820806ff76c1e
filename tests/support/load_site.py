"""A site folder of any size for tests and benchmarks under load: Modbus units full of air handling units.

The units are those of :mod:`tests.support.quick_modbus`, each on a loopback address of its own.
"""

from pathlib import Path
from typing import Final

from tests.support.sites import SITE_TOML

ROLES: Final = ("SAT", "SAT_SP", "RAT", "FltDP", "RunSts", "OccMode", "T1", "T2", "T3", "T4")
"""Points of one air handling unit; the shipped rules watch the first six."""
POINTS_PER_DEVICE_MAX: Final = 500
EQUIPMENT_HEAD: Final = "equipment,class,system,text_zh,text_en,fed_by,part_of"
POINTS_HEAD: Final = (
    "name,text_zh,text_en,equipment,role,kind,unit,device,address,type,word_order,scale,offset,low,high,scan_s,"
    "deadband,states"
)


def write_load_site(folder: Path, devices: int, points: int, scan_s: float, port: int) -> Path:
    """Write a site of ``devices`` units with ``points`` float32 each, read every ``scan_s``; gives the folder.

    The units take eight questions at a time, as gateways and newer controllers do.
    """
    assert points <= POINTS_PER_DEVICE_MAX
    assert points % len(ROLES) == 0
    (folder / "devices").mkdir(parents=True)
    (folder / "site.toml").write_text(SITE_TOML)
    equipment, rows = [EQUIPMENT_HEAD], [POINTS_HEAD]
    for number in range(devices):
        (folder / "devices" / f"d{number}.toml").write_text(_device(number, port))
        for place in range(points // len(ROLES)):
            unit = f"TCH.01.E.AHU{number:03}{place:02}"
            equipment.append(f"{unit},Air_Handling_Unit,hvac,空調箱,Air handling unit,,")
            first = place * len(ROLES)
            rows += [_point(unit, role, number, first + ordinal, scan_s) for ordinal, role in enumerate(ROLES)]
    (folder / "equipment.csv").write_text("\n".join(equipment) + "\n")
    (folder / "points.csv").write_text("\n".join(rows) + "\n")
    return folder


def _point(unit: str, role: str, device: int, register: int, scan_s: float) -> str:
    return f"{unit}.{role},點,point,{unit},{role},AI,,d{device},holding:{2 * register},float32,,,,,,{scan_s:g},,"


def _device(number: int, port: int) -> str:
    return (
        '[device]\nprotocol = "modbus"\ntext_zh = "控制器"\ntext_en = "Controller"\n'
        f'[modbus]\nhost = "127.3.{number // 250}.{number % 250 + 1}"\nport = {port}\npipeline_depth = 8\n'
    )
