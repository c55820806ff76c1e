"""Counters and restatements over HTTP: quarantine, decisions, exchanges, estimates, what changed and why."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.support.api_rig import ApiRig, running_api
from tests.support.histories import HOUR, MINUTE, T0, logged

from cityhall_bms.api import cursors

ENERGY = "TCH.B2.CN.CHC01.kWh"
STATUS = "TCH.B2.CN.CHC01.RunSts"
COUNTER = f"{ENERGY},用電量,Energy,TCH.B2.CN.CHC01,kWh,CI,kWh,chiller-1,input:9,float32,,,,,,60,,\n"
FIRST_HOUR = {"from": "2026-07-01T00:00:00Z", "to": "2026-07-01T01:00:00Z"}
FELL_AT = "2026-07-01T00:10:00.000Z"
SAID = {"reason": "試"}


@pytest_asyncio.fixture
async def meter(postgres_url: str, tmp_path: Path) -> AsyncIterator[ApiRig]:
    """An hour and a half of readings; after ten minutes they fall from 505 to 300 and go on from there."""
    async with running_api(postgres_url, tmp_path / "site", COUNTER) as rig:
        number = rig.services.ids[ENERGY]
        for minute in range(90):
            reading = 500.0 + minute / 2 if minute < 10 else 300.0 + (minute - 10) / 2
            await rig.history.store([logged(minute + 1, [(number, T0 + minute * MINUTE, reading, 0)])])
        yield rig


async def ask(rig: ApiRig, path: str, **parameters: str) -> Any:
    answer = await rig.client.get(f"/api/v1{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def say(rig: ApiRig, word: str, point: str = ENERGY, **body: object) -> int:
    answer = await rig.client.post(f"/api/v1/counters/{point}/{word}", json={**SAID, **body})
    return answer.status_code


async def step_becomes(rig: ApiRig, state: str) -> dict[str, Any]:
    """The first hour's only step, once it has a state; the historian's work is done meanwhile."""
    async with asyncio.timeout(20):
        while True:
            await rig.history.recompute()
            [step] = (await ask(rig, f"/counters/{ENERGY}/steps", **FIRST_HOUR))["items"]
            if step["state"] == state:
                return dict(step)
            await asyncio.sleep(0.02)  # the projector works in another task


async def consumed(rig: ApiRig) -> float:
    answer = await ask(rig, f"/counters/{ENERGY}/consumption", **FIRST_HOUR, interval="1h")
    assert answer["method"] == ["measured"]
    return float(answer["v"][0])


async def test_a_doubtful_step_waits_is_decided_and_the_hour_is_restated(meter: ApiRig) -> None:
    [waiting] = (await ask(meter, "/counters/quarantine"))["items"]
    assert waiting == {
        "point": ENERGY, "before": "2026-07-01T00:09:00.000Z", "at": FELL_AT, "kind": "drop", "state": "quarantined",
        "from_value": 504.5, "to_value": 300.0, "counted": 0.0, "unit": "kWh",
    }  # fmt: skip
    assert await consumed(meter) == 29.0

    assert await say(meter, "decisions", at=FELL_AT, decision="accept") == 202
    assert (await step_becomes(meter, "accepted"))["counted"] == 300.0
    assert await consumed(meter) == 329.0
    assert (await ask(meter, "/counters/quarantine"))["items"] == []

    assert await say(meter, "exchanges", at=FELL_AT, last_old=504.75, first_new=299.75) == 202
    assert (await step_becomes(meter, "settled"))["kind"] == "exchange"
    assert await consumed(meter) == 29.5

    page = await ask(meter, "/restatements", point=ENERGY, limit="1")
    [newest] = page["items"]
    assert (newest["interval"], newest["begin"], newest["why"]) == ("1h", "2026-07-01T00:00:00.000Z", "decision")
    assert (newest["old"]["delta"], newest["new"]["delta"]) == (329.0, 29.5)
    assert newest["old"]["coverage"] == newest["new"]["coverage"] == 1.0
    [older] = (await ask(meter, "/restatements", point=ENERGY, cursor=page["next"]))["items"]
    assert (older["old"]["delta"], older["new"]["delta"]) == (29.0, 329.0)

    file = await meter.client.get(
        "/api/v1/exports/restatements.csv", params={"language": "en", "from": FIRST_HOUR["from"]}
    )
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [(row["Reason"], row["Point"], row["Old delta"], row["New delta"]) for row in rows] == [
        ("decision", ENERGY, "329", "29.5"),
        ("decision", ENERGY, "29", "329"),
    ]
    assert rows[0]["Interval begin (local)"] == "2026-07-01T08:00:00.000+08:00"


async def test_what_cannot_be_done_is_refused_with_its_reason(meter: ApiRig) -> None:
    assert await say(meter, "decisions", at="2026-07-01T00:20:00Z", decision="accept") == 404
    assert await say(meter, "decisions", at=FELL_AT, decision="perhaps") == 422
    assert await say(meter, "decisions", point=STATUS, at=FELL_AT, decision="accept") == 409
    assert await say(meter, "decisions", point="TCH.B2.CN.CHC01.Nothing", at=FELL_AT, decision="accept") == 404
    assert await say(meter, "exchanges", at="2199-07-01T00:00:00Z", last_old=1.0, first_new=0.0) == 409
    path = f"/api/v1/counters/{ENERGY}/consumption"
    many = await meter.client.get(
        path, params={"from": "2026-01-01T00:00:00Z", "to": "2026-07-01T00:00:00Z", "interval": "1m"}
    )
    assert many.status_code == 409
    for cursor in ("x", cursors.encode("-1"), cursors.encode(str(2**70))):
        assert (await meter.client.get("/api/v1/restatements", params={"cursor": cursor})).status_code == 400


async def test_pain_23_estimates_are_marked_and_never_covered(meter: ApiRig) -> None:
    number = meter.services.ids[ENERGY]
    after = [(number, T0 + 4 * HOUR + 30 * MINUTE, 300.0 + 260 / 2, 0)]
    await meter.history.store([logged(91, after)])

    hours = {"from": FIRST_HOUR["from"], "to": "2026-07-01T05:00:00Z", "interval": "1h"}
    plain = await ask(meter, f"/counters/{ENERGY}/consumption", **hours)
    linear = await ask(meter, f"/counters/{ENERGY}/consumption", **hours, estimate="linear")

    assert plain["v"][2:4] == [None, None]
    assert plain["method"] == ["measured", "measured", None, None, "measured"]
    assert linear["method"] == ["measured", "linear", "linear", "linear", "linear"]
    assert linear["q"] == ["good", *["uncertain"] * 4]
    assert linear["coverage"] == plain["coverage"]
    assert round(sum(linear["v"]), 6) == 29.0 + 60 / 2 + 60 / 2 + 60 / 2 + 30 / 2 + 0.5
