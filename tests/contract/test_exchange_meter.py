"""``exchange-meter``: what is recorded, and what is refused."""

from pathlib import Path

import pytest
from tests.support.histories import T0
from tests.support.manual_clock import ManualClock
from tests.support.sites import CheckingFactory, write_site

from cityhall_bms import site_reading
from cityhall_bms.adapters.postgres.event_log import PostgresEventLog
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.meter_cli import ExchangeRequest, record_exchange
from cityhall_bms.settings import DatabaseSettings, Settings

ENERGY = "TCH.B2.CN.CHC01.kWh"
COUNTER = f"{ENERGY},用電量,Energy,TCH.B2.CN.CHC01,kWh,CI,kWh,chiller-1,input:9,float32,,,,,,60,,\n"


async def test_an_exchange_is_recorded_in_local_time_by_its_name(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_site(tmp_path)
    with (folder / "points.csv").open("a", encoding="utf-8") as points:
        points.write(COUNTER)
    monkeypatch.setattr(site_reading, "find_factories", lambda: {"modbus": CheckingFactory()})
    settings, clock = Settings(database=DatabaseSettings(url=postgres_url)), ManualClock(T0)

    for point, at in (("TCH.B2.CN.CHC01.RunSts", "2026-07-01T07:30"), (ENERGY, "2026-07-01T08:30")):
        with pytest.raises(RefusedError):
            await record_exchange(folder, ExchangeRequest(point, at, 5.0, 0.0, "", ""), settings, clock)
    asked = ExchangeRequest(ENERGY, "2026-07-01T07:30", 84213.5, 0.25, "逾檢定年限", "王小明")
    await record_exchange(folder, asked, settings, clock)

    async with PostgresEventLog(postgres_url, clock) as events:
        [entry] = await events.read(0, stream=f"counter/{ENERGY}")
    assert (entry.type, entry.actor) == ("MeterExchanged", "王小明")
    assert entry.payload == {
        "point": ENERGY,
        "at": T0 - 30 * 60_000_000,
        "last_old": 84213.5,
        "first_new": 0.25,
        "reason": "逾檢定年限",
    }
