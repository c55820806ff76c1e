"""Reports over the interface: asked for, made with files and manifests, previewed; refused in words."""

import asyncio
import hashlib
from typing import Any

from tests.support.api_rig import DEADLINE_S, ApiRig

from cityhall_bms.adapters.postgres.connection import open_pool
from cityhall_bms.adapters.postgres.export_store import PostgresExportStore
from cityhall_bms.adapters.report_desk import ReportWriter, find
from cityhall_bms.adapters.signing import Signer
from cityhall_bms.exports.manifest import parse
from cityhall_bms.settings import DatabaseSettings, Settings

PATH = "/api/v1/reports"


async def ask(rig: ApiRig, **body: Any) -> Any:
    order = {"kind": "alarms", "period": "115-10", "formats": ["pdf", "csv"]} | body
    answer = await rig.client.post(PATH, json=order)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{PATH}/{answer.json()['report']}"
    return answer.json()


async def be_made(rig: ApiRig, report: str) -> None:
    """What the process does that the keeper starts."""
    settings = Settings(data_dir=rig.folder / "data", database=DatabaseSettings(url=rig.dsn))
    services, signer = rig.services, Signer.load_or_create(settings.key_folder)
    pool = await open_pool(rig.dsn)
    try:
        settle = PostgresExportStore(pool).settle
        writer = ReportWriter(settings.report_folder, services.reports.maker, services.site, signer, {}, settle)
        await writer.write(await find(rig.events, report), rig.events, services.clock)
    finally:
        pool.terminate()


async def listed(rig: ApiRig) -> dict[str, str]:
    """States of all reports, once the list reflects what was made."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            items = (await rig.client.get(PATH)).json()["items"]
            if items and items[0]["state"] != "asked":
                return {item["report"]: item["state"] for item in items}
            await asyncio.sleep(0.05)


async def test_a_report_is_asked_for_made_and_fetched_with_its_proof(rig: ApiRig) -> None:
    asked = await ask(rig)
    assert (asked["state"], asked["period"], asked["period_text"]["zh"]) == ("asked", "115-10", "115 年 10 月")
    early = await rig.client.get(f"{PATH}/{asked['report']}/files/pdf")
    assert early.status_code == 409

    await be_made(rig, asked["report"])

    made = (await rig.client.get(f"{PATH}/{asked['report']}")).json()
    assert made["state"] == "made"
    assert [file["format"] for file in made["files"]] == ["pdf", "csv"]
    for file in made["files"]:
        data = await rig.client.get(file["file"])
        assert hashlib.sha256(data.content).hexdigest() == file["sha256"]
        assert data.headers["etag"] == f'"{file["sha256"]}"'
        manifest = parse((await rig.client.get(file["manifest"])).text)
        assert manifest["file"]["sha256"] == file["sha256"]
        assert manifest["report"] == asked["report"]
    none = await rig.client.get(f"{PATH}/{asked['report']}/files/xlsx")
    assert none.status_code == 404

    assert await listed(rig) == {asked["report"]: "made"}


async def test_a_preview_is_a_page_that_loads_nothing(rig: ApiRig) -> None:
    answer = await rig.client.get(f"{PATH}/preview", params={"kind": "shift", "period": "115-10-31"})

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "每日值班報表" in answer.text
    assert "警報紀錄：本期沒有資料，不作推估。" in answer.text, "the record began later: unknown is never zero"


async def test_every_kind_can_be_previewed_where_the_site_has_almost_nothing(rig: ApiRig) -> None:
    kinds = (await rig.client.get(f"{PATH}/kinds")).json()["kinds"]
    assert len(kinds) == 8
    periods = {"day": "115-10-31", "month": "115-10", "half-year": "115H1"}
    for sort in kinds:
        asked = {"kind": sort["kind"], "period": periods[sort["periods"][0]], "language": "en"}
        answer = await rig.client.get(f"{PATH}/preview", params=asked)
        assert answer.status_code == 200, (sort["kind"], answer.text)


async def test_what_makes_no_sense_is_refused_in_words(rig: ApiRig) -> None:
    wrong = [
        ({"kind": "shift"}, 409),  # a month is no day
        ({"period": "115-13"}, 409),
        ({"period": "200H1"}, 202),
        ({"kind": "nothing"}, 422),
        ({"formats": []}, 422),
        ({"as_known_at": "2200-01-01T00:00:00Z"}, 409),
    ]
    for body, status in wrong:
        order = {"kind": "alarms", "period": "115-10"} | body
        answer = await rig.client.post(PATH, json=order)
        assert answer.status_code == status, (body, answer.text)
    assert (await rig.client.get(f"{PATH}/nothing")).status_code == 404
    for path in ("..%2F..%2Fetc", "a/../b"):
        assert (await rig.client.get(f"{PATH}/{path}/files/pdf")).status_code in {404, 422}
