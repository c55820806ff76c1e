"""Evidence for the Intelligent Building label: the summary over HTTP, and the signed pack that is the same for ever."""

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.api_rig import ApiRig, eventually, running_api
from tests.support.databases import DatabaseServers
from tests.support.histories import HOUR, MINUTE, T0, Row, logged

from cityhall_bms import export_jobs, label_jobs
from cityhall_bms.adapters.system_clock import SystemClock
from cityhall_bms.api.times import to_rfc3339
from cityhall_bms.domain.alarms import AlarmRaised, AlarmSuppressed, alarm_id, stream_of
from cityhall_bms.domain.errors import RefusedError
from cityhall_bms.domain.events import DeviceLost, DeviceRestored
from cityhall_bms.exports.verification import Verdict
from cityhall_bms.ports.event_log import Append
from cityhall_bms.settings import DatabaseSettings, Settings

NODE, CONTROLLER, PANEL, LIFT = "TCH.01.E.IAQ01", "TCH.B2.CN.ICT01", "TCH.B2.CN.FACP01", "TCH.01.E.ELV01"
PLANT = "TCH.B2.CN.PLT01"
EQUIPMENT = "".join(
    f"{name},{brick},{system},設備,Equipment,,\n"
    for name, brick, system in (
        (NODE, "IAQ_Sensor_Equipment", "environment"), (CONTROLLER, "Controller", "environment"),
        (PANEL, "Fire_Alarm_Control_Panel", "fire"), (LIFT, "Elevator", "lift"),
    )
)  # fmt: skip
POINTS = "".join(
    f"{name}.{role},點,Point,{name},{role},{kind},{unit},ahu-1,{address},{encoding},,,,,,60,,\n"
    for name, role, kind, unit, address, encoding in (
        (NODE, "CO2", "AI", "ppm", "input:40", "uint16"), (CONTROLLER, "Online", "DI", "", "discrete:1", "bool"),
        (PANEL, "Alarm", "DI", "", "discrete:2", "bool"), (LIFT, "CarPos", "AI", "", "input:44", "uint16"),
        (PLANT, "Plant_kW", "AI", "kW", "input:46", "uint16"), (PLANT, "Cool_kW", "AI", "kW", "input:48", "uint16"),
    )
)  # fmt: skip
LABEL = """\
level = "金級 gold"

[[indicator]]
name = "innovation"
text_zh = "創新"
text_en = "Innovation"
evidence = ["rules"]
score = 12
score_max = 15
attachments = ["screens/overview.png"]
"""
PICTURE = b"\x89PNG not really"
MIDNIGHT = T0 - 8 * HOUR
BEGIN, END = "2026-07-01T00:00:00+08:00", "2026-07-02T00:00:00+08:00"

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def building(
    database_servers: DatabaseServers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ApiRig]:
    """A day of good air; the controller was away for six of its hours; a fire alarm recalled the lift."""
    folder = tmp_path_factory.mktemp("label") / "site"
    (folder / "screens").mkdir(parents=True)
    (folder / "screens" / "overview.png").write_bytes(PICTURE)
    (folder / "label.toml").write_text(LABEL, encoding="utf-8")
    async with (
        database_servers.empty_database("postgres") as url,
        running_api(url, folder, POINTS, more_equipment=EQUIPMENT) as rig,
    ):
        profile = folder / "profiles" / "chiller.toml"
        profile.write_text(profile.read_text().replace("input:{equipment}", "input:110"))
        ids = rig.services.ids
        rows: list[Row] = []
        for quarter in range(-32, 97):
            at = MIDNIGHT + quarter * 15 * MINUTE
            online = 0.0 if 24 <= quarter < 48 else 1.0
            rows += [(ids[f"{NODE}.CO2"], at, 600.0, 0), (ids[f"{CONTROLLER}.Online"], at, online, 0)]
            # By night pumps turn and nothing is cooled: 20 kW for twelve hours, 180 kW and 200 RT for the others.
            cool = 703.37 if 32 <= quarter < 80 else 0.0
            power = 180.0 if cool else 20.0
            rows += [(ids[f"{PLANT}.Plant_kW"], at, power, 0), (ids[f"{PLANT}.Cool_kW"], at, cool, 0)]
        await rig.history.store([logged(1, rows)])
        await happened(rig)
        yield rig


async def happened(rig: ApiRig) -> None:
    """What the event log holds: an outage, a fire, and the lift's alarm that it hid."""
    fire, lift = alarm_id("F01", PANEL), alarm_id("L01", LIFT)

    def raised(rule: str, subject: str, system: str) -> AlarmRaised:
        return AlarmRaised(
            rule=rule, rule_version=1, subject=subject, equipment=subject, system=system, priority=1, text_zh="火警",
            text_en="=Fire", latching=False, occurrence=1, observed_at=MIDNIGHT,
        )  # fmt: skip

    await rig.events.append(
        [
            Append("device/ahu-1", [DeviceLost("ahu-1", "no answer", MIDNIGHT + HOUR)], "collector"),
            Append("device/ahu-1", [DeviceRestored("ahu-1", MIDNIGHT + 2 * HOUR, 3600.0)], "collector"),
        ]
    )
    hidden = AlarmSuppressed(at=MIDNIGHT, by=fire, relation="FIRE")
    stored = await rig.events.append(
        [
            Append(stream_of(fire), [raised("F01", PANEL, "fire")], "rules"),
            Append(stream_of(lift), [raised("L01", LIFT, "lift"), hidden], "rules"),
        ]
    )
    await eventually(lambda: rig.services.feed.tail.end >= stored[-1].position)


def settings_of(rig: ApiRig) -> Settings:
    return Settings(data_dir=rig.folder.parent / "var", database=DatabaseSettings(url=rig.dsn))


async def packed(rig: ApiRig, name: str, as_known_at: str, language: str = "en") -> Path:
    out = rig.folder.parent / name
    asked = label_jobs.PackRequest(BEGIN, "2026-12-31", out, language, as_known_at, "auditor")
    told: list[Path] = []
    job = label_jobs.PackJob(rig.folder, settings_of(rig), asked, lambda *paths: told.extend(paths))
    await label_jobs.make(job, SystemClock())
    assert told == [out, out.with_name(f"{name}.manifest.json")]
    return out


def table(pack: Path, name: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(pack) as book:
        data = book.read(name)
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\n") == data.count(b"\r\n")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


async def test_the_summary_names_every_indicator_with_its_figures(building: ApiRig) -> None:
    answer = await building.client.get("/api/v1/label", params={"from": BEGIN, "to": END})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()

    assert found["level"] == "金級 gold", "the site's own"
    assert "2016" in found["edition"], "shipped"
    by_name = {item["name"]: item for item in found["items"]}
    assert list(by_name) == ["cabling", "integration", "management", "safety", "energy", "health", "innovation"]
    facts = {fact["name"]: fact for item in found["items"] for fact in item["facts"]}
    assert (facts["controllers_online"]["value"], facts["controllers_online"]["unit"]) == (75.0, "%")
    assert (facts["devices"]["value"], facts["protocols"]["value"]) == (2.0, 1.0)
    assert facts["air_compliance"]["value"] == 100.0
    assert facts["air_compliance"]["provisional"] is False
    assert facts["plant_efficiency"]["value"] == pytest.approx((180 + 20) / 200, rel=1e-4)
    assert (facts["unmet_cooling_hours"]["value"], facts["unmet_cooling_hours"]["provisional"]) == (None, True)
    assert (by_name["innovation"]["score"], by_name["innovation"]["score_max"]) == (12.0, 15.0)
    assert by_name["health"]["tables"][:2] == ["air-compliance", "air-exceedances"]


async def test_a_pack_is_proven_and_the_same_for_ever(building: ApiRig) -> None:
    known_at = str(to_rfc3339(building.services.clock.now()))
    first = await packed(building, "pack.zip", known_at)
    # A late sample, another alarm, and a sample of air: all of them became known later.
    late: list[Row] = [(building.services.ids[f"{NODE}.CO2"], MIDNIGHT + 7 * MINUTE, 4000.0, 0)]
    await building.history.store([logged(2, late, recorded_at=building.services.clock.now())])
    while await building.history.recompute():
        pass
    position = await building.raise_alarm(alarm_id("F02", PANEL), priority=1)
    body = {"place": "01", "name": "fungi", "value": 10, "sampled_at": "2026-07-01T10:00:00+08:00"}
    assert (await building.client.post("/api/v1/indoor-air/samples", json=body)).status_code == 201
    again = await packed(building, "again.zip", known_at)
    now = await packed(building, "now.zip", "", "zh")

    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != now.read_bytes()
    assert len(table(now, "06-health/air-samples.csv")) == 1
    [key] = settings_of(building).key_folder.glob("public-*.pem")
    assert [check.verdict for check in export_jobs.prove(first, None, key)] == [Verdict.PROVEN] * 4
    events = [event for event in await building.events.read(position, stream="export/") if event.type == "ExportMade"]
    assert [event.payload["format"] for event in events] == ["label-zip"] * 2
    first.write_bytes(first.read_bytes() + b"x")
    assert export_jobs.prove(first, None, key)[0].verdict is Verdict.FALSE


async def test_a_pack_holds_what_proves_each_indicator_and_an_index_of_it(building: ApiRig) -> None:
    pack = await packed(building, "whole.zip", "")
    manifest = json.loads(pack.with_name("whole.zip.manifest.json").read_text())

    with zipfile.ZipFile(pack) as book:
        names = book.namelist()
        assert book.read("07-innovation/attachments/overview.png") == PICTURE
    assert names[-1] == "index.csv"
    index = table(pack, "index.csv")
    assert [row["File"] for row in index] == [file["name"] for file in manifest["files"]] == names[:-1]
    assert [row["SHA-256"] for row in index] == [file["sha256"] for file in manifest["files"]]
    [outage] = table(pack, "01-cabling/outages.csv")
    assert (outage["Device"], outage["Seconds"], outage["Reason"]) == ("ahu-1", "3600", "no answer")
    assert outage["Lost (local)"] == "2026-07-01T01:00:00.000000+08:00"
    assert outage["Lost ROC date"] == "115-07-01"
    safety = {(row["Event"], row["Equipment"]): row for row in table(pack, "04-safety/safety-linkage.csv")}
    assert safety["AlarmRaised", PANEL]["Text (en)"] == "'=Fire", "no spreadsheet takes it for a formula"
    assert safety["AlarmSuppressed", LIFT]["Suppressed as"] == "FIRE"
    assert ("AlarmRaised", LIFT) not in safety, "a lift's own alarm is no linkage"
    [compliance] = table(pack, "06-health/air-compliance.csv")
    assert (compliance["Node"], compliance["Limit"], compliance["Source"][:10]) == (NODE, "1000", "Indoor Air")
    days = [row for row in table(pack, "01-cabling/controllers.csv") if row["Value"]]
    assert (days[0]["Value"], days[0]["Unit"]) == ("75", "%")
    assert {"edition", "in_force", "events", "software"} <= manifest.keys()


@pytest.mark.parametrize(
    ("begin", "end", "as_known_at"),
    [("2026-07-02", "2026-07-01", ""), ("2020-01-01", "2026-01-01", ""), ("2026-07-01", "2026-07-02", "2199-01-01")],
)
async def test_a_question_that_makes_no_sense_is_refused(
    building: ApiRig, begin: str, end: str, as_known_at: str
) -> None:
    asked = label_jobs.PackRequest(begin, end, Path("x.zip"), "en", as_known_at)
    with pytest.raises(RefusedError):
        label_jobs.question_of(asked, building.services.site, building.services.clock.now())
