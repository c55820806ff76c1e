"""``cityhall-bms discover``, ``import-ede``, ``import-holidays``, ``probe``: what they do, without the command line."""

import asyncio
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from cityhall_bms import site_reading
from cityhall_bms.adapters.installed_drivers import find_factories
from cityhall_bms.commissioning.draft import Draft, draft_site
from cityhall_bms.commissioning.ede import read_ede
from cityhall_bms.commissioning.holidays import calendar_csv, read_office_calendar
from cityhall_bms.commissioning.look import Look, discover, examine, explain
from cityhall_bms.domain.errors import CityHallError
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.capabilities import Examined, FoundDevice
from cityhall_bms.ports.clock import Clock
from cityhall_bms.ports.driver import BoundPoint, DriverFactory

ENCODINGS: Final = ("utf-8-sig", "cp1252")
"""Spreadsheets of Europe save EDE files in either."""
OFFICE_CALENDAR_ENCODINGS: Final = ("utf-8-sig", "cp950")
"""The government of Taiwan published its calendars as Big5, and does so as UTF-8 now."""


class CommissioningError(CityHallError):
    """A command that cannot be carried out; the text says what to do."""


def find_devices(protocol: str, where: str, folder: Path, within_s: float, clock: Clock) -> Draft:
    """Look for devices and write a draft site folder."""
    factory = _factory(protocol)
    _must_be_new(folder)
    out = _console()

    def show(device: FoundDevice) -> None:
        out.print(f"找到 found: {device.name}  {device.vendor} {device.model}  {len(device.points)} points")

    found = asyncio.run(discover(factory, where, clock, within_s, show))
    if not found:
        msg = f"找不到設備 no device answered at {where} within {within_s:g} s"
        raise CommissioningError(msg)
    return _write(draft_site(found), folder)


def import_ede(file: Path, states: Path | None, host: str, folder: Path) -> tuple[Draft, int]:
    """Write a draft site folder from an EDE file; gives it and how many objects were left out."""
    _must_be_new(folder)
    found, skipped = read_ede(file.name, _text(file), _text(states) if states else "", host)
    return _write(draft_site(found), folder), skipped


def import_holidays(files: Sequence[Path], out: Path) -> int:
    """Write a calendar file of a site from the government's office calendars; gives the number of its days."""
    if out.exists():
        msg = f"{out}: 檔案已存在 the file exists; name a new one with --out"
        raise CommissioningError(msg)
    days = [day for file in files for day in read_office_calendar(file.name, _text(file, OFFICE_CALENDAR_ENCODINGS))]
    twice = sorted(day.isoformat() for day, times in Counter(day.day for day in days).items() if times > 1)
    if twice:
        msg = f"同一天出現兩次 in two of the files: {', '.join(twice[:3])}; name each year once"
        raise CommissioningError(msg)
    out.write_text(calendar_csv(sorted(days, key=lambda day: day.day)), encoding="utf-8")
    return len(days)


def probe(site_folder: Path, device: str, role: str | None, clock: Clock, *, offline: bool) -> None:
    """Print how a device is read, and each of its points with its bytes and all that they could mean."""
    site = site_reading.read_site(site_folder)
    if device not in site.devices:
        msg = f"{site_folder}: 沒有設備 there is no device '{device}'; there are {', '.join(sorted(site.devices))}"
        raise CommissioningError(msg)
    described = [point for point in site.points_of(device) if role is None or point.role == role]
    if not described:
        msg = f"{device}: 沒有點位 no such point"
        raise CommissioningError(msg)
    points = [BoundPoint(number, point) for number, point in enumerate(described, 1)]
    factory = _factory(site.devices[device].protocol)
    if offline:
        look = explain(factory, site.devices[device], points, clock)
    else:
        look = asyncio.run(examine(factory, site.devices[device], points, clock))
    _show(look, _console())


def _factory(protocol: str) -> DriverFactory:
    factories = find_factories()
    if protocol not in factories:
        msg = f"沒有這個通訊協定 there is no protocol '{protocol}'; there are {', '.join(sorted(factories))}"
        raise CommissioningError(msg)
    return factories[protocol]


def _must_be_new(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder}: 資料夾不是空的 the folder is not empty; name a new one with --out"
        raise CommissioningError(msg)


def _write(draft: Draft, folder: Path) -> Draft:
    for name, text in draft.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return draft


def _text(file: Path, encodings: Sequence[str] = ENCODINGS) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        msg = f"{file}: {error.strerror or error}"
        raise CommissioningError(msg) from error
    for encoding in encodings[:-1]:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode(encodings[-1], "replace")


def _console() -> Console:
    """A console that shows brackets as they are: devices put anything into their names and addresses."""
    return Console(markup=False, emoji=False)


def _show(look: Look, out: Console) -> None:
    plan = Table("每隔 every", "請求 request", "點 points", "位元組 bytes", title="讀取計畫 Read plan")
    bytes_a_minute = line_share = 0.0
    for scan_s, requests in look.plan:
        for one in requests:
            plan.add_row(f"{scan_s:g} s", one.what, str(one.points), str(one.bytes))
            bytes_a_minute += one.bytes * 60.0 / scan_s
            line_share += (one.line_ms or 0.0) / 1e3 / scan_s
    out.print(plan)
    out.print(f"合計 in all: {bytes_a_minute / 60:.1f} bytes/s")
    if line_share:
        out.print(f"佔用線路 of the serial line: {line_share:.2%}, without the time that the device takes to answer")
    if look.points:
        table = Table("點位 point", "位址 address", "原始 raw", "數值 value", "品質 quality", "其他解讀 other readings")
        for seen in look.points:
            value = "" if math.isnan(seen.value) else f"{seen.value:g}"
            quality = Quality(seen.quality)
            said = " ".join(part for part in (quality.severity, quality.reason, seen.note) if part)
            table.add_row(seen.point, seen.address, seen.raw, value, said, _others(seen))
        out.print(table)


def _others(one: Examined) -> str:
    """The likelier readings first; a mark stands before those within the point's range."""
    shown = [f"{'*' if other.plausible else ' '} {other.encoding} = {other.value:g}" for other in one.candidates]
    return "\n".join(shown)
