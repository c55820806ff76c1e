"""The CSV that auditors take."""

import csv
import io

import asyncpg
from tests.support.api_rig import CHILLER, ApiRig

from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.quality import Quality

SUPPLY, RUNS = f"{CHILLER}.CHWS_T", f"{CHILLER}.RunSts"


async def test_the_file_is_what_excel_and_auditors_expect(rig: ApiRig) -> None:
    start = 1_782_864_000_000_000  # 2026-07-01 00:00 UTC, 08:00 in Taipei
    await rig.measure(start, {SUPPLY: (7.25, Quality.GOOD), RUNS: (1.0, Quality.GOOD)})
    await rig.measure(start + 1_000_000, {SUPPLY: (float("nan"), Quality.BAD_DEVICE_LOST)})

    answer = await rig.client.get(
        "/api/v1/exports/samples.csv",
        params={
            "points": f"{SUPPLY},{RUNS}",
            "from": to_rfc3339(start),
            "to": to_rfc3339(start + 60_000_000),
            "language": "en",
        },
    )

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    text = answer.content.decode("utf-8")
    assert text.startswith("\ufeff")
    assert text.count("\r\n") == text.count("\n") == 4
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(row["Point"], row["Value"], row["Unit"]) for row in rows] == [
        (SUPPLY, "7.25", "°C"),
        (RUNS, "1", ""),
        (SUPPLY, "", "°C"),
    ]
    assert rows[0]["Local time"].startswith("2026-07-01T08:00:00")
    assert rows[0]["Local time"].endswith("+08:00")
    assert rows[0]["ROC date"] == "115-07-01"
    assert rows[0]["Quality"] == "good"
    assert (rows[2]["Quality"], rows[2]["Quality reason"]) == ("bad", "device_lost")


async def test_an_empty_period_is_a_file_with_its_heading(rig: ApiRig) -> None:
    answer = await rig.client.get(
        "/api/v1/exports/samples.csv",
        params={"points": SUPPLY, "from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"},
    )

    assert answer.status_code == 200
    assert answer.content.decode("utf-8").startswith("\ufeff時間")


async def test_a_database_that_is_away_is_an_error_not_an_empty_file(rig: ApiRig) -> None:
    await rig.measure(rig.services.clock.now(), {SUPPLY: (7.0, Quality.GOOD)})
    connection = await asyncpg.connect(rig.dsn)
    await connection.execute("ALTER TABLE scan RENAME TO scan_away")
    await connection.close()

    answer = await rig.client.get(
        "/api/v1/exports/samples.csv",
        params={"points": SUPPLY, "from": "2020-01-01T00:00:00Z", "to": "2030-01-02T00:00:00Z"},
    )

    assert answer.status_code >= 500
    assert answer.headers["content-type"] == "application/problem+json"
