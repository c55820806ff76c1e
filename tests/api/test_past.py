"""The past as screens, reports and auditors ask for it: trends, time in state, the building then, why it rang."""

import asyncio

import pytest
from tests.support.api_rig import CHILLER, TRIP, ApiRig

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.alarms import AlarmRaised, stream_of
from cityhall_bms.domain.events import DeviceLost, DeviceRestored
from cityhall_bms.domain.quality import Quality
from cityhall_bms.ports.event_log import Append
from cityhall_bms.rules.book import fingerprint, keep_book
from cityhall_bms.rules.model import RULE_ADAPTER

SUPPLY = f"{CHILLER}.CHWS_T"
RUNS = f"{CHILLER}.RunSts"
MINUTE = 60_000_000
HOUR = 60 * MINUTE
WARM = {
    "id": "CHWS-HIGH", "version": 3, "priority": 2, "equipment_class": "Centrifugal_Chiller",
    "each": ["CHWS_T"], "condition": "POINT > 12 °C", "deadband": "0.5 K", "on_delay_s": 60.0, "when": "RunSts == 1",
    "text_zh": "冰水過熱", "text_en": "Chilled water too warm", "source": "test",
}  # fmt: skip


def whole_hour(rig: ApiRig) -> int:
    """A full hour of UTC, three to four hours ago."""
    return (rig.services.clock.now() // HOUR - 3) * HOUR


def between(begin: int, end: int) -> dict[str, str]:
    return {"from": to_rfc3339(begin) or "", "to": to_rfc3339(end) or ""}


async def test_figures_of_many_points_come_in_one_answer(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    for minute in range(0, 60, 5):
        await rig.measure(begin + minute * MINUTE, {SUPPLY: (minute / 10, 0), RUNS: (float(minute >= 30), 0)})
    asked = between(begin, begin + HOUR) | {"interval": "1h", "agg": "max"}

    both = await rig.client.get("/api/v1/history", params=asked | {"names": f"{RUNS},{SUPPLY}"})
    by_role = await rig.client.get("/api/v1/history", params=asked | {"role": "CHWS_T"})
    none = await rig.client.get("/api/v1/history", params=asked)
    short = await rig.client.get("/api/v1/history", params=asked | {"role": "CHWS_T", "interval": "10s"})

    assert both.status_code == 200, both.text
    assert [(item["point"], item["v"], item["coverage"]) for item in both.json()["points"]] == [
        (RUNS, [1.0], [1.0]),
        (SUPPLY, [5.5], [1.0]),
    ]
    assert [item["point"] for item in by_role.json()["points"]] == [SUPPLY]
    assert (none.status_code, short.status_code) == (400, 400)


async def test_demand_is_the_greatest_quarter_and_says_when(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    for quarter, value in enumerate((3.0, 9.0, 4.0, 1.0)):
        await rig.measure(begin + quarter * 15 * MINUTE, {SUPPLY: (value, 0)})

    asked = between(begin, begin + HOUR) | {"names": SUPPLY, "interval": "1mo"}
    answer = (await rig.client.get("/api/v1/history/demand", params=asked)).json()

    (column,) = answer["points"]
    assert max(value for value in column["v"] if value is not None) == 9.0
    assert to_rfc3339(begin + 15 * MINUTE) in column["at"]
    by_hour = await rig.client.get("/api/v1/history/demand", params=asked | {"interval": "1h"})
    assert by_hour.status_code == 400


async def test_a_trend_fits_the_screen_in_either_way(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    for minute in range(60):
        await rig.measure(begin + minute * MINUTE, {SUPPLY: (40.0 if minute == 33 else 7.0, 0)})

    asked = between(begin, begin + HOUR) | {"points": "20"}
    band = (await rig.client.get(f"/api/v1/points/{SUPPLY}/trend", params=asked)).json()
    line = (await rig.client.get(f"/api/v1/points/{SUPPLY}/trend", params=asked | {"method": "lttb"})).json()

    assert len(band["t"]) == 12
    assert band["interval"] == "5m"
    assert max(band["high"]) == 40.0
    assert band["low"] == [7.0] * 12
    assert line["high"] is None
    assert 40.0 in line["v"]
    assert len(line["v"]) <= 20
    endless = {"from": "1970-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z", "points": "3"}
    assert (await rig.client.get(f"/api/v1/points/{SUPPLY}/trend", params=endless)).status_code == 400


async def test_time_in_state_is_told_by_state_together_and_beyond_a_limit(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    for minute in range(0, 60, 10):
        await rig.measure(begin + minute * MINUTE, {RUNS: (float(minute >= 40), 0), SUPPLY: (float(minute), 0)})
    asked = between(begin, begin + HOUR) | {"interval": "1h"}

    states = (await rig.client.get(f"/api/v1/points/{RUNS}/durations", params=asked)).json()
    on = (await rig.client.get(f"/api/v1/points/{RUNS}/durations", params=asked | {"state": "1"})).json()
    warm = (await rig.client.get(f"/api/v1/points/{SUPPLY}/durations", params=asked | {"above": "25"})).json()
    mixed = await rig.client.get(f"/api/v1/points/{RUNS}/durations", params=asked | {"state": "1", "above": "0"})

    assert [(item["state"], item["text"]["en"], item["seconds"]) for item in states["states"]] == [
        (0.0, "Stopped", [2400.0]),
        (1.0, "Running", [1200.0]),
    ]
    assert [item["seconds"] for item in on["states"]] == [[1200.0]]
    assert [item["seconds"] for item in warm["states"]] == [[1800.0]]
    assert states["coverage"] == [1.0]
    assert mixed.status_code == 400


async def test_filled_gaps_say_so_and_counters_are_never_filled(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    await rig.measure(begin, {SUPPLY: (6.0, 0)})
    await rig.measure(begin + 45 * MINUTE, {SUPPLY: (9.0, 0)})
    asked = between(begin, begin + HOUR) | {"interval": "15m"}

    async def samples(**more: str) -> dict[str, object]:
        answer = await rig.client.get(f"/api/v1/points/{SUPPLY}/samples", params=asked | more)
        return {"status": answer.status_code} | answer.json()

    plain, line, held = await samples(), await samples(fill="linear"), await samples(fill="previous")

    assert (plain["v"], plain["fill"], plain["filled"]) == ([6.0, None, None, 9.0], "none", 0)
    assert (line["v"], line["q"]) == ([6.0, 7.0, 8.0, 9.0], ["good", "uncertain", "uncertain", "good"])
    assert (line["fill"], line["filled"]) == ("linear", 2)
    assert held["v"] == [6.0, 6.0, 6.0, 9.0]
    assert line["coverage"] == plain["coverage"]
    assert (await samples(fill="previous", agg="delta"))["status"] == 400
    assert (await samples(fill="zero"))["status"] == 422


async def test_what_was_recorded_later_does_not_count_as_known_before(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    await rig.measure(begin, {SUPPLY: (6.0, 0)})
    await rig.measure(begin + MINUTE, {SUPPLY: (8.0, 0)})

    path, asked = f"/api/v1/points/{SUPPLY}/samples", between(begin, begin + HOUR)
    then = {"as_known_at": to_rfc3339(begin + 30_000_000) or ""}
    assert (await rig.client.get(path, params=asked)).json()["v"] == [6.0, 8.0]
    known = (await rig.client.get(path, params=asked | then)).json()
    assert (known["v"], known["as_known_at"]) == ([6.0], then["as_known_at"])
    tomorrow = {"as_known_at": to_rfc3339(rig.services.clock.now() + HOUR) or ""}
    for question in (path, f"/api/v1/points/{SUPPLY}/trend", f"/api/v1/points/{SUPPLY}/durations"):
        assert (await rig.client.get(question, params=asked | tomorrow)).status_code == 400


async def test_the_building_as_it_stood(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    await rig.measure(begin, {SUPPLY: (6.0, 0), RUNS: (1.0, Quality.BAD_TIMEOUT)})
    await rig.measure(begin + 20 * MINUTE, {SUPPLY: (8.0, 0)})
    await rig.events.append([Append("device/chiller-1", [DeviceRestored("chiller-1", begin, 0.0)], "collector")])
    await rig.raise_alarm()
    ringing = rig.services.clock.now()
    await asyncio.sleep(0.002)
    await rig.client.post(f"/api/v1/alarms/{TRIP}/acknowledge", json={})
    await rig.events.append([Append("device/chiller-1", [DeviceLost("chiller-1", "no answer", begin)], "collector")])
    position = await rig.raise_alarm("OTHER~X", priority=1)

    async def state(at: int, **more: str) -> dict[str, object]:
        answer = await rig.client.get("/api/v1/state", params={"at": to_rfc3339(at) or ""} | more)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        points = found["points"]
        assert isinstance(points, dict)
        return found | dict(
            zip(points["names"], zip(points["v"], points["q"], points["reason"], strict=True), strict=True)
        )

    assert (await state(begin - 1000))[SUPPLY] == (None, "bad", "no_data")
    early = await state(begin + 30_000_000)
    assert (early[SUPPLY], early[RUNS]) == ((6.0, "good", None), (None, "bad", "timeout"))
    assert (early["alarms"], early["devices"], early["position"]) == ([], [], 0)
    assert (await state(begin + 2 * MINUTE))[SUPPLY] == (6.0, "uncertain", "stale")
    assert (await state(begin + 19 * MINUTE))[SUPPLY] == (None, "bad", "stale")
    assert (await state(begin + 20 * MINUTE))[SUPPLY] == (8.0, "good", None)
    known = await state(begin + 21 * MINUTE, as_known_at=to_rfc3339(begin + 10 * MINUTE) or "")
    assert known[SUPPLY] == (None, "bad", "stale")

    rang, later = await state(ringing), await state(rig.services.clock.now())
    assert [(item["id"], item["state"]) for item in rang["alarms"]] == [(TRIP, "UNACK")]  # type: ignore[attr-defined]
    assert [item["state"] for item in rang["devices"]] == ["online"]  # type: ignore[attr-defined]
    assert [(item["id"], item["state"], item["priority"]) for item in later["alarms"]] == [  # type: ignore[attr-defined]
        ("OTHER~X", "UNACK", 1),
        (TRIP, "ACKED", 2),
    ]
    assert [(item["state"], item["reason"]) for item in later["devices"]] == [("offline", "no answer")]  # type: ignore[attr-defined]
    assert later["position"] == position
    future = to_rfc3339(rig.services.clock.now() + HOUR) or ""
    assert (await rig.client.get("/api/v1/state", params={"at": future})).status_code == 400


async def test_the_state_now_is_what_the_live_table_shows(rig: ApiRig) -> None:
    now = rig.services.clock.now()
    await rig.measure(now - 4 * MINUTE, {SUPPLY: (6.0, 0), RUNS: (1.0, 0)})
    await rig.measure(now - 30_000_000, {RUNS: (0.0, 0)})
    shown = (await rig.client.get("/api/v1/points", params={"limit": 1000})).json()["items"]
    points = (await rig.client.get("/api/v1/state", params={"at": to_rfc3339(rig.services.clock.now()) or ""})).json()[
        "points"
    ]
    assert points["names"] == [item["name"] for item in shown]
    for column, field in (("v", "value"), ("q", "quality"), ("reason", "reason"), ("t", "observed_at")):
        assert points[column] == [item["present"][field] for item in shown]


async def test_why_an_alarm_rang_is_told_from_samples_to_words(rig: ApiRig) -> None:
    begin = whole_hour(rig)
    rule = RULE_ADAPTER.validate_python(WARM)
    await keep_book([rule], rig.events, rig.services.clock)
    for number, value in enumerate((11.0, 12.5, 13.0, 13.5)):
        await rig.measure(begin + number * 30_000_000, {SUPPLY: (value, 0), RUNS: (1.0, 0)})
    rang = begin + 90_000_000
    event = AlarmRaised(
        rule="CHWS-HIGH", rule_version=3, subject=SUPPLY, equipment=CHILLER, system="hvac", priority=2,
        text_zh="冰水過熱", text_en="Chilled water too warm", latching=False, occurrence=1, observed_at=rang,
        value=13.5, limit=12.0, unit="°C", telemetry_position=4,
    )  # fmt: skip
    name = f"CHWS-HIGH~{SUPPLY}"
    (entry,) = await rig.events.append([Append(stream_of(name), [event], "rules")])
    changed = RULE_ADAPTER.validate_python(WARM | {"version": 4, "condition": "POINT > 15 °C"})
    await keep_book([changed], rig.events, rig.services.clock)

    told = (await rig.client.get(f"/api/v1/explain/alarm/{name}")).json()

    assert told["raised"]["position"] == entry.position
    assert told["raised"]["hash"] == entry.hash.hex()
    assert told["telemetry_position"] == 4
    assert (told["rule"]["version"], told["rule"]["fingerprint"]) == (3, fingerprint(rule))
    definition = told["rule"]["definition"]
    assert (definition["condition"], definition["deadband"]) == ("POINT > 12 °C", "0.5 K")
    assert told["calendar"] is None
    supply, runs = told["inputs"]
    assert [(item["point"], item["part"], item["role"]) for item in (supply, runs)] == [
        (SUPPLY, "value", "CHWS_T"),
        (RUNS, "prerequisite", "RunSts"),
    ]
    assert supply["v"] == [12.5, 13.0, 13.5]
    assert supply["t"][supply["decided"]] == to_rfc3339(rang)
    assert "13.5" in told["why"]["zh"]
    assert "above its high limit of 12" in told["why"]["en"]
    assert "for 60 s" in told["why"]["en"]
    assert (await rig.client.get(f"/api/v1/explain/alarm/{name}?occurrence=2")).status_code == 404
    assert (await rig.client.get("/api/v1/explain/alarm/NO~X")).status_code == 404


async def test_an_alarm_from_before_the_book_is_told_without_its_rule(rig: ApiRig) -> None:
    await rig.raise_alarm()
    told = (await rig.client.get(f"/api/v1/explain/alarm/{TRIP}")).json()
    assert told["rule"] is None
    assert told["inputs"] == []
    assert told["why"] == {"zh": "冰水主機跳脫", "en": "Chiller tripped"}


@pytest.mark.parametrize("path", ["state?at=x", "state", "points/NO/trend", "points/NO/durations", "history?from=1"])
async def test_a_question_that_makes_no_sense_is_refused(rig: ApiRig, path: str) -> None:
    assert (await rig.client.get(f"/api/v1/{path}")).status_code == 422
