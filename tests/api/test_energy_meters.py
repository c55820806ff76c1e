"""Figures of energy over real history: what meters counted, whether it adds up, and what changes them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api
from tests.support.histories import HOUR, MINUTE, T0, Row, logged

from cityhall_bms.api.times import to_rfc3339

MAIN, B, C = "TCH.B2.CN.PLT01.kWh", "TCH.B2.CN.CHC01.kWh", "TCH.01.E.AHU01.kWh"
POINTS = "".join(
    f"{name},用電量,Energy,{name.rpartition('.')[0]},kWh,CI,kWh,{device},input:{address},uint32,ABCD,0.01,,,,60,,\n"
    for name, device, address in ((MAIN, "chiller-1", 209), (B, "chiller-1", 211), (C, "ahu-1", 213))
)
METERS = """\
[[base_year]]
commodity = "electricity"
year = 2006

[[tenant]]
name = "bank"
text_zh = "銀行"
text_en = "Bank"
area_m2 = 48.0

[[meter]]
name = "MAIN"
commodity = "electricity"
text_zh = "總電表"
text_en = "Main meter"
point = "TCH.B2.CN.PLT01.kWh"

[[meter]]
name = "B"
commodity = "electricity"
text_zh = "銀行"
text_en = "Bank"
point = "TCH.B2.CN.CHC01.kWh"
part_of = "MAIN"
tenant = "bank"
zone = "CN"

[[meter]]
name = "C"
commodity = "electricity"
text_zh = "空調"
text_en = "Air conditioning"
point = "TCH.01.E.AHU01.kWh"
part_of = "MAIN"
floor = "01"

[[meter]]
name = "SUM"
commodity = "electricity"
text_zh = "合計"
text_en = "Sum"
expression = "(B + C) / 1000 * 1000"
"""
STEP = 5 * MINUTE
OF_A_DAY = 288
DAY = 24 * HOUR
MIDNIGHT = T0 + 16 * HOUR
"""2026-07-02 00:00 in Taipei."""
DAYS = 4
WINDOW = {"from": "2026-07-02T00:00:00+08:00", "to": "2026-07-06T00:00:00+08:00"}
PER_STEP = {MAIN: 3.0, B: 1.0, C: 2.0}
REGISTER = 2**32 * 0.01
"""Where a counter of 32 bits and two decimals rolls over."""

Reading = Callable[[str, int], float | None]
"""What a counter shows so many steps after the first midnight; none where nothing came."""


def shown(name: str, step: int) -> float | None:
    return 1_000.0 + PER_STEP[name] * step


def describe(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meters.toml").write_text(METERS, encoding="utf-8")


@asynccontextmanager
async def measured(url: str, folder: Path, reading: Reading) -> AsyncIterator[ApiRig]:
    """Four days of readings every five minutes, and one before them."""
    describe(folder)
    async with running_api(url, folder, POINTS) as rig:
        rows = rows_of(rig, reading, range(-1, DAYS * OF_A_DAY + 1))
        for day in range(-1, DAYS + 1):
            part = [row for row in rows if day * DAY <= row[1] - MIDNIGHT < (day + 1) * DAY]
            await rig.history.store([logged(day + 2, part)])
        await settle(rig)
        yield rig


def rows_of(rig: ApiRig, reading: Reading, steps: range) -> list[Row]:
    return [
        (rig.services.ids[name], MIDNIGHT + step * STEP, value, 0)
        for step in steps
        for name in PER_STEP
        if (value := reading(name, step)) is not None
    ]


async def settle(rig: ApiRig) -> None:
    """Work off what late samples left to do."""
    more = True
    while more:
        more = await rig.history.recompute()


async def ask(rig: ApiRig, path: str, **parameters: str) -> Any:
    by_day = {"interval": "1d"} if path.startswith("/energy/") else {}
    answer = await rig.client.get(f"/api/v1{path}", params={**WINDOW, **by_day, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def days(rig: ApiRig, **parameters: str) -> dict[str, tuple[list[float | None], list[float]]]:
    """Value and coverage of every meter by day."""
    answer = await ask(rig, "/energy/amounts", **parameters)
    return {column["meter"]: (column["v"], [round(c, 4) for c in column["coverage"]]) for column in answer["meters"]}


async def no_quarter_is_a_spike_or_below_zero(rig: ApiRig) -> None:
    for column in (await ask(rig, "/energy/amounts", interval="15m"))["meters"]:
        known = [value for value in column["v"] if value is not None]
        most = {"MAIN": 9.0, "B": 3.0, "C": 6.0, "SUM": 9.0}[column["meter"]]
        assert min(known) >= -1e-6, column["meter"]
        assert max(known) <= most + 1e-6, column["meter"]


async def restated(rig: ApiRig, since: str = "") -> list[Any]:
    """Figures that changed since; the clock of the rig is months ahead, so that loading completes some already."""
    told = (await ask(rig, "/restatements", limit="1000"))["items"]
    return [item for item in told if item["restated_at"] >= since]


async def restated_beyond_what_was_consumed(rig: ApiRig) -> list[Any]:
    return [
        item
        for item in await restated(rig)
        if not 0.0 <= item["new"]["delta"] <= 12.001 * PER_STEP[item["point"]] * (24 if item["interval"] == "1d" else 1)
    ]


FULL = [1.0] * DAYS


@pytest_asyncio.fixture
async def sound(postgres_url: str, tmp_path: Path) -> AsyncIterator[ApiRig]:
    async with measured(postgres_url, tmp_path / "site", shown) as rig:
        yield rig


async def test_days_of_all_meters_and_of_virtual_ones(sound: ApiRig) -> None:
    assert await days(sound) == {
        "MAIN": ([864.0] * DAYS, FULL), "B": ([288.0] * DAYS, FULL), "C": ([576.0] * DAYS, FULL),
        "SUM": ([864.0] * DAYS, FULL),
    }  # fmt: skip
    assert await days(sound, estimate="linear") == await days(sound)
    one = await ask(sound, "/energy/meters/SUM/amounts", interval="1h")
    assert one["meters"][0]["v"] == [36.0] * 24 * DAYS
    assert one["t"][0] == "2026-07-01T16:00:00.000Z"
    assert one["end"] == "2026-07-05T16:00:00.000Z"


async def test_the_tree_the_balance_tenants_and_places(sound: ApiRig) -> None:
    listed = (await sound.client.get("/api/v1/energy/meters")).json()
    assert [meter["name"] for meter in listed["items"]] == ["MAIN", "B", "C", "SUM"]
    assert listed["items"][0]["parts"] == ["B", "C"]
    assert listed["base_years"] == [{"commodity": "electricity", "year": 2006, "roc": 95}]

    [node] = (await ask(sound, "/energy/balance"))["nodes"]
    assert (node["meter"], node["own"], node["sum"]) == ("MAIN", [864.0] * DAYS, [864.0] * DAYS)
    assert node["residual_percent"] == [0.0] * DAYS
    assert node["verdict"] == ["balanced"] * DAYS

    [bank] = (await ask(sound, "/energy/tenants"))["tenants"]
    [total] = bank["totals"]
    assert (total["commodity"], total["v"], total["per_m2"]) == ("electricity", [288.0] * DAYS, [6.0] * DAYS)
    assert total["site_percent"] == [288.0 / 864.0 * 100.0] * DAYS

    places = await ask(sound, "/energy/places")
    assert {floor["code"]: [total["v"][0] for total in floor["totals"]] for floor in places["floors"]} == {
        "B2": [], "01": [576.0],
    }  # fmt: skip
    assert [total["meters"] for zone in places["zones"] if zone["code"] == "CN" for total in zone["totals"]] == [["B"]]


async def test_a_glitch_changes_nothing(postgres_url: str, tmp_path: Path) -> None:
    def glitching(name: str, step: int) -> float | None:
        return 0.0 if name == B and step == OF_A_DAY + 144 else shown(name, step)

    async with measured(postgres_url, tmp_path / "site", glitching) as rig:
        found = await days(rig)
        assert found["B"] == ([288.0] * DAYS, FULL)
        assert found["SUM"] == ([864.0] * DAYS, FULL)
        assert (await ask(rig, "/energy/balance"))["nodes"][0]["verdict"] == ["balanced"] * DAYS
        await no_quarter_is_a_spike_or_below_zero(rig)
        assert await restated_beyond_what_was_consumed(rig) == []


async def test_a_rollover_counts_on(postgres_url: str, tmp_path: Path) -> None:
    def rolling(name: str, step: int) -> float | None:
        if name != C:
            return shown(name, step)
        return (REGISTER - 301.0 + 2.0 * step) % REGISTER

    async with measured(postgres_url, tmp_path / "site", rolling) as rig:
        found = await days(rig)
        assert [round(value or 0.0, 6) for value in found["C"][0]] == [576.0] * DAYS
        assert found["SUM"][1] == FULL
        assert (await ask(rig, "/energy/balance"))["nodes"][0]["verdict"] == ["balanced"] * DAYS
        await no_quarter_is_a_spike_or_below_zero(rig)
        assert await restated_beyond_what_was_consumed(rig) == []


async def test_a_missing_day_is_unknown_and_estimated_only_on_request(postgres_url: str, tmp_path: Path) -> None:
    def silent(name: str, step: int) -> float | None:
        return None if name == C and 2 * OF_A_DAY <= step < 3 * OF_A_DAY else shown(name, step)

    async with measured(postgres_url, tmp_path / "site", silent) as rig:
        found = await days(rig)
        # The first reading after the silence is at midnight: the day after it lacks the five minutes before.
        assert found["C"] == ([576.0, 576.0, None, 574.0], [1.0, 1.0, 0.0069, 1.0])
        assert found["SUM"] == ([864.0, 864.0, None, 862.0], [1.0, 1.0, 0.0069, 1.0])
        assert found["MAIN"] == ([864.0] * DAYS, FULL)
        node = (await ask(rig, "/energy/balance"))["nodes"][0]
        assert node["residual"] == [0.0, 0.0, None, 2.0]
        assert node["verdict"] == ["balanced", "balanced", "unknown", "balanced"]
        assert node["unsure"] == [[], [], ["C"], []]
        await no_quarter_is_a_spike_or_below_zero(rig)

        answer = await ask(rig, "/energy/amounts", names="C,SUM", estimate="linear")
        c, both = answer["meters"]
        assert [round(value, 6) for value in c["v"]] == [576.0, 578.0, 576.0, 574.0]
        assert [round(value, 6) for value in c["estimated"]] == [0.0, 2.0, 576.0, 0.0]
        assert round(c["coverage"][2], 4) == 0.0069
        assert [round(value, 6) for value in both["v"]] == [864.0, 866.0, 864.0, 862.0]
        assert [round(value, 6) for value in both["estimated"]] == [0.0, 2.0, 576.0, 0.0]

        [place] = [floor for floor in (await ask(rig, "/energy/places"))["floors"] if floor["code"] == "01"]
        assert place["totals"][0]["v"] == [576.0, 576.0, None, 574.0]


async def test_a_meter_that_fell_silent_for_good_is_unknown_also_where_estimates_are_asked_for(
    postgres_url: str, tmp_path: Path
) -> None:
    def dead(name: str, step: int) -> float | None:
        return None if name == C and step >= 2 * OF_A_DAY else shown(name, step)

    async with measured(postgres_url, tmp_path / "site", dead) as rig:
        for estimate in ("none", "linear", "week_before"):
            found = await days(rig, estimate=estimate)
            assert found["C"] == ([576.0, 576.0, None, None], [1.0, 1.0, 0.0069, 0.0])
            assert found["SUM"][0] == [864.0, 864.0, None, None]
        assert (await ask(rig, "/energy/balance"))["nodes"][0]["unsure"] == [[], [], ["C"], ["C"]]


async def test_a_late_import_restates_what_was_told(postgres_url: str, tmp_path: Path) -> None:
    missing = range(OF_A_DAY + 144, OF_A_DAY + 216)

    def late(name: str, step: int) -> float | None:
        return None if name == B and step in missing else shown(name, step)

    async with measured(postgres_url, tmp_path / "site", late) as rig:
        before = await days(rig)
        assert before["B"] == ([288.0] * DAYS, [1.0, 0.7569, 1.0, 1.0])
        assert before["SUM"] == ([864.0] * DAYS, [1.0, 0.7569, 1.0, 1.0])
        assert (await ask(rig, "/energy/balance"))["nodes"][0]["verdict"][1] == "unknown"
        [total] = (await ask(rig, "/energy/tenants"))["tenants"][0]["totals"]
        assert (total["v"][1], total["provisional"][1]) == (None, False)
        [total] = (await ask(rig, "/energy/tenants", provisional="true"))["tenants"][0]["totals"]
        assert (total["v"][1], total["provisional"][1]) == (288.0, True)

        loaded_at = to_rfc3339(rig.services.clock.now()) or ""
        rows = [row for row in rows_of(rig, shown, missing) if row[0] == rig.services.ids[B]]
        await rig.history.store([logged(1_000, rows, recorded_at=MIDNIGHT + 20 * DAY)])
        await settle(rig)

        after = await days(rig)
        assert after["B"] == ([288.0] * DAYS, FULL)
        assert (await ask(rig, "/energy/balance"))["nodes"][0]["verdict"] == ["balanced"] * DAYS
        assert await days(rig, as_known_at="2026-07-10T00:00:00Z") == before
        changed = await restated(rig, loaded_at)
        assert {item["point"] for item in changed} == {B}
        [day] = [item for item in changed if item["interval"] == "1d"]
        assert (day["why"], day["old"]["delta"], day["new"]["delta"]) == ("late_data", 288.0, 288.0)
        assert (round(day["old"]["coverage"], 4), day["new"]["coverage"]) == (0.7569, 1.0)
        hours = [item for item in changed if item["interval"] == "1h"]
        # Six hours had nothing; the one in which the counter was heard again lacked five minutes.
        assert sorted((item["old"]["delta"] or 0.0, item["new"]["delta"]) for item in hours) == [(0.0, 12.0)] * 6 + [
            (11.0, 12.0)
        ]
        await no_quarter_is_a_spike_or_below_zero(rig)


async def test_mistakes_are_told(sound: ApiRig) -> None:
    async def status(path: str, **parameters: str) -> int:
        return (await sound.client.get(f"/api/v1/energy{path}", params={**WINDOW, **parameters})).status_code

    assert (await sound.client.get("/api/v1/energy/meters/NONE")).status_code == 404
    assert await status("/amounts", names="MAIN,NONE") == 404
    assert await status("/amounts", interval="7m") == 400
    assert await status("/balance", meter="NONE") == 404
    assert await status("/amounts", as_known_at="2026-07-10T00:00:00Z", estimate="linear") == 409
    assert (await sound.client.get("/api/v1/energy/amounts")).status_code == 422


async def test_a_site_without_meters_answers_with_nothing(rig: ApiRig) -> None:
    assert (await rig.client.get("/api/v1/energy/meters")).json() == {"items": [], "base_years": []}
    assert (await ask(rig, "/energy/amounts"))["meters"] == []
    assert (await ask(rig, "/energy/balance"))["nodes"] == []
    assert (await ask(rig, "/energy/tenants"))["tenants"] == []
    assert {place["code"]: place["totals"] for place in (await ask(rig, "/energy/places"))["floors"]} == {
        "B2": [], "01": [],
    }  # fmt: skip
