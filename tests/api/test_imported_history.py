"""Imported history is history: the interface and the CSV give it like live data, and nothing rings for the past."""

import csv
import io
import struct
from typing import Any

from tests.support.api_rig import ApiRig
from tests.support.history_folders import GOLDEN, GOLDEN_FIRST_US, GOLDEN_POINTS, HOUR_US, golden_days

from cityhall_bms.adapters.history_folder import open_history
from cityhall_bms.adapters.postgres.history_import import PostgresImport
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.historian.importing import import_history

WINDOW = {"from": to_rfc3339(GOLDEN_FIRST_US), "to": to_rfc3339(GOLDEN_FIRST_US + 48 * HOUR_US)}
SUPPLY, FLOW, _ = GOLDEN_POINTS


async def load_golden(rig: ApiRig) -> None:
    services = rig.services
    file = open_history(GOLDEN, services.site, services.ids)
    async with PostgresImport.open(rig.dsn, services.clock, services.site.time_zone) as store:
        await import_history(file, store, rig.events)


async def asked(rig: ApiRig, **question: str) -> dict[str, Any]:
    answer = await rig.client.get(f"/api/v1/points/{SUPPLY}/samples", params=WINDOW | question)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_samples_and_figures_of_an_imported_point_are_those_of_the_file(rig: ApiRig) -> None:
    await load_golden(rig)
    expected = [moment[0] for day in golden_days() for moment in day]

    assert (await asked(rig))["v"] == expected
    hours = await asked(rig, interval="1h")
    assert (hours["v"], hours["coverage"]) == (expected, [1.0] * 48)
    assert (await asked(rig, interval="1d", agg="delta"))["v"] == [23.0, 24.0]


async def test_the_csv_of_an_imported_point_reads_back_to_the_bit(rig: ApiRig) -> None:
    await load_golden(rig)

    answer = await rig.client.get("/api/v1/exports/samples.csv", params=WINDOW | {"points": FLOW, "language": "en"})

    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8").removeprefix("\ufeff"))))
    values = [None if row["Value"] == "" else struct.pack("<d", float(row["Value"])) for row in rows]
    expected = [moment[1] for day in golden_days() for moment in day]
    assert values == [None if value is None else struct.pack("<d", value) for value in expected]
    assert {row["Quality reason"] for row in rows if row["Value"] == ""} == {"device_fault"}


async def test_the_event_log_says_what_was_imported_and_no_alarm_does(rig: ApiRig) -> None:
    await load_golden(rig)

    events = (await rig.client.get("/api/v1/events", params={"stream": "history/"})).json()["items"]
    assert [(event["type"], event["payload"]["provenance"]) for event in events] == [("HistoryImported", "simulated")]
    assert events[0]["payload"]["samples"] == 48 * 3
    assert await rig.telemetry.end() == 0
