"""Demand over the interface: the running quarter hour, its stream, the peak calendar, and answers to proposals."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest_asyncio
from tests.support.api_rig import ME, ApiRig, eventually, read_events, running_api
from tests.support.histories import Row, logged

from cityhall_bms.domain.energy.shedding_events import SHEDDING_STREAM, SheddingProposed
from cityhall_bms.ports.event_log import Append

POWER, COUNTER = "TCH.B2.CN.CHC01.kW", "TCH.B2.CN.CHC01.kWh"
POINTS = f"""\
{POWER},功率,Power,TCH.B2.CN.CHC01,kW,AI,kW,chiller-1,input:209,float32,ABCD,,,0,8000,10,,
{COUNTER},用電量,Energy,TCH.B2.CN.CHC01,kWh,CI,kWh,chiller-1,input:211,uint32,ABCD,0.01,,,,60,,
"""
METERS = f"""\
[[meter]]
name = "MAIN"
commodity = "electricity"
text_zh = "總電表"
text_en = "Main meter"
point = "{COUNTER}"
"""
TARIFFS = """\
[billing]
meters = ["MAIN"]

[[contract]]
valid_from = 2025-10-01
tariff = "taipower-hv-three-stage"
regular_kw = 5000
"""
MINUTE = 60_000_000
QUARTER = 15 * MINUTE


@pytest_asyncio.fixture
async def rig(postgres_url: str, tmp_path: Path) -> AsyncIterator[ApiRig]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")
    (folder / "tariffs.toml").write_text(TARIFFS, encoding="utf-8")
    async with running_api(postgres_url, folder, POINTS) as running:
        yield running


async def test_the_running_quarter_hour_is_told_and_streamed(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await rig.measure(now, {POWER: (4200.0, 0), COUNTER: (100.0, 0)})
    watch = rig.services.energy.demand.watch
    await eventually(lambda: watch.sight is not None)
    answer = await rig.client.get("/api/v1/energy/demand")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [row["meter"] for row in told["meters"]] == ["supply", "MAIN"]
    assert told["limit_kw"] == 5000.0
    assert told["shed_from_kw"] == 4750.0
    assert told["state"] == "unknown", "three minutes are not known yet"
    assert told["headroom_kw"] is None
    assert told["meters"][0]["forecast_kw"] is None
    assert told["meters"][0]["source"] == "counter"
    [event] = await read_events(rig.client, "/api/v1/energy/demand/stream?meter=supply", 1)
    assert event["event"] == "demand"
    assert [row["meter"] for row in event["data"]["meters"]] == ["supply"]
    unknown = await rig.client.get("/api/v1/energy/demand/stream?meter=NONE")
    assert unknown.status_code == 404


async def test_after_a_start_history_tells_what_the_window_took(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    watch = rig.services.energy.demand.watch
    for minute in range(20, 0, -1):
        await rig.measure(now - minute * MINUTE, {POWER: (4800.0, 0)})
    track = await watch._warmed()
    watch.tick(track, rig.services.live.table)
    assert watch.sight is not None
    assert abs(watch.sight.now.forecast_kw[0] - 4800.0) < 1.0
    assert 0.95 <= watch.sight.share(0) < 0.97


async def test_the_peak_calendar_tells_months_periods_and_days(rig: ApiRig) -> None:
    zone = ZoneInfo("Asia/Taipei")
    today = datetime.now(UTC).astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today - timedelta(days=2), today - timedelta(days=1)]
    rows: list[Row] = []
    for number, day in enumerate(days):
        begin = int(day.timestamp()) * 1_000_000
        for quarter in range(96):
            kw = 5300.0 + 10.0 * number if quarter == 70 else 3000.0 + quarter
            rows += [
                (rig.services.ids[POWER], begin + quarter * QUARTER + third * 5 * MINUTE, kw, 0) for third in range(3)
            ]
    await rig.history.store([logged(1, rows, source="past")])
    first, last = days[0].date().isoformat(), today.date().isoformat()
    path = f"/api/v1/energy/demand/peaks?from={first}&to={last}"
    answer = await rig.client.get(path + "&top=2&provisional=true")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["meter"], told["source"]) == ("supply", "power")
    assert [day["peak"]["kw"] for day in told["days"]] == [5310.0, 5300.0]
    assert told["days"][0]["day"] == days[1].date().isoformat()
    assert told["months"][0]["peak"]["provisional"]
    periods = [part for month in told["months"] for part in month["periods"]]
    assert {part["limit_kw"] for part in periods} == {5000.0}
    assert max(part["over_kw"] or 0.0 for part in periods) == 310.0
    sure = (await rig.client.get(path)).json()
    assert all(month["peak"]["kw"] is None for month in sure["months"]), "two days are no month"
    backwards = await rig.client.get("/api/v1/energy/demand/peaks?from=2026-07-01&to=2026-06-01")
    assert backwards.status_code == 400
    assert (await rig.client.get(f"{path}&meter=NONE")).status_code == 404


async def test_a_proposal_is_answered_once(rig: ApiRig) -> None:
    address = "/api/v1/energy/demand/shedding"
    before = (await rig.client.get(address)).json()
    assert before["mode"] == "propose"
    assert {step["step"]: step["state"] for step in before["steps"]} == {
        "charging": "not_here", "zones": "not_here", "chillers": "not_here", "air_handlers": "not_here",
    }  # fmt: skip
    accept = {"accepted": True, "reason": "同意"}
    assert (await rig.client.post(f"{address}/answer", json=accept)).status_code == 409
    at = rig.services.clock.now()
    proposed = SheddingProposed(step="chillers", restore=False, at=at, forecast_kw=4800.0, limit_kw=5000.0)
    await rig.events.append([Append(SHEDDING_STREAM, [proposed], "demand")])
    assert (await rig.client.get(address)).json()["under_way"]["phase"] == "proposed"
    accepted = await rig.client.post(f"{address}/answer", json=accept)
    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["under_way"] | {"at": ""} == {
        "step": "chillers", "restore": False, "phase": "accepted", "by": ME, "at": "",
    }  # fmt: skip
    assert (await rig.client.post(f"{address}/answer", json=accept)).status_code == 409
